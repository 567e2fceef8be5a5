package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// listItems takes the newest list of each inside source together: an item is
// forgotten only when every source that lists them has dropped it.
func (a *assessor) listItems() {
	type lister struct {
		source Source
		tool   string
	}
	lists := a.by[subjectKind{Subject{}, KindItems}]
	newest := map[lister]time.Time{}
	for _, e := range lists {
		newest[lister{e.Source, e.Tool}] = e.Observed
	}
	for _, e := range lists {
		if !e.Source.Inside() || !e.Observed.Equal(newest[lister{e.Source, e.Tool}]) {
			continue
		}
		for line := range strings.Lines(e.Value) {
			if name := strings.TrimSpace(line); name != "" && !slices.Contains(a.items, name) {
				a.items = append(a.items, name)
			}
		}
	}
	slices.Sort(a.items)
	a.itemsKnown = len(a.items) > 0
}

// unlisted tells which items were listed from inside once and are not any more.
func (a *assessor) unlisted() []string {
	var gone []string
	last := map[string]time.Time{}
	for _, e := range a.by[subjectKind{Subject{}, KindItems}] {
		if !e.Source.Inside() {
			continue
		}
		for line := range strings.Lines(e.Value) {
			if name := strings.TrimSpace(line); name != "" && !slices.Contains(a.items, name) {
				if last[name].IsZero() {
					gone = append(gone, name)
				}
				last[name] = e.Observed
			}
		}
	}
	slices.Sort(gone)
	what := cmp.Or(a.rules.Item, "item")
	for i, name := range gone {
		if i == maxUnlisted {
			return append(gone[:i], fmt.Sprintf("and %d more that are not listed any more", len(gone)-i))
		}
		gone[i] = fmt.Sprintf("%s %s was listed until %s and is not any more; nothing is asked of it", what, name, stamp(last[name]))
	}
	return gone
}

// maxUnlisted is how many items that are not listed any more are named.
const maxUnlisted = 3

// subjects are the ones that a step is about in this farm.
func (a *assessor) subjects(st Step) []Subject {
	out, ok := a.concerned[st.ID]
	if !ok {
		out = a.listSubjects(st)
		a.concerned[st.ID] = out
	}
	return out
}

func (a *assessor) listSubjects(st Step) []Subject {
	switch st.Scope {
	case ScopeFarm:
		return []Subject{{}}
	case ScopeItem:
		var out []Subject
		for _, i := range a.items {
			out = append(out, Subject{Item: i})
		}
		return out
	}
	var out []Subject
	for _, s := range a.active {
		if a.applies(st, s) {
			out = append(out, Subject{Server: s.Name})
		}
	}
	return out
}

// applies reports whether a server must prove a server's step. It must, unless
// its product is known and not concerned, or the step is for compromised servers
// and there was never a sign.
func (a *assessor) applies(st Step, s Server) bool {
	if st.Need == NeedCompromised {
		if hit := a.lastHit(s.Name); hit == nil {
			return false
		}
	}
	if len(st.Products) == 0 {
		return true
	}
	// Only inside evidence can excuse a server from a step: a header may lie.
	seen := a.inside[s.Name]
	return len(seen) == 0 || slices.ContainsFunc(seen, func(p string) bool { return slices.Contains(st.Products, p) })
}

// listProducts notes which products the evidence says each server may be, from
// inside and from outside (under "" for the address that a farm shares).
func (a *assessor) listProducts() {
	for k, es := range a.by {
		if k.subject.Item != "" || k.kind != KindBuild && !slices.Contains(a.fixKinds, k.kind) {
			continue // a number in other evidence must not excuse a server from a step
		}
		for _, e := range es {
			p := a.judgeValue(e.Value).Product
			if p == "" || !a.affected(p) {
				continue
			}
			if !e.Source.Inside() {
				a.out[k.subject.Server] = append(a.out[k.subject.Server], p)
			} else {
				a.inside[k.subject.Server] = append(a.inside[k.subject.Server], p)
			}
		}
	}
	for _, m := range []map[string][]string{a.inside, a.out} {
		for s, ps := range m {
			slices.Sort(ps)
			m[s] = slices.Compact(ps)
		}
	}
}

func (a *assessor) affected(product string) bool {
	p, _ := a.productByID(product)
	return p.Affected
}

func (a *assessor) productByID(id string) (Product, bool) {
	i := slices.IndexFunc(a.rules.Products, func(p Product) bool { return p.ID == id })
	if i < 0 {
		return Product{}, false
	}
	return a.rules.Products[i], true
}
