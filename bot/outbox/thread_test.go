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

// threads is a channel that has threads, pins, and a ceiling of its own.
type threads struct {
	*channel
	pinned  []string
	ceiling state.TLP
	unknown error
}

func (c *threads) Pin(_ context.Context, _ state.Place, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned = append(c.pinned, id)
	return errors.New("it is not allowed to pin")
}

func (c *threads) Ceiling(context.Context, state.Place) (state.TLP, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ceiling, c.unknown
}

const spThread = "thread i server sp-01"

func head(key string) state.Notice {
	return state.Notice{Key: key, Kind: state.NoticeThread, Card: spThread, Coalesce: spThread}
}

func inThread(key string, kind state.NoticeKind, thread string) state.Notice {
	return state.Notice{Key: key, Kind: kind, Thread: thread}
}

// threaded is an office whose channel has threads.
func threaded(t *testing.T, o outbox.Options) (*office, *threads) {
	t.Helper()
	f := newOffice(t, outbox.Options{})
	ch := &threads{channel: f.ch, ceiling: state.TLPAmberStrict}
	o.Posters = map[string]outbox.Poster{"test": ch}
	return f.open(t, o), ch
}

func (f *office) postTo(t *testing.T, p state.Place, notices ...state.Notice) {
	t.Helper()
	for _, n := range notices {
		n.At = time.Now()
		require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{p})))
	}
}

func teamWithThreads() state.Place {
	p := team
	p.Threads = true
	return p
}

func TestWhatIsQuietIsSaidInItsThreadBehindTheHead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, teamWithThreads(), head("h1"), inThread("c1", state.NoticeChanged, spThread), head("h2"), inThread("c2", state.NoticeChanged, spThread))
		f.run(t, time.Minute)
		require.Len(t, ch.messages, 3)
		require.Equal(t, "h2", ch.messages[0].text, "the head says how things are now")
		for _, m := range ch.messages[1:] {
			require.Equal(t, ch.messages[0].id, m.place.Thread)
			require.NotContains(t, m.all, `"broadcast":true`)
		}
	})
}

func TestWhatIsLoudIsSaidInItsThreadAndShownInTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, teamWithThreads(), inThread("attacked", state.NoticeCompromised, spThread), head("h1"))
		f.run(t, time.Minute)
		require.Len(t, ch.messages, 2)
		require.Equal(t, ch.messages[0].id, ch.messages[1].place.Thread)
		require.Contains(t, ch.messages[1].all, `"broadcast":true`)
	})
}

func TestWhatIsLoudDoesNotWaitForEverForItsThread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, teamWithThreads(), inThread("attacked", state.NoticeCompromised, spThread), inThread("changed", state.NoticeChanged, spThread))
		f.run(t, time.Minute)
		require.Len(t, ch.messages, 1, "what is quiet is never said in the channel")
		require.Equal(t, "attacked", ch.messages[0].text)
		require.Empty(t, ch.messages[0].place.Thread)
	})
}

func TestNoticesOfSeveralThreadsThatBecameOneMessageAreSaidInTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		a, b := inThread("a", state.NoticeReopened, spThread), inThread("b", state.NoticeReopened, "thread i server sp-02")
		a.Coalesce, b.Coalesce = "reopened", "reopened"
		f.postTo(t, teamWithThreads(), head("h"), a, b)
		f.run(t, time.Minute)
		require.Len(t, ch.messages, 2)
		require.Equal(t, "a+b", ch.messages[1].text)
		require.Empty(t, ch.messages[1].place.Thread)
	})
}

func TestWhereThereAreNoThreadsNothingQuietIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, team, head("h"), inThread("quiet", state.NoticeChanged, spThread), inThread("loud", state.NoticeReopened, spThread))
		f.run(t, time.Minute)
		require.Equal(t, []string{"loud"}, ch.texts())
	})
}

func TestAMessageThatMayBeInTheChannelOrInItsThreadIsLookedForInBoth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, teamWithThreads(), inThread("attacked", state.NoticeCompromised, spThread))
		lost := false
		ch.lose(func(method string, _ state.Place) error {
			if method == "Post" && !lost {
				lost = true
				f.postTo(t, teamWithThreads(), head("h")) // the thread begins now
				return errors.New("the reply was lost")
			}
			return nil
		})
		f.run(t, 2*time.Minute)
		require.Len(t, ch.messages, 2, "%v", ch.texts())
	})
}

func TestACardHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{CardEvery: time.Hour})
		f.postTo(t, team, board("1"))
		f.run(t, 10*time.Second)
		f.postTo(t, team, board("2"), state.Notice{Key: "news"})
		f.run(t, 10*time.Second)
		require.Equal(t, []string{"1", "news"}, ch.texts())
	})
}

func TestACardIsPinnedOnceAndShownThoughItCannotBePinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		for _, key := range []string{"1", "2"} {
			n := board(key)
			n.Pin = true
			f.postTo(t, team, n)
			f.run(t, 10*time.Second)
		}
		require.Equal(t, []string{"2"}, ch.texts())
		require.Equal(t, []string{ch.messages[0].id}, ch.pinned)
	})
}

func TestAPlaceThatWasSharedSinceSeesLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{Render: func(context.Context, []state.Notice, state.Place) (chat.Message, error) {
			return chat.Say(chat.P("sp-01 is exposed"), chat.Para{Mark: chat.Mark{TLP: state.TLPClear}, Text: chat.T("patch now")}), nil
		}})
		f.postTo(t, team, state.Notice{Key: "1"})
		f.run(t, 10*time.Second)
		ch.ceiling = state.TLPGreen
		f.postTo(t, team, state.Notice{Key: "2"})
		f.run(t, 10*time.Second)
		ch.unknown = errors.New("nobody knows who is there")
		f.postTo(t, team, state.Notice{Key: "3"})
		f.run(t, 10*time.Second)
		got := ch.texts()
		require.Len(t, got, 2, "what is not known holds the message back")
		require.Contains(t, got[0], "sp-01")
		require.NotContains(t, got[1], "sp-01")
		require.Contains(t, got[1], "patch now")
	})
}

func TestALoudNoticeWhoseThreadIsGoneIsSaidInTheChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		f.postTo(t, teamWithThreads(), head("h"))
		f.run(t, 10*time.Second)
		ch.fail(func(method string, p state.Place) error {
			if method == "Post" && p.Thread != "" {
				return &chat.Permanent{Err: errors.New("thread_not_found")}
			}
			return nil
		})
		f.postTo(t, teamWithThreads(), inThread("attacked", state.NoticeCompromised, spThread))
		f.run(t, time.Minute)
		require.Equal(t, []string{"h", "attacked"}, ch.texts())
		require.Empty(t, ch.messages[1].place.Thread)
	})
}

func TestOneLetterThatFailsAloneSilencesNobodyForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{Render: func(_ context.Context, ns []state.Notice, _ state.Place) (chat.Message, error) {
			if ns[0].Key == "broken" {
				return chat.Message{}, errors.New("it cannot be rendered")
			}
			return chat.Say(chat.P(ns[0].Key)), nil
		}})
		f.postTo(t, team, state.Notice{Key: "broken"}, state.Notice{Key: "regressed"})
		for n := range 24 { // the board goes on being edited in a lane of its own
			f.postTo(t, team, board(time.Duration(n).String()))
			f.run(t, 5*time.Minute)
		}
		require.Contains(t, ch.texts(), "regressed")
		require.Contains(t, f.store.Buried()["broken @ "+team.Key()], "while other messages got there")
	})
}

func TestWhereNothingOfANoticeMayBeSeenNothingIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ch := threaded(t, outbox.Options{})
		green := team
		green.Ceiling = state.TLPGreen
		f.postTo(t, green, state.Notice{Key: "sp-01 is compromised"})
		f.postTo(t, green, answer("asked", "sp-01 is compromised", time.Now()))
		f.run(t, time.Minute)
		require.Len(t, ch.texts(), 1, "who asked is told; how often there was something to say tells as well")
		require.Contains(t, ch.texts()[0], "withheld")
	})
}
