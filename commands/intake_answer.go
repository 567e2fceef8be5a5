package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake"
)

// maxRefusedRows is how many refused rows an answer describes; a file has more.
const maxRefusedRows = 8

// message is what came of a report.
func (t *taken) message() chat.Message {
	n := newsOf(t.changes)
	m := chat.Say(t.heading(), chat.P(t.counted()))
	list := chat.L(n.lines()...)
	list.Items = append(list.Items, t.questions()...)
	list.Items = append(list.Items, t.elsewhere()...)
	if len(list.Items) > 0 {
		m.Add(list)
	}
	m.Add(t.refused()...)
	if t.Matched == 0 && t.Foreign.Findings > 0 {
		m.Add(chat.P("Nothing of it is about the inventory. Compare names and addresses with ", chat.C("server list"), "."))
	}
	m.Add(chat.N(fmt.Sprintf("What a report does not list is as unknown as before (%s of the inventory not named in it), and what it calls fixed proves nothing.", plural(t.notListed(), "server"))))
	if row := t.buttons(n); len(row) > 0 {
		m.Add(chat.Row(row...))
	}
	return m.With(t.tone(n))
}

func (t *taken) heading() chat.Heading {
	what := "no status changed"
	if len(t.changes) > 0 {
		what = plural(len(t.changes), "server") + " changed"
	}
	switch {
	case t.call.Values.Bool("dry-run") && len(t.changes) > 0:
		what = plural(len(t.changes), "server") + " would change; nothing was recorded"
	case t.call.Values.Bool("dry-run"):
		what = "no status would change; nothing was recorded"
	case t.already:
		what = "recorded before"
	}
	return chat.H(drillMark(t.inc)+"Report of ", chat.C(string(t.tally.Format)), ": ", chat.B(what))
}

// counted is what was read and what of it says something here.
func (t *taken) counted() chat.Text {
	about := plural(len(t.Servers), "server")
	if k := len(t.WholeFarms); k > 0 {
		about += " and " + plural(k, "farm") + " as a whole"
	}
	text := fmt.Sprintf("%s, %s: %d about %s.", plural(t.tally.Rows, "row"), plural(t.tally.Findings, "finding"), t.Matched, about)
	w := t.recorded
	var parts []string
	for _, p := range []struct {
		n          int
		what, more string
	}{
		{w.open, "report", " of what a rule has seen"}, {w.builds, "build", ""}, {w.questions, "question", ""}, {w.reached, "answer", " from what is said to be disconnected"},
	} {
		if p.n > 0 {
			parts = append(parts, plural(p.n, p.what)+p.more)
		}
	}
	verb := " Recorded: "
	if t.call.Values.Bool("dry-run") {
		verb = " To be recorded: "
	}
	if len(parts) == 0 {
		return chat.T(text, verb+"nothing.")
	}
	return chat.T(text, verb+strings.Join(parts, ", ")+".")
}

// questions are what others may have guessed, and why that is thought.
func (t *taken) questions() []chat.Text {
	var out []chat.Text
	if len(t.recorded.asked) > 0 {
		names := slices.Sorted(maps.Keys(t.recorded.asked))
		out = append(out, append(chat.T("? ", chat.B(plural(len(names), "question")), ", from which nothing is concluded: "), nameList(names)...))
	}
	for i, g := range t.Guesses {
		if i == maxReasons {
			return append(out, chat.T(fmt.Sprintf("? and %d more rules that may be guessing", len(t.Guesses)-i)))
		}
		out = append(out, chat.T("? ", clip(g)))
	}
	return out
}

// elsewhere is what came to nothing, and why.
func (t *taken) elsewhere() []chat.Text {
	var out []chat.Text
	listed := func(what string, l intake.Listed) {
		if l.Findings == 0 {
			return
		}
		count := fmt.Sprint(l.Count)
		if l.More {
			count = "more than " + count
		}
		line := append(chat.T(chat.B(count), " "+what+": "), nameList(l.Names[:min(len(l.Names), namedAtMost)])...)
		if more := l.Count - namedAtMost; more > 0 {
			line = append(line, chat.T(fmt.Sprintf(" and %d more", more))...)
		}
		out = append(out, line)
	}
	listed("that may be of several farms, or whose name and address contradict each other; a question to each farm", t.Ambiguous)
	listed("not in the inventory", t.Foreign)
	listed("retired, and reported all the same", t.Retired)
	for _, l := range []struct {
		n    int
		what string
	}{
		{t.Clean, "called fixed or not vulnerable"},
		{t.Unrelated, "about other vulnerabilities"},
		{t.OtherBuild, "builds of other products"},
		{t.recorded.older, "read before our own last look"},
		{t.recorded.known, "recorded before"},
		{t.Crowded, "left out: too much about one server"},
	} {
		if l.n > 0 {
			out = append(out, chat.T(fmt.Sprintf("%d %s", l.n, l.what)))
		}
	}
	if len(t.lost) > 0 {
		out = append(out, append(chat.T("! ", chat.B("could not be recorded"), " (", clip(t.lostWhy), ") for farm "), nameList(t.lost)...))
	}
	return out
}

// refused are the rows that cannot be, with where they stand.
func (t *taken) refused() []chat.Part {
	if t.tally.Refused == 0 {
		return nil
	}
	lines := make([]string, 0, len(t.tally.Problems))
	for i := range t.tally.Problems {
		lines = append(lines, checks.Clean(t.tally.Problems[i].Error(), 200))
	}
	shown := lines[:min(len(lines), maxRefusedRows)]
	text := strings.Join(shown, "\n")
	if more := t.tally.Refused - len(shown); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	out := []chat.Part{chat.P(chat.B(plural(t.tally.Refused, "row")), " refused:"), chat.Block(text)}
	if !t.call.Values.Has("zone") && strings.Contains(text, "has no zone") {
		out = append(out, chat.P("Say which zone is meant, like ", chat.C("--zone UTC"), "."))
	}
	if len(lines) > len(shown) {
		out = append(out, attached("refused.txt", strings.Join(lines, "\n")))
	}
	return out
}

// notListed is how many servers the report does not name, alone or with their farm.
func (t *taken) notListed() int { return max(0, t.active-len(t.Servers)) }

func (t *taken) buttons(n news) []chat.Button {
	if t.call.Values.Bool("dry-run") {
		return nil
	}
	var out []chat.Button
	if len(n.attacked) > 0 {
		out = append(out, press("Signs", t.inc.ID, "server list", "--status", statusWord(n.attacked[0].To)))
	}
	if len(n.exposed)+len(n.regressed)+len(n.reopened) > 0 {
		out = append(out, press("Exposed", t.inc.ID, "server list", "--status", "exposed"))
	}
	return out
}

func (t *taken) tone(n news) chat.Tone {
	switch {
	case len(n.attacked)+len(n.reopened)+len(n.regressed)+len(n.exposed)+len(t.lost) > 0:
		return chat.ToneBad
	case t.tally.Refused+t.Crowded > 0:
		return chat.ToneWarn
	}
	return chat.ToneNeutral
}
