package statetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// testPages reads lists that are large enough for the embedded engine to keep their order, page by page, while what is in
// them changes.
func testPages(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	const n = 600
	Open(t, s, "one", n, 2)
	requirePages(t, s, n)
	for round := range 4 {
		at := Epoch.Add(time.Duration(round+1) * time.Hour)
		for from := 0; from < n/2; from += 60 {
			var farms []string
			for i := from; i < from+60; i += 2 + round {
				farms = append(farms, FarmName(i))
			}
			_, err := s.Update(ctx, Work(fmt.Sprint("round ", round, from), "ann", at), "one", farms, func(tx *state.Tx) error {
				for i, f := range farms {
					sv := Server(2*(from+i*(2+round)), 2)
					e := []state.Evidence{Patched(sv.Name, Vulnerable, at), Patched(sv.Name, Fixed, at), Found(sv.Name, at)}[(i+round)%3]
					sv.Owner = fmt.Sprintf("owner-%d", (i+round)%10)
					if err := tx.PutServer(sv); err != nil {
						return err
					}
					if err := tx.Record(f, e); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, err)
		}
		requirePages(t, s, n)
	}
	c, err := s.Counts(ctx, "one", state.Filter{})
	require.NoError(t, err)
	require.Greater(t, min(c.Status[state.StatusExposed], c.Status[state.StatusCompromised], c.Status[state.StatusUnknown]), 20)
	healthy(t, s)
}

// requirePages compares pages of lists with all rows, sorted here.
func requirePages(t *testing.T, s *redisstore.Store, n int) {
	t.Helper()
	ctx := t.Context()
	all, total, err := s.List(ctx, "one", state.Filter{}, 0, 0)
	require.NoError(t, err)
	require.Equal(t, n, total)
	require.Len(t, all, n)
	seen := map[string]bool{}
	for _, r := range all {
		seen[r.Name] = true
	}
	require.Len(t, seen, n)
	exposed, compromised, unknown := state.StatusExposed, state.StatusCompromised, state.StatusUnknown
	for _, f := range []state.Filter{
		{}, {Owner: "owner-3"}, {Group: "group-1"}, {Status: &exposed}, {Status: &unknown}, {Status: &compromised, Group: "group-2"}, {Status: &unknown, Owner: "owner-4"},
	} {
		var want []string
		rows := slices.Clone(all)
		slices.SortFunc(rows, func(a, b state.Row) int {
			return cmp.Or(cmp.Compare(b.Priority(), a.Priority()), cmp.Compare(a.Name, b.Name))
		})
		for _, r := range rows {
			if (f.Owner == "" || f.Owner == r.Owner) && (f.Group == "" || f.Group == r.Group) && (f.Status == nil || *f.Status == r.Status) {
				want = append(want, r.Name)
			}
		}
		var got []string
		for page := 0; ; page++ {
			rows, total, err := s.List(ctx, "one", f, page*37, 37)
			require.NoError(t, err)
			require.Equal(t, len(want), total)
			for _, r := range rows {
				got = append(got, r.Name)
			}
			if len(rows) < 37 {
				break
			}
		}
		require.Equal(t, want, got)
	}
}
