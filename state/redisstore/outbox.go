package redisstore

import (
	"context"
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

// Post puts letters into the outbox. One whose id is there, or was ever delivered, is left out. The letters of one place
// go out in the order in which they are due, then in the order in which they came.
func (s *Store) Post(ctx context.Context, letters []state.Letter) error {
	for page := range slices.Chunk(letters, 200) {
		p := newProgram()
		for _, l := range page {
			if err := s.planLetter(p, l); err != nil {
				return err
			}
		}
		p.seal()
		v, err := s.apply(ctx, "post letters", p)
		if err != nil {
			return err
		}
		if !v.ok {
			return refused(v)
		}
	}
	return nil
}

func (s *Store) planLetter(p *program, l state.Letter) error {
	if l.ID == "" || l.Due.IsZero() {
		return errors.New("a letter needs an id and a time")
	}
	if l.Created.IsZero() {
		l.Created = l.Due
	}
	l.Due, l.Created, l.Tries, l.Held = l.Due.UTC().Round(0), l.Created.UTC().Round(0), 0, ""
	doc, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write letter %q: %w", l.ID, err)
	}
	place := l.Lane()
	p.op("letter", s.k.letter(l.ID), p.key(s.k.receipt(l.ID)), p.key(s.k.places()), p.key(s.k.queue(place)), p.key(s.k.claims(place)),
		p.key(s.k.letters()), p.key(s.k.dead()), p.key(s.k.outCount()), l.ID, string(doc), place, millis(l.Due), millis(l.Created))
	return nil
}

// claimState is what the store knows of a letter that waits.
type claimState struct {
	due, n, notBefore, until int64
	claims                   int
	token, held              string
}

func parseClaim(text string) (c claimState, err error) {
	parts := strings.SplitN(text, " ", 7)
	if len(parts) != 7 {
		return c, fmt.Errorf("state of a letter: %q", text)
	}
	var numbers [5]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return c, fmt.Errorf("state of a letter: %q", text)
		}
	}
	return claimState{
		due: numbers[0], n: numbers[1], notBefore: numbers[2], until: numbers[3], claims: int(numbers[4]),
		token: parts[5], held: parts[6],
	}, nil
}

// dress puts what the store knows of a letter into it.
func (c claimState) dress(l state.Letter) state.Letter {
	l.Tries, l.Held = c.claims, c.held
	if c.notBefore > 0 {
		l.Due = time.UnixMilli(c.notBefore).UTC()
	}
	return l
}

// QueueSize is how many letters wait or are being delivered, and when the oldest was made.
func (s *Store) QueueSize(ctx context.Context) (n int, oldest time.Time, err error) {
	return s.sizeOf(ctx, s.k.letters())
}

func (s *Store) sizeOf(ctx context.Context, key string) (int, time.Time, error) {
	type reply struct {
		n     int64
		first []redis.Z
	}
	r, err := call(ctx, s, "measure a queue", func(ctx context.Context, _ int) (reply, error) {
		p := s.c.Pipeline()
		n, first := p.ZCard(ctx, key), p.ZRangeWithScores(ctx, key, 0, 0)
		err := execute(ctx, p)
		return reply{n.Val(), first.Val()}, err
	})
	if err != nil || len(r.first) == 0 {
		return 0, time.Time{}, err
	}
	return int(r.n), time.UnixMilli(int64(r.first[0].Score)).UTC(), nil
}

// ReceiptOf returns where a letter went; state.ErrNotFound: it was not delivered, or so long ago that it is forgotten.
func (s *Store) ReceiptOf(ctx context.Context, letterID string) (state.Receipt, error) {
	doc, err := call(ctx, s, "read a receipt", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.receipt(letterID), letterID).Result()
	})
	if err != nil {
		return state.Receipt{}, err
	}
	return decode[state.Receipt](doc, "receipt", letterID)
}

// CardReceipt returns the newest message that shows a card at a place, if there is one.
func (s *Store) CardReceipt(ctx context.Context, card string, place state.Place) (state.Receipt, bool, error) {
	field := cardField(card, place)
	doc, err := call(ctx, s, "read a receipt", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.card(field), field).Result()
	})
	if missing(err) {
		return state.Receipt{}, false, nil
	}
	if err != nil {
		return state.Receipt{}, false, err
	}
	r, err := decode[state.Receipt](doc, "receipt", card)
	return r, err == nil, err
}

func cardField(card string, place state.Place) string { return card + "\x00" + place.Key() }
