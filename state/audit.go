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
	Lane     int          `json:"lane"`
	N        int64        `json:"n"` // position in the lane, from 1
	Prev     string       `json:"prev"`
	Hash     string       `json:"hash"`
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
	e.Lane, e.N, e.Prev = lane, n, prev
	e.Hash = e.sum()
	return e
}

func (e AuditEntry) sum() string {
	e.Hash, e.Seq = "", 0
	b, err := json.Marshal(e)
	if err != nil { // raw JSON that is none: still no two contents have one hash
		b = fmt.Appendf(nil, "%q", fmt.Sprintf("%#v", e))
	}
	sum := sha256.Sum256(b)
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
	case e.Hash != e.sum():
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
