package statetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// two are persons of whom two are known to be two.
var two = state.People{
	{ID: "alice", Role: state.RoleLead, Links: []string{"console:alice"}},
	{ID: "bob", Role: state.RoleLead, Links: []string{"console:bob"}},
}

// desk makes one change of the desk.
func desk(t testing.TB, s *redisstore.Store, w state.Work, incident string, need state.DeskNeed, change func(*state.Tx) error) state.Outcome {
	t.Helper()
	out, err := s.UpdateDesk(t.Context(), w, incident, need, change)
	require.NoError(t, err)
	return out
}

// guild is the n-th community, with a place of its own.
func guild(n int, ceiling state.TLP) state.Community {
	id := fmt.Sprintf("guild-%04d", n)
	return state.Community{
		ID: "console:" + id, Name: "Guild " + id,
		Place: &state.Place{Platform: "console", Workspace: id, Channel: "news", Ceiling: ceiling},
	}
}

func text(title string, tlp state.TLP) state.AdvisoryText {
	return state.AdvisoryText{Title: title, TLP: tlp, Summary: []state.Paragraph{{Text: "Patch.", TLP: state.TLPClear}}}
}

// lettersIn are the ids of what waits in the outbox, by place.
func lettersIn(t *testing.T, s *redisstore.Store, now time.Time) map[string]state.Letter {
	t.Helper()
	out := map[string]state.Letter{}
	for _, c := range mustClaim(t, s, now, 5000) {
		out[c.Letter.Place.Key()] = c.Letter
	}
	return out
}

func testDesk(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 2, 1)
	all := state.DeskNeed{Advisories: []int{1}, All: true}
	for n, tlp := range []state.TLP{state.TLPClear, state.TLPGreen, state.TLPClear} {
		desk(t, s, Work(fmt.Sprintf("guild-%d", n), "alice", Epoch), "", state.DeskNeed{All: true}, func(tx *state.Tx) error { return tx.SetCommunity(guild(n, tlp)) })
	}
	communities, err := s.Communities(ctx)
	require.NoError(t, err)
	require.Len(t, communities, 3)

	save := func(tx *state.Tx) error {
		_, err := tx.SaveDraft(0, text("First", state.TLPGreen), nil, nil)
		return err
	}
	w := Work("draft", "alice", Epoch)
	desk(t, s, w, "one", state.DeskNeed{}, save)
	require.True(t, desk(t, s, w, "one", state.DeskNeed{}, save).Already, "the same request again")
	advisories, err := s.Advisories(ctx)
	require.NoError(t, err)
	require.Len(t, advisories, 1)
	require.Equal(t, state.AdvisoryDraft, advisories[0].State())

	var p *state.Proposal
	desk(t, s, Work("ask", "alice", Epoch), "one", all, func(tx *state.Tx) (err error) {
		_, p, err = tx.Publish(1, "pub-1", two)
		return err
	})
	require.NotNil(t, p, "communities and a place up to GREEN are outside")
	refs, err := s.Proposals(ctx, "one")
	require.NoError(t, err)
	require.Equal(t, "pub-1", refs[0].ID)
	_, err = s.UpdateDesk(ctx, Work("own", "alice", Epoch), "one", all, func(tx *state.Tx) error {
		_, err := tx.ApprovePublish("pub-1", two)
		return err
	})
	require.ErrorContains(t, err, "You asked for this yourself")
	approve := Work("approve", "bob", Epoch.Add(time.Minute))
	for range 2 {
		desk(t, s, approve, "one", all, func(tx *state.Tx) error {
			_, err := tx.ApprovePublish("pub-1", two)
			return err
		})
	}
	d, err := s.Desk(ctx, all)
	require.NoError(t, err)
	a := d.Advisories[1]
	require.Equal(t, state.AdvisoryPublished, a.State())
	require.Len(t, a.Places, 3, "one guild up to GREEN, and both places of the incident; those up to CLEAR do not even see its title")
	got := lettersIn(t, s, Epoch.Add(time.Hour))
	require.Len(t, got, 3)
	fates, err := s.Fates(ctx, []string{a.Sent + " @ " + a.Places[0].Key(), "no such letter"})
	require.NoError(t, err)
	require.True(t, fates[0].Waiting)
	require.Equal(t, state.Fate{Letter: "no such letter"}, fates[1])
	healthy(t, s)

	before, err := s.Digest(ctx)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, s.Export(ctx, &file))
	require.NoError(t, s.Import(ctx, &file, true))
	after, err := s.Digest(ctx)
	require.NoError(t, err)
	require.Equal(t, before, after, "the desk moves with everything else")
	refs, err = s.Proposals(ctx, "one")
	require.NoError(t, err)
	require.Empty(t, refs)
}

// testDeskCrowd: many change the desk at once; each number is given once, and
// nothing is overwritten.
func testDeskCrowd(t *testing.T, start Start) {
	s := storeAt(t, start(t).Addr, redisstore.Options{Lanes: 4})
	Open(t, s, "one", 1, 1)
	desk(t, s, Work("guild", "alice", Epoch), "", state.DeskNeed{All: true}, func(tx *state.Tx) error { return tx.SetCommunity(guild(0, state.TLPClear)) })
	place := state.Place{Platform: "console", Channel: "triage", Ceiling: state.TLPAmberStrict}
	desk(t, s, Work("triage", "alice", Epoch), "", state.DeskNeed{}, func(tx *state.Tx) error { return tx.SetTriage(&place) })
	const crowd = 24
	var taken, refused sync.Map
	var people sync.WaitGroup
	for i := range crowd {
		people.Go(func() {
			r := state.Report{Kind: state.ReportSighting, Community: "console:guild-0000", Link: fmt.Sprintf("console:u%d", i%6), Text: "seen", TLP: state.TLPGreen}
			_, err := s.UpdateDesk(context.Background(), Work(fmt.Sprintf("report-%d", i), "", Epoch), "", state.DeskNeed{Communities: []string{r.Community}}, func(tx *state.Tx) error {
				saved, err := tx.Report(r)
				r.ID = saved.ID
				return err
			})
			if err != nil {
				refused.Store(i, err)
				return
			}
			taken.Store(r.ID, true)
		})
	}
	people.Wait()
	n := 0
	taken.Range(func(any, any) bool { n++; return true })
	refused.Range(func(_, err any) bool {
		require.ErrorContains(t, err.(error), "the most that is taken")
		return true
	})
	require.Equal(t, state.ReportsEach, n, "rate limited, whoever is faster")
	reports, err := s.Reports(t.Context())
	require.NoError(t, err)
	require.Len(t, reports, n)
	require.Len(t, mustClaim(t, s, Epoch.Add(time.Hour), 100), n, "each arrives in the private place, once")
	healthy(t, s)
}

// testFeedsAndNames: what sources said is kept, and names are found whatever their case.
func testFeedsAndNames(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 3, 3)
	doc, err := s.Feed(ctx, "kev")
	require.NoError(t, err)
	require.Empty(t, doc)
	require.NoError(t, s.SaveFeed(ctx, "kev", []byte(`{"a":1}`)))
	doc, err = s.Feed(ctx, "kev")
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(doc))
	require.ErrorIs(t, s.SaveFeed(ctx, "kev", make([]byte, redisstore.MaxFeed+1)), state.ErrTooBig)
	found, err := s.Mentioned(ctx, "one", []string{"sp-0000", "sp-00001", "OWNER-1", "farm-0000", "group-2", "patch"})
	require.NoError(t, err)
	require.Equal(t, []string{"sp-00001", "OWNER-1", "farm-0000", "group-2"}, found)

	b := state.Bearing{Key: "k1", Source: "kev", TLP: state.TLPClear, Lines: []string{"due date moved"}}
	for i := range 2 {
		desk(t, s, Work(fmt.Sprintf("bear-%d", i), "", Epoch), "one", state.DeskNeed{Bearings: []string{"F1"}}, func(tx *state.Tx) error {
			saved, fresh, err := tx.Bear(b)
			require.Equal(t, i == 0, fresh, "the same is proposed once")
			require.Equal(t, "F1", saved.ID)
			return err
		})
	}
	desk(t, s, Work("decide", "alice", Epoch), "one", state.DeskNeed{Bearings: []string{"F1"}}, func(tx *state.Tx) error {
		_, err := tx.DecideBearing("F1", state.ReportAccepted)
		return err
	})
	all, err := s.Bearings(ctx)
	require.NoError(t, err)
	require.Equal(t, state.ReportAccepted, all[0].Decided)
	healthy(t, s)
}
