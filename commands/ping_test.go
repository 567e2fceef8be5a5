package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// said are the notices that wait, as the outbox would take and deliver them.
func (b *board) said() []state.Notice {
	b.t.Helper()
	var out []state.Notice
	for {
		ls, err := b.store.Claim(b.t.Context(), "test", b.now.Add(time.Minute), time.Hour, 50)
		require.NoError(b.t, err)
		for _, l := range ls {
			out = append(out, l.Letter.Notice)
			require.NoError(b.t, b.store.Delivered(b.t.Context(), l.Letter, l.Token, state.Receipt{Place: l.Letter.Place, MessageID: "m", At: b.now}))
		}
		if len(ls) == 0 {
			return out
		}
	}
}

func TestRemindersAreShownAsTheyWillBeSent(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "ping")
	require.Contains(t, plain(m), "alice: 2 servers are open in ts-1\n? sp-fin-01 unknown · Save the memory")
	require.Contains(t, plain(m), "bob: 1 server is open in ts-1")
	require.Contains(t, plain(m), "1 open server is without an owner, so nobody is reminded.")
	require.Empty(t, m.Notify, "a preview mentions nobody")
	require.Contains(t, lines(m), "claim --incident ts-1 sp-fin-01")
	require.Contains(t, lines(m), "ping --incident ts-1 --send")
	require.Empty(t, b.said())
	require.NotContains(t, plain(b.must("resp-1", "ping --owner bo")), "alice")
	require.Contains(t, b.no("resp-1", "ping --owner carol"), "There is no owner")
}

func TestAReminderIsSentOnceInASlot(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "ping --send")
	require.Contains(t, plain(m), "2 reminders on the way: alice, bob.\nOne for each owner in the slot from 08:00 to 12:00 UTC; who had it already gets no second one.")
	b.now = b.now.Add(time.Hour)
	b.must("lead-1", "ping --send")
	ls := b.said()
	require.Len(t, ls, 2)
	require.Equal(t, "ping ts-1 2025-07-21T08:00:00Z alice", ls[0].Key)
	b.now = b.now.Add(3 * time.Hour)
	b.must("lead-1", "ping --send --owner alice")
	require.Len(t, b.said(), 1)
}

func TestWhoWorkedOnItIsNotReminded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "claim sp-hr-01")
	require.Contains(t, plain(b.must("resp-1", "ping")), "Not reminded: bob (somebody worked on it just now).")
	b.must("resp-1", "claim sp-fin-01") // alice has another one
	require.Contains(t, plain(b.must("resp-1", "ping")), "alice: 1 server is open in ts-1\n? sp-fin-02")
	b.now = b.now.Add(5 * time.Hour)
	require.Contains(t, plain(b.must("resp-1", "ping")), "bob: 1 server is open")
	require.Contains(t, plain(b.must("resp-1", "ping")), "alice: 2 servers are open")

	b.must("resp-1", "claim sp-hr-01") // no claim keeps quiet about an attacker
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-21T13:00:00Z","servers":{"sp-hr-01":{"modules":"malicious"}}}`)
	require.Contains(t, plain(b.must("resp-1", "ping")), "✖ sp-hr-01 compromised")
}

func TestAReminderSaysWhatIsTrueWhenItIsDelivered(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	v := NewVoice(b.parts)
	n := state.Notice{Kind: NoticePing, Incident: boardID, Owner: "bob", At: b.now}
	m, err := v.Render(t.Context(), []state.Notice{n, n}, state.Place{})
	require.NoError(t, err)
	require.Equal(t, []string{"owner:bob"}, m.Notify)
	require.Contains(t, plain(m), "bob: 1 server is open in ts-1")
	b.must("resp-1", "claim sp-hr-01")
	m, err = v.Render(t.Context(), []state.Notice{n}, state.Place{})
	require.NoError(t, err)
	require.Equal(t, chat.Message{}, m)
}

func TestADisconnectedServerIsRemindedOfQuietly(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-21T08:00:00Z","servers":{"sp-hr-01":{"contained":"yes"}}}`)
	require.Equal(t, state.StatusContained, b.status("sp-hr-01"))
	b.now = b.now.Add(5 * time.Hour)
	m, err := NewVoice(b.parts).Render(t.Context(), []state.Notice{{Kind: NoticePing, Incident: boardID, Owner: "bob"}}, state.Place{})
	require.NoError(t, err)
	require.Contains(t, plain(m), "◇ sp-hr-01 contained")
	require.Empty(t, m.Notify)
}
