package playbook

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// documented returns the examples of the package comment.
func documented(t testing.TB) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var examples []string
	in := false
	for line := range strings.Lines(f.Doc.Text()) {
		code, ok := strings.CutPrefix(line, "\t")
		if ok && !in {
			examples = append(examples, "")
		}
		if in = ok; ok {
			examples[len(examples)-1] += code
		}
	}
	return examples
}

func TestTheDocumentedExamplesAreValid(t *testing.T) {
	t.Parallel()
	examples := documented(t)
	require.Len(t, examples, 2)
	p, err := Parse([]byte(examples[0]), "example")
	require.NoError(t, err)
	require.Equal(t, "example", p.Name)
	require.Len(t, p.Rules().Steps, 3)

	p, err = Parse([]byte(examples[1]), "revision")
	require.NoError(t, err)
	require.Equal(t, 3, p.Revision)
	require.Equal(t, state.VerdictVulnerable, p.Rules().Judge(version(t, "16.0.18526.20508")).Verdict)
	require.Equal(t, state.VerdictFixed, p.Rules().Judge(version(t, "16.0.18526.20600")).Verdict)
	require.True(t, p.Rules().Due.IsZero())
}

func TestEachMistakeIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	good := documented(t)[0]
	_, err := Parse([]byte(good), "p")
	require.NoError(t, err)
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":            {"summary:", "sumary:", `p:4:1: unknown key "sumary" in the playbook; did you mean "summary"?`},
		"missing key":            {"summary: What happened, and what done means.\n", "", `the playbook needs the key "summary"`},
		"key twice":              {"title: Example\n", "title: Example\ntitle: Again\n", `p:4:1: the key "title" is in the playbook twice`},
		"no fix step":            {"    fix: true #", "    fix: false #", "no step has \"fix: true\""},
		"no window":              {"window: 2025-01-05", "# window", `the playbook needs the key "window"`},
		"no item":                {"item: site", "# item", `the playbook needs the key "item"`},
		"no fix said":            {"        fixed: 7.0.120 ", "        # ", `a branch needs the key "fixed"`},
		"due too late":           {"due: 2025-01-20 #", "due: 2025-01-21 #", "due is later than the date for CVE-2025-12345, 2025-01-20"},
		"outside fix":            {"fixed: 7.0.120 ", "fixed: 8.0.120 ", "the fix line 8.0.120 is outside of its branch, 7.0 to 8.0"},
		"fix not published":      {"fixed: 7.0.120 ", "fixed: 7.0.119 ", "the fix line 7.0.119 is none of the published builds"},
		"builds descend":         {"7.0.110 2025-01-02 KB1000001 partial", "7.0.130", "the builds must ascend: 7.0.120 follows 7.0.130"},
		"build of another form":  {"7.0.110 2025", "7.0.110.1 2025", "has 4 numbers, the fix line 7.0.120 has 3"},
		"partial above the line": {"KB1000002", "KB1000002 partial", "is not below the fix line and cannot be partial"},
		"later step":             {"after: [patch]", "after: [hunt]", `"hunt" is not an earlier step`},
		"itself":                 {"after: [patch]", "after: [rotate]", `"rotate" is not an earlier step`},
		"unknown product":        {"products: []", "products: [sevn]", `"sevn" is not a product of this playbook; did you mean "seven"?`},
		"item with product":      {"products: []", "products: [seven]", "only a server has a product"},
		"second step":            {"id: rotate", "id: patch", `there is a second step "patch"`},
		"outside source":         {"[collector, attestation] #", "[collector, probe] #", `"probe" is not a source from inside: want attestation, collector, hunt`},
		"no source":              {"[collector, attestation] #", "[] #", "a proof needs a source"},
		"age":                    {"maxAge: 30d", "maxAge: -1d", `"-1d" is not a time like 14d or 12h`},
		"age of none":            {"maxAge: 30d", "maxAge: 0d", `"0d" is not a time like 14d or 12h`},
		"dated and aged":         {"        dated: true", "        maxAge: 3d\n        dated: true", "a dated event does not age"},
		"good and fix line":      {"        fixLine: true", "        good: [a]\n        fixLine: true", `either "good" values or "fixLine: true"`},
		"good and bad":           {"bad: [reverted]", "bad: [rotated]", `"rotated" cannot be both good and bad`},
		"proves nothing":         {"kind: rotation", "kind: reach", `evidence of kind "reach" proves no step`},
		"sign proves":            {"values: [hit]", "values: [clean]", `hunt "clean" cannot be a sign: it proves step "hunt"`},
		"method":                 {"method: GET #", "method: POST #", "the method POST is not one of GET, HEAD"},
		"HEAD has no body":       {"    method: GET # or HEAD\n    path: /\n    header: X-Version # each value of it; without it, the body is read\n", "    method: HEAD\n    path: /\n", `observer "header" reads the body, and HEAD has none`},
		"header":                 {"header: X-Version", "header: 'X: y'", "is not a header's name"},
		"groups":                 {"'^([0-9.]+)$'", "'^[0-9.]+$'", "the pattern has 0 groups, not 1"},
		"long pattern":           {"'^([0-9.]+)$'", "'(" + strings.Repeat("a", 400) + ")'", "longer than 300 bytes"},
		"backtracking":           {"'^([0-9.]+)$'", `'^(a)\1$'`, "the pattern does not compile"},
		"example":                {"answer: 7.0.0.120", "answer: 7.0.0.121", `observer "header" reads "7.0.121" from this example, not "7.0.120"`},
		"parts":                  {"parts: [0, 1, 3]", "parts: [1, 0]", "parts must be at least two positions, ascending"},
		"indicator grade":        {"path: /shell.php, grade: A", "path: /shell.php, grade: D", `"D" is not a grade good enough for an indicator`},
		"log field":              {"fields: [cs-uri-stem, ", "fields: [cs-uri-query, ", `log rule "shell-asked" matches cs-uri-stem and must name it in its fields`},
		"log names":              {"    names: [shell.php]", "    # names", `log rule "shell-asked" needs names, which the path must contain, or known: true`},
		"log name":               {"    names: [shell.php]", "    names: [Shell.php]", "is not part of a decoded path in lower case"},
		"short log name":         {"    names: [shell.php]", "    names: [.php]", "is shorter than 5 bytes"},
		"log status":             {"status: [200, 5xx]", "status: [200, 6xx]", `"6xx" is not a status like 200 or 2xx`},
		"log size":               {"from: 10, to: 100000", "from: 10, to: 1", "the size ends before it begins"},
		"keys for sure":          {"shows: shell", "shows: keys", "cannot be sure"},
		"attack as proof":        {"kind: rotation", "kind: attack", `evidence of kind "attack" proves no step`},
		"ioc":                    {"value: 192.0.2.1", "value: 192.0.2.1.1", "IPv4 address too long"},
		"not affected, no why":   {"    note: Goes into the reason when the product alone decides.\n", "    affected: false\n", `product "seven" is not affected: its note must say why`},
		"hidden text":            {"title: Example\n", "title: \"Ex\u202Eample\"\n", "contains a control character"},
		"control":                {"value: 192.0.2.1, role: exploitation", "value: 192.0.2.1, role: \"a\\x1b[0m\"", "contains a control character"},
		"line break":             {"path: /shell.php, grade: A", "path: \"/shell\\n.php\", grade: A", "is not plain"},
		"list":                   {"after: [patch]", "after: patch", "must be a list"},
		"anchor":                 {"title: Example\n", "title: &a Example\n", "anchors, aliases, tags"},
		"alias":                  {"title: Example\n", "title: *a\n", "anchors, aliases, tags"},
		"tag":                    {"title: Example\n", "title: !!str Example\n", "anchors, aliases, tags"},
		"not YAML":               {"title: Example\n", "title: [Example\n", "p:"},
		"two documents":          {"playbook: example", "a: b\n---\nplaybook: example", "must be one YAML document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(good, c.old), "the example holds what is replaced once")
			_, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1)), "p")
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Contains(t, err.Error(), c.want)
		})
	}
}

func TestAPathThatLooksLikeTheAttackIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"/_layouts/15/ToolPane.aspx", "/_layouts/15/TOOLPANE.ASPX/x", "/_layouts/15/%54oolpane.aspx", "/tool%70ane.aspx",
		"/%2574oolpane.aspx", "/%252574oolpane.aspx", "/toolpane",
	} {
		require.Contains(t, refusePath(p), "looks like the attack", p)
	}
	for _, p := range []string{
		"", "a", "//a", "/a/../b", "/./a", "/a?b", "/a#b", "/a b", "/%41", "/\u0074\u00f6", "/ｔoolpane.aspx", "/a\\b", "http://x/", "/" + strings.Repeat("a", 300),
	} {
		require.NotEmpty(t, refusePath(p), p)
	}
	for _, p := range []string{"/", "/_vti_pvt/service.cnf", "/_layouts/15/spinstall0.aspx", "/vpn/js/rdx/core/lang/rdx_en.json.gz"} {
		require.Empty(t, refusePath(p), p)
	}
}

func TestAHostileFileIsRefusedSoon(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty":        "",
		"a scalar":     "x",
		"too large":    strings.Repeat("# padding\n", MaxSize/10+1),
		"not text":     "title: \xff",
		"brackets":     strings.Repeat("[", 100_000),
		"braces":       strings.Repeat("{a: ", 50_000),
		"entries":      strings.Repeat("- ", 50_000) + "x",
		"complex keys": strings.Repeat("? ", 50_000) + "x",
		"keys":         strings.Repeat("k: 1\n", 20_000),
		"entries down": strings.Repeat("- x\n", 50_000),
		"bomb":         "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
	} {
		_, err := Parse([]byte(data), name)
		var problems Problems
		require.ErrorAs(t, err, &problems, name)
		require.Less(t, len(err.Error()), 20_000, name)
	}
}

func TestALongListingOfProblemsIsCut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 500 {
		b.WriteString("k" + strings.Repeat("x", i%60) + string(rune('a'+i%26)) + ": 1\n")
	}
	_, err := Parse([]byte(b.String()), "long")
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, maxProblems+1)
	require.Contains(t, problems[maxProblems].Text, "more problems")
}

func FuzzParse(f *testing.F) {
	// Small seeds: the fuzzer spends its time on making large ones smaller.
	bad, err := os.ReadFile("testdata/bad.yaml")
	require.NoError(f, err)
	f.Add(bad)
	for _, example := range documented(f) {
		f.Add([]byte(example))
	}
	f.Add([]byte("playbook: toolshell\nrevision: 3\nbase: 2\nfixed: [16.0.18526.20518]\n"))
	f.Add([]byte("observers:\n  - {id: a, method: GET, path: /a.gz, read: stamp, file: a, stamps: [1 1.2, 2 1.3], caveat: x}\n  - {id: b, method: HEAD, path: /b, read: status, status: 200, means: 1.2, caveat: x}\n"))
	f.Add([]byte("title: 'FILL IN: a'\n# FILL IN: b\n"))
	f.Add([]byte("a: |\n  b\nc: >-\n d\n\"e\": 'f'\n- {g: [h]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data, "fuzz")
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, p.Rules().Steps)
		require.NotEmpty(t, p.Text())
		require.LessOrEqual(t, requests(p), maxRequests)
		for _, o := range p.Plan().Observers {
			require.Contains(t, []string{"GET", "HEAD"}, o.Method)
			require.Empty(t, refusePath(o.Path))
			reads := o.Reads()
			require.Equal(t, reads == checks.ExtractStamp || reads == checks.ExtractStatus, o.Pattern == nil)
			if o.Pattern != nil {
				require.Equal(t, 1, o.Pattern.NumSubexp())
			}
			require.GreaterOrEqual(t, o.Precision, 2)
			require.NotContains(t, secretHeaders(), strings.ToLower(o.Header))
		}
		require.Empty(t, Diff(p, p))
	})
}
