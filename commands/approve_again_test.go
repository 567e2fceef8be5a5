package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// twoAsked has two requests that wait for a second person.
func twoAsked(t *testing.T) (b *board, first, second string) {
	t.Helper()
	b = newBoard(t, 2)
	b.must("lead-1", "except sp-hr-01 --for 72h --reason x")
	b.must("lead-1", "except sp-edge-01 --for 72h --reason x")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	require.Len(t, refs, 2)
	return b, refs[0].ID, refs[1].ID
}

func TestAnApprovalThatWasCutOffGoesOn(t *testing.T) {
	t.Parallel()
	b, first, second := twoAsked(t)
	_, err := b.askAs("r-1", "lead-2", "approve "+first) // as far as it came
	require.NoError(t, err)
	m, err := b.askAs("r-1", "lead-2", "approve "+first+" "+second)
	require.NoError(t, err)
	require.Contains(t, plain(m), "2 of 2 approved.")
	require.Contains(t, plain(m), first+" was approved by you before.")
	require.Equal(t, state.StatusExcepted, b.status("sp-hr-01"))
	require.Equal(t, state.StatusExcepted, b.status("sp-edge-01"))
	m, err = b.askAs("r-1", "lead-2", "approve "+first)
	require.NoError(t, err)
	require.Contains(t, plain(m), "was approved by you before.")
}

func TestEachIDIsTreatedByItself(t *testing.T) {
	t.Parallel()
	b, first, second := twoAsked(t)
	text := b.no("lead-2", "approve "+first+" nonsense "+second+" "+first) // not all that was named
	require.Contains(t, text, "2 of 3 approved.")
	require.Contains(t, text, "nonsense not approved: Nothing waits as")
	require.Equal(t, state.StatusExcepted, b.status("sp-hr-01"))
	require.Equal(t, state.StatusExcepted, b.status("sp-edge-01"))
	require.Contains(t, b.no("lead-2", "approve nonsense nonsense"), "Nothing waits as")
}

// almost has all servers settled, and a request to declare clear.
func almost(t *testing.T) (*board, string) {
	t.Helper()
	b := newBoard(t, 2)
	for _, s := range []string{"sp-fin-01", "sp-fin-02", "sp-hr-01", "sp-edge-01"} {
		b.must("lead-1", "except "+s+" --for 72h --reason x")
	}
	b.must("lead-2", "approve all")
	b.must("lead-1", "incident clear")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	require.Len(t, refs, 1)
	return b, refs[0].ID
}

func TestWhoDeclaredClearIsToldSoWhenTheRequestIsRunAgain(t *testing.T) {
	t.Parallel()
	b, id := almost(t)
	first, err := b.askAs("r-1", "lead-2", "approve "+id)
	require.NoError(t, err)
	require.Contains(t, plain(first), "CLEAR WITH 4 EXCEPTIONS")
	again, err := b.askAs("r-1", "lead-2", "approve "+id)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Contains(t, b.no("lead-2", "approve "+id), "Nothing waits as") // another request is not that one

	b.must("lead-1", "server add sp-new-01")
	_, err = b.askAs("r-1", "lead-2", "approve "+id)
	require.ErrorContains(t, err, "Not clear: 1 of 5 servers are open")
}

func TestClearThatIsRefusedBesideOthersIsNotCountedAsApproved(t *testing.T) {
	t.Parallel()
	b, id := almost(t)
	b.must("lead-1", "server add sp-new-01")
	b.must("lead-1", "except sp-new-01 --for 72h --reason x")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	other := refs[0].ID
	if other == id {
		other = refs[1].ID
	}
	text := b.no("lead-2", "approve "+id+" "+other)
	require.Contains(t, text, "1 of 2 approved.")
	require.Contains(t, text, id+" not approved: Not clear: 1 of 5 servers are open")
	require.NotContains(t, text, "CLEAR WITH")
	text = b.no("lead-2", "approve "+id+" nonsense") // the board has changed
	require.Contains(t, text, "0 of 2 approved.")
	require.Contains(t, text, "The board has changed since this was asked for.")
}
