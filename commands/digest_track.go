package commands

import (
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// track is the verdict in a sentence. It follows from the facts and the estimate
// alone, the worst one first.
func (f outlook) track() (chat.Text, chat.Tone) {
	sentence, tone := f.verdict()
	if f.counts.Open() == 0 {
		return sentence, tone
	}
	word, tone := "On track", chat.ToneNeutral
	why, bad := f.off()
	switch {
	case bad:
		word, tone = "Off track", chat.ToneBad
	case why != "":
		word, tone = "At risk", chat.ToneWarn
	default:
		why = "no server is exposed, suspected or unknown"
	}
	return append(chat.T(chat.B(word+": "), why+". "), sentence...), tone
}

// off is why it is not on track, "" if it is; bad: it is off, and not only at risk.
func (f outlook) off() (why string, bad bool) {
	open, due := f.counts.Open(), f.inc.Deadline()
	n := func(s state.Status) int { return f.counts.Status[s] }
	past, known := f.dayAgo()
	known = known && !past.At.After(f.now.Add(-24*time.Hour))
	signs, exposed := n(state.StatusCompromised)+n(state.StatusSuspected), n(state.StatusExposed)
	moved := n(state.StatusConfirmed) - past.Counts.Status[state.StatusConfirmed]
	late := !due.IsZero() && f.now.After(due)
	all := f.forecast.all
	day := due.Add(-time.Second).In(f.inc.Location()).Format("2 Jan 2006") // a deadline at midnight is of the day before
	switch {
	case signs > 0:
		return plural(signs, "server") + " with signs of an attacker", true
	case late:
		what := are(open, "server") + " open"
		if exposed > 0 {
			what = are(exposed, "server") + " exposed"
		}
		return what + ", and it was due on " + day, true
	case known && open > past.Counts.Open():
		return fmt.Sprintf("%d more servers open than a day ago", open-past.Counts.Open()), true
	case !due.IsZero() && all.early.After(due):
		return "at this pace it is not done by " + day, true
	case exposed > 0:
		return are(exposed, "server") + " exposed", false
	case n(state.StatusUnknown) > 0:
		return "nothing is known of " + plural(n(state.StatusUnknown), "server"), false
	case !due.IsZero() && !all.early.IsZero() && (all.late.IsZero() || all.late.After(due)):
		return "at this pace it may not be done by " + day, false
	case known && moved <= 0:
		return "no server was confirmed in a day", false
	case f.stale():
		return "no complete scan of all servers in a day", false
	}
	return "", false
}

// expected is the estimate in words: a band, who decides it, or why there is none.
func (f outlook) expected() []chat.Part {
	e := f.forecast
	if e.open == 0 {
		return nil
	}
	over := "in the last " + span(e.over)
	t := chat.T(chat.B("Estimate: "))
	switch {
	case e.points < leastPoints:
		t = append(t, chat.T(fmt.Sprintf("cannot be told. Servers were finished in %s of an hour %s; %d are needed.", plural(e.points, "quarter"), over, leastPoints))...)
	case len(e.blocks) > 0:
		t = append(t, chat.T("cannot be told because of ", blockers(e.blocks), ": nothing, or too little, was finished there ", over, ".")...)
		if !e.rest.early.IsZero() {
			t = append(t, chat.T(" Without that: ", e.rest.words(f.now), ".")...)
		}
	case e.all.early.IsZero():
		t = append(t, chat.T("no end can be told: at the pace ", over, " it takes more than 90 days, or as much opens again as is finished. ", decides(e), ".")...)
	default:
		t = append(t, chat.T("nothing is open ", e.all.words(f.now), ", at the pace ", over, "; then two persons declare it.")...)
		if e.rest != e.all && !e.rest.early.IsZero() {
			t = append(t, chat.T(" ", decides(e), "; without that: ", e.rest.words(f.now), ".")...)
		}
	}
	return []chat.Part{chat.P(t)}
}

func decides(e forecast) chat.Text {
	return append(groupWords(e.last), chat.T(" decides")...)
}

func groupWords(l lane) chat.Text {
	name := chat.C(l.group)
	if l.group == "" {
		name = chat.Span{Text: "what has no group"}
	}
	return chat.T(name, fmt.Sprintf(" (%d open)", l.open))
}

// blockers names the first of them.
func blockers(ls []lane) chat.Text {
	var t chat.Text
	for i, l := range ls[:min(3, len(ls))] {
		if i > 0 {
			t = append(t, chat.T(", ")...)
		}
		t = append(t, groupWords(l)...)
	}
	if more := len(ls) - 3; more > 0 {
		t = append(t, chat.T(fmt.Sprintf(" and %s more", plural(more, "group")))...)
	}
	return t
}

// words are the band, no more exact than it is: in quarters of an hour for today, in
// hours beyond.
func (b band) words(now time.Time) string {
	step := state.Stretch
	if b.early.Sub(now) > 12*time.Hour {
		step = time.Hour
	}
	early := truncate(b.early, step, now)
	if b.late.IsZero() {
		return "not before " + when(early, now) + " " + zoneName(now) + ", and no latest time can be told"
	}
	late := truncate(b.late.Add(step-1), step, now)
	if tail := " " + zoneName(now); !strings.HasSuffix(when(late, now), zoneName(late.In(clockOf(now)))) {
		return "between " + when(early, now) + " and " + when(late, now) + tail
	}
	return "between " + asOf(early.In(clockOf(now))) + " and " + when(late, now) // the clocks are moved before it
}

// truncate cuts a time off as the clock on the wall shows it.
func truncate(t time.Time, step time.Duration, now time.Time) time.Time {
	_, offset := t.In(clockOf(now)).Zone()
	d := time.Duration(offset) * time.Second
	return t.Add(d).Truncate(step).Add(-d)
}
