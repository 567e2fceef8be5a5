package probe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

func TestAFleetIsNeverSaidToBeBetterThanItIs(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Servers: 160, TLS: true, HangFor: 3 * time.Second})
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	p, err := playbook.Builtin("toolshell")
	require.NoError(t, err)
	o := options()
	o.Answer, o.Roots, o.Concurrency = time.Second, f.CertPool(), 48
	verdicts, found := map[state.Verdict]int{}, 0
	sum := checks.NewRunner(o).Run(t.Context(), probe.New(p.Plan()), checks.Targets(f.Inventory()), func(r checks.Result) {
		truth, err := f.Truth(r.Server)
		require.NoError(t, err)
		requireHarmless(t, r.Server, r)
		verdicts[r.Judgement.Verdict]++
		if r.Judgement.Verdict == state.VerdictFixed && r.Scope == state.ScopeServer {
			require.False(t, truth.Vulnerable, "%+v", r)
			require.NotEmpty(t, r.Basis)
		}
		if r.Judgement.Verdict == state.VerdictVulnerable && r.Scope == state.ScopeServer && truth.Trait != fleet.TraitStaleHeader {
			require.True(t, truth.Vulnerable || truth.Incomplete, "%+v", r)
		}
		if r.Compromised != nil && *r.Compromised {
			found++
			require.True(t, truth.Compromised || r.Scope == state.ScopeFarm, "%+v", r)
		}
		if r.Judgement.Verdict == state.VerdictUnknown {
			require.NotEmpty(t, r.Judgement.Reason)
			require.NotEmpty(t, r.Judgement.Settle, r.Judgement.Reason)
		}
		if !r.Reached && r.URL != "" {
			require.NotEmpty(t, r.Error)
		}
	})
	require.True(t, sum.Complete)
	require.NotZero(t, found)
	for _, v := range []state.Verdict{state.VerdictUnknown, state.VerdictVulnerable, state.VerdictFixed} {
		require.NotZero(t, verdicts[v], v)
	}
}
