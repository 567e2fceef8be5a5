package state

import "slices"

// Compact drops evidence that no assessment can depend on: within an unbroken
// run of equal observations by one source, what lies between the first of each
// epoch and the last. An epoch ends whenever anything in the farm is observed to
// change. The audit record keeps everything.
func Compact(evidence []Evidence) []Evidence {
	es := slices.Clone(evidence)
	slices.SortFunc(es, byObservation)
	type key struct {
		subject    Subject
		kind       Kind
		source     Source
		tool       string
		by, second PersonID
	}
	type last struct {
		index, epoch int // of the newest kept
		first        bool
	}
	epoch := 0
	seen := map[key]last{}
	reach := map[key]int{} // of looks only the last of each value tells anything
	drop := make([]bool, len(es))
	for i, e := range es {
		k := key{e.Subject, e.Kind, e.Source, e.Tool, e.By, e.Second}
		if e.Kind == KindReach {
			k.tool = e.Value
			if j, ok := reach[k]; ok {
				drop[j] = true
			}
			reach[k] = i
			continue
		}
		l, ok := seen[k]
		if !ok || !sameSaying(es[l.index], e) {
			epoch++
			seen[k] = last{i, epoch, true}
			continue
		}
		if l.epoch == epoch && !l.first {
			drop[l.index] = true
		}
		seen[k] = last{i, epoch, l.epoch != epoch}
	}
	out := es[:0]
	for i, e := range es {
		if !drop[i] {
			out = append(out, e)
		}
	}
	return out
}

// sameSaying reports whether y only repeats x.
func sameSaying(x, y Evidence) bool {
	return x.Value == y.Value && x.At.Equal(y.At) && x.From.Equal(y.From) && x.To.Equal(y.To)
}
