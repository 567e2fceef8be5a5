package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// bucketPage is how many buckets are read at once.
const bucketPage = 8

// ErrLost says that rows of an incident are missing or counted wrong: something else than allclear has written to the
// store, or it has thrown keys away (see the eviction policy of the Redis). Nothing can be declared on such a board.
var ErrLost = errors.New("the rows of the servers and their counters disagree: check the store with audit verify")

// Board returns all servers of an incident as far as clear depends on them. It reads every row, and compares with the
// counters: a row that was lost must not look like a server that is done. Its revision is read first, so a change meanwhile
// makes a declaration on it fail.
func (s *Store) Board(ctx context.Context, incident string, now time.Time) (state.Board, error) {
	for try := 0; ; try++ {
		b, err := s.readBoard(ctx, incident, now)
		if err != nil {
			return b, err
		}
		kept, err := s.Counts(ctx, incident, state.Filter{})
		if err != nil {
			return b, err
		}
		if sameCounts(b.Counts, kept) {
			return b, nil
		}
		if try == 3 { // not only a change in between
			return state.Board{}, fmt.Errorf("incident %q: %w", incident, ErrLost)
		}
	}
}

func sameCounts(x, y state.Counts) bool {
	for _, s := range state.Statuses() {
		if x.Status[s] != y.Status[s] {
			return false
		}
	}
	return true
}

func (s *Store) readBoard(ctx context.Context, incident string, now time.Time) (state.Board, error) {
	head, err := call(ctx, s, "read the board", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.incident(incident), "rev", "board").Result()
	})
	if err != nil {
		return state.Board{}, err
	}
	rev, ok := head[0].(string)
	if !ok {
		return state.Board{}, fmt.Errorf("incident %q: %w", incident, state.ErrNotFound)
	}
	board := state.Board{Counts: newCounts()}
	if text, ok := head[1].(string); ok {
		if board.Rev, err = strconv.ParseInt(text, 10, 64); err != nil {
			return state.Board{}, fmt.Errorf("the board's revision is %q", text)
		}
	}
	inc, _, err := s.incidentAt(ctx, incident, rev)
	if err != nil {
		return state.Board{}, err
	}
	var lines []string
	err = s.eachRow(ctx, incident, func(r state.Row) {
		countRow(board.Counts, r)
		lines = append(lines, r.Name+" "+r.Status.String()+" "+r.Hash)
	})
	if err != nil {
		return state.Board{}, err
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	board.Hash = hex.EncodeToString(sum[:])
	board.Overdue, err = s.overdue(ctx, incident, inc.Rules.Revision, now)
	return board, err
}

// eachRow visits all rows, in no order.
func (s *Store) eachRow(ctx context.Context, incident string, visit func(state.Row)) error {
	for b := 0; b < buckets; b += bucketPage {
		docs, err := call(ctx, s, "read servers", func(ctx context.Context, _ int) ([]any, error) {
			p := s.c.Pipeline()
			var cmds []*redis.StringSliceCmd
			for i := b; i < b+bucketPage; i++ {
				cmds = append(cmds, p.HVals(ctx, s.k.rowIn(incident, i)))
			}
			err := execute(ctx, p)
			var out []any
			for _, c := range cmds {
				for _, v := range c.Val() {
					out = append(out, v)
				}
			}
			return out, err
		})
		if err != nil {
			return err
		}
		rows, err := decodeAll[state.Row](docs)
		if err != nil {
			return err
		}
		for _, r := range rows {
			visit(r)
		}
	}
	return nil
}

// overdue is how many farms wait to be assessed: those whose time has come, and those last assessed by other rules.
func (s *Store) overdue(ctx context.Context, incident string, revision int, now time.Time) (int, error) {
	behind, err := s.behind(ctx, incident, revision)
	if err != nil {
		return 0, err
	}
	hours, err := s.dueHours(ctx, incident, now)
	if err != nil || len(hours) == 0 {
		return behind, err
	}
	due, err := call(ctx, s, "count what is due", func(ctx context.Context, _ int) (int64, error) {
		p := s.c.Pipeline()
		var cmds []*redis.IntCmd
		for _, h := range hours {
			cmds = append(cmds, p.ZCount(ctx, s.k.due(incident, h), "-inf", millis(now)))
		}
		err := execute(ctx, p)
		n := int64(0)
		for _, c := range cmds {
			n += c.Val()
		}
		return n, err
	})
	return behind + int(due), err
}

func (s *Store) dueHours(ctx context.Context, incident string, now time.Time) ([]string, error) {
	return call(ctx, s, "read what is due", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRangeByScore(ctx, s.k.dueHours(incident), &redis.ZRangeBy{Min: "-inf", Max: hourOf(now)}).Result()
	})
}

// Due returns farms about which the passing of time may have changed something by now, the longest waiting first.
func (s *Store) Due(ctx context.Context, incident string, now time.Time, limit int) ([]string, error) {
	hours, err := s.dueHours(ctx, incident, now)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, h := range hours {
		by := &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: int64(max(limit, 1) - len(out))}
		if by.Count <= 0 {
			break
		}
		farms, err := call(ctx, s, "read what is due", func(ctx context.Context, _ int) ([]string, error) {
			return s.c.ZRangeByScore(ctx, s.k.due(incident, h), by).Result()
		})
		if err != nil {
			return nil, err
		}
		out = append(out, farms...)
	}
	return out, nil
}

// behind counts the farms that were last assessed at another revision of the playbook.
func (s *Store) behind(ctx context.Context, incident string, revision int) (int, error) {
	farms, err := call(ctx, s, "count what is behind", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, s.k.revisions(incident)).Result()
	})
	n := 0
	for rev, text := range farms {
		k, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("counter of revision %q is %q", rev, text)
		}
		if rev != strconv.Itoa(revision) {
			n += k
		}
	}
	return n, err
}

// Behind returns farms that were last assessed at another revision of the playbook than the one in force.
func (s *Store) Behind(ctx context.Context, incident string, limit int) ([]string, error) {
	inc, err := s.Incident(ctx, incident)
	if err != nil {
		return nil, err
	}
	revisions, err := s.revisions(ctx, incident)
	var out []string
	for _, revision := range revisions {
		left := max(limit, 1) - len(out)
		if revision == strconv.Itoa(inc.Rules.Revision) || left <= 0 {
			continue
		}
		farms, err := call(ctx, s, "list what is behind", func(ctx context.Context, _ int) ([]string, error) {
			return s.c.ZRange(ctx, s.k.revised(incident, revision), 0, int64(left-1)).Result()
		})
		if err != nil {
			return nil, err
		}
		out = append(out, farms...)
	}
	slices.Sort(out)
	return out, err
}

// revisions are those that any farm was last assessed at.
func (s *Store) revisions(ctx context.Context, incident string) ([]string, error) {
	return call(ctx, s, "list what is behind", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HKeys(ctx, s.k.revisions(incident)).Result()
	})
}
