package bottest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Run tests that a platform keeps its promises. Each test has a harness of its own.
func Run(t *testing.T, makeHarness Make) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Harness){
		"acknowledges in time while the command blocks": acknowledges,
		"answers once":                                          answersOnce,
		"runs a duplicate once":                                 duplicate,
		"goes on after a disconnect":                            disconnect,
		"returns when its context ends, and calls do too":       cancels,
		"ends with an error when its credentials are refused":   badCredentials,
		"shows hostile text as text":                            hostile,
		"splits what is too long without losing anything":       splits,
		"keeps its token out of logs and errors":                token,
		"shows private answers to one person from the first on": private,
		"turns progress into the answer":                        progress,
		"posts without being asked, edits, and finds":           posts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, makeHarness(t))
		})
	}
}

// needs skips, aloud, what a platform cannot do.
func needs(t *testing.T, can bool, what string) {
	t.Helper()
	if !can {
		t.Skip("SKIPPED, it does not apply to this platform: " + what)
	}
}

func acknowledges(t *testing.T, h Harness) {
	r := start(t, h)
	h.Type(t, "block")
	if h.Acked == nil {
		t.Log("SKIPPED, it does not apply to this platform: it acknowledges nothing that could be seen")
	} else {
		require.Eventually(t, func() bool { return h.Acked() == 1 }, h.AckWithin, time.Millisecond)
	}
	h.Type(t, "hello")
	r.await(t, "good morning")
	require.Empty(t, r.with("unblocked"))
	close(r.release)
	r.await(t, "unblocked")
}

func answersOnce(t *testing.T, h Harness) {
	r := start(t, h)
	h.Type(t, "hello")
	r.await(t, "good morning")
	r.settle(t)
	require.Len(t, r.with("good morning"), 1)
	require.False(t, r.with("good morning")[0].Private)
}

func duplicate(t *testing.T, h Harness) {
	needs(t, h.Again != nil, "nothing delivers a request twice")
	r := start(t, h)
	h.Type(t, "hello")
	r.await(t, "good morning")
	h.Again(t)
	h.Again(t)
	if h.Acked != nil {
		eventually(t, "each delivery is acknowledged", func() bool { return h.Acked() == 3 })
	}
	r.settle(t)
	require.EqualValues(t, 1, r.runs.Load())
	require.Len(t, r.with("good morning"), 1)
}

func disconnect(t *testing.T, h Harness) {
	needs(t, h.Cut != nil, "it has no connection")
	r := start(t, h)
	h.Type(t, "hello")
	r.await(t, "good morning")
	h.Cut(t)
	h.Type(t, "work")
	r.await(t, "work is done")
}

func cancels(t *testing.T, h Harness) {
	r := start(t, h)
	h.Type(t, "hello")
	r.await(t, "good morning")
	began := time.Now()
	require.NoError(t, r.stop(), "the end that was asked for is no error")
	require.Less(t, time.Since(began), patience)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Platform.Post(ctx, h.Place, chat.Say(chat.P("x")), "cancelled")
	require.Error(t, err)
	require.Error(t, h.Platform.Edit(ctx, h.Place, "x", chat.Say(chat.P("x")), "cancelled"))
	_, _, err = h.Platform.Find(ctx, h.Place, "cancelled")
	require.Error(t, err)
}

func badCredentials(t *testing.T, h Harness) {
	needs(t, h.BadCredentials != nil, "it has no credentials")
	p := h.BadCredentials(t)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { done <- p.Run(ctx, nil) }()
	select {
	case err := <-done:
		require.Error(t, err)
		if h.Token != "" {
			require.NotContains(t, err.Error(), h.Token)
		}
	case <-time.After(patience):
		require.Fail(t, "a platform that cannot work goes on")
	}
}

func token(t *testing.T, h Harness) {
	needs(t, h.Token != "" && h.Refuse != nil, "it has no token")
	r := start(t, h)
	h.Type(t, "hello")
	r.await(t, "good morning")
	h.Refuse(t)
	_, err := h.Platform.Post(t.Context(), h.Place, chat.Say(chat.P("x")), "refused")
	require.Error(t, err)
	require.NotContains(t, err.Error(), h.Token)
	err = h.Platform.Edit(t.Context(), h.Place, "1", chat.Say(chat.P("x")), "refused")
	require.Error(t, err)
	require.NotContains(t, err.Error(), h.Token)
	if _, _, err = h.Platform.Find(t.Context(), h.Place, "refused"); err != nil {
		require.NotContains(t, err.Error(), h.Token)
	}
	_ = r.stop()
	require.NotContains(t, h.Logs(), h.Token)
}

func private(t *testing.T, h Harness) {
	r := start(t, h)
	h.Type(t, "mine")
	require.True(t, r.await(t, "for your eyes").Private)
	h.Type(t, "clear")
	require.True(t, r.await(t, "needs the role lead").Private, "a refusal shames nobody in public")
	h.Type(t, "hllo")
	require.True(t, r.await(t, "Did you mean").Private)
	r.settle(t)
	for _, s := range r.Shown() {
		require.True(t, s.Private || s.Text == "", "it showed %q to all", s.Text)
	}
}

func progress(t *testing.T, h Harness) {
	r := start(t, h)
	h.Type(t, "work")
	r.await(t, "work is done")
	r.settle(t)
	require.Len(t, r.with("work is done"), 1)
	if h.Redraws {
		require.Empty(t, r.with("working on it"), "the message became the answer")
	}
}

func posts(t *testing.T, h Harness) {
	r := start(t, h)
	ctx, p := t.Context(), h.Platform
	id, err := p.Post(ctx, h.Place, chat.Say(chat.P("board, first")), "key-1")
	require.NoError(t, err)
	require.NotEmpty(t, id)
	r.await(t, "board, first")
	require.NoError(t, p.Edit(ctx, h.Place, id, chat.Say(chat.P("board, second")), "key-2"))
	r.await(t, "board, second")
	if h.Redraws {
		require.Empty(t, r.with("board, first"))
	}
	err = p.Edit(ctx, h.Place, "no-such-message", chat.Say(chat.P("x")), "key-3")
	require.ErrorAs(t, err, new(*chat.Permanent), "so that it is posted anew")

	found, ok, err := p.Find(ctx, h.Place, "key-1")
	if errors.Is(err, chat.ErrCannotLook) {
		t.Log("SKIPPED, it does not apply to this platform: nobody can look there")
		return
	}
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, id, found)
	_, ok, err = p.Find(ctx, h.Place, "no-such-key")
	require.NoError(t, err)
	require.False(t, ok)
}
