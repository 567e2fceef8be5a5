package chart

import (
	"fmt"
	"strings"
	"time"
)

// untitled is the title of a picture whose title says nothing.
const untitled = "Burn-down"

// maxAltTitle bounds the title inside an alternative text.
const maxAltTitle = 120

// Alt is the picture in words: one or two sentences for those who cannot see it, in
// plain text, always below 600 runes. Discord takes 1,024, Slack 2,000.
func (b BurnDown) Alt() string {
	title := clean(b.Title, maxAltTitle)
	if title == "" {
		title = untitled
	}
	s := b.series()
	if s.empty() {
		return title + ": no measurements yet, so nothing is known about the servers."
	}
	last, end := s.last(), moment(s.until, b.zone())
	if last.total() == 0 {
		return fmt.Sprintf("%s: no servers in scope at %s.", title, end)
	}
	return fmt.Sprintf("%s: %s at %s%s.%s", title, verdict(last.tally), end, breakdown(last.tally), b.history(s))
}

func verdict(t tally) string {
	if t.left() == 0 {
		return fmt.Sprintf("all %s confirmed", plural(t.total()))
	}
	return fmt.Sprintf("%s of %s not confirmed", number(t.left()), plural(t.total()))
}

func plural(n int) string {
	if n == 1 {
		return "1 server"
	}
	return number(n) + " servers"
}

// breakdown lists the groups that are not confirmed and not empty, worst first.
func breakdown(t tally) string {
	var parts []string
	for g, n := range t[:confirmed] {
		if n > 0 {
			parts = append(parts, number(n)+" "+strings.ToLower(groupNames[g]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// history says where the line came from, and its peak when it rose.
func (b BurnDown) history(s series) string {
	first, worst := s.first(), s.worst()
	if len(s.samples) == 1 {
		return " This is the only measurement."
	}
	text := fmt.Sprintf(" At the start, %s, it was %s of %s",
		moment(first.at, b.zone()), number(first.left()), number(first.total()))
	if worst.left() > first.left() {
		text += fmt.Sprintf("; the most was %s on %s", number(worst.left()), moment(worst.at, b.zone()))
	}
	return text + "."
}

func moment(t time.Time, zone *time.Location) string {
	return clean(t.In(zone).Format("2 Jan 2006 15:04 MST"), 40)
}
