//go:build chaos

package main

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/statetest"
)

// saga is the story of the demo, told by people in a Slack to replicas that die, on a Redis that dies.
type saga struct {
	*troupe
	stage *stage
	redis *statetest.Engine
	rng   *rand.Rand

	// The time of the story, for all processes.
	clock *os.File
	ahead time.Duration

	look  func() (errands, error)
	store *opened
	seen  map[string]bool // requests that were accepted, by id
	seq   int64           // of the record, up to which it was read
	err   error           // what went wrong where nobody could be told

	people    state.People
	words     []*word
	slots     map[string]bool // requests of the schedule
	awaited   []reminder      // that were not seen yet
	delivered int             // reminders
	unsaid    int             // reminders of which nothing was left to say
	kills     int
	downs     int // of Redis
	storms    int
	pressed   int
	filled    int
	again     int // lines that were typed again
	next      int // line at which something goes wrong
	kind      int
	every     int
}

// storyChaos is how large the story is, and how often something goes wrong: once in so many lines.
type storyChaos struct {
	servers, every int
	cadence        string
}

// TestChaosStory plays the story of the demo through Slack to three replicas on one Redis, while all of them are killed.
// It ends in ALL CLEAR, or fails, and then the whole record is held against what people did and what is really so.
// TEST_SEED=n in the environment repeats the same accidents at about the same moments.
func TestChaosStory(t *testing.T) {
	t.Parallel()
	o := storyChaos{servers: 120, every: 5, cadence: "2h"}
	if testing.Short() {
		o = storyChaos{servers: 30, every: 6, cadence: "8h"}
	}
	c := newSaga(t, o)
	begun := time.Now()
	err := c.stage.play(t.Context())
	c.fake.Heal()
	require.NoError(t, err, "%s", tail(c.fake.Scene(), 4000))
	require.NoError(t, c.err)
	end := c.ended()
	c.Skip(5 * time.Hour) // slots of a clear incident
	require.NoError(t, c.err)
	doubled := c.spoken(end)
	c.dismiss()
	c.exact(end)
	t.Logf("STORY: %d servers, %.0f hours: %d kills, %d restarts of Redis, %d storms; %d lines (%d buttons, %d forms), %d of them again; "+
		"%d slots, %d reminders delivered, %d with nothing left to say; %d messages doubled; %s",
		o.servers, c.Now().Sub(storyStart()).Hours(), c.kills, c.downs, c.storms, c.typed, c.pressed, c.filled, c.again,
		len(c.slots), c.delivered, c.unsaid, doubled, time.Since(begun).Round(time.Second))
	require.Zero(t, doubled, "the channel is searched before anything is posted again")
	require.GreaterOrEqual(t, c.kills, 3)
	require.Positive(t, c.downs)
	require.Positive(t, c.storms)
}

// newSaga starts the house: a Slack with the cast in it, a Redis, the make-believe fleet, and three replicas whose clocks
// follow that of the story.
func newSaga(t *testing.T, o storyChaos) *saga {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TEST_SEED"); s != "" {
		_, err := fmt.Sscan(s, &seed)
		require.NoError(t, err)
	}
	t.Logf("TEST_SEED=%d", seed)
	c := &saga{
		rng: rand.New(rand.NewPCG(seed, 0)), redis: statetest.Redis(t), seen: map[string]bool{}, slots: map[string]bool{}, every: o.every,
	}
	c.next = 2 + c.rng.IntN(o.every)
	clock := c.openClock(t)
	fake := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), Patience: settled})
	fake.Allow(slackfake.Unacked) // a replica that is killed acknowledges nothing
	fake.Allow(slackfake.TooFast) // of replicas whose clocks differ by more than Retry-After, one comes back early
	url := "redis://" + c.redis.Addr
	c.troupe = &troupe{
		t: t, fake: fake, config: c.castFile(t, fake, o.cadence), urls: []string{url, url, url}, replicas: make([]*child, 3),
		env: []string{leaseVariable + "=10s", clockVariable + "=" + clock, unpacedVariable + "=1"},
	}
	for i := range c.replicas {
		c.start(i)
	}
	fake.AwaitConnections(len(c.replicas))
	var err error
	c.store, err = openStore(t.Context(), config{Redis: secret(url)}, false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.store.Close() })
	c.look = c.looker()
	fl, err := fleet.New(fleet.Options{Servers: o.servers, Seed: 1, Epoch: storyStart(), HangFor: time.Second})
	require.NoError(t, err)
	require.NoError(t, fl.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, fl.Close()) })
	c.stage = &stage{app: &app{store: c.store.Store}, fleet: fl, clock: c, out: io.Discard, telling: true, elsewhere: c.say}
	return c
}

// castFile is the configuration in which the cast of the story is linked to people of a Slack.
func (c *saga) castFile(t *testing.T, fake *slackfake.Slack, cadence string) string {
	t.Helper()
	ids := map[state.PersonID]string{lead: slackfake.Lead1, second: slackfake.Lead2, responder: slackfake.Responder}
	text := "cadence: " + cadence + "\npeople:\n"
	for _, who := range cast() {
		id, there := ids[who.ID]
		if !there {
			id = fake.AddUser(slackfake.User{Name: string(who.ID)}).ID
		}
		who.Links = []string{slack.Link(slackfake.TeamID, id)}
		c.people = append(c.people, who)
		text += fmt.Sprintf("  - {id: %s, role: %s, links: [%q]}\n", who.ID, who.Role, who.Links[0])
	}
	path := filepath.Join(t.TempDir(), "allclear.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
