package intake

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// withZone and withoutZone are the forms in which reports write a time. A zone by its
// letters is taken only when it is UTC: what others mean is a guess.
func withZone() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700",
		"2006-01-02 15:04:05 MST", time.RFC1123, time.RFC1123Z,
	}
}

func withoutZone() []string {
	return []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.ANSIC, time.DateOnly}
}

// moment reads a time. zone is that of times which carry none; nil: they are refused.
func moment(s string, zone *time.Location) (at time.Time, why string) {
	s = strings.TrimSpace(s)
	if s == "" {
		return at, "it has no time of observation"
	}
	if carriesZone(s) {
		for _, layout := range withZone() {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), ""
			}
		}
		return at, quoted(s) + " is not a time like 2025-07-22T10:00:00Z"
	}
	in := zone
	if zone == nil {
		in = time.UTC
	}
	for _, layout := range withoutZone() {
		t, err := time.ParseInLocation(layout, s, in)
		switch {
		case err != nil:
		case zone == nil:
			return at, fmt.Sprintf("the time %s has no zone: say which is meant", quoted(s))
		default:
			return t.UTC(), ""
		}
	}
	return at, quoted(s) + " is not a time like 2025-07-22T10:00:00Z"
}

func carriesZone(s string) bool {
	return strings.HasSuffix(s, "Z") || strings.HasSuffix(s, " UTC") || strings.HasSuffix(s, " GMT") || len(s) > 10 && strings.ContainsAny(s[10:], "+-")
}

// epoch reads seconds since 1970.
func epoch(s string) (time.Time, string) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	switch {
	case s == "":
		return time.Time{}, "it has no time of observation"
	case err != nil || n <= 0 || n > 1<<35:
		return time.Time{}, quoted(s) + " is not a time in seconds"
	}
	return time.Unix(n, 0).UTC(), ""
}
