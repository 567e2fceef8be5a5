package outbox_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

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
				f.run(t, state.CoalesceWindow+2*time.Second)
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
		var n atomic.Int32
		f.store.Late(func(string) error {
			if n.Add(1)%7%3 == 2 {
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
		f.run(t, state.CoalesceWindow+2*time.Second)
		require.Equal(t, []string{"a+b"}, f.ch.texts())
		f.store.Fail(nil)
		f.post(t, state.Notice{Key: "c", Coalesce: "x"})
		f.open(t, outbox.Options{Window: -1}).run(t, 3*time.Minute)
		require.Equal(t, []string{"a+b", "c"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 3)
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
	t.Run("it was refused, and is shown when that is mended", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{})
			f.ch.fail(func(string, state.Place) error {
				f.ch.fail(nil)
				return &chat.Refused{Err: errors.New("a right is missing")}
			})
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

func onlyOn(method string, err error) func(string) error {
	return func(m string) error {
		if m == method {
			return err
		}
		return nil
	}
}
