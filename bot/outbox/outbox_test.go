package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

func TestLettersAreRenderedWhenTheyGoOutAndGoOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"}, state.Notice{Key: "a"})
		f.run(t, 5*time.Second)
		require.Equal(t, []string{"a", "b"}, f.ch.texts())
		r := f.store.Receipts()["a @ test//team//"]
		require.Equal(t, "m1", r.MessageID)
		require.Equal(t, map[string]int{"delivered": 2}, f.counts)
		require.Empty(t, f.store.Queue())
		require.NotContains(t, f.log.String(), "team//", "letters have references in the log")
		require.Contains(t, f.log.String(), chat.Reference("a @ test//team//"))
	})
}

func TestAMessageThatIsNotTrueAnyMoreIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Render: func(context.Context, []state.Notice, state.Place) (chat.Message, error) { return chat.Message{}, nil }})
		f.post(t, state.Notice{Key: "a"})
		f.run(t, 5*time.Second)
		require.Empty(t, f.ch.texts())
		require.Equal(t, map[string]int{"nothing to say": 1}, f.counts)
		require.Empty(t, f.store.Queue())
	})
}

func TestRetryAfterIsObeyedAndNothingOvertakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"})
		began := time.Now()
		f.ch.fail(func(string, state.Place) error {
			if time.Since(began) < 30*time.Second {
				return &chat.RetryAfter{After: 30 * time.Second}
			}
			return nil
		})
		f.run(t, 20*time.Second)
		require.Empty(t, f.ch.texts())
		require.Equal(t, 1, f.counts["failed"], "asked once, and not again before the time")
		require.Contains(t, f.store.Queue()[0].Held, "slow down")
		f.run(t, time.Minute)
		require.Equal(t, []string{"a", "b"}, f.ch.texts())
	})
}

// generous is a store that hands out several letters of one place at a time.
type generous struct {
	outbox.Store
	letters []state.ClaimedLetter
	back    []string
}

func (g *generous) Claim(context.Context, string, time.Time, time.Duration, int) ([]state.ClaimedLetter, error) {
	return g.letters, nil
}

func (g *generous) Later(_ context.Context, l state.Letter, _ string, due time.Time, held string) error {
	g.back = append(g.back, fmt.Sprint(l.ID, " ", due.Round(time.Second).UTC().Format(time.TimeOnly), " ", held))
	return nil
}

func TestWhatIsBehindALetterThatCannotGoIsPutBackInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &generous{Store: newOffice(t, outbox.Options{}).store}
		for _, key := range []string{"a", "b", "c"} {
			g.letters = append(g.letters, state.ClaimedLetter{Letter: state.Letter{ID: key, Place: team, Notice: state.Notice{Payload: document(chat.P(key))}}, Claims: 1})
		}
		ch := &channel{}
		asked := 0
		ch.fail(func(string, state.Place) error { asked++; return &chat.RetryAfter{After: time.Minute} })
		ob, err := outbox.New(outbox.Options{Store: g, Posters: map[string]outbox.Poster{"test": ch}})
		require.NoError(t, err)
		_, err = ob.Pass(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, asked)
		require.Equal(t, []string{
			"a 00:01:00 the platform wants us to slow down (try 1)",
			"b 00:01:00 waits behind another message for the same place (try 1)",
			"c 00:01:00 waits behind another message for the same place (try 1)",
		}, g.back)
	})
}

func TestWhatFailsForEverIsGivenUpVisiblyAndTheNextGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"})
		f.ch.fail(func(string, state.Place) error {
			f.ch.fail(nil)
			return &chat.Permanent{Err: errors.New("channel_not_found")}
		})
		f.run(t, 5*time.Second)
		require.Equal(t, []string{"b"}, f.ch.texts())
		require.Contains(t, f.store.Buried()["a @ test//team//"], "channel_not_found")
		require.Contains(t, f.log.String(), "a letter was given up")
		require.Equal(t, 1, f.counts["dead"])
	})
}

func TestTransientFailuresAreTriedAgainLaterAndLaterAndNotForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Poll: time.Minute})
		f.post(t, state.Notice{Key: "a"})
		f.ch.fail(func(string, state.Place) error { return errors.New("502") })
		f.run(t, 25*time.Hour)
		require.Less(t, f.counts["failed"], 400)
		require.Greater(t, f.counts["failed"], 100)
		require.Contains(t, f.store.Buried()["a @ test//team//"], "given up after 24h0m0s")
	})
}

func TestOnePlaceDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		other := team
		other.Channel = "other"
		for _, key := range []string{"a", "b"} {
			n := state.Notice{Key: key, At: time.Now()}
			require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{team, other})))
		}
		f.ch.fail(func(_ string, p state.Place) error {
			if p.Channel == "team" {
				time.Sleep(14 * time.Second)
			}
			return nil
		})
		f.run(t, 3*time.Second)
		for _, m := range f.ch.messages[:2] {
			require.Equal(t, "other", m.place.Channel)
		}
	})
}

func TestWhatWaitsTogetherIsToldTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Window: 10 * time.Second})
		go func() {
			for i := range 6 {
				f.post(t, state.Notice{Key: fmt.Sprint(i), Coalesce: "pings of lead-1"})
				time.Sleep(time.Second)
			}
		}()
		f.run(t, time.Minute)
		require.Equal(t, []string{"0+1+2+3+4+5"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 6)
	})
}

func TestThePaceOfAPlaceIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Pace: map[string]outbox.Pace{"test": {Every: 4 * time.Second, Burst: 2}}})
		for i := range 6 {
			f.post(t, state.Notice{Key: fmt.Sprint(i)})
		}
		f.run(t, time.Minute)
		require.Equal(t, []string{"0", "1", "2", "3", "4", "5"}, f.ch.texts())
		for i := 2; i < 6; i++ {
			require.GreaterOrEqual(t, f.ch.calls[i].Sub(f.ch.calls[i-2]), 4*time.Second, i)
		}
		require.Less(t, f.ch.calls[5].Sub(f.ch.calls[0]), 25*time.Second)
	})
}

func TestAPlatformThatIsNotHereIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Posters: map[string]outbox.Poster{}})
		f.post(t, state.Notice{Key: "a"})
		f.run(t, time.Minute)
		require.Contains(t, f.store.Queue()[0].Held, `no connection to the platform "test"`)
		f.open(t, outbox.Options{}).run(t, 10*time.Minute)
		require.Equal(t, []string{"a"}, f.ch.texts())
	})
}

func TestAnOutboxThatIsStoppedEndsWhatItBeganAndPutsTheRestBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Grace: 5 * time.Second})
		f.post(t, state.Notice{Key: "a"})
		f.ch.fail(func(string, state.Place) error { time.Sleep(4 * time.Second); return nil })
		f.run(t, time.Second)
		require.Equal(t, []string{"a"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 1)
	})
}

func TestAStoreThatIsAwayIsOneLineInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"})
		f.store.Fail(func(string) error { return state.ErrUnavailable })
		f.run(t, time.Minute)
		require.Equal(t, 1, strings.Count(f.log.String(), "no letters can be claimed"))
		f.store.Fail(nil)
		n, err := f.Pass(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{"a"}, f.ch.texts())
	})
}

func TestNewNamesWhatIsMissingAndRenderIsNeededForNotices(t *testing.T) {
	t.Parallel()
	_, err := outbox.New(outbox.Options{})
	require.ErrorContains(t, err, "needs a store")
}

func TestALetterThatWaitedLongIsNotGivenUpAtTheFirstHiccup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		hiccup := func() {
			f.ch.fail(func(string, state.Place) error {
				f.ch.fail(nil)
				return errors.New("connection reset by peer")
			})
		}
		f.post(t, state.Notice{Key: "compromised"})
		time.Sleep(25 * time.Hour) // nobody serves
		hiccup()
		f.run(t, time.Minute)
		require.Empty(t, f.store.Buried())
		require.Equal(t, []string{"compromised"}, f.ch.texts())

		// Nor when it was tried often before nobody served.
		f.post(t, state.Notice{Key: "again"})
		f.ch.fail(func(string, state.Place) error { return errors.New("502") })
		f.run(t, 2*time.Hour)
		time.Sleep(25 * time.Hour)
		hiccup()
		f.run(t, 10*time.Minute)
		require.Empty(t, f.store.Buried())
		require.Equal(t, []string{"compromised", "again"}, f.ch.texts())
	})
}

func TestWhatWaitedBehindALetterThatIsGivenUpIsTriedForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Poll: time.Second})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"})
		f.ch.fail(func(string, state.Place) error {
			if _, gone := f.store.Buried()["a @ test//team//"]; gone {
				time.AfterFunc(time.Minute, func() { f.ch.fail(nil) })
			}
			return errors.New("502")
		})
		f.run(t, 26*time.Hour)
		require.Contains(t, f.store.Buried(), "a @ test//team//")
		require.Equal(t, []string{"b"}, f.ch.texts())
	})
}
