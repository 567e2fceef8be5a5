package hunt

import (
	"bytes"
	"math/bits"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// What a request amounts to: the values of state.KindAttack.
const (
	valueAttempt  = state.AttackAttempt
	valueContact  = state.AttackContact
	valueOdd      = state.AttackOdd
	valueAnswered = state.AttackAnswered
	valueKeys     = state.AttackKeys
	valueShell    = state.AttackShell
)

// Rules that no playbook has.
const (
	unreadableRule = "unreadable"
	addressRule    = "known-address"
)

// full splits a line of a W3C log and judges it.
func (r *reading) full(line []byte) {
	var q request
	cols := bytes.Split(line, space)
	col := func(c column) string {
		if at := r.lay.at[c]; at != absent {
			return string(cols[at])
		}
		q.lacks[c] = true
		return ""
	}
	q.method, q.referer, q.agent = col(colMethod), plainText(col(colReferer)), plainText(col(colAgent))
	if r.lay.at[colStem] == absent {
		q.target(col(colURI))
	} else {
		q.path, q.query = plainPath(col(colStem)), plainText(col(colQuery))
	}
	q.client = clientOf(col(colClient))
	if f := col(colForwarded); f != "" && f != "-" {
		q.client = clientOf(f)
	}
	q.status = int(number([]byte(col(colStatus))))
	q.sent, q.received = number([]byte(col(colSent))), number([]byte(col(colReceived)))
	if r.lay.dated {
		q.at = timeOf(r.last)
		if s := line[17:19]; line[16] == ':' && '0' <= s[0] && s[0] <= '5' && '0' <= s[1] && s[1] <= '9' {
			q.at = q.at.Add(time.Duration(int(s[0]-'0')*10+int(s[1]-'0')) * time.Second)
		}
	} else {
		q.at = r.timeOf(line)
	}
	q.front = r.front
	r.judge(&q)
}

// judge holds a request against all rules and keeps the worst of it.
func (r *reading) judge(q *request) {
	if q.at.IsZero() || minuteOf(q.at) > r.h.horizon {
		r.file.Unreadable++
		return
	}
	q.known = r.s.suspects.knows(q.client, q.at)
	if q.own() {
		r.file.Own++
		return
	}
	worst, by := "", (*playbook.LogRule)(nil)
	var doubt []string
	for i := range r.h.rules {
		rule := &r.h.rules[i]
		fits, lacking := q.fit(rule)
		if !fits {
			continue
		}
		if v := q.value(rule); rank(v) > rank(worst) {
			worst, by, doubt = v, rule, lacking
		}
	}
	switch {
	case by == nil && r.s.suspects.listedNear(q.client, q.at):
		r.keep(q, addressRule, valueContact, nil)
	case by != nil:
		if by.Confidence != playbook.ConfidenceLow && by.Shows != playbook.ShowsKeys {
			r.s.suspects.attacked(q.client)
		}
		r.keep(q, by.ID, worst, doubt)
	}
}

// value is what a request that fits a rule amounts to.
func (q *request) value(r *playbook.LogRule) string {
	sure := r.Confidence == playbook.ConfidenceHigh
	switch {
	case q.refused() && r.Shows == playbook.ShowsKeys:
		return ""
	case q.refused():
		return valueAttempt
	case r.Confidence == playbook.ConfidenceLow:
		return valueOdd
	case r.Shows == playbook.ShowsKeys:
		return valueKeys
	case r.Shows == playbook.ShowsShell && sure && !q.front && q.status >= 200 && q.status <= 299:
		return valueShell
	}
	return valueAnswered
}

// rank orders values from nothing to the worst.
func rank(value string) int {
	for i, v := range []string{valueContact, valueAttempt, valueOdd, state.AttackLate, valueKeys, valueAnswered, valueShell} {
		if v == value {
			return i + 1
		}
	}
	return 0
}

// Rank orders the values of state.KindAttack from 1, the least, to the worst; 0 is none of them.
func Rank(value string) int { return rank(value) }

// keep remembers a request, together with those like it.
func (r *reading) keep(q *request, rule, value string, doubt []string) {
	k := activityKey{
		rule: rule, value: value, client: q.client, method: checks.Clean(strings.ToUpper(q.method), 10), path: checks.Clean(strings.ToLower(q.path), maxText),
		params: q.params(), agent: checks.Clean(q.agent, maxAgent), doubt: strings.Join(doubt, ", "), front: q.front,
	}
	if q.received > 0 {
		k.size = uint8(bits.Len64(uint64(q.received)))
	}
	if value == valueContact { // one line for all that an address asked
		k.path, k.params, k.agent, k.size, k.method = "", "", "", 0, ""
	}
	r.s.note(k, q.at, q.status, r.where())
}
