package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

const fixed2019, july2019 = "16.0.10417.20037", "16.0.10417.20027"

// remediate shows a whole remediation of a farm of 2019 servers, the last of it now.
func (w *world) remediate(t *testing.T, farm, build string, servers ...string) {
	t.Helper()
	now := w.clock()
	at := func(h float64) time.Time { return now.Add(time.Duration((h - 8) * float64(time.Hour))) }
	seen := func(sub state.Subject, kind state.Kind, value string) state.Evidence {
		return state.Evidence{Subject: sub, Kind: kind, Value: value, Source: state.SourceCollector, Observed: now}
	}
	done := func(sub state.Subject, kind state.Kind, value string, h float64) state.Evidence {
		e := seen(sub, kind, value)
		e.At = at(h)
		return e
	}
	item := state.Subject{Item: "portal"}
	es := []state.Evidence{
		seen(state.Subject{}, state.KindItems, "portal\n"), seen(item, "amsi", "on"),
		done(item, "rotation", "rotated", 5), done(item, "deployment", "deployed", 6),
	}
	for _, n := range servers {
		srv := state.Subject{Server: n}
		hunt := state.Evidence{
			Subject: srv, Kind: state.KindHunt, Value: "clean", Source: state.SourceHunt,
			From: time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC), To: at(3), Observed: at(3),
		}
		modules := seen(srv, "modules", "clean")
		modules.Observed = at(3)
		es = append(es, done(srv, "preserved", "done", 0.2), done(srv, "package", build, 1), done(srv, "package.language", build, 1),
			done(srv, "psconfig", "done", 1.5), hunt, modules, done(srv, "restart", "restarted", 7), seen(srv, "keys.match", "yes"))
	}
	w.show(t, farm, es...)
}

// confirm has two leads confirm a server.
func (w *world) confirm(t *testing.T, farm, server string) {
	t.Helper()
	w.change(t, "lead-1", farm, func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "k-" + server, Kind: state.ProposeConfirm, Server: server})
	})
	w.change(t, "lead-2", farm, func(tx *state.Tx) error { _, err := tx.Approve("k-" + server); return err })
	require.Equal(t, state.StatusConfirmed, w.row(t, server).Status)
}

func cleared(t *testing.T) *world {
	w := opened(t, 2, "name,farm,owner\nsp-1,fin,alice\nsp-2,hr,bob\n")
	w.remediate(t, "fin", fixed2019, "sp-1")
	w.confirm(t, "fin", "sp-1")
	w.change(t, "lead-1", "hr", func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{
			ID: "x-1", Kind: state.ProposeExcept, Server: "sp-2",
			Exception: &state.Exception{Reason: "isolated lab", Expires: w.clock().Add(72 * time.Hour)},
		})
	})
	w.change(t, "lead-2", "hr", func(tx *state.Tx) error { _, err := tx.Approve("x-1"); return err })
	return w
}

func (w *world) declare(t *testing.T, who state.PersonID, id string) (chat.Message, error) {
	t.Helper()
	_, call := w.call(t, who, "incident clear")
	return declareClear(t.Context(), w.store, call, w.clock(), id)
}

func (w *world) proposal(t *testing.T, kind state.ProposalKind) string {
	t.Helper()
	refs, err := w.store.Proposals(t.Context(), "toolshell-1")
	require.NoError(t, err)
	for _, r := range refs {
		if r.Kind == kind {
			return r.ID
		}
	}
	require.Fail(t, "no proposal", "%s", kind)
	return ""
}

func TestClearIsRefusedWithTheWorstServers(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm,owner\nsp-1,fin,alice\nsp-2,hr,bob\n")
	w.remediate(t, "fin", fixed2019, "sp-1")
	w.confirm(t, "fin", "sp-1")
	require.Contains(t, w.refuse(t, "lead-1", "incident clear"), "Not clear: 1 of 2 servers are open\n? sp-2 unknown · bob")
	refs, err := w.store.Proposals(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Empty(t, refs)
	require.Contains(t, opened(t, 2, "").refuse(t, "lead-1", "incident clear"), "There are no servers")
}

func TestClearTakesTwoPersonsOnOneBoardAndNamesEveryException(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	m := w.run(t, "lead-1", "incident clear")
	text := words(m)
	for _, want := range []string{
		"Clear toolshell-1? It takes a second person.", "1 excepted · 1 confirmed. Board ", "1 exception, each ends by itself",
		"⊘ sp-2 until 25 Jul 2025 09:00 UTC: all that is missing, isolated lab (lead-1, lead-2)", "Not seen from outside: 2 not looked at",
		"It would read CLEAR WITH 1 EXCEPTION.", "Who may approve: lead-2.",
	} {
		require.Contains(t, text, want)
	}
	id := w.proposal(t, state.ProposeClear)
	_, err := w.declare(t, "lead-1", id)
	require.ErrorContains(t, err, "You asked for this yourself.")
	m, err = w.declare(t, "lead-2", id)
	require.NoError(t, err)
	sound(t, m)
	require.Contains(t, words(m), "# CLEAR WITH 1 EXCEPTION: toolshell-1\nNot seen from outside: 2 not looked at. What proves these comes from inside alone.\nAsked for by lead-1, approved by lead-2")
	require.NotContains(t, words(m), "ALL CLEAR")
	require.Contains(t, words(w.run(t, "guest", "incident show")), "CLEAR WITH 1 EXCEPTION, declared 09:00 UTC by Ada and Grace: 1 confirmed, 1 excepted, 0 retired")
	require.Contains(t, words(w.run(t, "lead-1", "incident close")), "It was declared CLEAR WITH 1 EXCEPTION")
}

func TestAskingAgainAboutTheSameBoardIsTheSameRequest(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	first := w.run(t, "lead-1", "incident clear")
	require.Equal(t, first, w.run(t, "lead-1", "incident clear"))
	refs, err := w.store.Proposals(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Len(t, refs, 1)
}

func TestABoardThatChangedVoidsTheRequest(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	w.run(t, "lead-1", "incident clear")
	id := w.proposal(t, state.ProposeClear)
	w.run(t, "lead-1", "server add sp-3")
	_, err := w.declare(t, "lead-2", id)
	require.ErrorContains(t, err, "Not clear: 1 of 3 servers are open")
	w.run(t, "alice", "server retire sp-3 --reason gone")
	w.change(t, "lead-1", "sp-3", func(tx *state.Tx) error { _, err := tx.Approve(w.proposal(t, state.ProposeRetire)); return err })
	_, err = w.declare(t, "lead-2", id)
	require.ErrorContains(t, err, "The board has changed since this was asked for.")
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Nil(t, inc.Clear)
}

func TestClearSweepsWhatTimeHasChanged(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	w.run(t, "lead-1", "incident clear")
	id := w.proposal(t, state.ProposeClear)
	_, err := w.declare(t, "lead-2", id)
	require.NoError(t, err)
	w.wait(73 * time.Hour)
	_, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Nil(t, inc.Clear, "an exception that ended takes clear back")
	text := w.refuse(t, "lead-1", "incident clear")
	require.Contains(t, text, "Not clear: ")
	require.Contains(t, text, "sp-2 unknown")
}
