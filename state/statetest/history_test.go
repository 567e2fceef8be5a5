package statetest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// wanderer makes random changes, one after the other, in a world that it remembers nothing of: what the rules refuse is
// refused.
type wanderer struct {
	t    testing.TB
	s    *redisstore.Store
	r    *rand.Rand
	id   string
	now  time.Time
	n    int
	next int // server that is not there yet
}

const wanderFarm = 3 // servers a farm

func wander(t testing.TB, s *redisstore.Store, id string, seed uint64) *wanderer {
	t.Logf("seed %d", seed)
	Open(t, s, id, 12, wanderFarm)
	return &wanderer{t: t, s: s, r: rand.New(rand.NewPCG(seed, 7)), id: id, now: Epoch, next: 12}
}

func (w *wanderer) work() state.Work {
	w.n++
	w.now = w.now.Add(time.Duration(w.r.IntN(200)) * time.Minute)
	who := []state.PersonID{"ann", "bob", "cleo"}[w.r.IntN(3)]
	return Work(fmt.Sprintf("%s-%d", w.id, w.n), who, w.now)
}

// step makes one change. It fails the test for any error that is not a refusal of the rules.
func (w *wanderer) step() {
	w.t.Helper()
	work := w.work()
	server := Server(w.r.IntN(w.next), wanderFarm)
	farms := []string{server.Farm}
	change := w.evidence(server)
	switch w.r.IntN(14) {
	case 0:
		server = Server(w.next, wanderFarm)
		w.next++
		farms = []string{server.Farm}
		change = func(tx *state.Tx) error { return tx.PutServer(server) }
	case 1: // another owner
		server.Owner = fmt.Sprintf("owner-%d", w.r.IntN(4))
		server.Group = []string{"", "emea", "amer|icas"}[w.r.IntN(3)]
		change = func(tx *state.Tx) error { return tx.PutServer(server) }
	case 2:
		change = func(tx *state.Tx) error { return tx.Claim(server.Name, "patch", "done, I think") }
	case 3:
		change = func(tx *state.Tx) error { return tx.Reassess(server.Farm) }
	case 4, 5:
		change = w.propose(server.Name, work.Request)
	case 6, 7:
		change = w.approve(server.Farm)
	case 8:
		if w.r.IntN(5) == 0 {
			farms, change = nil, w.revise
		}
	}
	w.update(work, farms, change)
}

func (w *wanderer) update(work state.Work, farms []string, change func(*state.Tx) error) {
	w.t.Helper()
	_, err := w.s.Update(w.t.Context(), work, w.id, farms, change)
	var no *state.Refusal
	if err != nil && !errors.As(err, &no) && !errors.Is(err, state.ErrNotFound) {
		require.NoError(w.t, err)
	}
}

func (w *wanderer) evidence(s state.Server) func(*state.Tx) error {
	at := w.now
	var e []state.Evidence
	switch w.r.IntN(9) {
	case 0:
		e = append(e, Probed(s.Name, []string{Vulnerable, Fixed, "16.0"}[w.r.IntN(3)], at))
	case 1:
		e = append(e, Looked(s.Name, w.r.IntN(2) == 0, at))
	case 2:
		if w.r.IntN(4) == 0 {
			e = append(e, Found(s.Name, at))
		}
	case 3:
		e = append(e, Rotated(at))
	case 4:
		e = append(e, Restarted(s.Name, at))
	case 5:
		e = append(e, state.Evidence{Subject: state.Subject{Server: s.Name}, Kind: state.KindContained, Value: []string{"yes", "no"}[w.r.IntN(2)], Source: state.SourceCollector, Observed: at})
	default:
		e = append(e, Patched(s.Name, []string{Fixed, FixedToo, Vulnerable}[w.r.IntN(3)], at))
		if w.r.IntN(2) == 0 {
			var names []string
			for i := range wanderFarm {
				names = append(names, Server(w.farmOf(s)*wanderFarm+i, wanderFarm).Name)
			}
			e = Proved(names, at.Add(-3*time.Minute))
		}
	}
	return func(tx *state.Tx) error { return tx.Record(s.Farm, e...) }
}

func (w *wanderer) farmOf(s state.Server) int {
	var n int
	_, err := fmt.Sscanf(s.Farm, "farm-%d", &n)
	require.NoError(w.t, err)
	return n
}

func (w *wanderer) propose(server, id string) func(*state.Tx) error {
	p := state.Proposal{ID: "p-" + id, Kind: state.ProposeConfirm, Server: server, Reason: "because"}
	switch w.r.IntN(6) {
	case 0:
		p.Kind = state.ProposeRetire
	case 1, 2:
		p.Kind = state.ProposeExcept
		p.Exception = &state.Exception{Reason: "a risk", Expires: w.now.Add(time.Duration(1+w.r.IntN(50)) * time.Hour)}
	}
	return func(tx *state.Tx) error { return tx.Propose(p) }
}

func (w *wanderer) approve(farm string) func(*state.Tx) error {
	return func(tx *state.Tx) error {
		f, err := tx.Farm(farm)
		if err != nil || len(f.Farm.Proposals) == 0 {
			return err
		}
		_, err = tx.Approve(f.Farm.Proposals[0].ID)
		return err
	}
}

func (w *wanderer) revise(tx *state.Tx) error {
	r := Rules(tx.Incident.Rules.Revision + 1)
	return tx.Revise(r)
}

// healthy verifies the store and that nothing is wrong.
func healthy(t testing.TB, s *redisstore.Store) redisstore.Report {
	t.Helper()
	r, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.False(t, r.Busy)
	return r
}

func testRecount(t *testing.T, start Start) {
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	ctx := t.Context()
	w := wander(t, s, "one", rand.Uint64())
	for i := range 400 {
		w.step()
		if i%100 == 99 {
			healthy(t, s)
		}
	}
	r := healthy(t, s)
	require.Equal(t, w.next, r.Servers)

	rows, total, err := s.List(ctx, "one", state.Filter{}, 0, 0)
	require.NoError(t, err)
	require.Equal(t, w.next, total)
	require.Len(t, rows, total)
	for i := range rows[1:] {
		a, b := rows[i], rows[i+1]
		require.True(t, a.Priority() > b.Priority() || a.Priority() == b.Priority() && a.Name < b.Name, "%s, %s", a.Name, b.Name)
	}
	for _, f := range filters(rows) {
		want := state.Counts{Status: map[state.Status]int{}, Flags: map[string]int{}}
		var names []string
		for _, r := range rows {
			if (f.Owner == "" || r.Owner == f.Owner) && (f.Group == "" || r.Group == f.Group) && (f.Farm == "" || r.Farm == f.Farm) && (f.Status == nil || *f.Status == r.Status) {
				names = append(names, r.Name)
				want.Status[r.Status]++
				for _, flag := range r.Flags() {
					want.Flags[flag]++
				}
			}
		}
		got, err := s.Counts(ctx, "one", f)
		require.NoError(t, err)
		require.Equal(t, want, got, "%+v", f)
		page, n, err := s.List(ctx, "one", f, 1, 2)
		require.NoError(t, err)
		require.Equal(t, len(names), n, "%+v", f)
		for i, r := range page {
			require.Equal(t, names[i+1], r.Name, "%+v", f)
		}
	}
	points, err := s.History(ctx, "one", Epoch, w.now)
	require.NoError(t, err)
	require.NotEmpty(t, points)
	last, err := s.Counts(ctx, "one", state.Filter{})
	require.NoError(t, err)
	require.Equal(t, last, points[len(points)-1].Counts, "the last sample is how it is")
	pace, err := s.Pace(ctx, "one", Epoch, w.now)
	require.NoError(t, err)
	require.Equal(t, paceOf(t, s), pace, "what was finished in each stretch, by the record")
}

// paceOf counts from the record.
func paceOf(t testing.TB, s *redisstore.Store) []state.Pace {
	t.Helper()
	entries, err := s.Audit(t.Context(), 1, 10_000)
	require.NoError(t, err)
	done := map[state.Pace]int{}
	for _, e := range entries {
		for _, c := range e.Changes {
			k := state.Pace{From: e.At.Truncate(state.Stretch), Group: c.Group}
			switch {
			case c.New || c.From.Settled() == c.To.Settled():
			case c.To.Settled():
				done[k]++
			default:
				done[k]--
			}
		}
	}
	var out []state.Pace
	for k, n := range done {
		if n != 0 {
			k.Done = n
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b state.Pace) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Group, b.Group)) })
	return out
}

// filters are some of each kind.
func filters(rows []state.Row) []state.Filter {
	r := rows[len(rows)/2]
	st := r.Status
	return []state.Filter{
		{},
		{Status: &st},
		{Owner: r.Owner},
		{Group: "emea"},
		{Group: "amer|icas"},
		{Farm: r.Farm},
		{Owner: r.Owner, Status: &st},
		{Farm: r.Farm, Status: &st},
		{Owner: r.Owner, Group: r.Group},
	}
}
