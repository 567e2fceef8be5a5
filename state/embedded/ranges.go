package embedded

import (
	"math"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// span is what a command asks of an order: the places from one up to, and without, another.
type span struct {
	from, to int
	scores   bool // with the members
	count    bool // only how many
}

// ranged answers a range of a large sorted set from its order, and says whether it did. What is unusual or wrong is left
// to miniredis.
func (e *Engine) ranged(p *server.Peer, cmd string, a []string) bool {
	find := finder(cmd)
	if find == nil || len(a) < 3 {
		return false
	}
	o := e.orderOf(p, a[0])
	if o == nil {
		return false
	}
	s, ok := find(o, a[1], a[2], a[3:])
	if !ok {
		return false
	}
	switch n := s.to - s.from; {
	case s.count:
		p.WriteInt(n)
		return true
	case s.scores:
		p.WriteLen(2 * n)
	default:
		p.WriteLen(n)
	}
	o.slice(s.from, s.to, func(m ranked) {
		p.WriteBulk(m.member)
		if s.scores {
			p.WriteFloat(m.score)
		}
	})
	return true
}

// finder turns the arguments behind the key into places. It says no to what it does not understand.
func finder(cmd string) func(o *order, low, high string, rest []string) (span, bool) {
	switch cmd {
	case "ZRANGE":
		return (*order).byPlace
	case "ZRANGEBYSCORE":
		return (*order).byScore
	case "ZRANGEBYLEX":
		return (*order).byName
	case "ZCOUNT":
		return (*order).counted
	}
	return nil
}

func (o *order) byPlace(low, high string, rest []string) (span, bool) {
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	scores := len(rest) == 1 && strings.EqualFold(rest[0], "WITHSCORES")
	if err1 != nil || err2 != nil || len(rest) > 0 && !scores {
		return span{}, false
	}
	if from < 0 {
		from = max(0, from+o.len())
	}
	if to < 0 {
		to += o.len()
	}
	return span{from: from, to: max(from, min(to, o.len()-1)+1), scores: scores}, true
}

func (o *order) counted(low, high string, rest []string) (span, bool) {
	s, ok := o.byScore(low, high, nil)
	s.count = true
	return s, ok && len(rest) == 0
}

func (o *order) byScore(low, high string, rest []string) (span, bool) {
	from, fromOpen, ok1 := scoreBound(low)
	to, toOpen, ok2 := scoreBound(high)
	if !ok1 || !ok2 {
		return span{}, false
	}
	s := span{
		from: o.before(func(m ranked) bool { return m.score < from || fromOpen && m.score == from }),
		to:   o.before(func(m ranked) bool { return m.score < to || !toOpen && m.score == to }),
	}
	return s.options(rest)
}

// scoreBound reads a bound like 3 or (3. An open infinity is left to miniredis.
func scoreBound(s string) (f float64, open, ok bool) {
	s, open = strings.CutPrefix(s, "(")
	f, err := strconv.ParseFloat(s, 64)
	return f, open, err == nil && !math.IsNaN(f) && !(open && math.IsInf(f, 0))
}

// byName is for sets whose members all have one score, and so are in the order of their names.
func (o *order) byName(low, high string, rest []string) (span, bool) {
	first, last := o.ends()
	if first != last {
		return span{}, false
	}
	from, ok1 := o.nameBound(low, "(")
	to, ok2 := o.nameBound(high, "[")
	if !ok1 || !ok2 {
		return span{}, false
	}
	s, ok := span{from: from, to: to}.options(rest)
	return s, ok && !s.scores
}

// nameBound is the place of a bound like -, +, [a or (a. With the sign past it is behind the member of that name.
func (o *order) nameBound(s, past string) (int, bool) {
	switch {
	case s == "-":
		return 0, true
	case s == "+":
		return o.len(), true
	case s == "" || s[0] != '[' && s[0] != '(':
		return 0, false
	}
	name, behind := s[1:], s[:1] == past
	return o.before(func(m ranked) bool { return m.member < name || behind && m.member == name }), true
}

// options applies WITHSCORES and LIMIT, which comes last here.
func (s span) options(rest []string) (span, bool) {
	s.to = max(s.from, s.to)
	if len(rest) > 0 && strings.EqualFold(rest[0], "WITHSCORES") {
		s.scores, rest = true, rest[1:]
	}
	if len(rest) == 0 {
		return s, true
	}
	if len(rest) != 3 || !strings.EqualFold(rest[0], "LIMIT") {
		return s, false
	}
	offset, err1 := strconv.Atoi(rest[1])
	count, err2 := strconv.Atoi(rest[2])
	if err1 != nil || err2 != nil || offset < 0 {
		return s, false
	}
	s.from += min(offset, s.to-s.from)
	if count >= 0 {
		s.to = s.from + min(count, s.to-s.from)
	}
	return s, true
}
