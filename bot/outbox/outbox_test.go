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

// The crash window: the message was posted, and the process died before it noted so.
func TestAfterACrashTheMessageIsFoundAndNotDoubled(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]state.Notice{
		"a ping":             {Key: "a"},
		"one that coalesces": {Key: "a", Coalesce: "x"},
		"a document":         {Key: "a", Payload: document(chat.P("a"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newOffice(t, outbox.Options{Window: -1})
				f.post(t, n)
				f.store.Fail(onlyOn("Delivered", state.ErrUnavailable))
				f.run(t, 2*time.Second)
				require.Equal(t, []string{"a"}, f.ch.texts())
				f.store.Fail(nil)

				next := f.open(t, outbox.Options{Window: -1})
				next.run(t, 2*time.Minute)
				require.Equal(t, []string{"a"}, f.ch.texts())
				require.Equal(t, map[string]int{"found": 1}, next.counts)
				require.Len(t, f.store.Receipts(), 1)
			})
		})
	}
}

func TestAfterACrashBeforeThePostTheMessageIsPosted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"})
		_, err := f.store.Claim(t.Context(), "killed", time.Now(), time.Minute, 10)
		require.NoError(t, err)
		f.run(t, 2*time.Minute)
		require.Equal(t, []string{"a"}, f.ch.texts())
	})
}

func TestTheSameProcessRemembersWhatItCouldNotNote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.ch.blind = true
		f.post(t, state.Notice{Key: "a"})
		began := time.Now()
		f.store.Fail(func(method string) error {
			if method == "Delivered" && time.Since(began) < 30*time.Second {
				return state.ErrUnavailable
			}
			return nil
		})
		f.run(t, 3*time.Minute)
		require.Equal(t, []string{"a"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 1)
	})
}

func TestALostReplyOfTheStoreDoublesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"})
		n := 0
		f.store.Late(func(string) error {
			n++
			if n%7%3 == 2 {
				return state.ErrUnavailable
			}
			return nil
		})
		f.run(t, 30*time.Minute)
		require.Equal(t, []string{"a", "b"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 2)
	})
}

func TestALostReplyOfThePlatformIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a"}, state.Notice{Key: "b"})
		lost := false
		f.ch.lose(func(method string, _ state.Place) error {
			if method == "Post" && !lost {
				lost = true
				return errors.New("connection reset")
			}
			return nil
		})
		f.run(t, time.Minute)
		require.Equal(t, []string{"a", "b"}, f.ch.texts())
		require.Equal(t, 1, f.counts["found"])
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

func TestACrashInAGroupDoublesNoneAndLosesNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{Window: -1})
		f.post(t, state.Notice{Key: "a", Coalesce: "x"}, state.Notice{Key: "b", Coalesce: "x"})
		noted := 0
		f.store.Fail(func(method string) error { // one of the two is noted
			if method == "Delivered" {
				noted++
				if noted > 1 {
					return state.ErrUnavailable
				}
			}
			return nil
		})
		f.run(t, 2*time.Second)
		require.Equal(t, []string{"a+b"}, f.ch.texts())
		f.store.Fail(nil)
		f.post(t, state.Notice{Key: "c", Coalesce: "x"})
		f.open(t, outbox.Options{Window: -1}).run(t, 3*time.Minute)
		require.Equal(t, []string{"a+b", "c"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 3)
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

func TestWhatOnePersonSeesIsShownAtMostOnceWhereNobodyCanLook(t *testing.T) {
	t.Parallel()
	private := team
	private.Person = "test:lea"
	deliver := func(t *testing.T, f *office) {
		n := state.Notice{Key: "a", At: time.Now()}
		require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{private})))
		f.ch.blind = true
		f.run(t, 2*time.Minute)
	}
	t.Run("it may have arrived", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{})
			f.ch.lose(func(string, state.Place) error { return errors.New("connection reset") })
			deliver(t, f)
			require.Equal(t, []string{"a"}, f.ch.texts())
			require.Contains(t, f.store.Buried()["a @ test//team//test:lea"], "not shown twice")
		})
	})
	t.Run("it certainly has not", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{})
			f.ch.fail(func(string, state.Place) error { f.ch.fail(nil); return &chat.RetryAfter{After: time.Second} })
			deliver(t, f)
			require.Equal(t, []string{"a"}, f.ch.texts())
			require.Len(t, f.store.Receipts(), 1)
		})
	})
	t.Run("all may see it, so it is shown again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{})
			f.ch.blind = true
			f.post(t, state.Notice{Key: "a"})
			_, err := f.store.Claim(t.Context(), "killed", time.Now(), time.Minute, 10)
			require.NoError(t, err)
			f.run(t, 2*time.Minute)
			require.Equal(t, []string{"a"}, f.ch.texts())
		})
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

func onlyOn(method string, err error) func(string) error {
	return func(m string) error {
		if m == method {
			return err
		}
		return nil
	}
}
