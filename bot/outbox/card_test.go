package outbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

func board(key string) state.Notice { return state.Notice{Key: key, Card: "board"} }

func TestACardIsEditedWhenItChangesAndLeftAloneWhenNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		says := "61 servers"
		f := newOffice(t, outbox.Options{Render: func(context.Context, []state.Notice, state.Place) (chat.Message, error) {
			return chat.Say(chat.P(says)), nil
		}})
		f.post(t, board("1"))
		f.run(t, 10*time.Second)
		f.post(t, board("2"))
		f.run(t, 10*time.Second)
		require.Equal(t, []string{"61 servers"}, f.ch.texts())
		require.Zero(t, f.ch.edits, "nothing changed, nothing is edited")
		says = "60 servers"
		f.post(t, board("3"))
		f.run(t, 10*time.Second)
		require.Equal(t, []string{"60 servers"}, f.ch.texts())
		require.Equal(t, map[string]int{"delivered": 1, "unchanged": 1, "edited": 1}, f.counts)
	})
}

func TestACardThatIsGoneIsPostedAnewAndThenEditedThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, board("1"))
		f.run(t, 10*time.Second)
		f.ch.messages[0].id = "deleted"
		f.post(t, board("2"))
		f.run(t, 10*time.Second)
		require.Equal(t, []string{"1", "2"}, f.ch.texts())
		f.post(t, board("3"))
		f.run(t, 10*time.Second)
		require.Equal(t, []string{"1", "3"}, f.ch.texts())
	})
}

func TestABurstEditsACardOnceInFiveSecondsAndShowsTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		go func() {
			for i := range 100 {
				n := board("")
				n.Key, n.Coalesce = time.Now().String(), "board"
				if i == 99 {
					n.Key = "last"
				}
				f.post(t, n)
				time.Sleep(100 * time.Millisecond)
			}
		}()
		f.run(t, 3*time.Second)
		require.Contains(t, f.store.Queue()[0].Held, "its card was edited just now")
		f.run(t, time.Minute)
		require.Equal(t, []string{"last"}, f.ch.texts())
		require.LessOrEqual(t, f.ch.edits, 4)
		require.Len(t, f.store.Receipts(), 100)
	})
}

func TestProgressBecomesTheAnswerWhichIsNotHeldAndStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		began := time.Now()
		f.post(t, progress("1", 0, began))
		f.run(t, time.Second)
		time.Sleep(time.Second)
		f.post(t, answer("1", "done", began.Add(2*time.Second)))
		f.run(t, 10*time.Millisecond)
		require.Equal(t, []string{"done"}, f.ch.texts())

		f.post(t, progress("1", 50, began.Add(time.Second))) // it was held up somewhere
		f.run(t, time.Minute)
		require.Equal(t, []string{"done"}, f.ch.texts())
		require.Equal(t, 1, f.counts["superseded"])
		require.Equal(t, "m1", f.store.Receipts()["progress 1 50 @ test//team//"].MessageID)
	})
}

func TestProgressThatWaitsWithItsAnswerIsNotShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		now := time.Now()
		f.post(t, progress("1", 0, now), progress("1", 50, now.Add(time.Second)), answer("1", "done", now.Add(2*time.Second)))
		time.Sleep(3 * time.Second)
		f.run(t, time.Minute)
		require.Equal(t, []string{"done"}, f.ch.texts())
		require.Zero(t, f.ch.edits)
	})
}

func TestACardPostedBeforeACrashIsFoundAndEdited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		now := time.Now()
		f.post(t, progress("1", 0, now), progress("1", 50, now))
		f.store.Fail(onlyOn("Delivered", state.ErrUnavailable))
		f.run(t, 2*time.Second)
		require.Equal(t, []string{"50 %"}, f.ch.texts())
		f.store.Fail(nil)
		f.post(t, answer("1", "done", now.Add(time.Second)))
		f.open(t, outbox.Options{}).run(t, 2*time.Minute)
		require.Equal(t, []string{"done"}, f.ch.texts())
		require.Len(t, f.store.Receipts(), 3)
	})
}

func TestAnEditThatFailsIsTriedAgainAndPostsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, board("1"))
		f.run(t, 10*time.Second)
		f.ch.fail(func(method string, _ state.Place) error {
			f.ch.fail(nil)
			return errors.New("502")
		})
		f.post(t, board("2"))
		f.run(t, time.Minute)
		require.Equal(t, []string{"2"}, f.ch.texts())
	})
}

func TestAnAnswerWinsOverProgressThatIsDatedLater(t *testing.T) {
	t.Parallel()
	for name, together := range map[string]bool{"shown before": false, "waiting with it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newOffice(t, outbox.Options{})
				now := time.Now() // of the replica that answers; the clock of the other is ahead
				f.post(t, progress("1", 50, now.Add(time.Second)))
				if !together {
					f.run(t, 2*time.Second)
					require.Equal(t, []string{"50 %"}, f.ch.texts())
				}
				f.post(t, answer("1", "done", now))
				time.Sleep(2 * time.Second)
				f.run(t, time.Minute)
				require.Equal(t, []string{"done"}, f.ch.texts())

				f.post(t, progress("1", 99, now.Add(2*time.Second)), progress("1", 100, now.Add(time.Hour)))
				f.run(t, 2*time.Hour)
				require.Equal(t, []string{"done"}, f.ch.texts(), "nothing replaces an answer")
				require.Equal(t, 2, f.counts["superseded"])
				require.Len(t, f.store.Receipts(), 4)
			})
		})
	}
}
