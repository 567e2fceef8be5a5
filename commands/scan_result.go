package commands

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// maxReasons is how many reasons a result names.
const maxReasons = 3

// result is a scan as a difference to what was known before it.
func (w *watch) result(changes []state.Transition) chat.Message {
	n, fixed, agreed := newsOf(changes), w.recorder.saysFixed, w.recorder.agreed
	slices.Sort(fixed)
	slices.Sort(agreed)
	if len(changes) == 0 && len(fixed)+len(agreed) == 0 && w.rec.Complete && w.recorder.lost == 0 {
		return w.nothing()
	}
	m := chat.Say(w.heading(len(changes)))
	if !w.rec.Complete {
		m.Add(chat.P(chat.B("Incomplete: "), "it was ended, or ran out of time: "+strings.Join(blindScan(w.rec).words(), " · ")+". What was not seen is as unknown as before."))
	}
	list := chat.L(n.lines()...)
	if len(fixed) > 0 {
		list.Items = append(list.Items, append(chat.T("◔ ", chat.B(saysFixed(len(fixed))), "; proof from inside is missing: "), nameList(fixed)...))
	}
	if len(agreed) > 0 {
		list.Items = append(list.Items, append(chat.T("◉ ", chat.B(saysFixed(len(agreed))), ", as the proof from inside does: "), nameList(agreed)...))
	}
	list.Items = append(list.Items, w.blind()...)
	if len(list.Items) > 0 {
		m.Add(list)
	}
	m.Add(w.next(n)...)
	return m.With(w.tone(n))
}

func saysFixed(n int) string {
	if n == 1 {
		return "1 newly says that it is fixed"
	}
	return fmt.Sprintf("%d newly say that they are fixed", n)
}

// nothing is the short line when nothing changed.
func (w *watch) nothing() chat.Message {
	t := chat.T("Scan ", chat.C(w.rec.ID), " of ", selected(w.rec.Selection), fmt.Sprintf(": no status changed. %s in %s.", scanCounted(w.rec), w.took()))
	if blind := w.blind(); len(blind) > 0 {
		return chat.Say(chat.P(t), chat.L(blind...))
	}
	return chat.Say(chat.P(t))
}

func (w *watch) heading(changed int) chat.Heading {
	what := "no status changed"
	if changed > 0 {
		what = plural(changed, "server") + " changed"
	}
	return chat.H(drillMark(w.inc)+"Scan ", chat.C(w.rec.ID), " of ", selected(w.rec.Selection), ": ", chat.B(what), chat.D(fmt.Sprintf(" · %s in %s", scanCounted(w.rec), w.took())))
}

func (w *watch) took() string { return seconds(w.rec.Ended.Sub(w.rec.Started)) }

// blind is what the scan could not see.
func (w *watch) blind() []chat.Text {
	var out []chat.Text
	if n := w.rec.NotReached; n > 0 {
		t := append(chat.T("? ", chat.B(blind{silent: n}.words()[0]), ", which proves nothing: "), nameList(w.rec.Unreached[:min(len(w.rec.Unreached), namedAtMost)])...)
		if more := n - namedAtMost; more > 0 {
			t = append(t, chat.T(fmt.Sprintf(" and %d more", more))...)
		}
		out = append(out, t)
	}
	if w.unclear > 0 {
		out = append(out, append(chat.T("? ", chat.B(fmt.Sprintf("%d answered, and it cannot be told", w.unclear)), ": "), w.why()...))
	}
	if w.noURL > 0 {
		out = append(out, chat.T("? ", chat.B(blind{notLooked: w.noURL}.words()[0]), ", for want of a URL: only evidence from inside can tell"))
	}
	if signs := w.recorder.lostSigns; len(signs) > 0 {
		out = append(out, append(chat.T("✖ ", chat.B("signs of an attacker were found and could not be recorded"), ": "), nameList(signs)...))
	}
	if w.recorder.lost > 0 {
		out = append(out, chat.T("! ", plural(w.recorder.lost, "answer")+" could not be recorded: ", chat.C(w.recorder.lostWhy)))
	}
	return out
}

// why are the main reasons, counted.
func (w *watch) why() chat.Text {
	reasons := slices.SortedFunc(maps.Keys(w.reasons), func(a, b string) int { return cmp.Or(cmp.Compare(w.reasons[b], w.reasons[a]), cmp.Compare(a, b)) })
	if len(reasons) > maxReasons+1 { // to name the last one takes no more room than to count it
		reasons = reasons[:maxReasons]
	}
	var t chat.Text
	told := 0
	for i, r := range reasons {
		if i > 0 {
			t = append(t, chat.T("; ")...)
		}
		told += w.reasons[r]
		t = append(t, chat.T(fmt.Sprintf("%d× ", w.reasons[r]), chat.C(r))...)
	}
	if rest := w.unclear - told; rest > 0 {
		t = append(t, chat.T(fmt.Sprintf("; %d× for other reasons", rest))...)
	}
	return t
}

// next is what to do about it.
func (w *watch) next(n news) []chat.Part {
	var what chat.Text
	row := chat.Row()
	switch {
	case len(n.attacked) > 0:
		what = chat.T("disconnect and hunt; a patch clears no sign of an attacker.")
		row.Buttons = append(row.Buttons, press("Signs", w.inc.ID, "server list", "--status", statusWord(n.attacked[0].To)))
	case len(n.reopened)+len(n.regressed) > 0:
		what = chat.T("ask what happened to them: a restored snapshot brings the old keys back too.")
	case len(n.exposed) > 0:
		what = chat.T("patch or disconnect what is exposed, reachable from the internet first.")
	case !w.rec.Complete:
		what = chat.T("scan again for the rest.")
	case len(w.recorder.saysFixed) > 0:
		what = chat.T(checks.SettleInside + ".")
	}
	if len(n.exposed)+len(n.regressed)+len(n.reopened) > 0 {
		row.Buttons = append(row.Buttons, press("Exposed", w.inc.ID, "server list", "--status", "exposed"))
	}
	if len(n.attacked)+len(n.reopened)+len(n.regressed)+len(n.exposed)+len(n.other) > 0 {
		row.Buttons = append(row.Buttons, press("Each change", w.inc.ID, "scan show", w.rec.ID), press("CSV", w.inc.ID, "scan show", "--csv", w.rec.ID))
	}
	if !w.rec.Complete {
		row.Buttons = append(row.Buttons, press("Scan again", w.inc.ID, "scan", w.again()...))
	}
	var out []chat.Part
	if len(what) > 0 {
		out = append(out, chat.P(chat.B("Next: "), what))
	}
	out = append(out, chat.N("A look from outside proves no server remediated."))
	if len(row.Buttons) > 0 {
		out = append(out, row)
	}
	return out
}

// again are the words that choose the same servers.
func (w *watch) again() []string {
	kind, name, _ := strings.Cut(w.rec.Selection, " ")
	switch kind {
	case "server":
		return []string{name}
	case "owner", "group", "farm":
		return []string{"--" + kind, name}
	}
	return nil
}

func (w *watch) tone(n news) chat.Tone {
	switch {
	case len(n.attacked)+len(n.reopened)+len(n.regressed)+len(n.exposed)+len(w.recorder.lostSigns) > 0:
		return chat.ToneBad
	case !w.rec.Complete, w.recorder.lost > 0:
		return chat.ToneWarn
	}
	return chat.ToneNeutral
}
