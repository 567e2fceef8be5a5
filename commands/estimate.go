package commands

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Bounds of an estimate.
const (
	leastPoints = 5                                        // stretches with progress, below which nothing is estimated
	lookBack    = 72 * time.Hour                           // how much of the past counts
	horizon     = int(90 * 24 * time.Hour / state.Stretch) // what takes longer has no end in sight
	ownPace     = 20                                       // groups that are looked at one by one; the others together
	courses     = 200                                      // how often the past is drawn anew
)

// band is when something is expected, in eight of ten courses. A zero late: no end
// can be told. The zero band: nothing can be told.
type band struct{ early, late time.Time }

// lane is a group, or several together: what it has open, and what it finished in
// each stretch of the past.
type lane struct {
	group string
	open  int
	done  []int
}

// points is in how many stretches there was progress.
func (l lane) points() int {
	n := 0
	for _, d := range l.done {
		if d > 0 {
			n++
		}
	}
	return n
}

// forecast is when nothing will be open any more, as far as the past tells.
type forecast struct {
	open, points int
	over         time.Duration // the past that was looked at
	all          band
	blocks       []lane // because of which nothing can be told, most open first
	last         lane   // that decides, when it can be told
	rest         band   // without those that block, or without the one that decides
}

// estimate draws the past anew, many times, for all groups at the same times, and
// looks when the last of them is through. It is pure: the same past gives the same
// band. For who made progress in fewer than leastPoints stretches nothing is
// estimated, except together with others like it; for who made none, nothing at all.
func estimate(now, opened time.Time, groups []state.Tally, pace []state.Pace) forecast {
	from := now.Add(-lookBack)
	if from.Before(opened) {
		from = opened
	}
	f := forecast{over: now.Sub(from)}
	from = from.Truncate(state.Stretch)
	n := int(now.Sub(from)/state.Stretch) + 1
	if n < 1 {
		return f
	}
	whole := lane{done: make([]int, n)}
	lanes := map[string]*lane{}
	for _, g := range groups {
		if open := g.Counts.Open(); open > 0 {
			f.open += open
			lanes[g.Name] = &lane{group: g.Name, open: open, done: make([]int, n)}
		}
	}
	for _, p := range pace {
		i := int(p.From.Sub(from) / state.Stretch)
		if p.From.Before(from) || i >= n {
			continue
		}
		whole.done[i] += max(0, p.Done)
		if l := lanes[p.Group]; l != nil {
			l.done[i] += p.Done
		}
	}
	if f.points = whole.points(); f.open > 0 && f.points >= leastPoints {
		f.draw(now, lanes)
	}
	return f
}

func (f *forecast) draw(now time.Time, lanes map[string]*lane) {
	own, blocks := byPace(lanes)
	f.blocks = blocks
	ends := ended(own)
	switch {
	case len(own) == 0:
	case len(blocks) > 0:
		f.rest = bandOf(now, ends, -1)
	default:
		slow := slowest(ends)
		f.last, f.all = own[slow], bandOf(now, ends, -1)
		if len(own) > 1 {
			f.rest = bandOf(now, ends, slow)
		}
	}
}

// byPace are the groups that have a pace of their own, those that have one only
// together as one more, and those that have none.
func byPace(lanes map[string]*lane) (own, none []lane) {
	var all, few []lane
	for _, l := range lanes {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b lane) int { return cmp.Or(cmp.Compare(b.open, a.open), cmp.Compare(a.group, b.group)) })
	for _, l := range all {
		switch n := l.points(); {
		case n == 0:
			none = append(none, l)
		case n >= leastPoints && len(own) < ownPace:
			own = append(own, l)
		default:
			few = append(few, l)
		}
	}
	if len(few) == 0 {
		return own, none
	}
	together := few[0]
	if len(few) > 1 {
		together = lane{group: fmt.Sprintf("%d other groups", len(few)), done: make([]int, len(few[0].done))}
		for _, l := range few {
			together.open += l.open
			for i, d := range l.done {
				together.done[i] += d
			}
		}
	}
	if together.points() >= leastPoints {
		return append(own, together), none
	}
	return own, append(none, few...)
}

// ended is after how many stretches each lane is through, course by course. The past
// is one of many that might have been: another one is drawn from it, and the course
// from that one.
func ended(own []lane) [][]int {
	if len(own) == 0 {
		return nil
	}
	n := len(own[0].done)
	r := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same past gives the same band
	past, course := make([]int, n), make([]int, n)
	out := make([][]int, courses)
	for c := range out {
		drawBlocks(r, past)
		drawBlocks(r, course)
		for i, at := range course {
			course[i] = past[at]
		}
		out[c] = make([]int, len(own))
		for i, l := range own {
			out[c][i] = l.through(course)
		}
	}
	return out
}

// drawBlocks draws places of a past, whole blocks of it, so that a night stays a night.
func drawBlocks(r *rand.Rand, into []int) {
	n, block := len(into), 1
	for block*block < n {
		block++
	}
	for i := range into {
		if i%block == 0 {
			into[i] = r.IntN(n)
		} else {
			into[i] = (into[i-1] + 1) % n
		}
	}
}

// through is in which stretch of a course, which repeats itself, nothing is left
// open; more than horizon: in none of them.
func (l lane) through(course []int) int {
	done, most := 0, 0
	for i, at := range course {
		if done += l.done[at]; done >= l.open {
			return i + 1
		}
		most = max(most, done)
	}
	if done <= 0 {
		return horizon + 1
	}
	rounds := (l.open - most + done - 1) / done
	if rounds > horizon/len(course) {
		return horizon + 1
	}
	left := l.open - rounds*done
	for i, at := range course {
		if left -= l.done[at]; left <= 0 {
			return rounds*len(course) + i + 1
		}
	}
	return horizon + 1
}

// bandOf is between which ends four fifths of the courses are, when all but one
// lane are through; without -1: all.
func bandOf(now time.Time, ends [][]int, without int) band {
	last := make([]int, len(ends))
	for c, of := range ends {
		for i, end := range of {
			if i != without {
				last[c] = max(last[c], end)
			}
		}
	}
	slices.Sort(last)
	var b band
	if early := last[len(last)/10]; early <= horizon {
		b.early = now.Add(time.Duration(early) * state.Stretch)
		if late := last[len(last)*9/10]; late <= horizon {
			b.late = now.Add(time.Duration(late) * state.Stretch)
		}
	}
	return b
}

// slowest is the lane that ends last in most courses.
func slowest(ends [][]int) int {
	times := make([]int, len(ends[0]))
	for _, of := range ends {
		worst := 0
		for i, end := range of {
			if end > of[worst] {
				worst = i
			}
		}
		times[worst]++
	}
	most := 0
	for i, n := range times {
		if n > times[most] {
			most = i
		}
	}
	return most
}
