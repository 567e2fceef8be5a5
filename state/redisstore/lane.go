package redisstore

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

//go:embed lane.lua
var laneSource string

var laneScript = newScript(laneSource)

// lane is the end of one chain of audit entries, as its writer knows it. A writer keeps its lane by writing; one that is
// silent for longer than the lease may lose it, sees at its next commit that its epoch is over, and takes another.
type lane struct {
	writer string
	known  bool // what follows is what the store said, and nothing is in doubt
	id     int
	epoch  string
	n      int64
	hash   string
	seq    int64 // the newest entry of any lane that we have seen
}

// takeLane makes a lane known.
func (s *Store) takeLane(ctx context.Context, l *lane) error {
	keys := []string{s.k.seq()}
	for i := range maxLanes {
		keys = append(keys, s.k.lane(i))
	}
	now := s.o.Now()
	reply, err := call(ctx, s, "take an audit lane", func(ctx context.Context, try int) ([]string, error) {
		return s.script(ctx, try, laneScript, keys, millis(now), millis(now.Add(s.o.LaneLease)), l.writer).StringSlice()
	})
	if err != nil {
		return err
	}
	if len(reply) != 5 {
		return fmt.Errorf("take an audit lane: the store answered %d values", len(reply))
	}
	var numbers [3]int64
	for i, v := range []string{reply[0], reply[2], reply[4]} {
		if numbers[i], err = strconv.ParseInt(v, 10, 64); err != nil {
			return fmt.Errorf("audit lane: %w", err)
		}
	}
	l.id, l.epoch, l.n, l.hash, l.seq, l.known = int(numbers[0]), reply[1], numbers[1], reply[3], numbers[2], true
	s.o.Logger.Debug("store: audit lane", "lane", l.id, "writer", l.writer)
	return nil
}

// borrow waits for a lane of this process.
func (s *Store) borrow(ctx context.Context) (*lane, error) {
	select {
	case l := <-s.lanes:
		return l, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an audit lane: %w", context.Cause(ctx))
	}
}

// link puts an entry at the end of the lane and adds it, and the marker of its request, to a program.
func (s *Store) link(p *program, l *lane, e state.AuditEntry, mark string, until time.Time) (state.AuditEntry, *program, error) {
	e = e.Seal(l.id, l.n+1, l.hash)
	raw, err := json.Marshal(e)
	if err != nil {
		return e, nil, fmt.Errorf("write an audit entry: %w", err)
	}
	segment := l.seq / auditSegment
	k := s.k.lane(l.id)
	return e, p.with(func(p *program) {
		p.is(whyLane, k, "epoch", l.epoch)
		p.is(whyHead, k, "hash", l.hash)
		p.check(whySegment, "segment", s.k.seq(), strconv.Itoa(auditSegment), strconv.FormatInt(segment, 10))
		p.op("audit", s.k.seq(), p.key(s.k.segment(segment)), p.key(s.k.segment(segment+1)), strconv.FormatInt(segment, 10), string(raw))
		p.op("HSET", k, "n", strconv.FormatInt(e.N, 10), "hash", e.Hash, "until", millis(until))
		p.op("mark", s.k.mark(mark), mark, e.Hash)
	}), nil
}

// wellFormed makes the entry what it will be when it is read again: invalid UTF-8 is replaced now, before it is hashed.
func wellFormed(e state.AuditEntry) (state.AuditEntry, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("write an audit entry: %w", err)
	}
	if !strings.Contains(string(raw), `\ufffd`) {
		return e, nil
	}
	var out state.AuditEntry
	if err := json.Unmarshal(raw, &out); err != nil {
		return e, fmt.Errorf("write an audit entry: %w", err)
	}
	return out, nil
}
