package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

const (
	shownCampaigns = 3 // in the answer to a hunt
	shownGaps      = 3
)

// message is what came of a hunt.
func (b *bag) message() (chat.Message, error) {
	n := newsOf(b.changes)
	m := chat.Say(b.heading(), chat.P(b.counted()))
	list := chat.L(n.lines()...)
	list.Items = append(list.Items, b.verdicts()...)
	list.Items = append(list.Items, b.strangers()...)
	m.Add(list)
	var traffic []hunt.Traffic
	for _, r := range b.reports {
		traffic = append(traffic, r.Traffic...)
	}
	clusters := hunt.Clusters(traffic)
	for _, c := range clusters[:min(len(clusters), shownCampaigns)] {
		m.Add(chat.P(chat.B("Campaign "), chat.C(c.ID), ": ", chat.C(c.Text(len(b.servers)))))
	}
	if len(traffic) > 0 {
		data, err := TrafficCSV(traffic)
		if err != nil {
			return m, fmt.Errorf("write the traffic: %w", err)
		}
		m.Add(chat.Attachment{Mark: chat.Mark{TLP: state.TLPAmberStrict}, Name: "attacks.csv", Data: data})
	}
	if !b.pb.Logs.Settles {
		m.Add(chat.P("For this playbook logs are never a clean hunt; what they cover is noted, and proves nothing."))
	}
	if b.pb.Logs.Blind != "" {
		m.Add(chat.N("What logs do not show: ", b.pb.Logs.Blind))
	}
	if !b.call.Values.Bool("dry-run") && len(clusters) > 0 {
		m.Add(chat.Row(press("All campaigns", b.inc.ID, "hunt clusters")))
	}
	return m.With(b.tone(n)), nil
}

func (b *bag) heading() chat.Heading {
	what := "no status changed"
	switch {
	case b.call.Values.Bool("dry-run"):
		what = "nothing was recorded"
	case b.already:
		what = "recorded before"
	case len(b.changes) > 0:
		what = plural(len(b.changes), "server") + " changed"
	}
	return chat.H(drillMark(b.inc)+"Hunt in ", plural(b.files, "log"), " of ", plural(len(b.reports), "server"), ": ", chat.B(what))
}

func (b *bag) counted() string {
	lines := int64(0)
	for _, r := range b.reports {
		lines += r.Lines
	}
	text := fmt.Sprintf("%d lines.", lines)
	if !b.call.Values.Bool("dry-run") {
		text += fmt.Sprintf(" %s recorded", plural(b.recorded, "observation"))
		if b.known > 0 {
			text += fmt.Sprintf(", %d known before", b.known)
		}
		text += "."
	}
	return text
}

// verdicts are what the logs say of the servers, the worst first.
func (b *bag) verdicts() []chat.Text {
	groups := map[string][]hunt.Report{}
	for _, r := range b.reports {
		groups[huntWord(r)] = append(groups[huntWord(r)], r)
	}
	var out []chat.Text
	for _, g := range []struct{ word, sign, what string }{
		{"shell", "✖", "where a web shell answered"},
		{"answered", "!", "with an attack that was not refused"},
		{"odd", "?", "with requests that somebody must look at"},
		{"late", "?", "with an attack that was answered after the server was shown to be fixed"},
		{"gaps", "?", "of which the logs cannot tell all"},
		{"clean", "●", "with nothing found and nothing missing until the last line"},
	} {
		rs := groups[g.word]
		if len(rs) == 0 {
			continue
		}
		var names []string
		for _, r := range rs {
			names = append(names, r.Server)
		}
		out = append(out, append(chat.T(g.sign+" ", chat.B(plural(len(rs), "server")), " "+g.what+": "), nameList(names)...))
		for _, r := range rs[:min(len(rs), maxReasons)] {
			out = append(out, b.told(r, g.word)...)
		}
	}
	return out
}

// huntWord is the worst that a report says.
func huntWord(r hunt.Report) string {
	switch {
	case r.Worst == state.AttackShell:
		return "shell"
	case slices.ContainsFunc(r.Traffic, func(t hunt.Traffic) bool {
		return t.Value == state.AttackAnswered || t.Value == state.AttackKeys
	}):
		return "answered"
	case slices.ContainsFunc(r.Traffic, func(t hunt.Traffic) bool { return t.Value == state.AttackOdd }):
		return "odd"
	case slices.ContainsFunc(r.Traffic, func(t hunt.Traffic) bool { return t.Value == state.AttackLate }):
		return "late"
	case len(r.Gaps) == 0 && len(r.Clean) > 0 && !r.First.IsZero():
		return "clean"
	}
	return "gaps"
}

// told is the reason for a verdict: the worst traffic, and the gaps.
func (b *bag) told(r hunt.Report, word string) []chat.Text {
	var out []chat.Text
	if word != "gaps" && word != "clean" {
		worst := slices.MaxFunc(r.Traffic, func(x, y hunt.Traffic) int { return hunt.Rank(x.Value) - hunt.Rank(y.Value) })
		out = append(out, append(chat.T(chat.C(r.Server), ": "), trafficText(worst)...))
	}
	if r.First.IsZero() {
		return append(out, chat.T(chat.C(r.Server), ": no log of its own; what a front end shows clears nobody"))
	}
	for i, g := range r.Gaps {
		if i == shownGaps {
			return append(out, chat.T(chat.C(r.Server), fmt.Sprintf(": and %d more gaps", len(r.Gaps)-i)))
		}
		out = append(out, chat.T(chat.C(r.Server), ": not seen "+spanWord(g.From, g.To)+", ", chat.C(g.Why)))
	}
	return out
}

// trafficText is one kind of traffic for people.
func trafficText(t hunt.Traffic) chat.Text {
	what := map[string]string{
		state.AttackShell: "web shell answered", state.AttackAnswered: "attack answered", state.AttackKeys: "posts to pages, as with stolen keys",
		state.AttackLate: "answered when already fixed", state.AttackOdd: "look at", state.AttackAttempt: "attempts refused", state.AttackContact: "a known address came by",
	}[t.Value]
	out := chat.T(what+" ", chat.C(strings.TrimSpace(t.Method+" "+t.Path)), " ("+t.Rule+"), answers "+answersOf(t)+", from ",
		chat.C(fewOf(t.Sources, 3)), ", "+spanWord(t.First, t.Last))
	if t.More > 0 {
		out = append(out, chat.T(fmt.Sprintf(", %d more addresses", t.More))...)
	}
	if t.Doubt != "" {
		out = append(out, chat.T("; unsure, for the log lacks ", chat.C(t.Doubt))...)
	}
	if t.Front {
		out = append(out, chat.T("; only a front end saw it")...)
	}
	return out
}

func spanWord(from, to time.Time) string {
	a, z := from.UTC().Format("2006-01-02 15:04"), to.UTC().Format("2006-01-02 15:04")
	if a == z {
		return a + " UTC"
	}
	return a + " to " + z + " UTC"
}

// strangers are what nothing could be made of.
func (b *bag) strangers() []chat.Text {
	var out []chat.Text
	if len(b.strange) > 0 {
		out = append(out, append(chat.T("? logs of what is not in the inventory, of which nothing was recorded: "), nameList(b.strange)...))
	}
	if len(b.retired) > 0 {
		out = append(out, append(chat.T("? logs of retired servers: "), nameList(b.retired)...))
	}
	for i, f := range b.broken {
		if i == maxReasons {
			out = append(out, chat.T(fmt.Sprintf("! and %d more logs that cannot be read", len(b.broken)-i)))
			break
		}
		out = append(out, chat.T("! not read: ", chat.C(f.Name), " of ", chat.C(f.Server), ": ", chat.C(f.Problem)))
	}
	if len(b.left) > 0 {
		out = append(out, append(chat.T(fmt.Sprintf("%s not called like logs, left out: ", plural(len(b.left), "file"))), nameList(b.left)...))
	}
	if len(b.lost) > 0 {
		out = append(out, append(chat.T("! ", chat.B("could not be recorded"), " (", clip(b.lostWhy), ") for farm "), nameList(b.lost)...))
	}
	return out
}

func (b *bag) tone(n news) chat.Tone {
	words := map[string]bool{}
	for _, r := range b.reports {
		words[huntWord(r)] = true
	}
	switch {
	case words["shell"] || words["answered"] || len(n.attacked)+len(n.reopened)+len(b.lost) > 0:
		return chat.ToneBad
	case len(words) == 1 && words["clean"] && len(b.broken)+len(b.strange) == 0:
		return chat.ToneGood
	}
	return chat.ToneWarn
}

// trafficOf is the attack traffic that is on record for a farm, the newest of each kind.
func trafficOf(f state.FarmState) []hunt.Traffic {
	newest := map[string]hunt.Traffic{}
	for _, e := range f.Evidence {
		t, ok := hunt.ParseTraffic(e)
		k := e.Subject.Server + "\x00" + e.Tool + "\x00" + e.Value
		if old, there := newest[k]; ok && (!there || t.Last.After(old.Last)) {
			newest[k] = t
		}
	}
	var out []hunt.Traffic
	for _, k := range slices.Sorted(maps.Keys(newest)) {
		out = append(out, newest[k])
	}
	return out
}
