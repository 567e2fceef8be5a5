package commands

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestTheRecordIsShownInPagesAndByServer(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for range 3 {
		b.must("resp-1", "claim sp-hr-01")
	}
	m := b.must("resp-1", "audit --from 1 --limit 2")
	require.Contains(t, plain(m), "Record from entry 1 of 4\n1 · 21 Jul 08:00:00 · lead-1 · ts-1: incident opened, job scheduled ×2, server put sp-fin-01, server put sp-fin-02 and 2 more → ")
	require.Equal(t, []string{"audit --incident ts-1 --from 3 --limit 2"}, lines(m))
	require.Contains(t, plain(b.must("resp-1", "audit --limit 1")), "Record from entry 4 of 4\n4 · 21 Jul 08:00:00 · resp-1 · ts-1: claim sp-hr-01")
	require.Contains(t, plain(b.must("resp-1", "audit sp-hr")), "Record of sp-hr-01, newest first\n4 · ")
	require.Contains(t, b.no("resp-1", "audit sp-hr --from 3"), "does not go with a server")
	require.Contains(t, b.no("resp-1", "audit --limit 500"), "1 to 50")
	require.Contains(t, b.no("resp-1", "audit --from 0"), "The first is 1.")
}

func TestAWholeRecordIsCalledWhole(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "audit verify")
	require.Equal(t, chat.ToneGood, m.Tone)
	require.Regexp(t, "^The record is whole: 1 entry, each with the hash of the one before it.\nlane 0: [0-9a-f]{64}\n", plain(m))
}

// ledger is a record in memory that can be broken.
type ledger []state.AuditEntry

func (l ledger) Audit(_ context.Context, from int64, limit int) ([]state.AuditEntry, error) {
	var out []state.AuditEntry
	for _, e := range l {
		if e.Seq >= from && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (l ledger) AuditOf(context.Context, string, string, int) ([]state.AuditEntry, error) {
	return nil, nil
}
func (l ledger) AuditSeq(context.Context) (int64, error) { return l[len(l)-1].Seq, nil }

func TestABrokenRecordIsCalledBroken(t *testing.T) {
	t.Parallel()
	whole := func() ledger {
		var l ledger
		prev := ""
		for i := range 1200 {
			e := state.AuditEntry{At: at("2025-07-21 08:00").Add(time.Duration(i) * time.Second), Request: fmt.Sprint(i)}.Seal(0, int64(i+1), prev)
			e.Seq, prev = int64(i+1), e.Hash
			l = append(l, e)
		}
		return l
	}
	run := func(l ledger) string {
		m, err := auditVerify{l}.Run(t.Context(), chat.Call{})
		if err != nil {
			require.ErrorAs(t, err, new(*chat.Problem))
			return err.Error()
		}
		return plain(m)
	}
	require.Contains(t, run(whole()), "The record is whole: 1200 entries")
	changed := whole()
	changed[700].Request = "another"
	require.Contains(t, run(changed), "audit entry 701 was changed: its hash does not fit.\nUp to entry 700 all is as it was written; what comes after cannot be trusted.")
	gap := whole()
	require.Contains(t, run(append(gap[:500:500], gap[501:]...)), "audit entry 502 follows 500: entries are missing")
	lost := whole()
	lost[999].Seq, lost = 5000, lost[:1000]
	require.Contains(t, run(lost), "The record is broken: ")
}
