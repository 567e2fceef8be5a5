package hunt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// apart is how long traffic that is alike, or of one address, may pause and still be one campaign.
const apart = 24 * time.Hour

// Cluster is attack traffic that belongs together: alike in rule, path, parameters,
// agent and size, or of the same address, without a day between.
type Cluster struct {
	// ID is the same as long as its first traffic is.
	ID       string    `json:"id"`
	Rules    []string  `json:"rules"`
	What     []string  `json:"what"` // "POST /_layouts/15/toolpane.aspx", the most frequent first
	Agents   []string  `json:"agents,omitempty"`
	Sources  []string  `json:"sources,omitempty"`
	More     int       `json:"more,omitempty"` // addresses that are not listed, at least
	Requests int64     `json:"requests"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	// Touched are its servers, the worst first.
	Touched []Touched `json:"touched"`
}

// Touched is what a cluster did to one server.
type Touched struct {
	Server string `json:"server"`
	Worst  string `json:"worst"`
	// First is the first request, and Answered the first that was not refused; zero: none was.
	First    time.Time `json:"first"`
	Answered time.Time `json:"answered,omitzero"`
}

// Clusters joins traffic on any number of servers to campaigns, the worst and widest
// first. An address that only came by, and one that stands for all clients, joins nothing.
func Clusters(all []Traffic) []Cluster {
	all = slices.DeleteFunc(slices.Clone(all), func(t Traffic) bool { return t.Value == valueContact })
	slices.SortStableFunc(all, func(a, b Traffic) int {
		return cmp.Or(a.First.Compare(b.First), strings.Compare(a.Server, b.Server), strings.Compare(a.Fingerprint(), b.Fingerprint()), strings.Compare(a.Value, b.Value))
	})
	g := newGroups(len(all))
	reach := map[string]int{} // of an address or a fingerprint: the traffic that lasted longest so far
	for i, t := range all {
		for _, k := range links(t) {
			j, ok := reach[k]
			if ok && !t.First.After(all[j].Last.Add(apart)) {
				g.join(i, j)
			}
			if !ok || all[j].Last.Before(t.Last) {
				reach[k] = i
			}
		}
	}
	members := map[int][]Traffic{}
	for i, t := range all {
		members[g.root(i)] = append(members[g.root(i)], t)
	}
	var out []Cluster
	for _, root := range slices.Sorted(maps.Keys(members)) {
		out = append(out, clusterOf(members[root]))
	}
	slices.SortStableFunc(out, func(a, b Cluster) int {
		return cmp.Or(rank(b.Touched[0].Worst)-rank(a.Touched[0].Worst), len(b.Touched)-len(a.Touched), a.First.Compare(b.First))
	})
	return out
}

// links are what joins traffic: what it is like, and the addresses that tell a client.
func links(t Traffic) []string {
	out := []string{"like " + t.Fingerprint()}
	for _, s := range t.Sources {
		if publicText(s) {
			out = append(out, "from "+s)
		}
	}
	return out
}

// clusterOf describes traffic, in order of time, that belongs together.
func clusterOf(ts []Traffic) Cluster {
	c := Cluster{ID: ts[0].Fingerprint() + ts[0].First.UTC().Format("-0102"), First: ts[0].First}
	rules, what, agents, sources := map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}
	touched := map[string]Touched{}
	for _, t := range ts {
		c.Requests += t.Count
		c.More = max(c.More, t.More)
		if t.Last.After(c.Last) {
			c.Last = t.Last
		}
		rules[t.Rule] += t.Count
		what[strings.TrimSpace(t.Method+" "+t.Path)] += t.Count
		agents[t.Agent] += t.Count
		for _, s := range t.Sources {
			sources[s] += t.Count
		}
		touched[t.Server] = touched[t.Server].with(t)
	}
	delete(agents, "")
	c.Rules, c.What, c.Agents, c.Sources = frequent(rules), frequent(what), frequent(agents), frequent(sources)
	c.Touched = slices.SortedFunc(maps.Values(touched), func(a, b Touched) int {
		return cmp.Or(rank(b.Worst)-rank(a.Worst), strings.Compare(a.Server, b.Server))
	})
	return c
}

func (o Touched) with(t Traffic) Touched {
	o.Server = t.Server
	if rank(t.Value) > rank(o.Worst) {
		o.Worst = t.Value
	}
	if o.First.IsZero() || t.First.Before(o.First) {
		o.First = t.First
	}
	if rank(t.Value) > rank(valueAttempt) && (o.Answered.IsZero() || t.First.Before(o.Answered)) {
		o.Answered = t.First
	}
	return o
}

// Text is a campaign in one line: how wide it was, what it asked, how it was answered.
// of is how many servers there are; 0: not known.
func (c Cluster) Text(of int) string {
	n := len(c.Sources) + c.More
	parts := []string{fmt.Sprintf("%d %s", n, word(n, "source", "sources")), c.What[0]}
	if more := len(c.What) - 1; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more %s", more, word(more, "path", "paths")))
	}
	touched := fmt.Sprintf("%d %s touched", len(c.Touched), word(len(c.Touched), "server", "servers"))
	if of >= len(c.Touched) {
		touched = fmt.Sprintf("%d of %d servers touched", len(c.Touched), of)
	}
	parts = append(parts, touched)
	answered, shells := 0, 0
	for _, t := range c.Touched {
		if !t.Answered.IsZero() {
			answered++
		}
		if t.Worst == valueShell {
			shells++
		}
	}
	if answered > 0 {
		parts = append(parts, fmt.Sprintf("%d answered", answered))
	}
	if shells > 0 {
		parts = append(parts, fmt.Sprintf("a web shell answered on %d", shells))
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" · %s to %s", c.First.UTC().Format("2006-01-02 15:04"), c.Last.UTC().Format("2006-01-02 15:04"))
}

func word(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// frequent are the names, the most frequent first.
func frequent(m map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b)) })
}

// groups joins numbers.
type groups []int

func newGroups(n int) groups {
	g := make(groups, n)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) root(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(a, b int) {
	a, b = g.root(a), g.root(b)
	g[max(a, b)] = min(a, b)
}
