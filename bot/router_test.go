package bot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// desk is a router with all around it.
type desk struct {
	*bot.Router
	store *bottest.Store
	log   *syncBuffer
	open  []string
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var people = state.People{
	{ID: "lead-1", Name: "Lea", Role: state.RoleLead, Links: []string{"console:lea"}},
	{ID: "resp-1", Name: "Rob", Role: state.RoleResponder, Links: []string{"console:rob"}},
}

func newDesk(t *testing.T, o bot.Options, commands ...bot.Command) *desk {
	t.Helper()
	d := &desk{store: &bottest.Store{}, log: &syncBuffer{}, open: []string{"toolshell-1"}}
	if o.Store == nil {
		o.Store = d.store
	}
	o.Commands = append(o.Commands, commands...)
	o.Logger = slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if o.People == nil {
		o.People = func(context.Context) (state.People, error) { return people, nil }
	}
	o.Open = func(context.Context) ([]string, error) { return d.open, nil }
	r, err := bot.New(o)
	require.NoError(t, err)
	d.Router = r
	return d
}

func ask(id, user, line string) chat.Request {
	return chat.Request{
		ID: id, Trigger: chat.TriggerLine, Text: line, Actor: chat.Actor{Link: "console:" + user, Name: "lead-1", Person: "lead-1", Role: state.RoleLead},
		Place: state.Place{Platform: "console", Channel: "terminal", Ceiling: state.TLPAmberStrict},
	}
}

// running runs the router until the returned function is called.
func running(t *testing.T, r *bot.Router) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func text(m chat.Message) string {
	var b strings.Builder
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Para:
			b.WriteString(p.Text.Plain() + "\n")
		case chat.Note:
			b.WriteString(p.Text.Plain() + "\n")
		case chat.Heading:
			b.WriteString(p.Text.Plain() + "\n")
		case chat.Buttons:
			for _, x := range p.Buttons {
				b.WriteString("[" + x.Line + "]\n")
			}
		}
	}
	return b.String()
}

// answers are what is in the outbox for a request, by the kinds of the letters.
func (d *desk) letters(t *testing.T, kind state.NoticeKind) []string {
	t.Helper()
	var out []string
	for _, l := range d.store.Queue() {
		if l.Notice.Kind != kind {
			continue
		}
		var m chat.Message
		require.NoError(t, json.Unmarshal(l.Notice.Payload, &m))
		out = append(out, text(m))
	}
	return out
}

func (d *desk) answers(t *testing.T) []string {
	t.Helper()
	return d.letters(t, chat.KindAnswer)
}

func hello(chat.Call) chat.Message { return chat.Say(chat.P("hello")) }

func scanSpec(role state.Role) chat.Spec {
	return chat.Spec{Path: "scan", Role: role, Args: []chat.Arg{{Name: "server", Optional: true}}}
}

func echoIncident(_ context.Context, c chat.Call) (chat.Message, error) {
	return chat.Say(chat.P(c.Incident, " ", string(c.Request.Actor.Person), " ", c.Values.String("server"))), nil
}

func TestWhatCannotBeTakenIsAnsweredAtOnceAndPrivately(t *testing.T) {
	t.Parallel()
	scan := bottest.Command{What: scanSpec(state.RoleLead), Do: echoIncident}
	for _, c := range []struct {
		name, user, line string
		open             []string
		want             []string
	}{
		{"a stranger learns how to be known", "eve", "scan", nil, []string{"scan needs the role lead; you are viewer.", `link "console:eve"`}},
		{"a known person learns the role", "rob", "scan", nil, []string{"scan needs the role lead; you are responder.", "Ask a lead."}},
		{"a typo is put right", "lea", "scna", nil, []string{"Did you mean: scan"}},
		{"an empty line", "lea", "  ", nil, []string{"Try: help"}},
		{"what is wrong with an argument", "lea", "scan --grup x", nil, []string{"no option --grup", "Usage: scan"}},
		{"no incident", "lea", "scan", []string{}, []string{"No incident is open.", "incident open"}},
		{"several incidents", "lea", `scan "a b"`, []string{"one", "two"}, []string{"2 incidents are open.", `[scan --incident two "a b"]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, bot.Options{}, scan)
			if c.open != nil {
				d.open = c.open
			}
			ack, err := d.Handle(t.Context(), ask("1", c.user, c.line))
			require.NoError(t, err)
			require.False(t, ack.Accepted)
			require.True(t, ack.Private)
			for _, want := range c.want {
				require.Contains(t, text(ack.Message), want)
			}
			require.Empty(t, d.store.Unfinished())
			require.NotContains(t, d.log.String(), "scna", "the log never has the text")
		})
	}
}

func TestARefusalTellsAPublicPlaceNothingOfOpenIncidents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bot.Options{}, bottest.Command{What: scanSpec(state.RoleViewer), Do: echoIncident})
	d.open = []string{"secret-1", "secret-2"}
	req := ask("1", "lea", "scan")
	req.Place.Ceiling = state.TLPClear
	ack, err := d.Handle(t.Context(), req)
	require.NoError(t, err)
	require.NotContains(t, text(ack.Message), "secret")
	require.Contains(t, text(ack.Message), "withheld")

	req.Text = "scna"
	ack, err = d.Handle(t.Context(), req)
	require.NoError(t, err)
	require.Contains(t, text(ack.Message), "Did you mean: scan", "what is known to everybody is told everywhere")
}

func TestTheActorIsWhoThePlatformProvedAndNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Workers: 1}, bottest.Command{What: scanSpec(state.RoleViewer), Do: echoIncident})
		running(t, d.Router)
		for i, user := range []string{"rob", "eve"} { // the requests say that they are lead-1
			ack, err := d.Handle(t.Context(), ask(user, user, "scan sp-1"))
			require.NoError(t, err)
			require.True(t, ack.Accepted, i)
		}
		synctest.Wait()
		require.Equal(t, []string{"toolshell-1 resp-1 sp-1\n", "toolshell-1  sp-1\n"}, d.answers(t))
	})
}

func TestASlotOfTheScheduleIsNobodyAndMayDoWhatItIsAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lead := scanSpec(state.RoleLead)
		lead.Path = "clear"
		quiet := bottest.Says("quiet", func(chat.Call) chat.Message { return chat.Message{} })
		d := newDesk(t, bot.Options{}, bottest.Command{What: scanSpec(state.RoleResponder), Do: echoIncident}, bottest.Command{What: lead, Do: echoIncident}, quiet)
		running(t, d.Router)
		for _, line := range []string{"scan", "clear", "quiet"} {
			req := ask(line, "lea", line)
			req.Trigger = chat.TriggerSchedule
			ack, err := d.Handle(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, line != "clear", ack.Accepted)
		}
		synctest.Wait()
		require.Equal(t, []string{"toolshell-1  \n"}, d.answers(t), "no person, and silence when there is nothing to say")
		require.Empty(t, d.store.Unfinished())
	})
}

func TestTheIncidentIsNamedByAPrefixOrTheOnlyOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Workers: 1}, bottest.Command{What: scanSpec(state.RoleViewer), Do: echoIncident})
		d.open = []string{"drill-1", "toolshell-1", "toolshell-10"}
		running(t, d.Router)
		for i, line := range []string{"scan --incident dr", "scan --incident toolshell-1", "scan --incident tool", "scan --incident closed-9"} {
			_, err := d.Handle(t.Context(), ask(string(rune('a'+i)), "lea", line))
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Equal(t, []string{"drill-1 lead-1 \n", "toolshell-1 lead-1 \n", "tool lead-1 \n", "closed-9 lead-1 \n"}, d.answers(t))
	})
}

func TestADuplicateIsAcknowledgedAgainAndRunsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		d := newDesk(t, bot.Options{}, bottest.Says("hello", func(chat.Call) chat.Message { runs++; return hello(chat.Call{}) }))
		running(t, d.Router)
		for i := range 3 {
			ack, err := d.Handle(t.Context(), ask("same", "lea", "hello"))
			require.NoError(t, err)
			require.True(t, ack.Accepted)
			require.Equal(t, i > 0, ack.Duplicate)
			require.False(t, ack.Private)
			require.Empty(t, ack.Message.Parts)
			synctest.Wait()
		}
		require.Equal(t, 1, runs)
		require.Equal(t, []string{"hello\n"}, d.answers(t))
	})
}

func TestWhenTheStoreIsAwayTheAnswerIsNotDoneWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{}, bottest.Says("hello", hello))
		for name, fail := range map[string]func() error{
			"it says so": func() error { return state.ErrUnavailable },
			"it hangs":   func() error { time.Sleep(time.Second); return context.DeadlineExceeded },
		} {
			d.store.Fail(func(string) error { return fail() })
			began := time.Now()
			ack, err := d.Handle(t.Context(), ask(name, "lea", "hello"))
			require.Error(t, err)
			require.False(t, ack.Accepted)
			require.True(t, ack.Private)
			require.Contains(t, text(ack.Message), "Not done")
			require.LessOrEqual(t, time.Since(began), time.Second)
			require.Contains(t, d.log.String(), ack.Reference)
		}
		d.store.Fail(nil)
		require.Empty(t, d.store.Unfinished())
	})
}

func TestAStrangerIsNotTakenForOneWhenTheDirectoryIsAway(t *testing.T) {
	t.Parallel()
	away := func(context.Context) (state.People, error) { return nil, state.ErrUnavailable }
	d := newDesk(t, bot.Options{People: away}, bottest.Says("hello", hello))
	ack, err := d.Handle(t.Context(), ask("1", "lea", "hello"))
	require.ErrorIs(t, err, state.ErrUnavailable)
	require.Contains(t, text(ack.Message), "Not done")
}

func TestAFullQueueRefusesAndTakesAgainWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Queue: 2}, bottest.Says("hello", hello))
		for _, id := range []string{"1", "2"} {
			_, err := d.Handle(t.Context(), ask(id, "lea", "hello"))
			require.NoError(t, err)
		}
		ack, err := d.Handle(t.Context(), ask("3", "lea", "hello"))
		require.Error(t, err)
		require.Contains(t, text(ack.Message), "too many requests wait")
		require.Len(t, d.store.Unfinished(), 2)

		// Another replica works them off; this one finds out by asking.
		other := newDesk(t, bot.Options{Store: d.store}, bottest.Says("hello", hello))
		running(t, other.Router)
		synctest.Wait()
		ack, err = d.Handle(t.Context(), ask("3", "lea", "hello"))
		require.NoError(t, err)
		require.True(t, ack.Accepted)
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := bot.New(bot.Options{})
	require.ErrorContains(t, err, "needs a store")
	o := bot.Options{Store: &bottest.Store{}, Commands: []bot.Command{bottest.Says("a", hello), bottest.Says("a", hello)}}
	o.People = func(context.Context) (state.People, error) { return nil, nil }
	o.Open = func(context.Context) ([]string, error) { return nil, nil }
	_, err = bot.New(o)
	require.ErrorContains(t, err, `two commands are called "a"`)
}

func TestSpecsSayHowToNameTheIncident(t *testing.T) {
	t.Parallel()
	d := newDesk(t, bot.Options{}, bottest.Says("hello", hello), bottest.Command{What: scanSpec(state.RoleViewer), Do: echoIncident})
	require.Equal(t, "hello", d.Specs()[0].Usage())
	require.Equal(t, "scan [SERVER] [--incident INCIDENT]", d.Specs()[1].Usage())
}
