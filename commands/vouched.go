package commands

import (
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// vouchedFor says of a step that rests on an attestation who vouched for it, and
// under which reference. Without the evidence it names the first of them alone.
func vouchedFor(st state.StepState, evidence []state.Evidence) chat.Text {
	t := chat.T(chat.C(string(st.By)))
	i := slices.IndexFunc(evidence, func(e state.Evidence) bool { return e.ID == st.Evidence && e.Source == state.SourceAttestation })
	if i < 0 {
		return t
	}
	e := evidence[i]
	if e.Second != "" {
		t = append(t, chat.T(" and ", chat.C(string(e.Second)))...)
	}
	if e.Reference != "" {
		t = append(t, chat.T(", reference ", clip(e.Reference))...)
	}
	return t
}

// setAside tells what was attested as stale and is still said from outside, and what is
// not listed any more.
func setAside(a state.ServerAssessment) []chat.Part {
	var out []chat.Part
	for _, s := range a.Stale {
		out = append(out, chat.P(chat.B("Set aside: "), chat.C(s)))
	}
	for _, s := range a.Unlisted {
		out = append(out, chat.P(chat.B("Not listed: "), clip(s)))
	}
	return out
}

// listed are the steps that an answer about one server lists: all that are asked
// for, and of those that are only advised what has been done.
func listed(a state.ServerAssessment) []state.StepState {
	out := slices.Clone(a.Steps)
	for _, st := range a.Advised {
		if st.Status != state.StepOpen {
			out = append(out, st)
		}
	}
	return out
}
