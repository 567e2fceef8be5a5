package state_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// books is an incident with farm F of the servers A and B, remediated as far as
// evidence goes, and the farm G of one server.
type books struct {
	t     testing.TB
	inc   state.Incident
	farms map[string]state.FarmState
	now   time.Time
	n     int
	last  state.Commit
}

func newBooks(t testing.TB) *books {
	b := &books{t: t, farms: map[string]state.FarmState{}, now: at(9)}
	b.must("lead", func(tx *state.Tx) error { return tx.OpenIncident(state.Incident{ID: "i", Rules: toolshell(t, 2)}) })
	b.must("lead", func(tx *state.Tx) error {
		return errors.Join(tx.PutServer(state.Server{Name: "A", Farm: "F"}), tx.PutServer(state.Server{Name: "B", Farm: "F"}))
	})
	return b
}

func remediatedBooks(t testing.TB) *books {
	b := newBooks(t)
	b.must("lead", func(tx *state.Tx) error { return tx.Record("F", remediated(t).evidence...) })
	return b
}

func (b *books) do(by state.PersonID, change func(*state.Tx) error) error {
	b.n++
	var loaded []state.FarmState
	for _, name := range []string{"F", "G", "H"} {
		f := b.farms[name]
		f.Farm.Name = name
		loaded = append(loaded, again(b.t, f))
	}
	tx := state.NewTx(state.Work{Request: fmt.Sprint(b.n), By: by, At: b.now}, b.inc, loaded)
	if err := change(tx); err != nil {
		return err
	}
	b.last = tx.Commit()
	b.inc = b.last.Incident
	for _, f := range b.last.Farms {
		b.farms[f.State.Farm.Name] = f.State
	}
	return nil
}

func (b *books) must(by state.PersonID, change func(*state.Tx) error) {
	require.NoError(b.t, b.do(by, change))
}

func (b *books) refused(by state.PersonID, why string, change func(*state.Tx) error) {
	err := b.do(by, change)
	var r *state.Refusal
	require.ErrorAs(b.t, err, &r)
	require.Contains(b.t, r.Error(), why)
	require.NotContains(b.t, r.Error(), "\n")
}

func (b *books) propose(by state.PersonID, p state.Proposal) {
	b.must(by, func(tx *state.Tx) error { return tx.Propose(p) })
}

func (b *books) approve(by state.PersonID, id string) {
	b.must(by, func(tx *state.Tx) error { _, err := tx.Approve(id); return err })
}

func (b *books) confirm(names ...string) {
	for _, n := range names {
		b.propose("p1", state.Proposal{ID: "c" + n, Kind: state.ProposeConfirm, Server: n})
		b.approve("p2", "c"+n)
	}
}

func (b *books) status(name string) state.Status { return b.farms["F"].Rows[name].Status }

func (b *books) board() state.Board {
	c := state.Counts{Status: map[state.Status]int{}}
	for _, f := range b.farms {
		for _, r := range f.Rows {
			c.Status[r.Status]++
		}
	}
	return state.Board{Counts: c, Hash: "board", Rev: 7}
}

func (b *books) clear() {
	b.propose("p1", state.Proposal{ID: "clear", Kind: state.ProposeClear, Hash: "board"})
	b.must("p2", func(tx *state.Tx) error { return tx.DeclareClear("clear", b.board()) })
}

func exception(expires time.Time, steps ...string) *state.Exception {
	return &state.Exception{Expires: expires, Reason: "later", Steps: steps}
}

func TestWhatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.propose("p1", state.Proposal{ID: "cA", Kind: state.ProposeConfirm, Server: "A"})
	long := strings.Repeat("x", state.MaxReason+1)
	put := func(s state.Server) func(*state.Tx) error {
		return func(tx *state.Tx) error { return tx.PutServer(s) }
	}
	record := func(e state.Evidence) func(*state.Tx) error {
		return func(tx *state.Tx) error { return tx.Record("F", e) }
	}
	propose := func(p state.Proposal) func(*state.Tx) error {
		if p.ID == "" {
			p.ID = "new"
		}
		return func(tx *state.Tx) error { return tx.Propose(p) }
	}
	approve := func(id string) func(*state.Tx) error {
		return func(tx *state.Tx) error { _, err := tx.Approve(id); return err }
	}
	dated := func(change func(e *state.Evidence)) func(*state.Tx) error {
		e := event(srv("A"), "psconfig", "done", at(8), at(8.5))
		change(&e)
		return record(e)
	}
	for _, c := range []struct {
		by     state.PersonID
		why    string
		change func(*state.Tx) error
	}{
		{"p1", "already is an incident", func(tx *state.Tx) error { return tx.OpenIncident(state.Incident{ID: "i"}) }},
		{"p1", "not declared clear", func(tx *state.Tx) error { return tx.CloseIncident(" ") }},
		{"p1", "not newer than revision 2", func(tx *state.Tx) error { return tx.Revise(tx.Incident.Rules) }},
		{"p1", "needs a name", put(state.Server{Farm: "F"})},
		{"p1", "control character", put(state.Server{Name: "a\nb", Farm: "F"})},
		{"p1", "not valid text", put(state.Server{Name: "a\xff", Farm: "F"})},
		{"p1", "begins or ends with a space", put(state.Server{Name: "A ", Farm: "F"})},
		{"p1", "longer than 120", put(state.Server{Name: strings.Repeat("ä", 121), Farm: "F"})},
		{"p1", "belongs to farm F already", put(state.Server{Name: "A", Farm: "G"})},
		{"p1", "written A", put(state.Server{Name: "a", Farm: "F"})},
		{"p1", "written A", put(state.Server{Name: "a", Farm: "G"})},
		{"p1", "needs a kind", record(state.Evidence{})},
		{"p1", "no server", record(inside(srv("Z"), "package", good, at(1)))},
		{"p1", "about a server and an item at once", record(inside(state.Subject{Server: "A", Item: "portal"}, "amsi", "off", at(1)))},
		{"p1", "control character", record(inside(item("a\tb"), "amsi", "on", at(1)))},
		{"p1", "control character", record(inside(state.Subject{}, "items", "portal\na\x00b", at(1)))},
		{"p1", "needs a second person", record(word(inside(srv("A"), "psconfig", "done", at(1)), "p1", "p2"))},
		{"p1", "in the future", dated(func(e *state.Evidence) { e.Observed = at(10) })},
		{"p1", "after it was observed", dated(func(e *state.Evidence) { e.At = at(8.9) })},
		{"p1", "after it was observed", dated(func(e *state.Evidence) { e.From, e.To = at(1), at(8.9) })},
		{"p1", "ends before it begins", dated(func(e *state.Evidence) { e.From, e.To = at(2), at(1) })},
		{"p1", "before the year 1", dated(func(e *state.Evidence) { e.From = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"p1", "too long", dated(func(e *state.Evidence) { e.Value = strings.Repeat("x", state.MaxValue+1) })},
		{"p1", "too long", dated(func(e *state.Evidence) { e.Tool = long })},
		{"p1", "no step", func(tx *state.Tx) error { return tx.Claim("A", "nonsense", "") }},
		{"p1", "note is too long", func(tx *state.Tx) error { return tx.Claim("A", "", long) }},
		{"", "Only a known person", propose(state.Proposal{Kind: state.ProposeConfirm, Server: "A"})},
		{"p1", "already", propose(state.Proposal{ID: "cA", Kind: state.ProposeRetire, Server: "B", Reason: "r"})},
		{"p1", "reason is too long", propose(state.Proposal{Kind: state.ProposeRetire, Server: "A", Reason: long})},
		{"p1", "needs a reason", propose(state.Proposal{Kind: state.ProposeRetire, Server: "A"})},
		{"p1", "Nobody can ask", propose(state.Proposal{Kind: "nonsense", Server: "A"})},
		{"p1", "needs what is attested", propose(state.Proposal{Kind: state.ProposeAttest, Server: "A"})},
		{"p1", "is about B, the request about A", propose(state.Proposal{Kind: state.ProposeAttest, Server: "A", Evidence: &state.Evidence{Kind: "psconfig", Subject: srv("B"), Observed: at(1)}})},
		{"p1", "needs a reason and an end", propose(state.Proposal{Kind: state.ProposeExcept, Server: "A"})},
		{"p1", "needs a reason", propose(state.Proposal{Kind: state.ProposeExcept, Server: "A", Exception: &state.Exception{Expires: at(99)}})},
		{"p1", "end in the future", propose(state.Proposal{Kind: state.ProposeExcept, Server: "A", Exception: exception(at(9))})},
		{"p1", "a year at most", propose(state.Proposal{Kind: state.ProposeExcept, Server: "A", Exception: exception(at(9).AddDate(2, 0, 0))})},
		{"p1", "no step", propose(state.Proposal{Kind: state.ProposeExcept, Server: "A", Exception: exception(at(99), "nonsense")})},
		{"p1", "the board that it is declared on", propose(state.Proposal{Kind: state.ProposeClear})},
		{"p1", "You asked for this yourself", approve("cA")},
		{"", "Only a known person", approve("cA")},
	} {
		b.refused(c.by, c.why, c.change)
	}
	require.ErrorIs(t, b.do("p1", approve("nonsense")), state.ErrNotFound)
	require.ErrorIs(t, b.do("p1", propose(state.Proposal{Kind: state.ProposeConfirm, Server: "Z"})), state.ErrNotFound)
	require.ErrorIs(t, b.do("p1", func(tx *state.Tx) error { return tx.DeclareClear("nonsense", state.Board{}) }), state.ErrNotFound)
	b.now = at(9).Add(state.ProposalLife)
	b.refused("p2", "This request ended", approve("cA"))
	b.must("p1", func(tx *state.Tx) error { return tx.CloseIncident("an exercise") })
	b.refused("p1", "was closed", put(state.Server{Name: "N", Farm: "G"}))
}

func TestConfirmingTakesASecondPersonWhoVouchedForNothing(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.must("claimant", func(tx *state.Tx) error { return tx.Claim("B", "rotate", "") })
	e := event(srv("A"), "psconfig", "done", at(8), at(8.5))
	b.propose("attester", state.Proposal{ID: "at", Kind: state.ProposeAttest, Server: "A", Evidence: &e})
	b.approve("seconder", "at")
	b.must("lead", func(tx *state.Tx) error { // the collector no longer speaks of it
		f, err := tx.Farm("F")
		for i := len(f.Evidence) - 1; i >= 0; i-- {
			if x := f.Evidence[i]; x.Kind == "psconfig" && x.Subject.Server == "A" && x.Source == state.SourceCollector {
				f.Evidence = append(f.Evidence[:i:i], f.Evidence[i+1:]...)
			}
		}
		return errors.Join(err, tx.Record("F", event(item("portal"), "rotation", "rotated", at(8.6), at(9)), event(item("portal"), "deployment", "deployed", at(8.7), at(9)),
			clean("A", at(8.55)), event(srv("A"), "restart", "restarted", at(8.8), at(9)), inside(srv("A"), "keys.match", "yes", at(9))))
	})
	require.Equal(t, state.StatusReady, b.status("A"))
	b.propose("p1", state.Proposal{ID: "c", Kind: state.ProposeConfirm, Server: "A"})
	for _, by := range []state.PersonID{"p1", "claimant", "attester", "seconder"} {
		require.Error(t, b.do(by, func(tx *state.Tx) error { _, err := tx.Approve("c"); return err }), by)
	}
	b.approve("p2", "c")
	require.Equal(t, state.StatusConfirmed, b.status("A"))
	b.refused("p1", "confirmed already", func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "again", Kind: state.ProposeConfirm, Server: "A"})
	})
}

func TestAConfirmationThatARegressionVoidedStaysVoid(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.confirm("A", "B")
	b.must("lead", func(tx *state.Tx) error { return tx.Record("F", inside(item("portal"), "amsi", "off", at(8.5))) })
	require.Equal(t, state.StatusInProgress, b.status("A"))
	b.must("lead", func(tx *state.Tx) error { return tx.Record("F", inside(item("portal"), "amsi", "on", at(8.7))) })
	require.Equal(t, state.StatusReady, b.status("A"), "two persons look again")
	b.confirm("A")
	b.now = at(9).AddDate(0, 0, 15)
	b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
	require.Equal(t, state.StatusInProgress, b.status("A"), "too old")
	b.must("lead", func(tx *state.Tx) error {
		return tx.Record("F", inside(item("portal"), "amsi", "on", b.now), inside(srv("A"), "keys.match", "yes", b.now))
	})
	require.Equal(t, state.StatusConfirmed, b.status("A"), "the same facts, shown again")
}

func TestClearIsRevokedByWhateverStandsAgainstIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*books){
		"a new server": func(b *books) {
			b.must("p1", func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "N", Farm: "G"}) })
		},
		"a re-open": func(b *books) {
			b.must("p1", func(tx *state.Tx) error {
				return tx.Record("F", inside(srv("A"), "suspicion", "raised", at(8.9)))
			})
		},
		"a revision": func(b *books) {
			r := toolshell(b.t, 2)
			r.Revision = 3
			b.must("p1", func(tx *state.Tx) error { return tx.Revise(r) })
		},
		"time": func(b *books) {
			b.now = b.now.AddDate(0, 0, 20)
			b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
		},
		"a risk accepted later": func(b *books) {
			b.propose("p1", state.Proposal{ID: "x", Kind: state.ProposeExcept, Server: "A", Exception: exception(at(9).AddDate(0, 0, 40))})
			b.approve("p2", "x")
			require.NotNil(b.t, b.inc.Clear, "as long as nothing rests on it")
			b.now = b.now.AddDate(0, 0, 20)
			b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := remediatedBooks(t)
			b.confirm("A", "B")
			b.clear()
			require.NotNil(t, b.inc.Clear)
			require.Equal(t, "ALL CLEAR", b.inc.Clear.Words())
			require.EqualValues(t, 7, b.last.BoardRev, "a declaration holds the board that it was made on")
			change(b)
			require.Nil(t, b.inc.Clear)
			revoked := false
			for _, e := range b.last.Entry.Events {
				revoked = revoked || e.Type == "clear revoked"
			}
			require.True(t, revoked)
		})
	}
}

func TestClearIsRefusedUnlessTheBoardIsTheSameAndRight(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.confirm("A")
	b.propose("p1", state.Proposal{ID: "clear", Kind: state.ProposeClear, Hash: "board"})
	declare := func(board state.Board) func(*state.Tx) error {
		return func(tx *state.Tx) error { return tx.DeclareClear("clear", board) }
	}
	b.refused("p2", "1 of 2 servers are open", declare(b.board()))
	b.confirm("B")
	b.refused("p1", "yourself", declare(b.board()))
	other := b.board()
	other.Hash = "other"
	b.refused("p2", "has changed", declare(other))
	other.Hash = ""
	b.refused("p2", "has changed", declare(other))
	require.Error(t, b.do("p2", func(tx *state.Tx) error {
		return errors.Join(tx.Record("F", inside(srv("A"), "suspicion", "raised", at(8.9))), tx.DeclareClear("clear", b.board()))
	}), "a board does not show what the same change did before")
	b.must("p2", declare(b.board()))
	b.refused("p1", "was declared clear", func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "again", Kind: state.ProposeClear, Hash: "board"})
	})
}

func TestRetiringTakesTwoPersonsAndAReasonAndStays(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.propose("p1", state.Proposal{ID: "r", Kind: state.ProposeRetire, Server: "A", Reason: "switched off"})
	b.propose("p1", state.Proposal{ID: "r2", Kind: state.ProposeRetire, Server: "A", Reason: "switched off"})
	b.approve("p2", "r")
	require.Equal(t, state.StatusRetired, b.status("A"))
	b.refused("p2", "is retired", func(tx *state.Tx) error { _, err := tx.Approve("r2"); return err })
	b.refused("p1", "is retired", func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "r3", Kind: state.ProposeRetire, Server: "A", Reason: "again"})
	})
	b.must("p1", func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "A", Farm: "F", Owner: "anna"}) })
	require.Equal(t, state.StatusRetired, b.status("A"), "a list that still has it does not bring it back")
	b.must("p1", func(tx *state.Tx) error {
		return tx.PutServer(state.Server{Name: "N", Farm: "G", Retired: &state.Retirement{By: "p1", Second: "p1"}})
	})
	require.Nil(t, b.farms["G"].Farm.Servers[0].Retired, "a list retires nothing")
}

func TestRecordIsRefusedWhole(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	require.NoError(t, b.do("p1", func(tx *state.Tx) error {
		require.Error(t, tx.Record("F", inside(srv("A"), "package", good, at(1)), inside(srv("Z"), "package", good, at(1))))
		return nil // whoever carries on after a refusal has changed nothing
	}))
	require.True(t, b.last.Empty)
	require.Empty(t, b.farms["F"].Evidence)
}

func TestASourceWhoseClockIsALittleAheadIsHeard(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	hit := inside(srv("A"), "hunt", "hit", b.now.Add(time.Minute))
	hit.Source, hit.From, hit.To, hit.At = state.SourceHunt, at(1), b.now.Add(2*time.Minute), b.now.Add(2*time.Minute)
	b.must("p1", func(tx *state.Tx) error { return tx.Record("F", hit) })
	require.Equal(t, state.StatusCompromised, b.status("A"))
	b.now = b.now.Add(-10 * time.Minute) // another replica, whose clock is behind
	b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
	require.Equal(t, state.StatusCompromised, b.status("A"))
}

func TestARevisionIsDoneWhenEveryFarmWasAssessedAnew(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	r := toolshell(t, 2)
	r.Revision = 3
	b.must("p1", func(tx *state.Tx) error { return tx.Revise(r) })
	b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
	require.False(t, b.last.Empty, "no row changed, and yet it must be written that it was looked at")
	require.Equal(t, 3, b.farms["F"].Revision)
	b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
	require.True(t, b.last.Empty)
	b.must("p1", func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "A", Farm: "F"}) })
	require.True(t, b.last.Empty, "a list that says the same changes nothing")
}

func TestAClosedIncidentIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.confirm("A", "B")
	b.clear()
	b.must("p1", func(tx *state.Tx) error { return tx.CloseIncident("") })
	b.now = b.now.AddDate(0, 0, 40)
	b.must("", func(tx *state.Tx) error { return tx.Reassess("F") })
	require.NotNil(t, b.inc.Clear, "it was clear when it was closed")
	require.Equal(t, state.StatusConfirmed, b.status("A"))
	require.True(t, b.farms["F"].Until.IsZero())
	require.Empty(t, b.last.Letters)
}

func TestWhatWaitsAndWhatIsClaimedIsBounded(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	for range 5 {
		b.must("p1", func(tx *state.Tx) error { return tx.Claim("A", "patch", "again") })
		b.propose("p1", state.Proposal{ID: fmt.Sprint("c", b.n), Kind: state.ProposeConfirm, Server: "A"})
	}
	require.Len(t, b.farms["F"].Farm.Claims, 1)
	require.Len(t, b.farms["F"].Farm.Proposals, 1)
	retire := func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: fmt.Sprint("r", b.n), Kind: state.ProposeRetire, Server: "A", Reason: "r"})
	}
	b.must("p1", func(tx *state.Tx) error {
		for i := range state.MaxProposals - 1 {
			if err := tx.Propose(state.Proposal{ID: fmt.Sprint(i), Kind: state.ProposeRetire, Server: "A", Reason: "r"}); err != nil {
				return err
			}
		}
		return nil
	})
	b.refused("p1", "wait for a second person already", retire)
	b.now = b.now.Add(state.ProposalLife)
	b.must("p1", retire)
	require.Len(t, b.farms["F"].Farm.Proposals, 1)
}

func TestWhatWasKeptBeforeIsStillRead(t *testing.T) {
	t.Parallel()
	var p state.Proposal
	require.NoError(t, json.Unmarshal([]byte(`{"id":"x","kind":"attest","server":"A","by":"p1","expires":"2030-01-01T00:00:00Z"}`), &p))
	b := remediatedBooks(t)
	f := b.farms["F"]
	f.Farm.Proposals = []state.Proposal{p}
	b.farms["F"] = f
	require.Error(t, b.do("p2", func(tx *state.Tx) error { _, err := tx.Approve("x"); return err }), "nothing to attest, and no panic")
}
