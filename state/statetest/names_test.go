package statetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func testNames(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 0, 1)
	put := func(request string, sv state.Server) error {
		farm := sv.Farm
		if farm == "" {
			farm = sv.Name
		}
		return second(s.Update(ctx, Work(request, "lead", Epoch), "one", []string{farm}, func(tx *state.Tx) error { return tx.PutServer(sv) }))
	}
	odd := []string{"Übung-01", "übung-02", "a|b:c{d}", `x "quoted" \ y`, "s:ready", "日本", strings.Repeat("n", 120), "SP-1", "sp-2", "%s%d"}
	for i, n := range odd {
		require.NoError(t, put(fmt.Sprint(i), state.Server{Name: n, Owner: odd[(i+1)%len(odd)], Group: odd[(i+2)%len(odd)], Farm: fmt.Sprint("F:", n)[:min(len(n)+2, 100)]}))
	}
	got, err := s.Complete(ctx, "one", "sP-", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"SP-1", "sp-2"}, got)
	got, err = s.Complete(ctx, "one", "ÜB", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"Übung-01", "übung-02"}, got)
	for _, kind := range []string{"server", "owner", "group"} {
		got, err = s.Names(ctx, "one", kind, "", 0)
		require.NoError(t, err)
		require.ElementsMatch(t, odd, got, kind)
	}
	got, err = s.Names(ctx, "one", "farm", "f:sp", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"F:SP-1", "F:sp-2"}, got)
	for _, n := range odd {
		r, err := s.Row(ctx, "one", n)
		require.NoError(t, err)
		c, err := s.Counts(ctx, "one", state.Filter{Owner: r.Owner})
		require.NoError(t, err)
		require.Equal(t, 1, c.Total(), n)
	}
	tallies, err := s.Tallies(ctx, "one", "owner", true)
	require.NoError(t, err)
	require.Len(t, tallies, len(odd))

	var no *state.Refusal
	require.ErrorAs(t, put("moved", state.Server{Name: "SP-1", Farm: "another"}), &no, "a server has one farm")
	require.ErrorContains(t, no, "F:SP-1")
	require.Error(t, put("utf8", state.Server{Name: "a\xff"}))
	for _, id := range []string{"", "a b", "a:b", "x{", strings.Repeat("i", 65)} {
		_, err := s.Update(ctx, Work("open "+id, "lead", Epoch), id, nil, func(tx *state.Tx) error { return tx.OpenIncident(Incident(id)) })
		require.Error(t, err, "incident %q", id)
	}
	_, err = s.Update(ctx, Work("", "lead", Epoch), "one", nil, func(*state.Tx) error { return nil })
	require.Error(t, err, "without a request nothing is applied once")

	// By and Via may be anything that a platform sends; the record must stay whole.
	w := state.Work{Request: "bad\xff text", Step: "\xfe", By: "p\xff", Via: "v\xff", At: Epoch.In(time.FixedZone("x", 3600))}
	_, err = s.Update(ctx, w, "one", []string{"F:SP-1"}, func(tx *state.Tx) error { return tx.Claim("SP-1", "", "n\xffote") })
	require.NoError(t, err)
	healthy(t, s)
}

func testBig(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{Timeout: time.Minute})
	Open(t, s, "one", state.MaxFarm, state.MaxFarm)
	var servers []string
	for i := range state.MaxFarm {
		servers = append(servers, Server(i, state.MaxFarm).Name)
	}
	out := Record(t, s, Work("all", "ann", Epoch.Add(time.Hour)), "one", FarmName(0), Proved(servers, Epoch)...)
	require.Len(t, out.Changes, state.MaxFarm)
	AddServers(t, s, "one", state.MaxFarm, state.MaxFarm+640, 10)

	var farms []string
	for after := ""; ; {
		page, err := s.AllFarms(ctx, "one", after, 7)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 7)
		farms, after = append(farms, page...), page[len(page)-1]
	}
	slices.Sort(farms)
	require.Len(t, slices.Compact(farms), 65)
	_, err := s.Update(ctx, Work("too many", "ann", Epoch), "one", farms, func(tx *state.Tx) error { return nil })
	require.ErrorIs(t, err, redisstore.ErrTooBig)
	farms = farms[1:11]
	_, err = s.Update(ctx, Work("too much", "ann", Epoch), "one", farms, func(tx *state.Tx) error {
		for i := range 3000 {
			sv := Server(100_000+i, 1)
			sv.Farm = farms[i%10]
			if err := tx.PutServer(sv); err != nil {
				return err
			}
		}
		return nil
	})
	require.True(t, errors.Is(err, redisstore.ErrTooBig), "%v", err)
	rows, n, err := s.List(ctx, "one", state.Filter{}, 1100, 100)
	require.NoError(t, err)
	require.Equal(t, 1140, n)
	require.Len(t, rows, 40)
	healthy(t, s)
}

func testPrune(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 1, 1)
	day := 24 * time.Hour
	claim := func(request string, at time.Time) state.Outcome {
		t.Helper()
		out, err := s.Update(ctx, Work(request, state.PersonID(request), at), "one", []string{"SP-00000"}, func(tx *state.Tx) error { return tx.Claim("SP-00000", "", "") })
		require.NoError(t, err)
		return out
	}
	_, err := s.Accept(ctx, "stuck", nil, Epoch.Add(day))
	require.NoError(t, err)
	claim("old", Epoch)
	claim("stuck", Epoch.Add(day))
	claim("new", Epoch.Add(5*day))
	require.NoError(t, s.Post(ctx, []state.Letter{Letter("letter", "a", Epoch)}))
	c := mustClaim(t, s, Epoch, 1)[0]
	require.NoError(t, s.Delivered(ctx, c.Letter, c.Token, state.Receipt{Place: c.Letter.Place, MessageID: "m", At: Epoch, Card: "card"}))

	n, err := s.Prune(ctx, Epoch.Add(4*day))
	require.NoError(t, err)
	require.Equal(t, 4, n, "two markers of opening, that of the old claim, a receipt")
	require.True(t, claim("stuck", Epoch.Add(day)).Already, "its request will be tried again")
	require.True(t, claim("new", Epoch.Add(5*day)).Already)
	_, err = s.ReceiptOf(ctx, "letter")
	require.ErrorIs(t, err, state.ErrNotFound)
	_, found, err := s.CardReceipt(ctx, "card", c.Letter.Place)
	require.NoError(t, err)
	require.True(t, found, "cards are edited as long as they are there")
	job, _, err := s.Lease(ctx, "h", Epoch.Add(4*day), time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Finish(ctx, job.ID, "h", 1, nil, Epoch.Add(4*day)))
	_, err = s.Prune(ctx, Epoch.Add(4*day))
	require.NoError(t, err)
	fresh, err := s.Accept(ctx, "stuck", nil, Epoch.Add(5*day))
	require.NoError(t, err)
	require.True(t, fresh, "forgotten")
	healthy(t, s)
}
