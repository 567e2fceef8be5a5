package state_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// gateway is a product whose branches are known by their first two numbers. One
// of them lies within the numbers of another.
func gateway(t testing.TB, gaps bool) state.Rules {
	t.Helper()
	branch := func(from, below, fixed string, known ...string) state.Branch {
		b := state.Branch{From: version(t, from), Below: version(t, below), Gaps: gaps}
		if fixed != "" {
			b.Fixed = version(t, fixed)
		}
		for _, k := range known {
			b.Known = append(b.Known, state.Build{Version: version(t, k)})
		}
		return b
	}
	return state.Rules{Products: []state.Product{
		{ID: "old", Name: "Old", Affected: true, Branches: []state.Branch{branch("12.1", "12.1-55", ""), branch("12.1-56", "13.1", "")}},
		{ID: "fips", Name: "FIPS", Affected: true, Branches: []state.Branch{branch("12.1-55", "12.1-56", "12.1-55.328")}},
		{ID: "new", Name: "New", Affected: true, Branches: []state.Branch{branch("14.1", "14.2", "14.1-43.56", "14.1-43.56", "14.1-47.46")}},
	}}
}

func TestATableWithGapsNeverDecidesAPrefixOfTheFixLine(t *testing.T) {
	t.Parallel()
	whole, gaps := gateway(t, false), gateway(t, true)
	for _, c := range []struct {
		build         string
		whole, gapped state.Verdict
		product, why  string
	}{
		{"14.1", state.VerdictFixed, state.VerdictUnknown, "new", "is not the whole build"},
		{"14.1-43", state.VerdictFixed, state.VerdictUnknown, "new", "is not the whole build"},
		{"14.1-42", state.VerdictVulnerable, state.VerdictVulnerable, "new", "below the fix line"},
		{"14.1-44", state.VerdictFixed, state.VerdictFixed, "new", "at or above"},
		{"14.1-43.55", state.VerdictVulnerable, state.VerdictVulnerable, "new", "below the fix line"},
		{"14.1-43.56", state.VerdictFixed, state.VerdictFixed, "new", "at or above"},
	} {
		require.Equal(t, c.whole, whole.Judge(version(t, c.build)).Verdict, c.build)
		j := gaps.Judge(version(t, c.build))
		require.Equal(t, c.gapped, j.Verdict, c.build)
		require.Equal(t, c.product, j.Product, c.build)
		require.Contains(t, j.Reason, c.why, c.build)
		require.NotContains(t, j.Reason, "older than any published build", "nobody knows that of a table with gaps")
		require.Equal(t, c.gapped == state.VerdictUnknown, j.Settle != "", c.build)
	}
}

func TestNumbersInOneNotationMeanTheSameAsInAnother(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"14.1-43.56", "14.1.43.56", "14-1-43-56", "14.01-043.056"},
		{"15.2.1118.20", "15.02.1118.020"},
		{"15.2.1118", "15.02.1118"},
	} {
		for _, s := range same {
			require.Equal(t, version(t, same[0]), version(t, s), s)
		}
	}
	require.Negative(t, version(t, "14.1-43.9").Compare(version(t, "14.1-43.56")), "parts are numbers, not decimals")
	require.Negative(t, version(t, "13.1-58.32").Compare(version(t, "14.1-4.42")))
}

func TestABuildWithoutItsFirstNumbersIsOfNoProduct(t *testing.T) {
	t.Parallel()
	r := gateway(t, true)
	for _, s := range []string{"43.56", "58.32", "55.328", "0.43"} {
		j := r.Judge(version(t, s))
		require.Equal(t, state.VerdictUnknown, j.Verdict, s)
		require.Contains(t, j.Reason, "no product", s)
	}
}

func TestAPrefixThatBeginsBelowABranchIsNotJudgedInsideIt(t *testing.T) {
	t.Parallel()
	r := gateway(t, true)
	for build, product := range map[string]string{
		"12.1":        "", // some of it is old, some FIPS
		"12.1-55":     "fips",
		"12.1-55.327": "fips",
		"12.1-54":     "old",
		"12.1-54.9":   "old",
		"12.1-56":     "old",
		"12.1-65.39":  "old",
		"12.2-1.1":    "old",
		"13.0-92.31":  "old",
		"13.1-4.43":   "",
		"12.0-63.21":  "",
	} {
		j := r.Judge(version(t, build))
		require.Equal(t, product, j.Product, build)
		require.NotEqual(t, state.VerdictFixed, j.Verdict, build)
	}
	require.Equal(t, state.VerdictFixed, r.Judge(version(t, "12.1-55.330")).Verdict)
}
