package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestAnAttestationCountsWhenASecondLeadApproves(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 15:03")
	m := b.must("lead-1", `attest sp-hr-01 preserved done --at "2025-07-21 18:00" --ref CHG-1 --reason "seen on the share"`)
	require.Contains(t, plain(m), "sp-hr-01: preserved done, done 21 Jul 18:00 · a-sp-hr-01-")
	require.Contains(t, plain(m), "Who may approve: lead-2.")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	id := refs[0].ID
	require.Contains(t, plain(b.must("view-1", "proposals")), id+" attest sp-hr-01 · sp-hr-01: preserved done, done 21 Jul 18:00 · CHG-1 · seen on the share · asked by lead-1")
	require.Contains(t, b.no("resp-1", "approve "+id), "needs the role lead to approve; you are responder. Who may approve: lead-2.")
	require.Contains(t, b.no("resp-1", "approve all"), "Nothing waits that you may approve. Left: 1 for a lead.")
	require.Contains(t, b.no("lead-1", "approve all"), "Left: 1 asked for by you.")
	m = b.must("lead-2", "approve "+id)
	require.Contains(t, plain(m), "Attested by lead-1 and you: sp-hr-01: preserved done, done 21 Jul 18:00. sp-hr-01 is unknown now.")
	require.Contains(t, plain(b.must("view-1", "status sp-hr-01")), "◉ preserve attested done · by lead-1")
	require.Contains(t, b.no("lead-2", "approve "+id), "Nothing waits as")
}

func TestAnItemIsAttestedWithAnyServerOfItsFarm(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	m := b.must("lead-1", `attest --farm fin --item https://fin.example/ amsi on --ref CHG-2`)
	require.Contains(t, plain(m), "fin https://fin.example/: amsi on · a-fin-")
	require.Contains(t, plain(b.must("lead-2", "approve all")), "1 of 1 approved.")
	m = b.must("lead-1", `attest --ref CHG-3`, chat.File{Name: "x.json", Data: []byte(`{"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T14:00:00Z",
	 "evidence":[{"subject":{},"kind":"items","value":"https://fin.example/\nhttps://two.example/"},{"subject":{"server":"sp-fin-02"},"kind":"contained","value":"no"}]}`)})
	require.Contains(t, plain(m), "fin: items https://fin.example/, https://two.example/")
	require.Contains(t, plain(b.must("lead-2", "approve all")), "2 of 2 approved.")
	require.Equal(t, state.StatusInProgress, b.status("sp-fin-01")) // another item needs its proof
}

func TestOnlyWhatAStepAcceptsCanBeAttested(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	for _, c := range []struct{ line, want string }{
		{"attest sp-fin-01 preserved done", "needs a reference"},
		{"attest sp-fin-01 preserved done --ref C", "preserved is an event: add --at"},
		{"attest sp-fin-01 modules claen --ref C", "did you mean clean?"},
		{"attest sp-fin-01 modules spotless --ref C", "cannot be \"spotless\": one of clean, malicious"},
		{"attest sp-fin-01 hunt clean --ref C", "add --from and --to"},
		{"attest sp-fin-01 restart restarted --at 2025-08-01 --ref C", "in the future"},
		{"attest sp-fin-01 rotation rotated --at 2025-07-22 --ref C", "Rotation is about an item, not about a server"},
		{"attest --farm fin --item https://fin.example rotation rotated --at 2025-07-22 --ref C", "did you mean https://fin.example/?"},
		{"attest sp-fin-01 reach answered --ref C", `Nobody can tell "reach" here`},
		{"attest sp-fin-01 preserved --ref C", "needs a server or --farm, a kind and a value"},
		{"attest --farm fin sp-fin-01 preserved done --ref C", "Name a server or a farm, not both."},
		{"attest sp-fin-01 eviction done --at 2025-07-22 --ref C", "one of evicted, rebuilt"},
	} {
		require.Contains(t, b.no("lead-1", c.line), c.want)
	}
	require.Contains(t, b.no("resp-1", "attest sp-fin-01 modules clean --ref C"), "may not")
	require.Contains(t, plain(b.must("view-1", "proposals")), "Nothing waits for a second person.")
}

func TestAnExceptionEndsByItself(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("lead-1", `except sp-hr-01 --for 72h --reason "replaced on Friday"`)
	require.Contains(t, plain(m), "Asked a second person to accept the risk of sp-hr-01 (all that is missing) until 24 Jul 2025 08:00 UTC: x-sp-hr-01-")
	m = b.must("lead-2", "approve all")
	require.Contains(t, plain(m), "Risk accepted until 24 Jul 2025 08:00 UTC, asked by lead-1. sp-hr-01 is excepted now.")
	require.Equal(t, state.StatusExcepted, b.status("sp-hr-01"))
	require.Contains(t, plain(b.must("view-1", "digest")), "sp-hr-01 in 3 days · replaced on Friday")
	require.Contains(t, plain(b.must("view-1", "status sp-hr-01")), "Risk accepted until 24 Jul 2025 08:00 UTC by lead-1 and lead-2: replaced on Friday")
	b.now = b.now.Add(73 * time.Hour)
	require.Contains(t, plain(b.must("view-1", "status")), "1 farm waits to be assessed anew")
	require.Contains(t, plain(b.must("view-1", "status sp-hr-01")), "? sp-hr-01 unknown")
}

func TestAnExceptionNeedsAReasonAndAnEnd(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for _, c := range []struct{ line, want string }{
		{"except sp-hr-01 --for 72h", "needs a reason"},
		{"except sp-hr-01 --reason x", "say when"},
		{"except sp-hr-01 --reason x --for 1h --until 2025-08-01", "say when"},
		{"except sp-hr-01 --reason x --until 2025-07-01", "in the future"},
		{"except sp-hr-01 --reason x --until 2027-07-01", "a year at most"},
		{"except sp-hr-01 --reason x --for 1h --step amsi,hnt", "Did you mean: hunt"},
	} {
		require.Contains(t, b.no("lead-1", c.line), c.want)
	}
}

func TestAllDoesNotDeclareClear(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm --farm fin")
	b.must("lead-1", "except sp-hr-01 --for 72h --reason x")
	b.must("lead-1", "except sp-edge-01 --for 72h --reason x")
	m := b.must("lead-2", "approve all")
	require.Contains(t, plain(m), "4 of 4 approved.")
	require.Contains(t, plain(b.must("view-1", "status")), "Not declared clear. The rule for it holds: no server is open. A lead asks with incident clear")
	m = b.must("lead-1", "incident clear")
	require.Len(t, lines(m), 2)
	require.Contains(t, b.no("lead-2", "approve all"), "Left: 1 to declare clear: approve it by its id.")
	require.NotContains(t, plain(b.must("view-1", "status")), "CLEAR WITH")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	require.Contains(t, b.no("resp-1", "approve "+refs[0].ID), "needs the role lead")
	m = b.must("lead-2", "approve "+refs[0].ID)
	require.Contains(t, plain(m), "CLEAR WITH 2 EXCEPTIONS")
	require.Contains(t, plain(b.must("view-1", "status")), "CLEAR WITH 2 EXCEPTIONS · declared 15:03 by lead-1 and lead-2.")

	b.must("lead-1", "server add sp-new-01") // whatever is open takes it back
	text := plain(b.must("view-1", "status"))
	require.NotContains(t, text, "CLEAR WITH")
	require.Contains(t, text, "Not clear: 1 of 5 servers open.")
}

func TestAnIDThatMeansNothingIsAnsweredWithTheNearest(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm sp-fin-01")
	require.Contains(t, b.no("lead-2", "approve c-sp-fin-01"), "Did you mean: c-sp-fin-01-")
	require.Equal(t, "c-a_b-", proposalID("c", "a b")[:6])
	require.NotEqual(t, proposalID("c", "a b"), proposalID("c", "a_b"))
	require.Equal(t, proposalID("c", "x", "1"), proposalID("c", "x", "1"))
}

func TestTheSecondPersonOfAnExceptionMayBeNamed(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("lead-1", "except sp-hr-01 --for 72h --reason x --second lead-2")
	require.Contains(t, words(m), "Asked lead-2 to accept the risk of sp-hr-01")
	require.Equal(t, []string{"owner:lead-2"}, m.Notify)
	_, err := b.ask("lead-1", "except sp-hr-01 --for 72h --reason x --second lead-1")
	require.ErrorContains(t, err, "\"lead-1\" may not be the second person.")
	_, err = b.ask("lead-1", "except sp-hr-01 --for 72h --reason x --second lead-3")
	require.ErrorContains(t, err, "Did you mean: lead-2")
}
