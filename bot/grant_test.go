package bot_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// granted runs a line through a router whose platform has groups, and returns
// the call as the command saw it.
func granted(t *testing.T, role func() state.Role, req chat.Request, fetch func(chat.File) (chat.File, error)) (chan chat.Call, *bottest.Store) {
	t.Helper()
	calls, store := make(chan chat.Call, 1), &bottest.Store{}
	do := bottest.Command{
		What: chat.Spec{Path: "do", Args: []chat.Arg{{Name: "file", Type: chat.Upload, Optional: true}}, Role: state.RoleResponder, Global: true},
		Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
			calls <- c
			return chat.Say(chat.P("done")), nil
		},
	}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{do}, Store: store,
		People: func(context.Context) (state.People, error) { return nil, nil },
		Open:   func(context.Context) ([]string, error) { return nil, nil },
		Grants: func(context.Context, string) (state.Role, error) { return role(), nil },
		Fetch:  func(_ context.Context, _ state.Place, f chat.File) (chat.File, error) { return fetch(f) },
	})
	require.NoError(t, err)
	req.ID, req.Text, req.Actor.Link, req.At = "r1", "do", "test:T1:U1", time.Now()
	req.Place = state.Place{Platform: "test", Channel: "c", Ceiling: state.TLPAmberStrict}
	ack, err := r.Handle(t.Context(), req)
	require.NoError(t, err)
	require.True(t, ack.Accepted)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	return calls, store
}

func always(r state.Role) func() state.Role { return func() state.Role { return r } }

func TestAGroupOfThePlatformGivesARoleAndTheIdentityIsThePerson(t *testing.T) {
	t.Parallel()
	calls, _ := granted(t, always(state.RoleResponder), chat.Request{}, nil)
	c := <-calls
	require.Equal(t, state.RoleResponder, c.Request.Actor.Role)
	require.Equal(t, state.PersonID("test:T1:U1"), c.Request.Actor.Person)
}

func TestARoleThatWasTakenAwayMeanwhileCountsNoMore(t *testing.T) {
	t.Parallel()
	asked := 0
	calls, store := granted(t, func() state.Role {
		asked++
		if asked == 1 {
			return state.RoleLead
		}
		return state.RoleViewer
	}, chat.Request{}, nil)
	require.Eventually(t, func() bool { return len(store.Queue()) == 1 }, 5*time.Second, time.Millisecond)
	require.Contains(t, string(store.Queue()[0].Notice.Payload), "needs the role responder")
	require.Empty(t, calls)
}

func TestACommandIsRunWithTheRoleOfNow(t *testing.T) {
	t.Parallel()
	asked := 0
	calls, _ := granted(t, func() state.Role {
		asked++
		if asked == 1 {
			return state.RoleLead
		}
		return state.RoleResponder
	}, chat.Request{}, nil)
	c := <-calls
	require.Equal(t, state.RoleResponder, c.Request.Actor.Role, "accepted as lead, and no lead any more")
}

func TestAGuestIsAViewerWhoeverTheyAreLinkedTo(t *testing.T) {
	t.Parallel()
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{bottest.Command{What: chat.Spec{Path: "do", Role: state.RoleResponder, Global: true}}}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) {
			return state.People{{ID: "lead-1", Role: state.RoleLead, Links: []string{"test:T1:U1"}}}, nil
		},
		Open:  func(context.Context) ([]string, error) { return nil, nil },
		Limit: func(context.Context, string) (state.Role, error) { return state.RoleViewer, nil },
	})
	require.NoError(t, err)
	ack, err := r.Handle(t.Context(), chat.Request{ID: "1", Text: "do", Actor: chat.Actor{Link: "test:T1:U1"}})
	require.NoError(t, err)
	require.False(t, ack.Accepted)
}

func TestANameOfAnIncidentIsNeverTakenForAnother(t *testing.T) {
	t.Parallel()
	calls := make(chan chat.Call, 3)
	do := bottest.Command{What: chat.Spec{Path: "do"}, Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
		calls <- c
		return chat.Say(chat.P("done")), nil
	}}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{do}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) { return nil, nil },
		Open:   func(context.Context) ([]string, error) { return []string{"toolshell-drill"}, nil },
		Known:  func(context.Context) ([]string, error) { return []string{"toolshell", "toolshell-drill"}, nil },
	})
	require.NoError(t, err)
	for _, c := range []struct {
		line    string
		trigger chat.Trigger
		want    string
	}{
		{"do --incident toolshell", chat.TriggerLine, "toolshell"},
		{"do --incident toolshell-", chat.TriggerLine, "toolshell-drill"},
		{"do --incident toolsh", chat.TriggerButton, "toolsh"},
	} {
		_, ok := r.Do(t.Context(), chat.Request{ID: c.line, Text: c.line, Trigger: c.trigger}, nil)
		require.True(t, ok)
		require.Equal(t, c.want, (<-calls).Incident, c.line)
	}
}

func TestAPlaceIsAboutWhatItIsBoundToAndSeesNoMoreThanItWasBoundFor(t *testing.T) {
	t.Parallel()
	calls := make(chan chat.Call, 3)
	do := bottest.Command{What: chat.Spec{Path: "do"}, Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
		calls <- c
		return chat.Say(chat.P("done")), nil
	}}
	green := state.Place{Platform: "test", Channel: "green", Ceiling: state.TLPAmberStrict}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{do}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) { return nil, nil },
		Open:   func(context.Context) ([]string, error) { return []string{"one", "two"}, nil },
		Bound: func(_ context.Context, p state.Place) ([]bot.Binding, error) {
			if p.Channel == "green" {
				return []bot.Binding{{Incident: "two", Ceiling: state.TLPGreen}}, nil
			}
			return nil, nil
		},
	})
	require.NoError(t, err)
	_, ok := r.Do(t.Context(), chat.Request{ID: "1", Text: "do", Place: green}, nil)
	require.True(t, ok)
	c := <-calls
	require.Equal(t, "two", c.Incident)
	require.Equal(t, state.TLPGreen, c.Request.Place.Ceiling, "whatever the platform would let it see")
	_, ok = r.Do(t.Context(), chat.Request{ID: "2", Text: "do", Place: state.Place{Platform: "test", Channel: "other"}}, nil)
	require.False(t, ok, "two are open, and the place is bound to neither")
}

func TestAFileThatAPlatformKeepsIsReadWhenTheRequestRuns(t *testing.T) {
	t.Parallel()
	calls, _ := granted(t, always(state.RoleLead), chat.Request{Files: []chat.File{{Name: "servers.csv", Ref: "F1"}}}, func(f chat.File) (chat.File, error) {
		require.Equal(t, "F1", f.Ref)
		f.Data = []byte("name\nsp-01\n")
		return f, nil
	})
	c := <-calls
	require.Equal(t, "name\nsp-01\n", string(c.Values.Files()[0].Data))
}
