package redisstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// maxProblems is how many problems a report lists.
const maxProblems = 100

// Report is what a verification saw.
type Report struct {
	Incidents, Farms, Servers int
	// Entries of the audit record, and the hash of the last one of each lane.
	Entries int64
	Heads   map[int]string
	// Problems, in words; at most a hundred.
	Problems []string
	// Busy says that changes were made meanwhile: a problem with a counter may then be none.
	Busy bool
}

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify counts everything anew from the farms' records, compares it with the counters and indexes, looks at what the outbox
// holds back, and follows the audit record from its first entry. It reads in pages and changes nothing. An error means that it could not look; what it
// found wrong is in the report.
func (s *Store) Verify(ctx context.Context) (Report, error) {
	var r Report
	before, err := s.AuditSeq(ctx)
	if err != nil {
		return r, err
	}
	if err := s.verifyAudit(ctx, &r, before); err != nil {
		return r, err
	}
	ids, err := s.incidentIDs(ctx)
	if err != nil {
		return r, err
	}
	for _, id := range ids {
		r.Incidents++
		if err := s.verifyIncident(ctx, &r, id); err != nil {
			return r, err
		}
	}
	if err := s.verifyHeld(ctx, &r); err != nil {
		return r, err
	}
	after, err := s.AuditSeq(ctx)
	r.Busy = after != before
	return r, err
}

func (s *Store) verifyAudit(ctx context.Context, r *Report, last int64) error {
	var chain state.Chain
	for chain.Seq < last {
		entries, err := s.Audit(ctx, chain.Seq+1, int(min(last-chain.Seq, auditSegment)))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			r.problem("audit entries %d to %d are missing", chain.Seq+1, last)
			break
		}
		for _, e := range entries {
			if err := chain.Add(e); err != nil {
				r.problem("%v", err)
				return nil
			}
		}
	}
	r.Entries, r.Heads = chain.Seq, chain.Heads()
	for i, hash := range r.Heads {
		head, err := call(ctx, s, "verify the audit record", func(ctx context.Context, _ int) (string, error) {
			return s.c.HGet(ctx, s.k.lane(i), "hash").Result()
		})
		if err != nil && !missing(err) {
			return err
		}
		if head != hash {
			if seq, err := s.AuditSeq(ctx); err != nil || seq == last { // else it has just moved on
				r.problem("audit lane %d does not end with the entry that its writer knows: entries were cut off or added", i)
			}
		}
	}
	return nil
}

// recount is what an incident's counters and indexes should be.
type recount struct {
	deltas    counters
	farms     int
	servers   int
	due       int
	proposals map[string]bool
	ending    map[state.Ending]int
}

func (s *Store) verifyIncident(ctx context.Context, r *Report, id string) error {
	inc, err := s.Incident(ctx, id)
	if err != nil {
		return err
	}
	c := recount{deltas: counters{}, proposals: map[string]bool{}, ending: map[state.Ending]int{}}
	for _, p := range inc.Proposals {
		c.proposals[p.ID] = true
	}
	for b := range buckets {
		if err := s.verifyBucket(ctx, r, id, b, &c); err != nil {
			return err
		}
	}
	r.Farms, r.Servers = r.Farms+c.farms, r.Servers+c.servers
	for _, key := range []string{s.k.counts(id), s.k.countsBy(byOwner, id), s.k.countsBy(byGroup, id), s.k.revisions(id)} {
		if err := s.verifyCounters(ctx, r, key, c.deltas[key]); err != nil {
			return err
		}
	}
	return s.verifySizes(ctx, r, id, c)
}

func (s *Store) verifyCounters(ctx context.Context, r *Report, key string, want map[string]int) error {
	got, err := call(ctx, s, "verify counters", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, key).Result()
	})
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(key, s.k.of(""))
	for field, n := range want {
		if got[field] != strconv.Itoa(n) {
			r.problem("counter %s %q is %q, counted %d", name, field, got[field], n)
		}
		delete(got, field)
	}
	for field, n := range got {
		r.problem("counter %s %q is %q, counted none", name, field, n)
	}
	return nil
}

// verifySizes finds what is in an index and should not be: all that should be was found already.
func (s *Store) verifySizes(ctx context.Context, r *Report, id string, c recount) error {
	owners, groups := namesIn(c.deltas[s.k.countsBy(byOwner, id)]), namesIn(c.deltas[s.k.countsBy(byGroup, id)])
	sizes := map[string]int{
		s.k.index(id): c.servers, s.k.names("server", id): c.servers,
		s.k.names(byOwner, id): len(owners), s.k.names(byGroup, id): len(groups),
	}
	for _, e := range state.Endings() {
		sizes[s.k.ending(e, id)] = c.ending[e]
	}
	for revision, n := range c.deltas[s.k.revisions(id)] {
		sizes[s.k.revised(id, revision)] = n
	}
	for name, n := range owners {
		sizes[s.k.indexBy(byOwner, id, name)] = n
	}
	for name, n := range groups {
		sizes[s.k.indexBy(byGroup, id, name)] = n
	}
	keys := slices.Sorted(maps.Keys(sizes))
	for page := range slices.Chunk(keys, 500) {
		got, err := call(ctx, s, "verify indexes", func(ctx context.Context, _ int) ([]int64, error) {
			p := s.c.Pipeline()
			var cmds []*redis.IntCmd
			for _, k := range page {
				cmds = append(cmds, p.ZCard(ctx, k))
			}
			err := execute(ctx, p)
			var out []int64
			for _, c := range cmds {
				out = append(out, c.Val())
			}
			return out, err
		})
		if err != nil {
			return err
		}
		for i, n := range got {
			if int(n) != sizes[page[i]] {
				r.problem("%s lists %d, should be %d", strings.TrimPrefix(page[i], s.k.of("")), n, sizes[page[i]])
			}
		}
	}
	return s.verifyWaiting(ctx, r, id, c)
}

// namesIn are the owners or groups of counters, with how many servers each has; not those without a name.
func namesIn(counts map[string]int) map[string]int {
	out := map[string]int{}
	for field, n := range counts {
		name, kind := field[:strings.LastIndexByte(field, '|')], field[strings.LastIndexByte(field, '|')+1:]
		if name != "" && n > 0 && strings.HasPrefix(kind, "s:") {
			out[name] += n
		}
	}
	return out
}

// verifyWaiting compares what is due and what waits for a second person.
func (s *Store) verifyWaiting(ctx context.Context, r *Report, id string, c recount) error {
	due := 0
	err := s.members(ctx, s.k.dueHours(id), func(hour string) {
		n, err := call(ctx, s, "verify what is due", func(ctx context.Context, _ int) (int64, error) {
			return s.c.ZCard(ctx, s.k.due(id, hour)).Result()
		})
		if err != nil || n == 0 {
			r.problem("%s: hour %s of what is due cannot be read, or is empty", id, hour)
		}
		due += int(n)
	})
	if err != nil {
		return err
	}
	if due != c.due {
		r.problem("%s: %d farms are listed as due, should be %d", id, due, c.due)
	}
	refs, err := s.Proposals(ctx, id)
	for _, p := range refs {
		if !c.proposals[p.ID] {
			r.problem("%s: proposal %s is listed and not there", id, p.ID)
		}
		delete(c.proposals, p.ID)
	}
	for p := range c.proposals {
		r.problem("%s: proposal %s is there and not listed", id, p)
	}
	return err
}
