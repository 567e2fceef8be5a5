package commands

import (
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// when is a moment for people: the time of day if it is of today, else with the date. UTC.
func when(t, now time.Time) string {
	zone := clockOf(now)
	local := t.In(zone)
	out := local.Format("2 Jan 15:04")
	switch {
	case t.IsZero():
		return "never"
	case now.Sub(t) < 20*time.Hour && now.Sub(t) > -20*time.Hour:
		out = local.Format("15:04")
	case local.Year() != now.In(zone).Year():
		out = local.Format("2 Jan 2006 15:04")
	}
	if name := zoneName(local); name != zoneName(now) { // the clocks are moved in between
		out += " " + name
	}
	return out
}

// timeOf is when, for people, with its zone; a chat tells it by the clock of the reader.
func timeOf(t, now time.Time) chat.Span {
	text := when(t, now)
	if !t.IsZero() && zoneName(t.In(clockOf(now))) == zoneName(now) { // else it is told already
		text += " " + zoneName(now)
	}
	return chat.At(t, text)
}

// fullTime is a moment with its date, in UTC.
func fullTime(t time.Time) chat.Span { return chat.At(t, t.UTC().Format("2 Jan 2006 15:04")+" UTC") }

// clockOf is the zone in which times are told beside a moment: the moment's own, and UTC
// when that is the machine's, which no reader knows.
func clockOf(now time.Time) *time.Location {
	if now.Location() == time.Local {
		return time.UTC
	}
	return now.Location()
}

// zoneName is what the clocks of the zone are called at a moment: "UTC", "CEST", and
// "UTC-03" where they have no name.
func zoneName(now time.Time) string {
	name := now.In(clockOf(now)).Format("MST")
	if name[0] == '+' || name[0] == '-' {
		return "UTC" + name
	}
	return name
}

// asOfTime is asOf; a chat tells it by the clock of the reader.
func asOfTime(now time.Time) chat.Span { return chat.At(now, asOf(now)) }

// asOf is a moment with its day and zone.
func asOf(now time.Time) string { return now.In(clockOf(now)).Format("2 Jan 15:04 ") + zoneName(now) }

// ago is how long ago, in one unit.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < 0:
		return "in " + span(-d)
	case d < time.Minute:
		return "just now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// plural counts things: "1 server", "3 servers".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// notDone is an answer that says that nothing was done, or not all that was named:
// as an error, so that a script hears of it too.
func notDone(m chat.Message) error {
	p := &chat.Problem{}
	var lines []string
	for _, part := range m.Parts {
		switch part := part.(type) {
		case chat.Heading:
			lines = append(lines, part.Text.Plain())
		case chat.Para:
			lines = append(lines, part.Text.Plain())
		case chat.Note:
			lines = append(lines, part.Text.Plain())
		case chat.Progress:
			lines = append(lines, part.Legend.Plain())
		case chat.CodeBlock:
			lines = append(lines, strings.Split(part.Text, "\n")...)
		case chat.List:
			for _, i := range part.Items {
				lines = append(lines, i.Plain())
			}
			if part.More > 0 {
				lines = append(lines, fmt.Sprintf("and %d more", part.More))
			}
		case chat.Buttons:
			p.Offer = append(p.Offer, part.Buttons...)
		}
	}
	p.What = strings.Join(lines, "\n")
	return p
}

// firstLineOf is the first line of a text.
func firstLineOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// countsLine is the counts in one line, worst first, without what is not there.
func countsLine(c state.Counts) string {
	var parts []string
	for _, s := range state.Statuses() {
		if n := c.Status[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return "no servers"
	}
	return strings.Join(parts, " · ")
}

// mark is the sign of a status, for those who skim; the word always stands beside it.
func mark(s state.Status) string {
	switch s {
	case state.StatusCompromised:
		return "✖"
	case state.StatusSuspected:
		return "!"
	case state.StatusExposed:
		return "▲"
	case state.StatusUnknown:
		return "?"
	case state.StatusContained:
		return "◇"
	case state.StatusInProgress:
		return "◐"
	case state.StatusReady:
		return "◉"
	case state.StatusConfirmed:
		return "●"
	case state.StatusExcepted:
		return "⊘"
	}
	return "–"
}

// stepMark is the sign of a step's status.
func stepMark(s state.StepStatus) string {
	return map[state.StepStatus]string{
		state.StepOpen: "○", state.StepClaimed: "◔", state.StepVerified: "●",
		state.StepAttested: "◉", state.StepStale: "◌", state.StepExcepted: "⊘",
	}[s]
}

// rowLine is one server in a list: status, name, and the most useful thing to know.
func rowLine(r state.Row) chat.Text {
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name), " "+r.Status.String())
	if r.Claimed && !r.Status.Settled() {
		t = append(t, chat.D(" (claimed)"))
	}
	if r.Contained && r.Status != state.StatusContained {
		t = append(t, chat.D(" (disconnected)"))
	}
	if r.Owner != "" {
		t = append(t, chat.T(" · ", chat.C(r.Owner))...)
	}
	if r.Next != "" {
		t = append(t, chat.T(" · ", nextAction(r.Next))...)
	}
	return t
}

// nextAction is what to do next, in a sentence. What it quotes comes from outside,
// and is shown so.
func nextAction(next string) chat.Text { return quotedNext(next, firstSentence(next)) }

// nextInFull is the same, with all that is advised.
func nextInFull(next string) chat.Text { return quotedNext(next, next) }

func quotedNext(next, plain string) chat.Text {
	for _, what := range []string{"Settle: ", "Hunt and evict: "} {
		if quoted, ok := strings.CutPrefix(next, what); ok {
			return chat.T(what, chat.C(quoted))
		}
	}
	return chat.T(plain)
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i > 0 {
		return s[:i+1]
	}
	return s
}
