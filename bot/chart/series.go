package chart

import (
	"slices"
	"time"
)

// sample is a tally with the moment from which it holds.
type sample struct {
	at time.Time
	tally
}

// series is the points of a picture in order, each moment once, with the time
// for which the last one is known to hold.
type series struct {
	samples []sample
	until   time.Time
}

func (b BurnDown) series() series {
	s := series{samples: make([]sample, 0, len(b.Points))}
	for _, p := range b.Points {
		if plausible(p.At) {
			s.samples = append(s.samples, sample{p.At, p.tally()})
		}
	}
	slices.SortStableFunc(s.samples, func(a, b sample) int { return a.at.Compare(b.at) })
	s.samples = lastOfEach(s.samples)
	if s.empty() {
		return s
	}
	s.until = s.last().at
	if plausible(b.Until) && b.Until.After(s.until) {
		s.until = b.Until
	}
	return s
}

// plausible refuses times that no incident has and that would stretch the
// axis over centuries, the zero time first of all.
func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9999 }

// lastOfEach keeps the last of the samples that share a moment.
func lastOfEach(in []sample) []sample {
	out := in[:0]
	for i, s := range in {
		if i+1 == len(in) || !in[i+1].at.Equal(s.at) {
			out = append(out, s)
		}
	}
	return out
}

func (s series) empty() bool   { return len(s.samples) == 0 }
func (s series) first() sample { return s.samples[0] }
func (s series) last() sample  { return s.samples[len(s.samples)-1] }

// scope is the largest number of servers that were ever in scope together.
func (s series) scope() int {
	most := 0
	for _, p := range s.samples {
		most = max(most, p.total())
	}
	return most
}

// worst is the first sample with the most servers not confirmed.
func (s series) worst() sample {
	worst := s.first()
	for _, p := range s.samples {
		if p.left() > worst.left() {
			worst = p
		}
	}
	return worst
}

// ever says which groups ever held a server.
func (s series) ever() [groups]bool {
	var seen [groups]bool
	for _, p := range s.samples {
		for g, n := range p.tally {
			seen[g] = seen[g] || n > 0
		}
	}
	return seen
}
