package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// NoticeBoard is the pinned card of an incident in a place.
const NoticeBoard state.NoticeKind = "board"

// How often the pinned card may change: seldom, and oftener while a scan runs.
const (
	BoardEvery     = time.Minute
	BoardEveryScan = 5 * time.Second
	boardAnyway    = time.Hour // how old what it says may become though nothing changed
)

// Boards keeps the pinned cards of incidents up to date. It remembers what it had
// posted last, so that nothing is written while nothing changes.
type Boards struct {
	store boardStore
	now   func() time.Time
	last  map[string]posted
}

type posted struct {
	hash string
	at   time.Time
}

// NewBoards makes Boards. They are used by one goroutine.
func NewBoards(p Parts) *Boards {
	return &Boards{store: p.Store, now: p.Now, last: map[string]posted{}}
}

// Letters are what must be posted now so that the card of an incident is right
// in each place that hears of it. Replicas that find the same post it once. done is
// called when they are in the outbox: until then they are given again.
func (b *Boards) Letters(ctx context.Context, incident string) (letters []state.Letter, done func(), err error) {
	now := b.now()
	done = func() {}
	inc, err := b.store.Incident(ctx, incident)
	if err != nil || len(inc.Places) == 0 {
		return nil, done, err
	}
	f, err := readFacts(ctx, b.store, incident, now)
	if err != nil {
		return nil, done, err
	}
	every := BoardEvery
	if f.scanning() {
		every = BoardEveryScan
	}
	last, hash := b.last[incident], f.hash()
	if hash == last.hash || now.Sub(last.at) < every {
		return nil, done, nil
	}
	card := "board " + incident
	letters = state.Notice{
		Key: fmt.Sprintf("%s %s %s", card, hash, now.UTC().Truncate(BoardEveryScan).Format(time.RFC3339)), Kind: NoticeBoard,
		Incident: incident, At: now, Card: card, Coalesce: card, Pin: true,
	}.Address(threaded(inc.Places))
	return letters, func() { b.last[incident] = posted{hash, now} }, nil
}

// threaded are the places in which a card can be pinned and edited for long: those
// of chats. A terminal would only be filled with it.
func threaded(places []state.Place) []state.Place {
	var out []state.Place
	for _, p := range places {
		if p.Threads {
			out = append(out, p)
		}
	}
	return out
}

func (f facts) scanning() bool {
	for _, s := range f.scans {
		if alive(s, f.now) {
			return true
		}
	}
	return false
}

// hash is of what a board shows, without how long ago that was.
func (f facts) hash() string {
	type scan struct {
		ID     string
		Looked int
		Ended  bool
	}
	var scans []scan
	for _, s := range f.scans[:min(len(f.scans), 3)] {
		scans = append(scans, scan{s.ID, s.Looked, !s.Ended.IsZero()})
	}
	var worst []string
	for _, r := range f.worst {
		worst = append(worst, r.Name+" "+r.Status.String()+" "+r.Owner+" "+r.Reason)
	}
	raw, err := json.Marshal([]any{
		f.counts, worst, scans, len(f.proposals), len(f.held), min(f.overdue, 1), f.inc.Clear, f.inc.Closed, f.inc.Rules.Revision, f.inc.Title,
		f.inc.Cadence, f.inc.Places, f.now.UTC().Truncate(boardAnyway),
	})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// board is the pinned card at delivery.
func (v *Voice) board(ctx context.Context, n state.Notice) (chat.Message, error) {
	m, err := Card(ctx, v.store, n.Incident, v.now(), v.limit)
	m.About = chat.About{Incident: n.Incident}
	return m, err
}
