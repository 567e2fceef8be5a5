package chart

import "slices"

// step is a tally that is drawn from a column on, up to the next step.
type step struct {
	column int
	tally
}

// cell is the width in pixels of the pieces in which samples are thinned out. It is
// also the most samples that a piece keeps, so that each has a column of its own.
const cell = 4

// steps maps a series to columns, in order, each column once. Samples
// that would fall into one column are thinned out by extremes.
func steps(s series, sc scale) []step {
	var out, in []step
	for i := 0; i < len(s.samples); {
		piece := sc.column(s.samples[i].at) / cell
		in = in[:0]
		for ; i < len(s.samples) && sc.column(s.samples[i].at)/cell == piece; i++ {
			in = append(in, step{sc.column(s.samples[i].at), s.samples[i].tally})
		}
		out = append(out, spread(extremes(in), piece*cell)...)
	}
	return out
}

// extremes keeps, of steps that compete for columns, the one with the most and
// the one with the least left, the one with the most compromised, and the last.
func extremes(in []step) []step {
	if distinct(in) {
		return in
	}
	most, least, worst, last := 0, 0, 0, len(in)-1
	for i, st := range in {
		if st.left() > in[most].left() {
			most = i
		}
		if st.left() <= in[least].left() {
			least = i
		}
		if st.tally[compromised] > in[worst].tally[compromised] {
			worst = i
		}
	}
	keep := []int{most, least, worst, last}
	slices.Sort(keep)
	out := make([]step, 0, cell)
	for _, i := range slices.Compact(keep) {
		out = append(out, in[i])
	}
	return out
}

// distinct says whether steps in order have a column each.
func distinct(in []step) bool {
	for i := 1; i < len(in); i++ {
		if in[i].column == in[i-1].column {
			return false
		}
	}
	return true
}

// spread gives each of at most cell steps a column of its own inside the piece
// that begins at first, as near to where it belongs as there is room.
func spread(in []step, first int) []step {
	for i := range in {
		if i > 0 {
			in[i].column = max(in[i].column, in[i-1].column+1)
		}
		in[i].column = min(in[i].column, first+cell-(len(in)-i))
	}
	return in
}

// minBand is the least height in pixels of a band that holds a server.
const minBand = 4

// heights shares out the pixels of a column: proportional to the counts, never
// nothing for a group that holds a server. What that costs is taken from the
// largest groups, so that the sum stays that of the total where it can.
func (t tally) heights(scope, pixels int) [groups]int {
	var h [groups]int
	if scope == 0 {
		return h
	}
	px := func(n int) int { return (n*pixels + scope/2) / scope }
	below, over := 0, 0
	for g, n := range t {
		h[g] = px(below+n) - px(below)
		below += n
		if n > 0 && h[g] < minBand {
			over += minBand - h[g]
			h[g] = minBand
		}
	}
	for ; over > 0 && h[largest(h)] > minBand; over-- {
		h[largest(h)]--
	}
	return h
}

func largest(h [groups]int) int {
	at := 0
	for g := range h {
		if h[g] > h[at] {
			at = g
		}
	}
	return at
}
