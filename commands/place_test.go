package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// channelOf is a place with threads, as a chat has them.
var channelOf = state.Place{Platform: "slack", Workspace: "T1", Channel: "C1", Ceiling: state.TLPAmberStrict, Threads: true}

// from asks a line from another place than the console.
func (b *board) from(p state.Place, who state.PersonID, line string) (chat.Message, error) {
	b.n++
	specs := specsOf(All(b.parts))
	spec, words, err := chat.Find(specs, line)
	require.NoError(b.t, err)
	v, err := chat.Parse(spec, words, nil)
	require.NoError(b.t, err)
	person, _ := b.people.ByID(who)
	for _, c := range All(b.parts) {
		if c.Spec().Path == spec.Path {
			return c.Run(b.t.Context(), chat.Call{
				Request:  chat.Request{ID: strings.Repeat("x", b.n), Actor: chat.Actor{Person: who, Role: person.Role, Link: "slack:T1:" + string(who)}, Place: p, At: b.now},
				Values:   v,
				Incident: boardID,
			})
		}
	}
	return chat.Message{}, nil
}

func (b *board) places() []state.Place {
	inc, err := b.store.Incident(b.t.Context(), boardID)
	require.NoError(b.t, err)
	return inc.Places
}

func TestAChannelIsBoundUpToItsCeilingAndUnbound(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	p := channelOf
	p.Reply, p.Thread, p.Person = "https://example.com/secret", "1.2", "slack:T1:U1"
	m, err := b.from(p, "lead-1", "incident bind --tlp green")
	require.NoError(t, err)
	require.Contains(t, plain(m), "TLP:GREEN")
	want := channelOf
	want.Ceiling = state.TLPGreen
	require.Equal(t, want, b.places()[1], "the channel is bound: not the thread, not the person, no reply address")

	p.Ceiling = state.TLPGreen
	_, err = b.from(p, "lead-1", "incident bind --tlp amber")
	require.ErrorContains(t, err, "may see no more than TLP:GREEN")

	_, err = b.from(p, "lead-1", "incident unbind")
	require.NoError(t, err)
	m, err = b.from(state.Place{Platform: "console", Channel: "ops"}, "lead-1", "incident unbind")
	require.NoError(t, err)
	require.Contains(t, plain(m), "Nobody is reminded now")
	_, err = b.from(p, "lead-1", "incident unbind")
	require.ErrorContains(t, err, "does not hear")
}

func TestTheMenuOffersWhatTheRoleMayDoAndEveryFormIsFilledByTheSpec(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	specs := specsOf(All(b.parts))
	had := 0
	for _, who := range []state.PersonID{"view-1", "resp-1", "lead-1"} {
		n := 0
		for _, button := range buttons(b.must(who, "menu")) {
			f, err := chat.FormOf(specs, button)
			require.NoError(t, err)
			person, _ := b.people.ByID(who)
			require.LessOrEqual(t, f.Spec.Role, person.Role, button.Label)
			require.Len(t, f.Inputs, len(button.Ask))
			n++
		}
		require.Greater(t, n, had, "who may more is offered more")
		had = n
	}
}

func buttons(m chat.Message) []chat.Button {
	var out []chat.Button
	for _, p := range m.Parts {
		if row, ok := p.(chat.Buttons); ok {
			out = append(out, row.Buttons...)
		}
	}
	return out
}

func TestAFormOfTheMenuMakesALineThatWorks(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	specs := specsOf(All(b.parts))
	for i := range specs {
		if !specs[i].Global {
			specs[i].Flags = append(specs[i].Flags, chat.Arg{Name: "incident", Type: chat.Incident})
		}
	}
	for _, button := range buttons(b.must("resp-1", "menu")) {
		if button.Label != "Can't, because…" {
			continue
		}
		f, err := chat.FormOf(specs, button)
		require.NoError(t, err)
		line, wrong := f.Fill(map[string]string{"server": "sp-hr-01", "reason": "the ledger closes; --for 9d", "for": "72h"})
		require.Empty(t, wrong)
		require.Contains(t, plain(b.must("resp-1", line)), "Asked a second person to accept the risk of sp-hr-01")
		return
	}
	require.Fail(t, "no such button")
}

func TestHomeShowsMineAndToALeadTheWhole(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.parts.People = state.People{
		{ID: "lead-1", Role: state.RoleLead}, {ID: "resp-1", Role: state.RoleResponder, Owns: []string{"alice", "nobody-has-this"}}, {ID: "bob", Role: state.RoleResponder},
	}
	mine := b.must("resp-1", "home")
	require.Contains(t, plain(mine), "My servers: 2 servers are open")
	require.Contains(t, plain(mine), "sp-fin-01")
	require.NotContains(t, plain(mine), "sp-hr-01")
	require.Contains(t, lines(mine), "verify --incident ts-1 sp-fin-01")
	require.NotContains(t, lines(mine), "scan --incident ts-1")
	require.Contains(t, lines(b.must("lead-1", "home")), "scan --incident ts-1")
	require.Contains(t, plain(b.must("view-1", "home")), "None of your servers is open")
}

func TestABoardIsPostedWhenItChangesAndNotOtherwise(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	_, err := b.from(channelOf, "lead-1", "incident bind")
	require.NoError(t, err)
	boards, twin := NewBoards(b.parts), NewBoards(b.parts)
	letters := func(bs *Boards) []state.Letter {
		ls, done, err := bs.Letters(t.Context(), boardID)
		require.NoError(t, err)
		done()
		return ls
	}
	first := letters(boards)
	require.Len(t, first, 1, "the terminal gets none")
	require.True(t, first[0].Notice.Pin)
	require.Equal(t, first[0].ID, letters(twin)[0].ID, "two replicas post it once")
	b.now = b.now.Add(2 * time.Minute)
	require.Empty(t, letters(boards), "nothing changed")
	b.prove()
	require.Len(t, letters(boards), 1)
	b.must("resp-1", "claim sp-hr-01")
	b.now = b.now.Add(10 * time.Second)
	require.Empty(t, letters(boards), "not oftener than once a minute")
	b.now = b.now.Add(BoardEvery)
	require.Len(t, letters(boards), 1)

	b.now = b.now.Add(BoardEvery)
	lower := channelOf
	lower.Ceiling = state.TLPAmberStrict
	_, err = b.from(lower, "lead-1", "incident bind --tlp green")
	require.NoError(t, err)
	require.Len(t, letters(boards), 1, "a ceiling that was lowered takes out what is shown")
	b.now = b.now.Add(BoardEvery)
	b.must("resp-1", "claim sp-edge-01")
	unsaid, _, err := boards.Letters(t.Context(), boardID)
	require.NoError(t, err)
	require.Len(t, unsaid, 1)
	require.Len(t, letters(boards), 1, "what did not get into the outbox is given again")

	m, err := NewVoice(b.parts).Render(t.Context(), []state.Notice{first[0].Notice}, channelOf)
	require.NoError(t, err)
	require.Contains(t, plain(m), "Not clear: 4 of 4 servers open")
	require.Equal(t, boardID, m.About.Incident)
}

// delivered takes everything out of the outbox, in its order.
func (b *board) delivered() []state.Letter {
	var out []state.Letter
	for {
		claimed, err := b.store.Claim(b.t.Context(), "test", b.now.Add(time.Minute), time.Minute, 100)
		require.NoError(b.t, err)
		if len(claimed) == 0 {
			return out
		}
		for _, c := range claimed {
			out = append(out, c.Letter)
			require.NoError(b.t, b.store.Delivered(b.t.Context(), c.Letter, c.Token, state.Receipt{Place: c.Letter.Place, MessageID: "1", At: b.now}))
		}
	}
}

func TestAThreadHasAHeadThatSaysHowItIsNowAndIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	_, err := b.from(channelOf, "lead-1", "incident bind")
	require.NoError(t, err)
	b.prove()
	v := NewVoice(b.parts)
	heads, changes := 0, 0
	for _, l := range b.delivered() {
		if l.Place.Key() != channelOf.Key() {
			continue
		}
		m, err := v.Render(t.Context(), []state.Notice{l.Notice}, l.Place)
		require.NoError(t, err)
		require.Empty(t, m.Notify, "a thread mentions nobody")
		switch l.Notice.Kind {
		case state.NoticeThread:
			heads++
			require.Contains(t, plain(m), "ready")
			require.NotEmpty(t, m.About.Server)
		case state.NoticeChanged:
			changes += len(l.Notice.Changes)
			require.Contains(t, plain(m), " → ")
		}
	}
	require.Positive(t, heads)
	require.Positive(t, changes)
}

func TestAConfirmationHoldsToTheFactsThatWereShown(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	require.Contains(t, b.no("lead-1", "confirm --facts 00000000 sp-fin-01"), "changed since you looked")
	row, err := b.store.Row(t.Context(), boardID, "sp-fin-01")
	require.NoError(t, err)
	require.NotContains(t, plain(b.must("lead-1", "confirm --facts "+row.Hash[:8]+" sp-fin-01")), "changed since")
	b.must("lead-2", "confirm --facts "+row.Hash[:8]+" sp-fin-01")
	require.Equal(t, state.StatusConfirmed, b.status("sp-fin-01"))
}

func TestWhoClaimsWhatAnotherClaimedIsTold(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.NotContains(t, plain(b.must("resp-1", "claim sp-hr-01")), "already")
	b.now = b.now.Add(2 * time.Minute)
	require.Contains(t, plain(b.must("lead-1", "claim sp-hr-01")), "claimed by resp-1 2 min ago already")
	require.NotContains(t, plain(b.must("resp-1", "claim sp-hr-01 patch")), "already")
}

func TestNamesAreCompletedByTheirKind(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	names := Names(b.store)
	for kind, want := range map[chat.Type][]string{
		chat.Server: {"sp-fin-01", "sp-fin-02"}, chat.Farm: {"fin"}, chat.Word: nil,
	} {
		prefix := map[chat.Type]string{chat.Server: "SP-F", chat.Farm: "f", chat.Word: "x"}[kind]
		got, err := names(t.Context(), boardID, kind, prefix, 25)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	steps, err := names(t.Context(), boardID, chat.Step, "ro", 25)
	require.NoError(t, err)
	require.Equal(t, []string{"rotate"}, steps)
}
