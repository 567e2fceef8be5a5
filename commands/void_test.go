package commands

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// voided is an incident that was declared clear, and of which time has taken that
// back before anybody swept.
func voided(t *testing.T) *world {
	t.Helper()
	w := cleared(t)
	w.run(t, "lead-1", "incident clear")
	_, err := w.declare(t, "lead-2", w.proposal(t, state.ProposeClear))
	require.NoError(t, err)
	w.wait(73 * time.Hour)
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.NotNil(t, inc.Clear)
	return w
}

func TestAClearThatTimeHasVoidedIsShownNowhere(t *testing.T) {
	t.Parallel()
	w := voided(t)
	for _, c := range append(workCommands(w.parts), boardCommands(w.parts)...) {
		w.specs = append(w.specs, c.Spec())
		w.cmds[c.Spec().Path] = c
	}
	const unknown = "but 1 farm waits to be assessed anew"
	for _, line := range []string{"status", "digest", "incident show", "incident list"} {
		m := w.run(t, "guest", line)
		require.NotContains(t, words(m), "CLEAR WITH", line)
		require.NotContains(t, words(m), "· declared clear", line)
		require.Contains(t, words(m), unknown, line)
		require.NotEqual(t, chat.ToneGood, m.Tone, line)
	}
	for _, line := range []string{"status --farm hr", "status --owner bob", "status --farm fin"} {
		m := w.run(t, "guest", line)
		require.Contains(t, words(m), "1 farm waits to be assessed anew", line)
		require.NotEqual(t, chat.ToneGood, m.Tone, line)
	}
	v := NewVoice(w.parts)
	for _, kind := range []state.NoticeKind{NoticeClear, NoticeClosed} {
		m, err := v.Render(t.Context(), []state.Notice{{Kind: kind, Incident: "toolshell-1", At: w.clock()}}, state.Place{})
		require.NoError(t, err)
		require.Contains(t, words(m), unknown, kind)
		require.NotContains(t, words(m), "CLEAR WITH", kind)
		require.NotEqual(t, chat.ToneGood, m.Tone, kind)
	}
	_, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	require.Contains(t, words(w.run(t, "guest", "status")), "Not clear: 1 of 2 servers open.")
}

func TestWhatWasDeclaredClearAndIsVoidIsClosedOnlyWithAReason(t *testing.T) {
	t.Parallel()
	w := voided(t)
	require.Contains(t, w.refuse(t, "lead-1", "incident close"), "The incident is not declared clear.")
	m := w.run(t, "lead-1", "incident close given up")
	require.Contains(t, words(m), "It is not clear. Reason: given up")
	require.NotContains(t, words(m), "CLEAR WITH")
	require.Equal(t, chat.ToneWarn, m.Tone)
	require.Contains(t, words(w.run(t, "guest", "incident list")), "not declared clear")
}

func TestAnIncidentThatWasClearWhenItWasClosedStaysSo(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	w.run(t, "lead-1", "incident clear")
	_, err := w.declare(t, "lead-2", w.proposal(t, state.ProposeClear))
	require.NoError(t, err)
	w.run(t, "lead-1", "incident close")
	w.wait(73 * time.Hour)
	require.Contains(t, words(w.run(t, "guest", "incident list")), "clear, closed")
	require.Contains(t, words(w.run(t, "guest", "incident show")), "CLEAR WITH 1 EXCEPTION, declared")
}

// spoilt is a store in which one farm cannot be assessed.
type spoilt struct {
	Store
	farm string
}

var errSpoilt = errors.New("this farm is spoilt")

func (s spoilt) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	for _, f := range farms {
		if f == s.farm {
			return state.Outcome{}, errSpoilt
		}
	}
	return s.Store.Update(ctx, w, incident, farms, change)
}

func TestWhatCannotBeAssessedIsNeverClosedAsClear(t *testing.T) {
	t.Parallel()
	w := voided(t)
	_, call := w.call(t, "lead-1", "incident close because")
	_, err := incidentClose{spoilt{w.store, "hr"}, w.clock}.Run(t.Context(), call)
	require.ErrorContains(t, err, "hr")
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Zero(t, inc.Closed)
}
