package state

import (
	"slices"
	"time"
)

// maxReadings is of how many different builds, the newest ones, an outside
// observer's readings of one subject are kept: a hostile server can answer with a
// new one each time, and must not fill up the record of its farm.
const maxReadings = 30

// Compact drops evidence that no assessment, from the newest of it on, depends on. Evidence that comes later,
// in the order of observation, is assessed as if nothing had been dropped; what was
// observed earlier and comes late never looks better for it. The audit record keeps
// everything.
//
// Of looks, attacks in logs, indicators and reports from outside, the newest of each value tells all (but see
// keepEarlier). Of builds read from outside, see keepReadings. Of what was seen from inside, a run
// of equal observations is told by its first and last, and by the first after
// anything else that was seen of the same subject: there a step may begin anew.
func Compact(evidence []Evidence) []Evidence {
	c := compaction{trails: map[trail][]int{}, marks: map[Subject][]time.Time{}, attacks: map[Subject][]time.Time{}}
	for i := range evidence {
		c.es = append(c.es, &evidence[i])
	}
	slices.SortFunc(c.es, byObservation)
	c.keep = make([]bool, len(c.es))
	for i, e := range c.es {
		c.trails[trailOf(e)] = append(c.trails[trailOf(e)], i)
	}
	c.keepEnds()
	c.keepBefore()
	// What begins anew after something may be what another step must come after.
	for range 2 {
		c.keepBeginnings()
	}
	var out []Evidence
	for i, e := range c.es {
		if c.keep[i] {
			out = append(out, *e)
		}
	}
	return out
}

// trail is what one source goes on saying about one thing.
type trail struct {
	subject    Subject
	kind       Kind
	source     Source
	tool       string
	by, second PersonID // of attestations: each is the word of other persons
}

func trailOf(e *Evidence) trail {
	t := trail{subject: e.Subject, kind: e.Kind, source: e.Source, tool: e.Tool}
	if e.Source == SourceAttestation {
		t.by, t.second = e.By, e.Second
	}
	return t
}

type compaction struct {
	es     []*Evidence // in order of observation
	keep   []bool
	trails map[trail][]int
	// marks are the moments of what is kept of a subject.
	marks map[Subject][]time.Time
	// attacks are the moments of what keepEarlier kept.
	attacks map[Subject][]time.Time
}

func (c *compaction) keepEnds() {
	for t, idx := range c.trails {
		switch {
		case t.kind == KindReach || t.kind == KindAttack || !t.source.Inside() && t.kind != KindBuild:
			c.keepNewest(idx)
			c.keepEarlier(idx)
		case !t.source.Inside():
			c.keepReadings(t, idx)
		default:
			for _, r := range c.runs(idx) {
				c.keepOne(r[0])
				c.keepOne(r[len(r)-1])
			}
		}
	}
}

func (c *compaction) keepOne(i int) {
	if c.keep[i] {
		return
	}
	c.keep[i] = true
	e := c.es[i]
	if e.Kind == KindReach || e.Kind == KindAttack && !attackSign(e.Value) || !e.Source.Inside() && e.Kind != KindBuild && e.Kind != KindReported {
		return // no step begins anew because of it
	}
	c.marks[e.Subject] = append(c.marks[e.Subject], e.Observed)
	if !e.At.IsZero() {
		c.marks[e.Subject] = append(c.marks[e.Subject], e.At)
	}
}

func (c *compaction) keepNewest(idx []int) {
	newest := map[string]int{}
	for _, i := range idx {
		newest[c.es[i].Value] = i
	}
	for _, i := range newest {
		c.keepOne(i)
	}
}

// keepEarlier keeps of attacks that were answered after the server was fixed those that
// no later one stands for: it began no later and was on record no later. A line that
// moves may pass between the two.
func (c *compaction) keepEarlier(idx []int) {
	type start struct{ at, recorded time.Time }
	var kept []start
	for _, i := range slices.Backward(idx) {
		e := c.es[i]
		if e.Kind != KindAttack || e.Value != AttackLate {
			continue
		}
		s := start{e.At, e.Recorded}
		if s.at.After(e.Observed) {
			s.at = time.Time{} // it is no time, and such an attack is never harmless
		}
		if slices.ContainsFunc(kept, func(k start) bool { return !k.at.After(s.at) && !k.recorded.After(s.recorded) }) {
			continue
		}
		kept = append(kept, s)
		c.keepOne(i)
		c.attacks[e.Subject] = append(c.attacks[e.Subject], s.at)
	}
}

// keepBefore keeps of what was seen from inside the last before each attack that may have
// been answered after the fix: it says whether the server was fixed then.
func (c *compaction) keepBefore() {
	for t, idx := range c.trails {
		if !t.source.Inside() || t.kind == KindReach || t.kind == KindAttack {
			continue
		}
		for _, m := range c.attacks[t.subject] {
			at, _ := slices.BinarySearchFunc(idx, m, func(i int, m time.Time) int { return c.es[i].Observed.Compare(m) })
			if at > 0 {
				c.keepOne(idx[at-1])
			}
		}
	}
}

// keepReadings keeps of an outside observer the newest runs of each build that it
// read, with what it read before and after them: a note that a build is stale holds
// only as long as the observer read nothing else. Each note can settle one run, and
// the next note one more.
func (c *compaction) keepReadings(t trail, idx []int) {
	left := map[string]int{}
	for _, n := range c.es {
		if n.Kind == KindStale && n.Subject == t.subject {
			left[n.Value]++
		}
	}
	builds := 0
	seen := map[string]bool{}
	runs := c.runs(idx)
	for k, r := range slices.Backward(runs) {
		value := c.es[r[0]].Value
		if _, err := ParseVersion(value); err != nil {
			value = "" // all that is no build is one thing: unreadable
		}
		if !seen[value] {
			seen[value], left[value] = true, left[value]+2
			builds++
		}
		if builds > maxReadings || left[value] == 0 {
			continue
		}
		left[value]--
		c.keepOne(r[0])
		c.keepOne(r[len(r)-1])
		if k > 0 {
			c.keepOne(runs[k-1][len(runs[k-1])-1])
		}
		if k+1 < len(runs) {
			c.keepOne(runs[k+1][0])
		}
	}
}

// runs cuts a trail wherever it says something else.
func (c *compaction) runs(idx []int) [][]int {
	var out [][]int
	for k, i := range idx {
		if k == 0 || !sameSaying(c.es[idx[k-1]], c.es[i]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], i)
	}
	return out
}

// keepBeginnings keeps of what was seen from inside the first at and the first
// after each moment of its subject.
func (c *compaction) keepBeginnings() {
	marks := c.marks
	c.marks = map[Subject][]time.Time{}
	for t, idx := range c.trails {
		if !t.source.Inside() || t.kind == KindReach {
			continue
		}
		for _, m := range marks[t.subject] {
			at, _ := slices.BinarySearchFunc(idx, m, func(i int, m time.Time) int { return c.es[i].Observed.Compare(m) })
			for ; at < len(idx); at++ {
				c.keepOne(idx[at])
				if c.es[idx[at]].Observed.After(m) {
					break
				}
			}
		}
	}
}

// sameSaying reports whether y only repeats x.
func sameSaying(x, y *Evidence) bool {
	return x.Value == y.Value && x.At.Equal(y.At) && x.From.Equal(y.From) && x.To.Equal(y.To)
}
