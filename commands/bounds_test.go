package commands

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// busy is a history with a sample every minute; it counts what is asked of it.
type busy struct {
	Reader
	asked, given int
}

func (b *busy) History(_ context.Context, _ string, from, to time.Time) ([]state.Point, error) {
	b.asked++
	var out []state.Point
	for at := from.Truncate(time.Minute); !at.After(to); at = at.Add(time.Minute) {
		out = append(out, state.Point{At: at})
	}
	b.given += len(out)
	return out, nil
}

func TestAPictureReadsTheNewestSamplesAndNoMoreThanItCanUse(t *testing.T) {
	t.Parallel()
	until := at("2025-09-30 12:00")
	b := &busy{}
	points, since, err := samples(t.Context(), b, "x", until.Add(-maxBurn), until)
	require.NoError(t, err)
	require.Equal(t, 1, b.asked, "a busy week is enough")
	require.LessOrEqual(t, b.given, maxSamples+int(readAtOnce/time.Minute))
	require.Equal(t, until.Add(-readAtOnce), since)
	require.Equal(t, until, points[len(points)-1].At)

	points, since, err = samples(t.Context(), &busy{}, "x", until.Add(-2*time.Hour), until)
	require.NoError(t, err)
	require.Equal(t, until.Add(-2*time.Hour), since)
	require.Len(t, points, 121)

	points, _, err = samples(t.Context(), &busy{}, "x", until, until)
	require.NoError(t, err)
	require.Len(t, points, 1, "an incident that was opened just now")
}

// quiet has a sample a day.
type quiet struct{ Reader }

func (quiet) History(_ context.Context, _ string, from, to time.Time) ([]state.Point, error) {
	var out []state.Point
	for at := from.Truncate(24 * time.Hour); !at.After(to); at = at.Add(24 * time.Hour) {
		if !at.Before(from) {
			out = append(out, state.Point{At: at})
		}
	}
	return out, nil
}

func TestWeeksAreJoinedWithoutASampleTwiceOrLost(t *testing.T) {
	t.Parallel()
	until := at("2025-09-30 00:00")
	points, _, err := samples(t.Context(), quiet{}, "x", until.Add(-60*24*time.Hour), until)
	require.NoError(t, err)
	require.Len(t, points, 61)
	for i := 1; i < len(points); i++ {
		require.Equal(t, 24*time.Hour, points[i].At.Sub(points[i-1].At))
	}
}

func TestADigestNamesTheRisksThatEndFirstAndCountsAllThatEndSoon(t *testing.T) {
	t.Parallel()
	var inventory strings.Builder
	inventory.WriteString("name,farm\n")
	for i := range 9 {
		fmt.Fprintf(&inventory, "sp-%d,f%d\n", i, i/2)
	}
	w := opened(t, 2, inventory.String())
	for i := range 8 {
		farm := fmt.Sprintf("f%d", i/2)
		x := state.Exception{Reason: fmt.Sprint("reason ", i), Expires: w.clock().Add(time.Duration(80-i*10) * time.Hour)}
		p := state.Proposal{ID: fmt.Sprintf("x-%d", i), Kind: state.ProposeExcept, Server: fmt.Sprintf("sp-%d", i), Exception: &x}
		w.change(t, "lead-1", farm, func(tx *state.Tx) error { return tx.Propose(p) })
		w.change(t, "lead-2", farm, func(tx *state.Tx) error { _, err := tx.Approve(p.ID); return err })
	}
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	e, err := endingSoon(t.Context(), w.store, facts{inc: inc, now: w.clock()})
	require.NoError(t, err)
	var first []string
	for _, item := range e.risks.Items {
		first = append(first, item.Plain())
	}
	require.Equal(t, []string{"sp-7 in 10 h · reason 7", "sp-6 in 20 h · reason 6", "sp-5 in 30 h · reason 5", "sp-4 in 40 h · reason 4", "sp-3 in 2 days · reason 3"}, first)
	require.Equal(t, 2, e.risks.More, "that of sp-0 ends later")
	all, err := exceptionsOf(t.Context(), w.store, inc, w.clock())
	require.NoError(t, err)
	require.Len(t, all, 8)
}

func TestClearSaysNextWhatNobodySawFromOutside(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	w.run(t, "lead-1", "incident clear")
	m, err := w.declare(t, "lead-2", w.proposal(t, state.ProposeClear))
	require.NoError(t, err)
	require.Regexp(t, `^# CLEAR WITH 1 EXCEPTION: toolshell-1\nNot seen from outside: 2 not looked at\. What proves these comes from inside alone\.\n`, words(m))
	card, err := Card(t.Context(), w.store, "toolshell-1", w.clock(), 0)
	require.NoError(t, err)
	require.Regexp(t, `CLEAR WITH 1 EXCEPTION · declared .*\nNot seen from outside: 2 not looked at`, words(card))
}

func TestACardNamesBothWhoVouchedAndTheReference(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("lead-1", `attest sp-hr-01 contained yes --ref "CHG-2013"`)
	b.must("lead-2", "approve all")
	require.Contains(t, plain(b.must("view-1", "status sp-hr-01")), "◉ contain attested yes · by lead-1 and lead-2, reference CHG-2013, ")
	b.must("lead-1", `attest sp-hr-01 preserved done --at "2025-07-21 08:00" --ref CHG-7`)
	b.must("lead-2", "approve all")
	card := plain(b.must("view-1", "server show sp-hr-01"))
	require.Contains(t, card, "on the word of lead-1 and lead-2, reference CHG-2013")
	require.Contains(t, card, "on the word of lead-1 and lead-2, reference CHG-7")
}
