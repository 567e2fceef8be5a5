package playbook

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestAMovedLineMovesForEveryBranchThatHasIt(t *testing.T) {
	t.Parallel()
	p, err := Parse([]byte("playbook: citrixbleed2\nrevision: 2\nbase: 1\nfixed: [14.1-47.46]\n"), "p")
	require.NoError(t, err)
	for build, want := range map[string]state.Verdict{
		"14.1-43.56": state.VerdictVulnerable, // was the line
		"14.1-43.55": state.VerdictVulnerable,
		"14.1-47.45": state.VerdictVulnerable,
		"14.1-47.46": state.VerdictFixed,
		"14.1-47":    state.VerdictUnknown,
		"13.1-58.32": state.VerdictFixed, // another product's
	} {
		require.Equal(t, want, p.Rules().Judge(version(t, build)).Verdict, build)
	}
	moved, err := Parse([]byte("playbook: proxynotshell\nrevision: 2\nbase: 1\nfixed: [15.1.2375.32]\n"), "p")
	require.NoError(t, err)
	require.Contains(t, moved.Rules().Judge(version(t, "15.1.2308.27")).Reason, "below the fix line 15.1.2375.32", "an older cumulative update has it from the same branch")
	require.Equal(t, state.VerdictFixed, moved.Rules().Judge(version(t, "15.1.2507.16")).Verdict, "another branch keeps its own")
}

func TestTwoLinesForBranchesThatShareOneAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("playbook: citrixbleed2\nrevision: 2\nbase: 1\nfixed: [14.1-43.56, 14.1-47.46]\n"), "p")
	require.ErrorContains(t, err, "the branch of 14.1.47.46 has a fix line already")
}
