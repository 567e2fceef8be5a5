package redisstore

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// counters are differences, by key and field.
type counters map[string]map[string]int

func (c counters) add(key, field string, n int) {
	if c[key] == nil {
		c[key] = map[string]int{}
	}
	c[key][field] += n
}

// row adds or takes away one row.
func (c counters) row(key, prefix string, r state.Row, n int) {
	c.add(key, prefix+"s:"+r.Status.String(), n)
	for _, f := range r.Flags() {
		c.add(key, prefix+"f:"+f, n)
	}
}

// planCounters writes the differences, and how the counts of the incident were in this minute.
func (s *Store) planCounters(p *program, in loaded, c counters) {
	for _, key := range slices.Sorted(maps.Keys(c)) {
		for _, field := range slices.Sorted(maps.Keys(c[key])) {
			if n := c[key][field]; n != 0 {
				p.merge("count", key, field, strconv.Itoa(n))
			}
		}
	}
	if len(c[s.k.counts(in.id)]) == 0 {
		return
	}
	day := dayOf(in.work.At)
	p.op("history", s.k.history(in.id, day), p.key(s.k.counts(in.id)), strconv.FormatInt(in.work.At.Unix()/60, 10))
	p.merge("ZADD", s.k.historyDays(in.id), day, day)
}

func newCounts() state.Counts {
	return state.Counts{Status: map[state.Status]int{}, Flags: map[string]int{}}
}

// count adds one counter ("s:ready" or "f:claimed") to the counts.
func count(c state.Counts, field string, n int) {
	kind, name, _ := strings.Cut(field, ":")
	switch kind {
	case "s":
		var st state.Status
		if st.UnmarshalText([]byte(name)) == nil && n != 0 {
			c.Status[st] += n
		}
	case "f":
		if n != 0 {
			c.Flags[name] += n
		}
	}
}

// countRow adds one row.
func countRow(c state.Counts, r state.Row) {
	c.Status[r.Status]++
	for _, f := range r.Flags() {
		c.Flags[f]++
	}
}

// counterFields are all counters that there can be.
func counterFields() []string {
	var out []string
	for _, st := range state.Statuses() {
		out = append(out, "s:"+st.String())
	}
	for _, f := range []string{state.FlagClaimed, state.FlagContained, state.FlagContradicted, state.FlagNeverLooked, state.FlagNotReached, state.FlagThrough} {
		out = append(out, "f:"+f)
	}
	return out
}
