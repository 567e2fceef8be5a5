package state_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func version(t testing.TB, s string) state.Version {
	t.Helper()
	v, err := state.ParseVersion(s)
	require.NoError(t, err)
	return v
}

func TestParseVersionReadsNumbersAndNothingElse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"16.0.10417.20037": "16.0.10417.20037", "14.1-43.56": "14.1.43.56", "0.0": "0.0", "016.00": "16.0",
		"1.2.3.4.5.6": "1.2.3.4.5.6", "2147483647.0": "2147483647.0",
	} {
		require.Equal(t, want, version(t, in).String(), in)
	}
	for _, in := range []string{
		"", "16", "16.", ".16", "16..0", "16.0.", "1.2.3.4.5.6.7", "16.0a", "+1.2", "-1.2", "1.-2", "1.+2", "1 .2", " 1.2", "1.2\n", "٣.٤", "1,2", "1_0.2", "0x1.2",
		"2147483648.0", "4294967296.1", "99999999999999999999.1", "16.0.10417.20037<script>", "v1.2", strings.Repeat("1.", 1000),
	} {
		v, err := state.ParseVersion(in)
		require.Error(t, err, "%q", in)
		require.True(t, v.IsZero())
		require.Less(t, len(err.Error()), 200)
	}
}

func TestVersionsCompareByPartsAndAPrefixComesFirst(t *testing.T) {
	t.Parallel()
	ordered := []string{"15.9.9.9", "16.0", "16.0.5513", "16.0.5513.1001", "16.0.5513.1001.0", "16.0.5513.1002", "16.0.10417", "16.1"}
	for i, x := range ordered {
		for j, y := range ordered {
			c := version(t, x).Compare(version(t, y))
			require.Equal(t, i < j, c < 0, "%s %s", x, y)
			require.Equal(t, i == j, c == 0, "%s %s", x, y)
		}
	}
	v := version(t, "16.0.5513.1001")
	require.Equal(t, "16.0", v.Prefix(2).String())
	require.Equal(t, v, v.Prefix(9))
	require.True(t, v.Prefix(0).IsZero())
	require.True(t, v.Prefix(-1).IsZero())
	require.True(t, v.HasPrefix(version(t, "16.0.5513")))
	require.False(t, v.HasPrefix(version(t, "16.0.55")), "parts, not characters")
	require.False(t, version(t, "16.0").HasPrefix(v))
	require.True(t, v.HasPrefix(state.Version{}))
}

func TestAVersionIsItsTextInJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		V state.Version `json:"v,omitzero"`
	}
	b, err := json.Marshal(doc{version(t, "14.1-43.56")})
	require.NoError(t, err)
	require.JSONEq(t, `{"v":"14.1.43.56"}`, string(b))
	var d doc
	require.NoError(t, json.Unmarshal(b, &d))
	require.Equal(t, version(t, "14.1.43.56"), d.V)
	require.NoError(t, json.Unmarshal([]byte(`{"v":""}`), &d))
	require.True(t, d.V.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"v":"sixteen"}`), &d))
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"16.0.10417.20037", "14.1-43.56", "", "1..2", "+1.2", "1.2.3.4.5.6.7", "\x00", "٣.٤"} {
		f.Add(s)
	}
	r := toolshell(f, 2)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := state.ParseVersion(s)
		if err != nil {
			require.True(t, v.IsZero())
			return
		}
		again, err := state.ParseVersion(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)
		require.Zero(t, v.Compare(again))
		for n := range v.Len() {
			require.True(t, v.HasPrefix(v.Prefix(n)))
			require.Positive(t, v.Compare(v.Prefix(n)))
		}
		require.NotPanics(t, func() { r.Judge(v) })
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	second, first := toolshell(t, 2), toolshell(t, 1)
	for _, c := range []struct {
		build         string
		first, second state.Verdict
		product, why  string
	}{
		{"16.0.10417.20037", state.VerdictFixed, state.VerdictFixed, "sp2019", "at or above"},
		{"16.0.10417.20036", state.VerdictFixed, state.VerdictVulnerable, "sp2019", "below the fix line"},
		{"16.0.10417.20027", state.VerdictFixed, state.VerdictVulnerable, "sp2019", "fixes the earlier CVEs only"},
		{"16.0.10417", state.VerdictUnknown, state.VerdictUnknown, "sp2019", "no revision"},
		{"16.0.10416", state.VerdictVulnerable, state.VerdictVulnerable, "sp2019", "below the fix line"},
		{"16.0.10001.1", state.VerdictVulnerable, state.VerdictVulnerable, "sp2019", "older than any published build"},
		{"16.0.13999.1", state.VerdictFixed, state.VerdictFixed, "sp2019", "at or above"},
		{"16.0.5513", state.VerdictFixed, state.VerdictFixed, "sp2016", "at or above"},
		{"16.0.5508", state.VerdictFixed, state.VerdictVulnerable, "sp2016", ""},
		{"16.0.18526", state.VerdictUnknown, state.VerdictUnknown, "spse", "no revision"},
		{"16.0.18526.20424", state.VerdictFixed, state.VerdictVulnerable, "spse", ""},
		{"16.0.18526.20508", state.VerdictFixed, state.VerdictFixed, "spse", ""},
		{"16.0.19127", state.VerdictFixed, state.VerdictFixed, "spse", ""},
		{"16.0", state.VerdictUnknown, state.VerdictUnknown, "", "no product"},
		{"15.0.4505", state.VerdictVulnerable, state.VerdictVulnerable, "sp2013", "no fix"},
		{"14.0.7268.5000", state.VerdictVulnerable, state.VerdictVulnerable, "sp2010", "no fix"},
		{"16.0.27612", state.VerdictUnknown, state.VerdictUnknown, "spo", "SharePoint Online"},
		{"17.0.1.1", state.VerdictUnknown, state.VerdictUnknown, "", "no product"},
	} {
		j := second.Judge(version(t, c.build))
		require.Equal(t, c.second, j.Verdict, c.build)
		require.Equal(t, c.product, j.Product, c.build)
		require.Contains(t, j.Reason, c.why, c.build)
		require.Equal(t, c.first, first.Judge(version(t, c.build)).Verdict, c.build)
	}
	require.Contains(t, second.Judge(state.Version{}).Reason, "no build")
}

func TestAPrefixThatReachesBeyondItsBranchBelongsToNoProduct(t *testing.T) {
	t.Parallel()
	r := state.Rules{Products: []state.Product{{ID: "p", Affected: true, Branches: []state.Branch{{
		From: version(t, "7.5.10"), Below: version(t, "9.0"), Fixed: version(t, "7.5.20"),
	}}}}}
	require.Equal(t, state.VerdictUnknown, r.Judge(version(t, "7.5")).Verdict, "7.5.3 begins so too, and is of no product")
	require.Empty(t, r.Judge(version(t, "7.5")).Product)
	require.Equal(t, state.VerdictVulnerable, r.Judge(version(t, "7.5.11")).Verdict)
	require.Equal(t, state.VerdictFixed, r.Judge(version(t, "8.0")).Verdict)
	require.Empty(t, r.Judge(version(t, "9.0")).Product)
}
