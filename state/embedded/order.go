package embedded

import (
	"bufio"
	"cmp"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// manyMembers is the size from which on the order of a sorted set is kept. Below it miniredis sorts as fast.
const manyMembers = 64

// maxRun is how many members one run of an order holds before it is divided.
const maxRun = 512

// ranked is a member of a sorted set with its score.
type ranked struct {
	score  float64
	member string
}

func compareRanked(a, b ranked) int {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member))
}

// order is a sorted set in its order: short sorted runs, one behind the other, none of them empty. To change a member
// moves one run, to find a place looks at the ends of the runs, and a range costs what it returns.
type order struct {
	scores map[string]float64
	runs   [][]ranked
}

// newOrder sorts members, once.
func newOrder(members []ranked) *order {
	o := &order{scores: make(map[string]float64, len(members))}
	slices.SortFunc(members, compareRanked)
	for run := range slices.Chunk(members, maxRun/2) {
		o.runs = append(o.runs, slices.Clone(run))
	}
	for _, m := range members {
		o.scores[m.member] = m.score
	}
	return o
}

func (o *order) len() int { return len(o.scores) }

// at is the run that a member is in or belongs into, and its place there.
func (o *order) at(m ranked) (run, i int) {
	run = sort.Search(len(o.runs), func(r int) bool {
		last := o.runs[r][len(o.runs[r])-1]
		return compareRanked(last, m) >= 0
	})
	if run == len(o.runs) && run > 0 {
		run-- // behind all others
	}
	if run < len(o.runs) {
		i, _ = slices.BinarySearchFunc(o.runs[run], m, compareRanked)
	}
	return run, i
}

// put adds a member or gives it another score.
func (o *order) put(m ranked) {
	switch was, ok := o.scores[m.member]; {
	case ok && was == m.score:
		return
	case ok:
		o.remove(m.member)
	}
	o.scores[m.member] = m.score
	if len(o.runs) == 0 {
		o.runs = [][]ranked{{m}}
		return
	}
	r, i := o.at(m)
	run := slices.Insert(o.runs[r], i, m)
	if len(run) > maxRun {
		back := slices.Clone(run[maxRun/2:])
		clear(run[maxRun/2:])
		run = run[:maxRun/2]
		o.runs = slices.Insert(o.runs, r+1, back)
	}
	o.runs[r] = run
}

func (o *order) remove(member string) {
	score, ok := o.scores[member]
	if !ok {
		return
	}
	delete(o.scores, member)
	r, i := o.at(ranked{score, member})
	if o.runs[r] = slices.Delete(o.runs[r], i, i+1); len(o.runs[r]) == 0 {
		o.runs = slices.Delete(o.runs, r, r+1)
	}
}

// add does what ZADD does with pairs of score and member. False: it was more than pairs, and the order is of no use any more.
func (o *order) add(pairs []string) bool {
	if len(pairs)%2 != 0 {
		return false
	}
	for p := range slices.Chunk(pairs, 2) {
		score, err := strconv.ParseFloat(p[0], 64)
		if err != nil || math.IsNaN(score) {
			return false
		}
		o.put(ranked{score, p[1]})
	}
	return true
}

// drop does what ZREM does. False: nothing is left, and a set without members is none.
func (o *order) drop(members []string) bool {
	for _, m := range members {
		o.remove(m)
	}
	return o.len() > 0
}

// before counts the members from the beginning on for which ahead is true; it must be true for none behind them.
func (o *order) before(ahead func(ranked) bool) int {
	r := sort.Search(len(o.runs), func(r int) bool { return !ahead(o.runs[r][len(o.runs[r])-1]) })
	n := 0
	for _, run := range o.runs[:r] {
		n += len(run)
	}
	if r < len(o.runs) {
		n += sort.Search(len(o.runs[r]), func(i int) bool { return !ahead(o.runs[r][i]) })
	}
	return n
}

// slice visits the members from one place up to, and without, another.
func (o *order) slice(from, to int, visit func(ranked)) {
	for _, run := range o.runs {
		if from >= to {
			return
		}
		if from < len(run) {
			for _, m := range run[from:min(to, len(run))] {
				visit(m)
			}
		}
		from, to = max(from-len(run), 0), to-len(run)
	}
}

// ends are the lowest and the highest score.
func (o *order) ends() (low, high float64) {
	last := o.runs[len(o.runs)-1]
	return o.runs[0][0].score, last[len(last)-1].score
}

// orderOf is the order of a large sorted set; nil for anything else. It is made when it is first asked for.
func (e *Engine) orderOf(p *server.Peer, key string) *order {
	n, err := strconv.Atoi(strings.Trim(e.ask(p.Ctx, "ZCARD", key), ":\r\n"))
	if err != nil || n < manyMembers {
		return nil
	}
	o := e.orders[key]
	if o == nil || o.len() != n {
		members, ok := e.members(p, key)
		if !ok {
			return nil
		}
		o = newOrder(members)
		e.orders[key] = o
	}
	return o
}

// members are those of a sorted set, in any order. False: one of the scores is no number, and then there is none.
func (e *Engine) members(p *server.Peer, key string) ([]ranked, bool) {
	if p != e.top { // a script: miniredis is locked
		return readScores(e.ask(p.Ctx, "ZRANGE", key, "0", "-1", "WITHSCORES"))
	}
	scores, err := e.m.DB(0).SortedSet(key)
	out := make([]ranked, 0, len(scores))
	for m, score := range scores {
		if math.IsNaN(score) {
			return nil, false
		}
		out = append(out, ranked{score, m})
	}
	return out, err == nil
}

// readScores reads the reply to a ZRANGE with scores. False: one of them is no number.
func readScores(reply string) ([]ranked, bool) {
	r := bufio.NewReader(strings.NewReader(reply))
	n, err := readHeader(r, '*', math.MaxInt32)
	out := make([]ranked, 0, n/2)
	for range n / 2 {
		member, err1 := readBulk(r)
		text, err2 := readBulk(r)
		score, err3 := strconv.ParseFloat(text, 64)
		if err1 != nil || err2 != nil || err3 != nil || math.IsNaN(score) {
			return nil, false
		}
		out = append(out, ranked{score, member})
	}
	return out, err == nil
}

// follow keeps the orders true after a write. What it does not understand ends the order of each key that is named.
func (e *Engine) follow(cmd string, a []string, failed bool) {
	if len(e.orders) == 0 {
		return
	}
	if cmd == "FLUSHALL" || cmd == "FLUSHDB" {
		clear(e.orders)
		return
	}
	if len(a) > 0 && !failed {
		switch o := e.orders[a[0]]; {
		case o == nil:
		case cmd == "ZADD" && o.add(a[1:]):
			return
		case cmd == "ZREM" && o.drop(a[1:]):
			return
		}
	}
	for _, key := range a {
		delete(e.orders, key)
	}
}
