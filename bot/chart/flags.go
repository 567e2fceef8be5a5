package chart

import (
	"math"
	"slices"
)

const (
	flagHeight = 31 // pixels from one lane of labels to the next
	maxLanes   = 3  // rows of labels
	flagGap    = 7  // pixels between a line and its label
	overhang   = 28 // pixels that a label may be right of the plot
	maxFlags   = 24 // lines in a picture; more would hide the data
)

var (
	flagStyle = style{size: 22, bold: true}

	// flagWidths are the widths in pixels to which a label is cut, best first.
	flagWidths = []float64{330, 275, 230, 190, 150}
)

// flag is a mark on its place: a line at x and, if there is room, a label in a
// lane above the plot, 0 being the lowest.
type flag struct {
	x           int
	label       string // empty: only the line
	lane        int
	left, right float64 // of the label
}

// meets says whether two labelled flags get into each other's way: a label with
// a label, or a label with the line that rises to a lane at or above it.
func (f flag) meets(g flag) bool {
	const air = 4
	crosses := func(label, line flag) bool {
		x := float64(line.x)
		return line.lane >= label.lane && x > label.left-air && x < label.right+air
	}
	overlap := f.lane == g.lane && f.left < g.right+3*air && g.left < f.right+3*air
	return overlap || crosses(f, g) || crosses(g, f)
}

// flags is the result of giving each mark its place.
type flags struct {
	placed    []flag
	lanes     int // rows of labels in use
	unlabeled int // had a label, and no room for it
	outside   int // are not on the axis, or too many
}

// placeFlags finds places between left and right for the marks on the axis.
// When there are too many, the last ones, which are the news, stay.
func placeFlags(marks []Mark, sc scale, left, right int) flags {
	s := flagSearch{left: float64(left), right: float64(right) + overhang, budget: flagBudget}
	for _, m := range latestFirst(marks, sc) {
		s.add(left+sc.column(m.At), m.Label)
	}
	s.cheapest = math.MaxInt
	s.try(nil, 0)

	out := flags{placed: s.best, outside: len(marks) - len(s.options)}
	for i, f := range s.best {
		if f.label != "" {
			out.lanes = max(out.lanes, f.lane+1)
		} else if len(s.options[i]) > 1 {
			out.unlabeled++
		}
	}
	return out
}

func latestFirst(marks []Mark, sc scale) []Mark {
	var on []Mark
	for _, m := range marks {
		if plausible(m.At) && sc.covers(m.At) {
			on = append(on, m)
		}
	}
	slices.SortStableFunc(on, func(a, b Mark) int { return b.At.Compare(a.At) })
	return on[:min(len(on), maxFlags)]
}
