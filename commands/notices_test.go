package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestARegressionIsToldWithWhatWasAndWhatIs(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm --farm fin")
	b.must("lead-2", "confirm --farm fin")
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T16:02:00Z","servers":{"sp-fin-01":{"package":{"build":"16.0.10417.20027"}}}}`)
	ns := b.said()
	require.NotEmpty(t, ns)
	m, err := NewVoice(b.parts).Render(t.Context(), ns, state.Place{})
	require.NoError(t, err)
	text := plain(m)
	require.Contains(t, text, "2 servers re-opened")
	require.Contains(t, text, "▲ sp-fin-01 was confirmed until 16:03, now exposed · ")
	require.Contains(t, text, "16.0.10417.20027")
	require.Equal(t, []string{"owner:alice"}, m.Notify, "one mention for all of an owner")
	require.Equal(t, chat.ToneBad, m.Tone)
}

func TestWhatIsSettledAgainMentionsNobody(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm --farm fin")
	b.must("lead-2", "confirm --farm fin")
	m, err := NewVoice(b.parts).Render(t.Context(), []state.Notice{{
		Kind: state.NoticeReopened, Incident: boardID, Servers: []string{"sp-fin-01"}, Owner: "alice", At: b.now.Add(-time.Hour),
		Facts: map[string]string{"from": "confirmed", "to": "in progress", "why": "<b>@everyone</b>"},
	}}, state.Place{})
	require.NoError(t, err)
	require.Empty(t, m.Notify)
	require.Contains(t, plain(m), "● sp-fin-01 was confirmed until 14:03, now confirmed (in progress in between)")
	list := m.Parts[1].(chat.List)
	require.Contains(t, list.Items[0], chat.C("<b>@everyone</b>"), "what a stranger wrote is code")
}

func TestNoticesOfTheIncidentSayHowItIsNow(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	v := NewVoice(b.parts)
	render := func(k state.NoticeKind, facts map[string]string) chat.Message {
		m, err := v.Render(t.Context(), []state.Notice{{Kind: k, Incident: boardID, At: b.now, Facts: facts}}, state.Place{})
		require.NoError(t, err)
		require.Empty(t, m.Notify)
		return m
	}
	require.Contains(t, plain(render(state.NoticeRevoked, map[string]string{"why": "sp-hr-01 is exposed"})),
		"No longer clear: ts-1\nRevoked 08:00: sp-hr-01 is exposed.\nNot clear: 4 of 4 servers open. 4 unknown.")
	require.Empty(t, render(NoticeClear, nil).Parts, "revoked before it was told")
	require.Contains(t, plain(render(NoticeClosed, map[string]string{"reason": "moved"})), "Closed: ts-1\nReason: moved\nNot clear: 4 of 4 servers open.")
	require.Contains(t, plain(render("of a later version", map[string]string{"why": "x"})), "of a later version ts-1")
	m, err := v.Render(t.Context(), []state.Notice{{Kind: state.NoticeCompromised, Incident: boardID, Servers: []string{"gone"}}}, state.Place{})
	require.NoError(t, err)
	require.Empty(t, m.Parts)
}

func TestAnExerciseIsCalledOne(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("lead-1", "incident open drill-1 --drill")
	w := state.Work{Request: "set-up-drill", Step: "set up", By: "lead-1", At: b.now}
	_, err := b.store.Update(t.Context(), w, "drill-1", []string{"x"}, func(tx *state.Tx) error {
		return tx.PutServer(state.Server{Name: "x", Owner: "bob"})
	})
	require.NoError(t, err)
	for _, n := range []state.Notice{{Kind: state.NoticeCompromised, Incident: "drill-1", Servers: []string{"x"}}, {Kind: NoticePing, Incident: "drill-1", Owner: "bob"}} {
		m, err := NewVoice(b.parts).Render(t.Context(), []state.Notice{n}, state.Place{})
		require.NoError(t, err)
		require.Regexp(t, "^DRILL · ", plain(m))
	}
	m, err := Card(t.Context(), b.store, "drill-1", b.now, 0)
	require.NoError(t, err)
	require.Regexp(t, "^DRILL · ", plain(m))
}
