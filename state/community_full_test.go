package state_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// desk takes changes one after another, as a store would keep them.
type desk struct {
	t   *testing.T
	now time.Time
	inc state.Incident
	d   state.Desk
}

func newDesk(t *testing.T) *desk {
	return &desk{
		t: t, now: time.Date(2025, 7, 21, 8, 0, 0, 0, time.UTC), inc: state.Incident{ID: "one", Rules: state.Rules{Playbook: "x", Revision: 1}},
		d: state.Desk{Advisories: map[int]state.Advisory{}, Communities: map[string]state.Community{}, Reports: map[string]state.Report{}, Bearings: map[string]state.Bearing{}},
	}
}

func (d *desk) do(change func(*state.Tx) error) error {
	d.now = d.now.Add(time.Hour)
	tx := state.NewDeskTx(state.Work{Request: fmt.Sprint(d.now.Unix()), Step: "1", At: d.now}, d.inc, d.d)
	err := change(tx)
	if err == nil {
		d.d = *tx.Desk()
	}
	return err
}

func (d *desk) report(community string) error {
	return d.do(func(tx *state.Tx) error {
		_, err := tx.Report(state.Report{Kind: state.ReportSighting, Community: community, Link: "x", Text: "seen", TLP: state.TLPGreen})
		return err
	})
}

func TestReportsThatWaitAreNeverDropped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range state.MaxWaiting {
		require.NoError(t, d.report("discord:1"))
	}
	require.ErrorContains(t, d.report("discord:1"), "100 reports of this community wait for the team; no more are taken until some are decided.")
	require.Len(t, d.d.Reports, state.MaxWaiting, "nothing was stored")
	require.NoError(t, d.report("discord:2"), "others are not held up")
	require.NoError(t, d.do(func(tx *state.Tx) error { _, err := tx.DecideReport("R3", state.ReportRejected, 0); return err }))
	require.NoError(t, d.report("discord:1"))
	require.Len(t, d.d.Head.Waiting, state.MaxWaiting+1)

	for i := 0; len(d.d.Head.Reports) < state.MaxReports; i++ {
		require.NoError(t, d.report(fmt.Sprintf("discord:%d", 100+i/state.MaxWaiting)))
	}
	require.NoError(t, d.report("discord:3"), "what was decided makes room")
	require.NotContains(t, d.d.Reports, "R3")
	require.ErrorContains(t, d.report("discord:3"), "More reports wait for the team than it can take")
	require.Len(t, d.d.Reports, state.MaxReports)
	require.Len(t, d.d.Head.Waiting, state.MaxReports)
}

func TestProposalsThatWaitAreNeverDropped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	n := 0
	bear := func() error {
		n++
		return d.do(func(tx *state.Tx) error {
			_, _, err := tx.Bear(state.Bearing{Key: fmt.Sprint("k", n), Source: "cve", Lines: []string{"x"}})
			return err
		})
	}
	for range state.MaxBearings {
		require.NoError(t, bear())
	}
	require.ErrorContains(t, bear(), "1000 proposals wait for a decision, the most there may be")
	require.NoError(t, d.do(func(tx *state.Tx) error { _, err := tx.DecideBearing("F5", state.ReportAccepted); return err }))
	require.NoError(t, bear())
	require.NotContains(t, d.d.Bearings, "F5", "what was decided makes room")
	require.Contains(t, d.d.Bearings, "F1")
	require.True(t, slices.Contains(d.d.Head.BearingsWaiting, "F1001"))
	require.Error(t, bear())
}
