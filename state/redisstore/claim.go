package redisstore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

//go:embed claim.lua
var claimSource string

//go:embed settle.lua
var settleSource string

var (
	claimScript  = newScript(claimSource)
	settleScript = newScript(settleSource)
)

// claimWindow is how far behind the head of a queue letters are looked for that go out with it.
const claimWindow = 100

// Claim takes letters that are due: of each place only the oldest, and only when nothing older of that place is claimed
// or held back, together with those of that place that coalesce with it. It may return a few more than limit, never
// a part of what goes together unless that is more than limit.
func (s *Store) Claim(ctx context.Context, holder string, now time.Time, ttl time.Duration, limit int) ([]state.ClaimedLetter, error) {
	places, err := call(ctx, s, "look into the outbox", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRangeByScore(ctx, s.k.places(), &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: int64(max(limit, 1))}).Result()
	})
	if err != nil {
		return nil, err
	}
	var out []state.ClaimedLetter
	for _, place := range places {
		if len(out) >= max(limit, 1) {
			break
		}
		got, err := s.claimAt(ctx, place, holder, now, ttl, max(limit, 1))
		if err != nil {
			if len(out) > 0 {
				return out, nil // what is claimed must reach its holder; the error will show again
			}
			return nil, err
		}
		out = append(out, got...)
	}
	return out, nil
}

func (s *Store) claimAt(ctx context.Context, place, holder string, now time.Time, ttl time.Duration, limit int) ([]state.ClaimedLetter, error) {
	bodies, head, err := s.front(ctx, place, now)
	if err != nil || len(bodies) == 0 {
		return nil, err
	}
	args := []any{millis(now), millis(now.Add(ttl)), holder + "/" + rand.Text(), place, head}
	byID := map[string]state.Letter{}
	for i, l := range bodies {
		if i > 0 && (l.Notice.Coalesce == "" || l.Notice.Coalesce != bodies[0].Notice.Coalesce) || len(byID) >= limit {
			continue
		}
		byID[l.ID] = l
		args = append(args, l.ID)
	}
	reply, err := call(ctx, s, "claim letters", func(ctx context.Context, try int) ([]string, error) {
		return s.script(ctx, try, claimScript, []string{s.k.places(), s.k.queue(place), s.k.claims(place)}, args...).StringSlice()
	})
	if err != nil {
		return nil, err
	}
	var out []state.ClaimedLetter
	for pair := range slices.Chunk(reply, 2) {
		c, err := parseClaim(pair[1])
		if err != nil {
			return nil, err
		}
		out = append(out, state.ClaimedLetter{Letter: c.dress(byID[pair[0]]), Token: c.token, Claims: c.claims})
	}
	return out, nil
}

// front reads the due letters at the head of a place's queue.
func (s *Store) front(ctx context.Context, place string, now time.Time) (letters []state.Letter, head string, err error) {
	entries, err := call(ctx, s, "look into the outbox", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRangeByScore(ctx, s.k.queue(place), &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: claimWindow}).Result()
	})
	if err != nil || len(entries) == 0 {
		return nil, "", err
	}
	docs, err := call(ctx, s, "read letters", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringCmd
		for _, e := range entries {
			cmds = append(cmds, p.HGet(ctx, s.k.letter(e[12:]), e[12:]))
		}
		err := execute(ctx, p)
		out := make([]string, len(cmds))
		for i, c := range cmds {
			out[i] = c.Val()
		}
		return out, err
	})
	if err != nil || docs[0] == "" { // the head was delivered in between
		return nil, "", err
	}
	for i, d := range docs {
		if d == "" {
			continue
		}
		l, err := decode[state.Letter](d, "letter", entries[i][12:])
		if err != nil {
			return nil, "", err
		}
		letters = append(letters, l)
	}
	return letters, entries[0], nil
}

// Delivered takes the letter out of the queue for good and keeps the receipt. state.ErrLeaseLost: somebody else has claimed it since.
func (s *Store) Delivered(ctx context.Context, letter state.Letter, token string, r state.Receipt) error {
	if r.At.IsZero() {
		return errors.New("a receipt needs a time")
	}
	r.At = r.At.UTC().Round(0)
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write a receipt: %w", err)
	}
	card := ""
	if r.Card != "" {
		card = cardField(r.Card, r.Place)
	}
	return s.settle(ctx, "delivered", letter, token, r.At, string(doc), card)
}

// Later gives the letter back, to be claimed again when it is due. What comes behind it at its place waits with it.
func (s *Store) Later(ctx context.Context, letter state.Letter, token string, due time.Time, held string) error {
	return s.settle(ctx, "later", letter, token, due, held, "")
}

// RenewLetter keeps a claimed letter for longer.
func (s *Store) RenewLetter(ctx context.Context, letter state.Letter, token string, now time.Time, ttl time.Duration) error {
	return s.settle(ctx, "renew", letter, token, now.Add(ttl), "", "")
}

// Dead gives the letter up. It is kept for people to see, and its id is never posted again.
func (s *Store) Dead(ctx context.Context, letter state.Letter, token, why string) error {
	letter.Held = why
	doc, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("write letter %q: %w", letter.ID, err)
	}
	return s.settle(ctx, "dead", letter, token, letter.Due, string(doc), "")
}

// answerCard begins the name of a card that is the answer to a request: nothing edits it when the request is forgotten.
const answerCard = "answer "

func (s *Store) settle(ctx context.Context, verb string, l state.Letter, token string, at time.Time, text, card string) error {
	place, hour := l.Lane(), hourOf(at)
	old, oldCard := "receipt:"+hour, ""
	if verb == "dead" {
		old = "dead:" + hour
	}
	if strings.HasPrefix(card, answerCard) {
		oldCard = "card:" + hour
	}
	keys := []string{
		s.k.places(), s.k.queue(place), s.k.claims(place), s.k.letter(l.ID), s.k.receipt(l.ID), s.k.card(card),
		s.k.letters(), s.k.dead(), s.k.old(old), s.k.hours(), s.k.old("card:" + hour),
		s.k.held(),
	}
	// What is due later is rounded up, so that it is not found early.
	ms := strconv.FormatInt(at.Add(time.Millisecond-1).UnixMilli(), 10)
	reply, err := call(ctx, s, "settle a letter", func(ctx context.Context, try int) (string, error) {
		return s.script(ctx, try, settleScript, keys, verb, place, l.ID, token, ms, text, card, old, hour, oldCard).Text()
	})
	switch {
	case err != nil:
		return err
	case reply == "ok":
		return nil
	case reply == "lost":
		return fmt.Errorf("letter %q: %w", l.ID, state.ErrLeaseLost)
	}
	return fmt.Errorf("letter %q: the store answered %q", l.ID, reply)
}
