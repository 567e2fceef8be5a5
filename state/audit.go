package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// AuditEntry is one change in the record that nobody can rewrite unseen. Each
// writer has a lane; each entry carries the hash of the one before it in its lane.
type AuditEntry struct {
	Lane int    `json:"lane"`
	N    int64  `json:"n"` // position in the lane, from 1
	Prev string `json:"prev"`
	// Body is the hash of the content, event by event and change by change, so that
	// some of them can be shown without the others.
	Body     string       `json:"body,omitempty"`
	Hash     string       `json:"hash"` // of lane, n, prev and body
	At       time.Time    `json:"at"`
	By       PersonID     `json:"by"`
	Via      string       `json:"via,omitempty"` // the platform identity, or the part of allclear
	Request  string       `json:"request"`
	Incident string       `json:"incident,omitempty"`
	Events   []Event      `json:"events"`
	Changes  []Transition `json:"changes,omitempty"`
	// Seq is the global, dense position; given by the store, not hashed.
	Seq int64 `json:"seq"`
}

// Event is one thing that was done, with all that is needed to do it again.
type Event struct {
	Type   string          `json:"type"`
	Farm   string          `json:"farm,omitempty"`
	Server string          `json:"server,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
}

// Seal links the entry behind prev and computes its hash.
func (e AuditEntry) Seal(lane int, n int64, prev string) AuditEntry {
	e.Lane, e.N, e.Prev, e.Body = lane, n, prev, e.content()
	e.Hash = LinkHash(lane, n, prev, e.Body)
	return e
}

// LinkHash is the hash of an entry at a place of the record, from the hash of its content.
func LinkHash(lane int, n int64, prev, body string) string {
	return sumOf("link", struct {
		Lane int
		N    int64
		Prev string
		Body string
	}{lane, n, prev, body})
}

// content is the hash of all that the entry says.
func (e AuditEntry) content() string { return e.Cut(nil, nil).Content() }

// sum is the hash of an entry that was written before entries had a Body.
func (e AuditEntry) sum() string {
	e.Hash, e.Seq = "", 0
	return sumOf("", e)
}

// Whole reports whether the hashes of an entry are those of what it says.
func (e AuditEntry) Whole() bool {
	if e.Body == "" {
		return e.Hash == e.sum()
	}
	return e.Body == e.content() && e.Hash == LinkHash(e.Lane, e.N, e.Prev, e.Body)
}

// sumOf is the SHA-256 of a value as JSON, in hex, behind a word that says what it is.
func sumOf(what string, v any) string {
	b, err := json.Marshal(v)
	if err != nil { // raw JSON that is none: still no two contents have one hash
		b = fmt.Appendf(nil, "%q", fmt.Sprintf("%#v", v))
	}
	sum := sha256.Sum256(append([]byte(what), b...))
	return hex.EncodeToString(sum[:])
}

// Chain verifies entries in their global order. The zero value is ready.
type Chain struct {
	Seq   int64
	heads map[int]AuditEntry
}

// Add checks one entry against all before it. It names what is wrong: a gap in
// the sequence, a broken link, a changed entry.
func (c *Chain) Add(e AuditEntry) error {
	if c.heads == nil {
		c.heads = map[int]AuditEntry{}
	}
	head := c.heads[e.Lane]
	switch {
	case e.Seq != c.Seq+1:
		return fmt.Errorf("audit entry %d follows %d: entries are missing", e.Seq, c.Seq)
	case !e.Whole():
		return fmt.Errorf("audit entry %d was changed: its hash does not fit", e.Seq)
	case e.N != head.N+1 || e.Prev != head.Hash:
		return fmt.Errorf("audit entry %d does not follow entry %d of lane %d", e.Seq, head.Seq, e.Lane)
	}
	c.Seq, c.heads[e.Lane] = e.Seq, e
	return nil
}

// Heads are the hashes of the newest entry of each lane.
func (c *Chain) Heads() map[int]string {
	out := map[int]string{}
	for l, e := range c.heads {
		out[l] = e.Hash
	}
	return out
}
