package hunt

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"
)

// maxDays is how many days the logs of one site may speak of: more than ten years.
const maxDays = 4000

// minutes is a set of minutes, UTC.
type minutes struct {
	days map[int64]*day
	full bool // there were more days than are kept
}

type day [23]uint64 // 1440 bits and some

func (m *minutes) add(minute int64) {
	d := floorDiv(minute, 1440)
	b := m.days[d]
	if b == nil {
		if len(m.days) >= maxDays {
			m.full = true
			return
		}
		if m.days == nil {
			m.days = map[int64]*day{}
		}
		b = &day{}
		m.days[d] = b
	}
	i := minute - d*1440
	b[i>>6] |= 1 << (i & 63)
}

func (m *minutes) merge(o *minutes) {
	for d, from := range o.days {
		for w, word := range from {
			for ; word != 0; word &= word - 1 {
				m.add(d*1440 + int64(w*64+bits.TrailingZeros64(word)))
			}
		}
	}
	m.full = m.full || o.full
}

// all gives the minutes in order.
func (m *minutes) all(yield func(int64) bool) {
	for _, d := range slices.Sorted(maps.Keys(m.days)) {
		for w, word := range m.days[d] {
			for ; word != 0; word &= word - 1 {
				if !yield(d*1440 + int64(w*64+bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

func (m *minutes) bounds() (first, last int64, ok bool) {
	for t := range m.all {
		if !ok {
			first, ok = t, true
		}
		last = t
	}
	return first, last, ok
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func minuteOf(t time.Time) int64 { return floorDiv(t.Unix(), 60) }

func timeOf(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

// stretch is a span of minutes, the last one included, with what is to be said of it.
type stretch struct {
	from, to int64
	why      string
}

// silences are the stretches of more than quiet minutes of which nothing is known,
// between first and last.
func (m *minutes) silences(first, last, quiet int64, why string) []stretch {
	var out []stretch
	prev := first - 1
	for t := range m.all {
		if t > last {
			break
		}
		if t > first && t-prev-1 > quiet {
			out = append(out, stretch{prev + 1, t - 1, why})
		}
		prev = max(prev, t)
	}
	if last-prev > quiet {
		out = append(out, stretch{prev + 1, last, why})
	}
	return out
}

// longest is the longest silence within, in minutes.
func (m *minutes) longest(first, last int64) (most int64) {
	for _, s := range m.silences(first, last, 0, "") {
		most = max(most, s.to-s.from+1)
	}
	return most
}

// runs are the minutes joined to stretches; those that are less than apart are one.
func (m *minutes) runs(apart int64, why string) []stretch {
	var out []stretch
	for t := range m.all {
		if n := len(out); n > 0 && t-out[n-1].to <= apart {
			out[n-1].to = t
			continue
		}
		out = append(out, stretch{t, t, why})
	}
	return out
}

// without cuts stretches out of one.
func (s stretch) without(cuts []stretch) []stretch {
	cuts = slices.Clone(cuts)
	slices.SortFunc(cuts, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var out []stretch
	for _, c := range cuts {
		if c.to < s.from || c.from > s.to {
			continue
		}
		if c.from > s.from {
			out = append(out, stretch{from: s.from, to: c.from - 1})
		}
		if s.from = c.to + 1; s.from > s.to {
			return out
		}
	}
	return append(out, s)
}
