package commands

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// atThen is the status of a past moment.
func atThen(t *testing.T, w *world, store boardStore, args ...string) (chat.Message, error) {
	t.Helper()
	c := status{store, w.clock, time.Hour}
	values, err := chat.Parse(c.Spec(), args, nil)
	require.NoError(t, err)
	return c.Run(t.Context(), chat.Call{Values: values, Incident: "toolshell-1"})
}

func TestTheBoardOfAPastMomentIsWhatItSaidThen(t *testing.T) {
	t.Parallel()
	w := july(t)
	before := w.clock()
	w.wait(time.Hour)
	w.run(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
	w.wait(time.Hour)
	m, err := atThen(t, w, w.store, "--at", before.Add(time.Minute).In(time.FixedZone("", 2*3600)).Format(time.RFC3339))
	require.NoError(t, err)
	text := words(m)
	require.Contains(t, text, "As it was 22 Jul 2025 09:01:00 UTC: ToolShell · toolshell-1")
	require.Contains(t, text, "2 confirmed")
	require.Contains(t, text, "toolshell revision 1.")
	require.Contains(t, string(fileIn(t, m).Data), "sp-1,fin,alice,,unknown,confirmed,2025-07-22T09:00:00Z")
	m, err = atThen(t, w, w.store, "--at", before.Add(61*time.Minute).Format(time.RFC3339))
	require.NoError(t, err)
	require.Contains(t, words(m), "Not clear: 2 of 3 servers open.")
	require.Contains(t, words(m), "Revision 2 had been in force for 1 min")
	m, err = atThen(t, w, w.store, "sp-1", "--at", before.Add(time.Minute).Format(time.RFC3339))
	require.NoError(t, err)
	require.Contains(t, words(m), "sp-1 confirmed")
	require.Contains(t, words(m), "Confirmed 09:00 by lead-1 and lead-2")
	require.NotContains(t, words(m), "(claim")
	m, err = atThen(t, w, w.store, "--owner", "bob", "--at", before.Add(time.Minute).Format(time.RFC3339))
	require.NoError(t, err)
	require.Contains(t, words(m), "owner bob")
	require.Contains(t, words(m), "Not clear: 1 of 2 servers open.")
}

func TestAMomentWithoutABoardIsRefused(t *testing.T) {
	t.Parallel()
	w := july(t)
	for at, want := range map[string]string{
		"2025-07-22T10:00": "is in the future",
		"2025-07-20":       "was opened 22 Jul 2025 09:00:00 UTC: at 20 Jul 2025 00:00:00 UTC there was no board",
	} {
		_, err := atThen(t, w, w.store, "--at", at)
		require.ErrorContains(t, err, want)
	}
	w.wait(time.Hour)
	w.run(t, "lead-1", "server add sp-9 --farm fin")
	_, err := atThen(t, w, w.store, "sp-9", "--at", "2025-07-22T09:30")
	require.ErrorContains(t, err, "sp-9 was not in toolshell-1 at 22 Jul 2025 09:30:00 UTC")
	_, err = atThen(t, w, pruned{w.store}, "--at", "2025-07-22T09:30")
	require.ErrorContains(t, err, "cannot be rebuilt: the record is not whole here: entry 1, of those up to")
	require.ErrorContains(t, err, "Its counts were kept (minute of 22 Jul 2025 09:00:00 UTC): 1 unknown · 2 confirmed")
}

// pruned is a store whose first entries were taken away.
type pruned struct{ boardStore }

func (p pruned) Audit(ctx context.Context, from int64, limit int) ([]state.AuditEntry, error) {
	if from < 3 {
		return nil, nil
	}
	return p.boardStore.Audit(ctx, from, limit)
}

func TestWhoeverWritesTheBoardOfThePastIsTheBoardThatWas(t *testing.T) {
	t.Parallel()
	histories(t, 12, func(t *testing.T, r *rand.Rand) {
		w := opened(t, 1, "name,farm,owner\nsp-1,fin,alice\nsp-2,fin,bob\nsp-3,lab,bob\n")
		type shot struct {
			at   time.Time
			line string
		}
		var shots []shot
		for range 1 + r.IntN(8) {
			w.somethingHappens(t, r)
			counts, err := w.store.Counts(t.Context(), "toolshell-1", state.Filter{})
			require.NoError(t, err)
			shots = append(shots, shot{w.clock(), countsLine(counts)})
		}
		w.wait(time.Hour)
		for _, s := range shots {
			for _, at := range []time.Time{s.at, s.at.Add(59 * time.Second)} {
				m, err := atThen(t, w, w.store, "--at", at.Format(time.RFC3339Nano))
				require.NoError(t, err)
				require.Contains(t, strings.ReplaceAll(words(m), "\n", " "), s.line)
			}
		}
	})
}
