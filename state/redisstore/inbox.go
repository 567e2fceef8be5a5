package redisstore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

//go:embed lease.lua
var leaseSource string

var leaseScript = newScript(leaseSource)

// Accept keeps a request, to be worked off even if this process dies now. fresh is false when a request of this id was
// accepted before. ErrFull: too many wait, and it was not kept.
func (s *Store) Accept(ctx context.Context, id string, payload []byte, at time.Time) (fresh bool, err error) {
	nonce := rand.Text()
	p := newProgram()
	p.is(whySeen, s.k.inSeen(id), id, "")
	p.check(whyRoom, "room", s.k.inQueue(), "", strconv.Itoa(s.o.MaxInbox))
	if err := s.planAccept(p, state.Job{ID: id, Payload: payload, Accepted: at}, nonce); err != nil {
		return false, err
	}
	p.seal()
	v, err := s.apply(ctx, "accept the request", p)
	switch {
	case err != nil:
		return false, err
	case v.ok:
		return true, nil
	case v.no == whySeen:
		return strings.HasSuffix(v.got, " "+nonce), nil // ours, if the reply was lost
	case v.no == whyRoom:
		return false, ErrFull
	}
	return false, refused(v)
}

func (s *Store) planAccept(p *program, item state.Job, nonce string) error {
	if item.ID == "" || item.Accepted.IsZero() {
		return errors.New("a request needs an id and a time")
	}
	p.op("accept", s.k.inBody(), p.key(s.k.inSeen(item.ID)), p.key(s.k.inQueue()), p.key(s.k.inJob()), p.key(s.k.inCount()),
		item.ID, string(item.Payload), strconv.FormatInt(item.Accepted.UnixNano(), 10), nonce)
	s.planOld(p, "seen", hourOf(item.Accepted), item.ID)
	return nil
}

// Lease takes a request to work on: one whose lease is over, else the one that waits longest. ok is false when there is none.
func (s *Store) Lease(ctx context.Context, holder string, now time.Time, ttl time.Duration) (job state.Job, ok bool, err error) {
	keys := []string{s.k.inQueue(), s.k.inLeased(), s.k.inJob(), s.k.inLease(), s.k.inBody()}
	nonce := rand.Text()
	reply, err := call(ctx, s, "lease a request", func(ctx context.Context, try int) ([]string, error) {
		return s.script(ctx, try, leaseScript, keys, millis(now), millis(now.Add(ttl)), holder, nonce, min(try, 1)).StringSlice()
	})
	if err != nil || len(reply) == 0 {
		return state.Job{}, false, err
	}
	if len(reply) != 4 {
		return state.Job{}, false, fmt.Errorf("lease a request: the store answered %d values", len(reply))
	}
	attempt, err1 := strconv.Atoi(reply[2])
	at, err2 := strconv.ParseInt(reply[3], 10, 64)
	return state.Job{ID: reply[0], Payload: []byte(reply[1]), Attempt: attempt, Accepted: time.Unix(0, at).UTC()}, true, errors.Join(err1, err2)
}

func leaseText(holder string, attempt int) string { return strconv.Itoa(attempt) + " " + holder }

// Renew keeps a request for longer. state.ErrLeaseLost: somebody else works on it, or it is finished.
func (s *Store) Renew(ctx context.Context, id, holder string, attempt int, now time.Time, ttl time.Duration) error {
	p := newProgram()
	p.is(whyLease, s.k.inLease(), id, leaseText(holder, attempt))
	p.op("ZADD", s.k.inLeased(), millis(now.Add(ttl)), id)
	p.seal()
	v, err := s.apply(ctx, "renew the lease of a request", p)
	if err == nil && !v.ok {
		return fmt.Errorf("request %q: %w", id, state.ErrLeaseLost)
	}
	return err
}

// Finish ends a request and posts its answers, in one step. state.ErrLeaseLost: somebody else works on it, or has finished it.
func (s *Store) Finish(ctx context.Context, id, holder string, attempt int, letters []state.Letter, now time.Time) error {
	mine := leaseText(holder, attempt)
	done := strconv.FormatInt(now.UnixNano(), 10) + " finished " + mine
	p := newProgram()
	p.is(whyLease, s.k.inLease(), id, mine)
	p.op("ZREM", s.k.inLeased(), id)
	for _, k := range []string{s.k.inLease(), s.k.inJob(), s.k.inBody()} {
		p.op("HDEL", k, id)
	}
	p.op("HSET", s.k.inSeen(id), id, done)
	for _, l := range letters {
		if err := s.planLetter(p, l); err != nil {
			return err
		}
	}
	s.planOld(p, "seen", hourOf(now), id)
	p.seal()
	v, err := s.apply(ctx, "finish the request", p)
	if err != nil || v.ok {
		return err
	}
	if v.no != whyLease {
		return refused(v)
	}
	seen, err := call(ctx, s, "finish the request", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.inSeen(id), id).Result()
	})
	if err == nil && seen == done {
		return nil // the reply was lost
	}
	if err != nil && !missing(err) {
		return err
	}
	return fmt.Errorf("request %q: %w", id, state.ErrLeaseLost)
}

// Waiting is how many requests nobody has taken yet, and when the oldest was accepted.
func (s *Store) Waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	type reply struct {
		n    int64
		jobs []string
	}
	r, err := call(ctx, s, "measure the inbox", func(ctx context.Context, _ int) (reply, error) {
		first, err := s.c.ZRange(ctx, s.k.inQueue(), 0, 0).Result()
		if err != nil || len(first) == 0 {
			return reply{}, err
		}
		p := s.c.Pipeline()
		n, job := p.ZCard(ctx, s.k.inQueue()), p.HGet(ctx, s.k.inJob(), first[0])
		err = execute(ctx, p)
		return reply{n.Val(), []string{job.Val()}}, err
	})
	if err != nil || len(r.jobs) == 0 {
		return 0, time.Time{}, err
	}
	return int(r.n), acceptedAt(r.jobs[0]), nil
}

// acceptedAt is when a job was accepted; zero if it is gone.
func acceptedAt(job string) time.Time {
	text, _, _ := strings.Cut(job, " ")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
