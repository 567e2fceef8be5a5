package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// judge says what one reading means.
func (p *Probe) judge(r reading) state.Judgement {
	if r.like != "" {
		return state.Judgement{Reason: fmt.Sprintf("answers like %s, which is not in this campaign (%s)", r.like, r.detail), Settle: settleInside}
	}
	j := p.plan.Rules.Judge(r.version)
	switch {
	case j.Verdict == state.VerdictFixed:
		j.Reason = "says it is fixed: " + j.Reason
	case j.Verdict == state.VerdictUnknown: // whatever the rules call it: one text for one thing to do
		j.Settle = settleInside
	}
	if c := r.observer.Caveat; c != "" && j.Verdict != state.VerdictVulnerable {
		j.Reason += " (" + c + ")"
	}
	return j
}

// opinion is what readings come to.
type opinion struct {
	reading
	any           bool
	contradiction string
}

// decide finds the reading that counts: of readings that agree the most precise,
// of readings that do not the worst.
func decide(readings []reading) opinion {
	kept := slices.DeleteFunc(slices.Clone(readings), func(r reading) bool {
		return r.like == "" && slices.ContainsFunc(readings, func(o reading) bool {
			return o.like == "" && o.version != r.version && o.version.HasPrefix(r.version)
		})
	})
	if len(kept) == 0 {
		return opinion{}
	}
	worst := slices.MinFunc(kept, worse)
	for _, r := range kept {
		if r.version != worst.version || r.like != worst.like {
			return opinion{worst, true, contradiction(kept, worst)}
		}
	}
	return opinion{worst, true, ""}
}

// worse orders readings: vulnerable, unknown, fixed, and the lower build first.
func worse(a, b reading) int {
	if d := rank(a.judgement.Verdict) - rank(b.judgement.Verdict); d != 0 {
		return d
	}
	return a.version.Compare(b.version)
}

func rank(v state.Verdict) int {
	return slices.Index([]state.Verdict{state.VerdictVulnerable, state.VerdictUnknown, state.VerdictFixed}, v)
}

func contradiction(readings []reading, worst reading) string {
	var said []string
	for _, r := range readings {
		if s := fmt.Sprintf("%s says %s", r.observer.ID, r.value()); !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	return fmt.Sprintf("%s: one of them is stale or false, the worse counts (%s)", strings.Join(said, ", "), worst.value())
}

// value is what was read, for people.
func (r reading) value() string {
	if r.like != "" {
		return r.like
	}
	return r.version.String()
}

// opinion judges what one address showed.
func (v *view) opinion() opinion {
	o := decide(v.readings)
	switch {
	case !o.any:
		o.judgement = state.Judgement{Reason: v.nothing(), Settle: settleInside}
	case o.judgement.Verdict == state.VerdictFixed && len(v.missing) > 0:
		o.judgement.Verdict, o.judgement.Settle = state.VerdictUnknown, "look again; or "+settleInside
		o.judgement.Reason += "; but not every question was answered (" + strings.Join(v.missing, ", ") + ")"
	}
	return o
}

// nothing says why no build was read.
func (v *view) nothing() string {
	if len(v.p.plan.Observers) == 0 {
		return "the plan has no observer"
	}
	if !v.reached {
		return "not reached: " + v.failure
	}
	why := append([]string{"answers, but shows no build (" + strings.Join(v.statuses, ", ") + ")"}, v.missing...)
	return strings.Join(append(why, v.remarks...), "; ")
}

// address labels a view when there are several.
func (v *view) address(of int) string {
	if of < 2 {
		return ""
	}
	return v.end.Address() + ": "
}
