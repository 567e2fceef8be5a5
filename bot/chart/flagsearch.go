package chart

import "slices"

// flagBudget bounds the search for places. A handful of marks is solved well
// within it; with many, what was found until then is used.
const flagBudget = 4000

// The costs of a place, which the search keeps low.
const (
	costUnlabeled = 1000
	costCut       = 50 // for each width that the label did not get
	costLane      = 3
	costLeft      = 1
)

// option is a place that a flag may have, and what it costs.
type option struct {
	flag
	cost int
}

// flagSearch is a depth-first search with bounds: each mark has options,
// best first, the last one being a line without a label.
type flagSearch struct {
	left, right float64
	options     [][]option
	budget      int
	best        []flag
	cheapest    int
}

// add lists the options of the next mark. Marks that are added first are served first.
func (s *flagSearch) add(x int, label string) {
	var out []option
	text, shown := drawable(label), ""
	for cut, width := range flagWidths {
		if !says(text) {
			break
		}
		if before := shown; before == flagStyle.fit(text, width) {
			continue
		}
		shown = flagStyle.fit(text, width)
		out = append(out, s.sides(x, shown, cut*costCut)...)
	}
	slices.SortStableFunc(out, func(a, b option) int { return a.cost - b.cost })
	cost := costUnlabeled
	if len(s.options) == 0 {
		cost *= 2 // the latest mark is the news
	}
	s.options = append(s.options, append(out, option{flag{x: x}, cost}))
}

// sides are the places of a label that are inside the plot: right of its line or left of it.
func (s *flagSearch) sides(x int, label string, cost int) []option {
	width := flagStyle.width(label)
	var out []option
	for i, left := range []float64{float64(x) + flagGap, float64(x) - flagGap - width} {
		if left < s.left || left+width > s.right {
			continue
		}
		for lane := range maxLanes {
			f := flag{x: x, label: label, lane: lane, left: left, right: left + width}
			out = append(out, option{f, cost + lane*costLane + i*costLeft})
		}
	}
	return out
}

// try places the next flag in each way that is free, and the others after it.
func (s *flagSearch) try(placed []flag, cost int) {
	if len(placed) == len(s.options) {
		s.best, s.cheapest = slices.Clone(placed), cost
		return
	}
	for _, o := range s.options[len(placed)] {
		if cost+o.cost >= s.cheapest || s.budget <= 0 && s.best != nil {
			return
		}
		s.budget--
		if o.label == "" || !slices.ContainsFunc(placed, func(f flag) bool { return f.label != "" && f.meets(o.flag) }) {
			s.try(append(placed, o.flag), cost+o.cost)
		}
	}
}
