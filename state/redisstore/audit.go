package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// AuditSeq is the number of the newest audit entry; 0: there is none.
func (s *Store) AuditSeq(ctx context.Context) (int64, error) {
	n, err := call(ctx, s, "read the audit sequence", func(ctx context.Context, _ int) (int64, error) {
		return s.c.Get(ctx, s.k.seq()).Int64()
	})
	if missing(err) {
		return 0, nil
	}
	return n, err
}

// Audit returns up to limit entries from a sequence number on, in their order.
func (s *Store) Audit(ctx context.Context, from int64, limit int) ([]state.AuditEntry, error) {
	from = max(from, 1)
	var out []state.AuditEntry
	for limit > 0 {
		segment, at := (from-1)/auditSegment, (from-1)%auditSegment
		n := min(int64(limit), auditSegment-at)
		docs, err := call(ctx, s, "read the audit record", func(ctx context.Context, _ int) ([]string, error) {
			return s.c.LRange(ctx, s.k.segment(segment), at, at+n-1).Result()
		})
		if err != nil {
			return nil, err
		}
		for i, d := range docs {
			e, err := decode[state.AuditEntry](d, "audit entry", strconv.FormatInt(from+int64(i), 10))
			if err != nil {
				return nil, err
			}
			e.Seq = from + int64(i)
			out = append(out, e)
		}
		if int64(len(docs)) < n {
			break
		}
		from, limit = from+n, limit-int(n)
	}
	return out, nil
}

// AuditOf returns what the record says of a server and of its farm as a whole, the newest first. The entries are cut down
// to the events and changes that are about them, so their hashes do not fit any more. Only the last few dozen are indexed.
func (s *Store) AuditOf(ctx context.Context, incident, server string, limit int) ([]state.AuditEntry, error) {
	row, err := s.Row(ctx, incident, server)
	if err != nil {
		return nil, err
	}
	seqs, err := s.trail(ctx, incident, server, farmTrail(row.Farm))
	if err != nil {
		return nil, err
	}
	if limit > 0 && len(seqs) > limit {
		seqs = seqs[:limit]
	}
	docs, err := call(ctx, s, "read the audit record", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringCmd
		for _, n := range seqs {
			cmds = append(cmds, p.LIndex(ctx, s.k.segment((n-1)/auditSegment), (n-1)%auditSegment))
		}
		if len(cmds) == 0 {
			return nil, nil
		}
		err := execute(ctx, p)
		out := make([]string, len(cmds))
		for i, c := range cmds {
			out[i] = c.Val()
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	var out []state.AuditEntry
	for i, d := range docs {
		if d == "" {
			continue // archived
		}
		var e state.AuditEntry
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			return nil, fmt.Errorf("read audit entry %d: %w", seqs[i], err)
		}
		e.Seq = seqs[i]
		e.Events = slices.DeleteFunc(e.Events, func(ev state.Event) bool {
			return ev.Server != server && (ev.Server != "" || ev.Farm != row.Farm)
		})
		e.Changes = slices.DeleteFunc(e.Changes, func(t state.Transition) bool { return t.Server != server })
		out = append(out, e)
	}
	return out, nil
}

// trail returns the numbers of the indexed entries about any of the subjects, the newest first.
func (s *Store) trail(ctx context.Context, incident string, subjects ...string) ([]int64, error) {
	texts, err := call(ctx, s, "read the audit index", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringCmd
		for _, n := range subjects {
			cmds = append(cmds, p.HGet(ctx, s.k.trail(incident, n), n))
		}
		err := execute(ctx, p)
		var out []string
		for _, c := range cmds {
			out = append(out, strings.Fields(c.Val())...)
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, t := range texts {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("audit index: %q", t)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	slices.Reverse(out)
	return out, nil
}
