package state

import (
	"fmt"
	"strings"
	"time"
)

// Hours are a part of each day by the clock on the wall, from a minute up to another,
// over midnight too. The zero value is no part of it.
type Hours struct {
	From, To int // minutes of the day
	Zone     *time.Location
}

// ParseHours reads "22:00-07:00". "" is no hours.
func ParseHours(text, zone string) (Hours, error) {
	if strings.TrimSpace(text) == "" {
		return Hours{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	a, err1 := time.Parse("15:04", strings.TrimSpace(from))
	b, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err1 != nil || err2 != nil || a.Equal(b) {
		return Hours{}, fmt.Errorf("%.40q are no quiet hours: want some like 22:00-07:00", text)
	}
	return Hours{From: a.Hour()*60 + a.Minute(), To: b.Hour()*60 + b.Minute(), Zone: zoneOf(zone)}, nil
}

// End is when the hours that a moment lies in are over; zero: it lies in none.
func (h Hours) End(now time.Time) time.Time {
	if h.From == h.To {
		return time.Time{}
	}
	local := now.In(h.Zone)
	minute := local.Hour()*60 + local.Minute()
	days := 0
	switch {
	case h.From < h.To && (minute < h.From || minute >= h.To), h.From > h.To && minute < h.From && minute >= h.To:
		return time.Time{}
	case h.From > h.To && minute >= h.From:
		days = 1
	}
	y, m, d := local.Date()
	end := time.Date(y, m, d+days, h.To/60, h.To%60, 0, 0, h.Zone)
	for !end.After(now) { // the clocks were moved
		end = end.Add(time.Hour)
	}
	return end.UTC()
}

// QuietUntil is when all of several hours are over, for a moment that lies in any of
// them; zero: it lies in none, or they never are.
func QuietUntil(all []Hours, now time.Time) time.Time {
	at := now
	for range 2*len(all) + 1 {
		moved := false
		for _, h := range all {
			if end := h.End(at); !end.IsZero() {
				at, moved = end, true
			}
		}
		switch {
		case !moved && at.Equal(now):
			return time.Time{}
		case !moved:
			return at
		}
	}
	return time.Time{} // between them they leave no minute of the day
}
