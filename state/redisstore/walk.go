package redisstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// The types of values, as Redis calls them.
const (
	typeString = "string"
	typeHash   = "hash"
	typeZset   = "zset"
	typeSet    = "set"
	typeList   = "list"
)

// held is a key that may be there, with the type of its value.
type held struct{ key, kind string }

// known names every key that the store may have written, from its indexes: SCAN is not needed.
func (s *Store) known(ctx context.Context) ([]held, error) {
	var out []held
	add := func(kind string, keys ...string) {
		for _, k := range keys {
			out = append(out, held{k, kind})
		}
	}
	k := s.k
	add(typeHash, k.meta(), k.heads(), k.inBody(), k.inJob(), k.inLease(), k.dead(), k.held(), k.cursors(), k.cursorTries(), k.holds(),
		k.desk(), k.advisories(), k.communities(), k.reports(), k.bearings(), k.feeds())
	add(typeZset, k.incidents(), k.hours(), k.inQueue(), k.inLeased(), k.places(), k.letters())
	add(typeString, k.seq(), k.inCount(), k.outCount())
	for i := range maxLanes {
		add(typeHash, k.lane(i))
	}
	for b := range buckets {
		add(typeHash, k.markIn(b), k.inSeenIn(b), k.letterIn(b), k.receiptIn(b), k.cardIn(b))
	}
	seq, err := s.AuditSeq(ctx)
	if err != nil {
		return nil, err
	}
	for i := int64(0); seq > 0 && i <= (seq-1)/auditSegment; i++ {
		add(typeList, k.segment(i))
	}
	err = s.members(ctx, k.hours(), func(m string) { add(typeSet, k.old(m)) })
	if err != nil {
		return nil, err
	}
	err = s.members(ctx, k.places(), func(m string) {
		add(typeZset, k.queue(m))
		add(typeHash, k.claims(m))
	})
	if err != nil {
		return nil, err
	}
	ids, err := s.incidentIDs(ctx)
	for _, id := range ids {
		if err := s.knownOf(ctx, id, add); err != nil {
			return nil, err
		}
	}
	return out, err
}

// knownOf names the keys of an incident.
func (s *Store) knownOf(ctx context.Context, id string, add func(kind string, keys ...string)) error {
	k := s.k
	add(typeHash, k.incident(id), k.revisions(id), k.counts(id), k.countsBy(byOwner, id), k.countsBy(byGroup, id),
		k.proposals(id), k.pings(id), k.pingsLeft(id), k.scans(id), k.scanRuns(id), k.scanEnds(id))
	add(typeZset, k.index(id), k.names("server", id), k.names("farm", id), k.names(byOwner, id), k.names(byGroup, id),
		k.dueHours(id), k.historyDays(id), k.scanOrder(id))
	for _, e := range state.Endings() {
		add(typeZset, k.ending(e, id))
	}
	for b := range buckets {
		add(typeHash, k.farmIn(id, b), k.farmRevIn(id, b), k.rowIn(id, b), k.trailIn(id, b))
	}
	for _, kind := range []string{byOwner, byGroup} {
		err := s.members(ctx, k.names(kind, id), func(m string) {
			_, name, _ := strings.Cut(m, "\x00")
			add(typeZset, k.indexBy(kind, id, name))
		})
		if err != nil {
			return err
		}
	}
	revisions, err := s.revisions(ctx, id)
	if err != nil {
		return err
	}
	for _, r := range revisions {
		add(typeZset, k.revised(id, r))
	}
	if err := s.members(ctx, k.dueHours(id), func(h string) { add(typeZset, k.due(id, h)) }); err != nil {
		return err
	}
	return s.members(ctx, k.historyDays(id), func(d string) { add(typeHash, k.history(id, d), k.pace(id, d)) })
}

// members visits the members of a zset.
func (s *Store) members(ctx context.Context, key string, visit func(string)) error {
	all, err := call(ctx, s, "walk the store", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRange(ctx, key, 0, -1).Result()
	})
	for _, m := range all {
		visit(m)
	}
	return err
}

// value is what a key holds; nil: it is not there.
type value struct {
	held
	hash map[string]string
	list []string    // list, set, and the one value of a string
	zset [][2]string // member and score
}

// values reads keys in one exchange, and leaves out those that are not there.
func (s *Store) values(ctx context.Context, keys []held) ([]value, error) {
	return call(ctx, s, "read keys", func(ctx context.Context, _ int) ([]value, error) {
		p := s.c.Pipeline()
		read := make([]func() value, len(keys))
		for i, k := range keys {
			read[i] = queueRead(ctx, p, k)
		}
		if err := execute(ctx, p); err != nil {
			return nil, err
		}
		var out []value
		for _, f := range read {
			if v := f(); len(v.hash)+len(v.list)+len(v.zset) > 0 {
				out = append(out, v)
			}
		}
		return out, nil
	})
}

func queueRead(ctx context.Context, p redis.Pipeliner, k held) func() value {
	switch k.kind {
	case typeHash:
		c := p.HGetAll(ctx, k.key)
		return func() value { return value{held: k, hash: c.Val()} }
	case typeZset:
		c := p.ZRangeWithScores(ctx, k.key, 0, -1)
		return func() value {
			v := value{held: k}
			for _, z := range c.Val() {
				member, _ := z.Member.(string)
				v.zset = append(v.zset, [2]string{member, strconv.FormatFloat(z.Score, 'f', -1, 64)})
			}
			return v
		}
	case typeSet:
		c := p.SMembers(ctx, k.key)
		return func() value { return value{held: k, list: c.Val()} }
	case typeList:
		c := p.LRange(ctx, k.key, 0, -1)
		return func() value { return value{held: k, list: c.Val()} }
	default:
		c := p.Get(ctx, k.key)
		return func() value {
			if c.Err() != nil {
				return value{held: k}
			}
			return value{held: k, list: []string{c.Val()}}
		}
	}
}
