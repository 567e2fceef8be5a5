package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// heard are the messages that the places get of what waits, as they may see them now.
func (b *board) heard() map[string][]string {
	b.t.Helper()
	v, out := NewVoice(b.parts), map[string][]string{}
	for _, l := range b.delivered() {
		heard, at, err := v.Heard(b.t.Context(), []state.Notice{l.Notice}, l.Place)
		require.NoError(b.t, err)
		if len(heard) == 0 {
			continue
		}
		m, err := v.Render(b.t.Context(), heard, at)
		require.NoError(b.t, err)
		if m, withheld := m.WithholdAt(at); len(m.Parts) > withheld {
			out[l.Place.Channel] = append(out[l.Place.Channel], plain(m))
		}
	}
	return out
}

// heldBoard is a board on which a reminder of resp-1 waits for the end of quiet hours.
func heldBoard(t *testing.T) *board {
	t.Helper()
	b := newBoard(t, 2)
	b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1
	b.now = at("2025-07-22 00:00")
	b.must("lead-1", "ping --send --owner bob")
	return b
}

func TestWhatWaitsIsSaidUpToTheCeilingOfThenAndNow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{{"incident bind", "sp-hr-01"}, {"incident bind --tlp green", ""}, {"incident unbind", ""}} {
		b := heldBoard(t)
		b.must("lead-1", c.line)
		b.now = at("2025-07-22 07:00")
		said := b.heard()["ops"]
		if c.want == "" {
			require.Empty(t, said, c.line)
			continue
		}
		require.Len(t, said, 1)
		require.Contains(t, said[0], c.want)
	}
}

func TestWhatIsForOthersThanThePlacesOfAnIncidentIsHeardUnbound(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	p := channelOf
	for kind, heard := range map[state.NoticeKind]bool{
		state.NoticeAdvisory: true, state.NoticeAdvisoryNews: true, state.NoticeReport: true,
		state.NoticeBearing: false, NoticeBoard: false, NoticePing: false, NoticePhase: false, NoticeClosed: false, "of a later version": false,
	} {
		ns, at, err := NewVoice(b.parts).Heard(t.Context(), []state.Notice{{Kind: kind, Incident: boardID}}, p)
		require.NoError(t, err)
		require.Len(t, ns, map[bool]int{true: 1}[heard], kind)
		require.Equal(t, p, at)
	}
	for _, n := range []state.Notice{{Kind: chat.KindAnswer, Incident: boardID, Payload: []byte("{}")}, {Kind: NoticePing}} {
		ns, _, err := NewVoice(b.parts).Heard(t.Context(), []state.Notice{n}, p)
		require.NoError(t, err)
		require.Len(t, ns, 1)
	}
}

func TestWhoUnbindsBackAndForthMovesOneReminder(t *testing.T) {
	t.Parallel()
	b := heldBoard(t)
	other := b.bind("other", "")
	b.must("lead-1", "incident unbind")
	b.bind("ops", "")
	_, err := b.from(other, "lead-1", "incident unbind")
	require.NoError(t, err)
	b.now = at("2025-07-22 07:00")
	said := b.heard()
	require.Len(t, said["ops"], 1)
	require.Empty(t, said["other"])

	b = heldBoard(t)
	b.bind("other", "")
	b.must("lead-1", "incident unbind")
	b.bind("ops", "")
	b.now = at("2025-07-22 07:00")
	said = b.heard()
	require.Empty(t, said["ops"], "it moved, and ops was bound again")
	require.Len(t, said["other"], 1)
}

func TestWhatIsSaidOfADeadlineMovesWithThePlace(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		b := newBoard(t, 2)
		b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1
		b.now = at("2025-07-21 12:00")
		b.change(nil, func(tx *state.Tx) error { return tx.SetDue(at("2025-07-22 01:00")) })
		b.now = at("2025-07-22 01:05")
		told, err := Tend(t.Context(), b.parts, boardID, b.now)
		require.NoError(t, err)
		require.Equal(t, 4, told)
		b.bind("other", "")
		b.must("lead-1", "incident unbind")
		if again {
			b.bind("ops", "")
		}
		b.now = at("2025-07-22 07:00")
		said := b.heard()
		require.Empty(t, said["ops"])
		require.Len(t, said["other"], told)
	}
}

func TestWhomNoPlaceTakesWhenItIsUnboundIsNamedAndNotTakenForReminded(t *testing.T) {
	t.Parallel()
	b := heldBoard(t)
	require.Contains(t, plain(b.must("lead-1", "incident unbind")), "What waited here is told to nobody: no place of the incident may see the names of servers. It was for resp-1.")
	memory, err := b.store.Pings(t.Context(), boardID)
	require.NoError(t, err)
	require.Zero(t, memory["person:resp-1"].Slot)
	require.Empty(t, memory["person:resp-1"].Mentions)
	b.bind("ops", "")
	b.must("lead-1", "ping --send --owner bob") // in the same slot
	b.now = at("2025-07-22 07:00")
	require.Len(t, b.heard()["ops"], 1)
}

func TestAReminderThatIsStoredWhileItsPlaceIsUnboundMoves(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1
	b.now = at("2025-07-22 00:00")
	b.bind("other", "")
	store := b.parts.Store
	b.parts.Store = &between{store, func() { b.must("lead-1", "ping --send --owner bob") }}
	b.must("lead-1", "incident unbind")
	b.parts.Store = store
	b.now = at("2025-07-22 07:00")
	said := b.heard()
	require.Empty(t, said["ops"])
	require.Len(t, said["other"], 1)
}
