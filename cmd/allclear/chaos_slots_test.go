//go:build chaos

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/statetest"
)

// A thousand slots at the shortest cadence that there may be are hours of it, and leases are seconds. So the schedule of
// the replicas has a clock of its own that runs hundreds of times faster through those hours (TEST_ALLCLEAR_SLOTS), with the
// replicas minutes apart; all else in them, leases, pace and time-outs above all, goes by real time.
type slotPlay struct {
	*troupe
	left     func() (int64, error) // messages of the outbox
	places   []state.Place         // one for each job, for a channel hears one message a second
	slots    int                   // of each job
	from, to time.Time             // the first slot is a cadence after from, the last is to
	lasts    time.Duration         // of real time
	began    time.Time
	kills    int
	faults   int
}

// cadence is the shortest that there may be.
const cadence = 5 * time.Minute

// waits is before the first slot: so long it takes to begin.
const waits = 5 * time.Second

func newSlotPlay(t *testing.T, redis *statetest.Engine, dedupe bool, jobs, slots int, lasts time.Duration) *slotPlay {
	t.Helper()
	span := time.Duration(slots) * cadence
	db := redis.Client(t)
	p := &slotPlay{slots: slots, lasts: lasts, from: time.Now().Add(-span - cadence).Truncate(cadence), began: time.Now().Add(waits)}
	p.to = p.from.Add(span)
	p.left = func() (int64, error) { return db.ZCard(t.Context(), "allclear:{s00}:out:all").Result() }
	url := "redis://" + redis.Addr
	p.troupe = newTroupe(t, dedupe, []string{url, url, url},
		fmt.Sprintf("%s=%d %d %d %d", slotsVariable, p.began.UnixMilli(), p.from.UnixMilli(), span/lasts, p.to.UnixMilli()))
	for range jobs {
		c := p.fake.AddChannel(slackfake.Channel{BotIn: true})
		p.places = append(p.places, state.Place{Platform: slack.Name, Workspace: slackfake.TeamID, Channel: c.ID, Ceiling: state.TLPAmberStrict})
	}
	atRedis(t, url, p.schedule)
	return p
}

// schedule opens the incident at the time that the clock of the schedule begins with.
func (p *slotPlay) schedule(o *opened) {
	pb, err := playbook.Load("toolshell")
	require.NoError(p.t, err)
	w := state.Work{Request: "slots", Step: "open", By: "lead-1", At: p.from}
	_, err = o.Update(p.t.Context(), w, "chaos-1", nil, func(tx *state.Tx) error {
		if err := tx.OpenIncident(state.Incident{ID: "chaos-1", Title: "Slots", Rules: pb.Rules(), Cadence: time.Hour, Places: p.places}); err != nil {
			return err
		}
		for i, place := range p.places {
			if err := tx.Schedule(state.Scheduled{Name: p.job(i), Spec: "every 5m", Line: "status", Place: place, CatchUp: state.CatchUpAll}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(p.t, err)
}

func (p *slotPlay) job(i int) string { return fmt.Sprintf("job-%02d", i) }

// request is the id of what a slot of a job asks.
func (p *slotPlay) request(job, slot int) string {
	at := p.from.Add(time.Duration(slot+1) * cadence).UTC().Format(time.RFC3339)
	return fmt.Sprintf("slot chaos-1/%s %s", p.job(job), at)
}

// letter is the id of the answer to it.
func (p *slotPlay) letter(job, slot int) string {
	n := state.Notice{Key: chat.AnswerKey(p.request(job, slot))}
	return n.Address(p.places[job : job+1])[0].ID
}

// rage kills replicas until the clock of the schedule has ended, and a little longer, while Slack takes messages and does
// not say so.
func (p *slotPlay) rage() {
	for time.Now().Before(p.began.Add(p.lasts + 3*time.Second)) {
		time.Sleep(500*time.Millisecond + rand.N(time.Second))
		p.supervise()
		p.restart(rand.IntN(len(p.replicas)))
		p.kills++
		for _, f := range []slackfake.Fault{slackfake.HalfDone(), slackfake.LostAnswer()} {
			p.fake.NextCalls("chat.postMessage", 1, f)
			p.faults++
		}
	}
	p.fake.Heal()
}

// posted counts the messages of each slot, by the note of its request that each carries.
func (p *slotPlay) posted() (times [][]int, missing []string) {
	for i, place := range p.places {
		notes := map[string]int{}
		for _, m := range p.fake.Messages(place.Channel) {
			load, _ := m.Metadata["event_payload"].(map[string]any)
			note, _ := load["key"].(string)
			notes[note]++
		}
		row := make([]int, p.slots)
		for n := range row {
			sum := sha256.Sum256([]byte(p.letter(i, n))) // as package slack does
			if row[n] = notes[hex.EncodeToString(sum[:16])]; row[n] == 0 {
				missing = append(missing, p.request(i, n))
			}
		}
		times = append(times, row)
	}
	return times, missing
}

// exact checks each slot of each job in what Slack shows and in the store, and counts those that are shown twice.
func (p *slotPlay) exact(redis string) (lost []string, doubled int) {
	t := p.t
	eventually(settled+time.Duration(p.slots)*slack.PostEvery, func() bool {
		p.supervise()
		time.Sleep(200 * time.Millisecond)
		_, missing := p.posted()
		return len(missing) == 0
	})
	eventually(settled, func() bool { // what is shown may not be noted yet, when the answer of Slack was lost
		p.supervise()
		left, err := p.left()
		return err == nil && left == 0
	})
	p.dismiss()
	times, lost := p.posted()
	for _, row := range times {
		for _, n := range row {
			doubled += max(0, n-1)
		}
	}
	atRedis(t, redis, func(o *opened) {
		nothingLeft(t, o)
		for i := range p.places {
			at, err := o.Cursors(t.Context(), []string{"chaos-1/" + p.job(i)})
			require.NoError(t, err)
			require.Equal(t, p.to.Add(cadence).UTC(), at[0].Next.UTC(), "the cursor stands behind the last slot")
			for n := range p.slots {
				fresh, err := o.Accept(t.Context(), p.request(i, n), []byte("{}"), time.Now())
				require.NoError(t, err)
				require.False(t, fresh, "the store knows of %s", p.request(i, n))
				r, err := o.ReceiptOf(t.Context(), p.letter(i, n))
				require.NoError(t, err, p.request(i, n))
				require.NotEmpty(t, r.MessageID)
			}
		}
	})
	return lost, doubled
}

// TestChaosSlots: of each slot of each job one message comes, though three replicas with other clocks are killed at random.
func TestChaosSlots(t *testing.T) {
	t.Parallel()
	for name, dedupe := range map[string]bool{"with Slack's own dedupe": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jobs, slots := scale(10, 20), scale(10, 50)
			redis := statetest.Redis(t)
			p := newSlotPlay(t, redis, dedupe, jobs, slots, time.Duration(scale(10, 75))*time.Second)
			p.rage()
			lost, doubled := p.exact("redis://" + redis.Addr)
			t.Logf("%d slots, %d kills, up to %d answers of Slack lost: %d lost, %d doubled %s", jobs*slots, p.kills, p.faults, len(lost), doubled, name)
			require.Empty(t, lost)
			if dedupe {
				require.Zero(t, doubled)
			}
			require.LessOrEqual(t, doubled, p.kills, "only what a replica was about when it was killed")
		})
	}
}
