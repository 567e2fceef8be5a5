package redisstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// ReadAudit reads the audit record out of an export, in its order, without a
// store. The export is checked whole, its hash included; the record is not: that
// is for state.Chain.
func ReadAudit(r io.Reader) ([]state.AuditEntry, error) {
	c := &auditCollector{segments: map[int64][]string{}}
	if err := validate(io.TeeReader(r, c)); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, c.err
	}
	var order []int64
	for s := range c.segments {
		order = append(order, s)
	}
	slices.Sort(order)
	var out []state.AuditEntry
	for _, s := range order {
		for i, doc := range c.segments[s] {
			seq := s*auditSegment + int64(i) + 1
			e, err := decode[state.AuditEntry](doc, "audit entry", strconv.FormatInt(seq, 10))
			if err != nil {
				return nil, err
			}
			e.Seq = seq
			out = append(out, e)
		}
	}
	return out, nil
}

// auditCollector keeps the lines of an export that hold the record.
type auditCollector struct {
	rest     []byte
	segments map[int64][]string
	err      error
}

// Write takes the export as it streams by. It never fails; err keeps what was wrong.
func (c *auditCollector) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for c.err == nil {
		i := bytes.IndexByte(c.rest, '\n')
		if i < 0 {
			break
		}
		c.line(c.rest[:i])
		c.rest = c.rest[i+1:]
	}
	return len(p), nil
}

func (c *auditCollector) line(raw []byte) {
	if !bytes.HasPrefix(raw, []byte(`{"k":"audit:`)) {
		return
	}
	var l line
	if c.err = json.Unmarshal(raw, &l); c.err != nil || l.T != "list" {
		return
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(l.K, "audit:"), 10, 64)
	if err != nil {
		return // the counter of the record, not a part of it
	}
	var docs []string
	if err := json.Unmarshal(l.V, &docs); err != nil || l.B {
		c.err = fmt.Errorf("part %d of the record cannot be read", n)
		return
	}
	c.segments[n] = docs
}
