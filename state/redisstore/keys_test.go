package redisstore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestStatusesLieTogetherInAnIndex(t *testing.T) {
	t.Parallel()
	last := ""
	for _, st := range state.Statuses() {
		by := scores(st)
		require.NotEqual(t, last, by.Min)
		for _, contained := range []bool{false, true} {
			for _, e := range []state.Exposure{state.ExposureUnknown, state.ExposureInternet, state.ExposureInternal} {
				for _, other := range state.Statuses() {
					p := -state.Row{Status: other, Contained: contained, Exposure: e}.Priority()
					in := p >= number(t, by.Min) && p <= number(t, by.Max)
					require.Equal(t, other == st, in, "%s in the range of %s", other, st)
				}
			}
		}
		last = by.Min
	}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

func TestEveryKeyIsOfOneSlotAndHasAType(t *testing.T) {
	t.Parallel()
	k := keys{prefix: "p:"}
	for kind, names := range map[string][]string{
		typeHash: {
			k.meta(), k.heads(), k.lane(3), k.mark("x"), k.inBody(), k.inJob(), k.inLease(), k.inSeen("x"), k.letter("x"), k.receipt("x"),
			k.card("x"), k.claims("a/b/c"), k.claims(""), k.dead(), k.held(), k.cursors(), k.cursorTries(), k.holds(), k.incident("i"), k.farm("i", "f"),
			k.farmRev("i", "f"), k.row("i", "s"), k.trail("i", "s"), k.revisions("i"), k.counts("i"), k.countsBy(byOwner, "i"), k.proposals("i"),
			k.history("i", "12"), k.pace("i", "12"), k.scans("i"), k.scanRuns("i"), k.scanEnds("i"),
			k.pings("i"), k.pingsLeft("i"),
			k.desk(), k.advisories(), k.communities(), k.reports(), k.bearings(), k.feeds(),
		},
		typeZset: {
			k.incidents(), k.hours(), k.inQueue(), k.inLeased(), k.places(), k.queue("a/b"), k.letters(), k.index("i"), k.revised("i", "2"),
			k.indexBy(byGroup, "i", "a:b{c}\nd"), k.names("server", "i"), k.ending(state.EndingRisk, "i"), k.ending(state.EndingClaim, "i"), k.dueHours("i"), k.due("i", "5"), k.historyDays("i"), k.scanOrder("i"),
		},
		typeSet:    {k.old("mark:5")},
		typeList:   {k.segment(0), k.segment(77)},
		typeString: {k.seq(), k.inCount(), k.outCount()},
	} {
		for _, key := range names {
			require.True(t, strings.HasPrefix(key, "p:{s00}:"), key)
			require.Equal(t, kind, typeOf(strings.TrimPrefix(key, "p:{s00}:")), key)
		}
	}
	require.Empty(t, typeOf("evil"))
}

// TestEveryKeyIsExported finds a name that was added to the keys and not to what an export walks over, or not to what
// an import takes.
func TestEveryKeyIsExported(t *testing.T) {
	t.Parallel()
	walked, typed := keysIn(t, "walk.go"), keysIn(t, "keys_test.go")
	for _, d := range parsed(t, "keys.go").Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil || f.Name.Name == "of" {
			continue
		}
		name := f.Name.Name
		bare := strings.TrimSuffix(name, "In")
		require.True(t, walked[name] || walked[name+"In"], "an export does not walk over %q", name)
		require.True(t, typed[name] || typed[bare], "the test of types does not know %q", name)
	}
}

func parsed(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	return f
}

// keysIn are the methods of a k that a file calls.
func keysIn(t *testing.T, file string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	ast.Inspect(parsed(t, file), func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "k" {
				out[s.Sel.Name] = true
			}
		}
		return true
	})
	return out
}
