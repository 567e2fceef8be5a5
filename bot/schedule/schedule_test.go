package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// rig is a real store with one incident, and replicas that fire its jobs.
type rig struct {
	t     *testing.T
	store *redisstore.Store
	n     int
}

const incidentID = "ts-1"

func newRig(t *testing.T) *rig {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	c := e.Client()
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
	})
	r := &rig{t: t, store: redisstore.New(c, redisstore.Options{Writer: "test"})}
	require.NoError(t, r.store.Init(t.Context()))
	r.change(func(tx *state.Tx) error {
		return tx.OpenIncident(state.Incident{ID: incidentID, Places: []state.Place{{Platform: "console", Channel: "ops"}}})
	})
	return r
}

func (r *rig) change(do func(*state.Tx) error) {
	r.t.Helper()
	r.n++
	w := state.Work{Request: fmt.Sprintf("change-%d", r.n), Step: "x", By: "lead-1", At: time.Now()}
	_, err := r.store.Update(r.t.Context(), w, incidentID, nil, do)
	require.NoError(r.t, err)
}

func (r *rig) put(j state.Scheduled) {
	r.t.Helper()
	r.change(func(tx *state.Tx) error { return tx.Schedule(j) })
}

// replica is one more process, whose clock goes wrong by so much.
func (r *rig) replica(skew time.Duration) *Schedule {
	r.t.Helper()
	s, err := New(Options{
		Store: r.store, Open: func(context.Context) ([]string, error) { return []string{incidentID}, nil },
		Encode: func(req chat.Request, _ string) ([]byte, error) { return json.Marshal(req) },
		Now:    func() time.Time { return time.Now().Add(skew) }, Poll: 5 * time.Minute,
	})
	require.NoError(r.t, err)
	return s
}

// asked are the requests that came into being, in order: "digest 2025-03-30T07:00:00Z".
func (r *rig) asked() []string {
	r.t.Helper()
	var out []string
	for {
		job, ok, err := r.store.Lease(r.t.Context(), "test", time.Now(), time.Hour)
		require.NoError(r.t, err)
		if !ok {
			return out
		}
		require.NoError(r.t, r.store.Finish(r.t.Context(), job.ID, "test", job.Attempt, nil, time.Now()))
		var req chat.Request
		require.NoError(r.t, json.Unmarshal(job.Payload, &req))
		require.Equal(r.t, chat.TriggerSchedule, req.Trigger)
		require.Equal(r.t, "ops", req.Place.Channel)
		require.Equal(r.t, job.ID, req.ID)
		out = append(out, req.Text+" "+req.At.Format(time.RFC3339))
	}
}

// of are the slots of one job among what was asked.
func of(asked []string, line string) (out []string) {
	for _, a := range asked {
		if at, ok := strings.CutPrefix(a, line+" "); ok {
			out = append(out, at)
		}
	}
	return out
}

// until lets simulated time pass.
func until(at time.Time) { time.Sleep(time.Until(at)) }

// TestThreeDaysAroundEachChangeOfTheClocks runs 72 hours with three replicas whose
// clocks differ and which die at random, and compares each slot.
func TestThreeDaysAroundEachChangeOfTheClocks(t *testing.T) {
	for _, c := range []struct {
		zone, from string
		digest     string // times of 09:00,17:00 local, in UTC
		night      string // times of 02:30 local, in UTC
	}{
		{"Europe/Berlin", "2025-03-29 00:00", "29 08:00,29 16:00,30 07:00,30 15:00,31 07:00,31 15:00", "29 01:30,30 01:00,31 00:30"},
		{"Europe/Berlin", "2025-10-25 00:00", "25 07:00,25 15:00,26 08:00,26 16:00,27 08:00,27 16:00", "25 00:30,26 00:30,27 01:30"},
		{"America/New_York", "2025-03-08 00:00", "08 14:00,08 22:00,09 13:00,09 21:00,10 13:00,10 21:00", "08 07:30,09 07:00,10 06:30"},
		{"America/New_York", "2025-11-01 00:00", "01 13:00,01 21:00,02 14:00,02 22:00,03 14:00,03 22:00", "01 06:30,02 07:30,03 07:30"},
	} {
		t.Run(c.zone+" "+c.from, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from := day(t, c.from)
				until(from)
				r := newRig(t)
				r.put(state.Scheduled{Name: "digest", Spec: "09:00,17:00", Zone: c.zone, Line: "digest"})
				r.put(state.Scheduled{Name: "night", Spec: "30 2 * * *", Zone: c.zone, Line: "scan"})
				r.put(state.Scheduled{Name: "reminders", Spec: "every 2h", Zone: c.zone, Line: "ping --send"})
				kills := r.mortals(from.Add(72*time.Hour), -3*time.Second, 0, 3*time.Second)
				asked := r.asked()
				t.Logf("%d slots, %d kills", len(asked), kills)
				format := func(slots []string) string {
					for i, s := range slots {
						at, err := time.Parse(time.RFC3339, s)
						require.NoError(t, err)
						slots[i] = at.UTC().Format("02 15:04")
					}
					return strings.Join(slots, ",")
				}
				require.Equal(t, c.digest, format(of(asked, "digest")))
				require.Equal(t, c.night, format(of(asked, "scan")))
				var every []string
				for at := from.Add(2 * time.Hour); !at.After(from.Add(72 * time.Hour)); at = at.Add(2 * time.Hour) {
					every = append(every, at.Format(time.RFC3339))
				}
				require.Equal(t, every, of(asked, "ping --send"))
			})
		})
	}
}

// mortals are replicas that are killed and started again at random until a moment,
// and a little longer for those whose clocks go after.
func (r *rig) mortals(end time.Time, skews ...time.Duration) (kills int) {
	r.t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for i, skew := range skews {
		random := rand.New(rand.NewPCG(uint64(i), uint64(end.Unix())))
		all.Go(func() {
			for time.Now().Before(end.Add(time.Minute)) {
				life := min(time.Duration(random.Int64N(int64(6*time.Hour))), time.Until(end.Add(time.Minute)))
				ctx, die := context.WithTimeout(r.t.Context(), life)
				_ = r.replica(skew).Run(ctx)
				die()
				time.Sleep(time.Duration(random.Int64N(int64(20 * time.Minute))))
				mu.Lock()
				kills++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	last, err := r.replica(0).Pass(r.t.Context()) // what the last of them left
	require.NoError(r.t, err)
	require.False(r.t, last.IsZero())
	return kills
}

func TestSlotsThatWereMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := day(t, "2025-07-21 00:30")
		until(start)
		r := newRig(t)
		r.put(state.Scheduled{Name: "all", Spec: "every 1h", Line: "all", CatchUp: state.CatchUpAll})
		r.put(state.Scheduled{Name: "last", Spec: "every 1h", Line: "last"})
		r.put(state.Scheduled{Name: "fresh", Spec: "every 1h", Line: "fresh", CatchUp: state.CatchUpSkip, Late: time.Hour})
		r.put(state.Scheduled{Name: "stale", Spec: "0 3 * * *", Line: "stale", CatchUp: state.CatchUpSkip, Late: time.Hour})
		r.put(state.Scheduled{Name: "paused", Spec: "every 1h", Line: "paused", Paused: true})
		until(start.Add(5 * time.Hour)) // nobody was there for five hours
		next, err := r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		require.Equal(t, day(t, "2025-07-21 06:00"), next)
		asked := r.asked()
		require.Len(t, of(asked, "all"), 5)
		require.Equal(t, []string{"2025-07-21T05:00:00Z"}, of(asked, "last"))
		require.Equal(t, []string{"2025-07-21T05:00:00Z"}, of(asked, "fresh"))
		require.Empty(t, of(asked, "stale"))
		require.Empty(t, of(asked, "paused"))
		_, err = r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		require.Empty(t, r.asked())
	})
}

func TestAJobThatIsEditedOwesNothingOfItsOldTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until(day(t, "2025-07-21 08:00"))
		r := newRig(t)
		r.put(state.Scheduled{Name: "a", Spec: "09:00", Line: "old"})
		_, err := r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		until(day(t, "2025-07-21 09:30"))
		r.put(state.Scheduled{Name: "a", Spec: "10:00", Line: "new"})
		until(day(t, "2025-07-21 12:00"))
		_, err = r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"new 2025-07-21T10:00:00Z"}, r.asked())
		r.change(func(tx *state.Tx) error { return tx.Unschedule("a") })
		until(day(t, "2025-07-24 12:00"))
		r.put(state.Scheduled{Name: "a", Spec: "10:00", Line: "again"}) // it does not begin where the other ended
		_, err = r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		require.Empty(t, r.asked())
		r.change(func(tx *state.Tx) error { return tx.CloseIncident("over") })
		until(day(t, "2025-07-26 12:00"))
		_, err = r.replica(0).Pass(t.Context())
		require.NoError(t, err)
		require.Empty(t, r.asked(), "nothing is due in what is closed")
	})
}

func TestManyReplicasFireASlotOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(state.Scheduled{Name: "a", Spec: "every 5m", Line: "line"})
	later := time.Now().Add(5 * time.Minute)
	var all sync.WaitGroup
	for range 8 {
		s := r.replica(time.Until(later))
		all.Go(func() {
			_, err := s.Pass(context.WithoutCancel(t.Context()))
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Len(t, r.asked(), 1)
}

// away is a store that cannot be reached.
type away struct{ Store }

func (away) Incident(context.Context, string) (state.Incident, error) {
	return state.Incident{}, errors.New("away")
}

func TestAScheduleOutlivesItsStoreBeingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{
			Store: away{}, Open: func(context.Context) ([]string, error) { return []string{incidentID}, nil },
			Encode: func(chat.Request, string) ([]byte, error) { return nil, nil },
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.NoError(t, s.Run(ctx))
		require.Equal(t, time.Minute, time.Since(began))
	})
}
