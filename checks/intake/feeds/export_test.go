package feeds

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gocsaf/csaf/v3/csaf"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// breaking are texts that would break out of Markdown, or of a document.
func breaking() []string {
	return []string{
		"x", "", " ", "[text](https://evil.example)", "![](https://evil.example/x.png)", "<script>alert(1)</script>", "&lt;b&gt; &#91;x](y)", "a | b |", `\| a \`, "```\ncode\n```", "~~~", "`a`",
		"# heading", "---", "- item", "+ item", "12. item", "3) item", "=====", "> quote", "***", "__x__", "https://evil.example/x", "www.evil.example", "WWW.evil.example", "bob@evil.example",
		"[x]: https://evil.example", "[^1]", "$x$", "a\n\n    code", "\u2028# x", "\x00\xff\u202etxet", "<!-- ", "{{ x }}", "]]>", "--", "https://a.example/[x](https://b.example)",
	}
}

// written is an advisory in which a text stands everywhere, and a number decides the rest.
func written(s string, n uint16) state.Advisory {
	mark := func(shift int) state.TLP { return state.TLPAmber + state.TLP(n>>shift&1) }
	t := state.AdvisoryText{
		Version: 1 + int(n&1), Title: s, TLP: state.TLPGreen, Changed: s, Credit: s, Summary: []state.Paragraph{{Text: s, TLP: mark(1)}, {Text: "y " + s, TLP: state.TLPGreen}},
		CVEs: []string{"CVE-2025-53770"}, Actions: []string{s, "y " + s}, Marks: map[string]state.TLP{state.PartIndicators: mark(2)},
		Products: []state.AdvisoryProduct{{Name: s, Branches: []state.AdvisoryBranch{{From: "1.0", Below: "2.0", Fixed: "1.5", KB: s}, {From: s, Below: s}}}},
		Sources:  []state.AdvisorySource{{Title: s, At: s}, {Title: "y", At: "https://www.cisa.gov/a_b " + s}},
	}
	for _, kind := range []string{"ip", "domain", "url", s} {
		t.Indicators = append(t.Indicators, state.Indicator{Type: kind, Value: s, Role: s, Seen: s})
	}
	if n>>3&1 == 1 {
		t.CVEs = append(t.CVEs, s)
	}
	if n>>4&1 == 1 {
		t.Products = []state.AdvisoryProduct{{Name: s}}
	}
	a := state.Advisory{Number: 3, Live: &t, Past: []state.AdvisoryVersion{{Version: t.Version, TLP: t.TLP, Changed: s}}}
	if n>>5&1 == 1 {
		draft := t
		draft.Version++
		a.Draft = &draft
	}
	if n>>6&1 == 1 {
		a.Withdrawn = &state.Withdrawal{Reason: s}
	}
	return a
}

// markup is what of a Markdown text is not text: all that is neither a word nor escaped.
// What means something at the beginning of a line only is not in it.
func markup(md []byte) string {
	s := regexp.MustCompile(`(?m)^\d+\. `).ReplaceAllString(string(md), "1. ")
	s = regexp.MustCompile(`\\[!-/:-@\[-`+"`"+`{-~]|&(amp|lt|gt);`).ReplaceAllString(s, "")
	s = regexp.MustCompile(`<https?://[!-;=?-~]*>`).ReplaceAllString(s, "")
	s = regexp.MustCompile("[^#*_|<>`\\[\\]!~$&@\\\\\n]").ReplaceAllString(s, "")
	return strings.Join(strings.Fields(s), "\n")
}

func FuzzAnAdvisoryIsWrittenAsAValidDocumentOrRefused(f *testing.F) {
	for i, s := range breaking() {
		f.Add(s, uint16(i*37))
		f.Add(s, uint16(0))
	}
	place := state.Place{Platform: "slack", Workspace: "T1", Channel: "C1", Ceiling: state.TLPAmber}
	at := time.Date(2025, 7, 22, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string, n uint16) {
		a := written(s, n)
		md, err := Export(a, place, FormatMarkdown, Publisher{}, at)
		require.NoError(t, err)
		shown := string(md.Data)
		require.NotContains(t, shown, "\x00")
		for _, line := range strings.Split(shown, "\n") { // what stands at the beginning makes blocks
			require.Regexp(t, `^($|# Advisory 3: |TLP:|\*\*Withdrawn|Version \d|## [A-Z]|\|[ -]|\d+\. |- |Shared by|[^-+=#>|~\d\s]|\d+(\\|[^.)\\]|$))`, line)
			require.NotRegexp(t, `^\d+\. ([-+=]|\d+[.)])`, line)
		}
		plain := written("x", n)
		if n>>3&1 == 1 {
			plain.Live.CVEs = a.Live.CVEs
		}
		calm, err := Export(plain, place, FormatMarkdown, Publisher{}, at)
		require.NoError(t, err)
		require.Equal(t, markup(calm.Data), markup(md.Data), "the same blocks, whatever is written in them")

		doc, err := Export(a, place, FormatCSAF, Publisher{Name: "Example", Namespace: "https://example.com"}, at)
		if err != nil {
			return
		}
		valid(t, doc.Data)
	})
}

// valid holds a CSAF document against the schema and the model, and what of the
// mandatory tests of the standard can go wrong here.
func valid(t *testing.T, data []byte) {
	t.Helper()
	var plain any
	require.NoError(t, json.Unmarshal(data, &plain))
	problems, err := csaf.ValidateCSAF(plain)
	require.NoError(t, err)
	require.Empty(t, problems)
	var doc csaf.Advisory
	require.NoError(t, json.Unmarshal(data, &doc))
	require.NoError(t, doc.Validate())
	read, err := ReadCSAF(bytes.NewReader(data))
	require.NoError(t, err)
	require.NotEmpty(t, read.Title)
	tracking := doc.Document.Tracking
	last := tracking.RevisionHistory[len(tracking.RevisionHistory)-1]
	require.Equal(t, *last.Number, *tracking.Version, "6.1.16: the latest version of the history")
	require.Equal(t, *last.Date, *tracking.CurrentReleaseDate)
	seen := map[string]bool{}
	for _, r := range tracking.RevisionHistory {
		require.False(t, seen[string(*r.Number)], "6.1.22: a version twice")
		seen[string(*r.Number)] = true
	}
	if doc.ProductTree == nil {
		require.Empty(t, doc.Vulnerabilities)
		return
	}
	known := catalogue(doc.ProductTree)
	for _, v := range doc.Vulnerabilities {
		for _, list := range []*csaf.Products{v.ProductStatus.KnownAffected, v.ProductStatus.Fixed, v.ProductStatus.KnownNotAffected} {
			if list == nil {
				continue
			}
			for _, id := range *list {
				require.Contains(t, known, string(*id), "6.1.1: defined")
			}
		}
	}
}

func TestMarkdownCannotBeBrokenOutOf(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"[text](https://evil.example)": `\[text\](https\://evil.example)`,
		"<b>&lt;":                      "&lt;b&gt;&amp;lt;",
		`\| x`:                         `\\\| x`,
		"```":                          "\\`\\`\\`",
		"---":                          `\---`,
		"12. x":                        `12\. x`,
		"www.evil.example":             `www\.evil.example`,
		"bob@evil.example":             `bob\@evil.example`,
		"a\n# b":                       `a \# b`,
		"    code":                     "code",
		"build 16.0.10417.20037":       "build 16.0.10417.20037",
		"16.0.10417.20037":             `16\.0.10417.20037`,
	} {
		require.Equal(t, want, escape(s))
	}
	require.Equal(t, "<https://www.cisa.gov/a_b?x=[1](2)> see", sourceLink("https://www.cisa.gov/a_b?x=[1](2) see"))
}

func TestAVersionThatWasNarrowerIsNotToldInTheHistory(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 7, 22, 9, 0, 0, 0, time.UTC)
	now := state.AdvisoryText{Version: 2, Title: "x", TLP: state.TLPClear, Changed: "for all", At: at}
	a := state.Advisory{Number: 1, Live: &now, Past: []state.AdvisoryVersion{{Version: 1, TLP: state.TLPAmber, Changed: "inside words", At: at}, {Version: 2, TLP: now.TLP, Changed: now.Changed, At: at}}}
	doc, err := Export(a, state.Place{Ceiling: state.TLPClear, Platform: "discord"}, FormatCSAF, Publisher{}, at)
	require.NoError(t, err)
	require.NotContains(t, string(doc.Data), "inside words")
	require.Contains(t, string(doc.Data), "for all")
}

func FuzzVEXIsValidOrRefused(f *testing.F) {
	for i, s := range breaking() {
		f.Add(s, "toolshell", uint8(i))
	}
	at := time.Date(2025, 7, 22, 9, 0, 0, 0, time.UTC)
	version := func(s string) state.Version {
		v, err := state.ParseVersion(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	f.Fuzz(func(t *testing.T, s, id string, n uint8) {
		branch := state.Branch{From: version("1.0"), Below: version("2.0")}
		if n&1 == 1 {
			branch.Fixed = version("1.5")
		}
		v := VEX{ID: id, First: at, Made: at, TLP: state.TLPAmber, Rules: state.Rules{
			Playbook: s, Revision: int(n >> 1 & 3), Title: s, CVEs: []string{"CVE-2025-53770"},
			Products: []state.Product{{ID: "a", Name: s, Note: s, Affected: n&2 == 0, Branches: []state.Branch{branch, branch}}, {Name: s, Affected: true}},
		}}
		if n&4 == 4 {
			v.Rules.CVEs = append(v.Rules.CVEs, s)
		}
		if doc, err := v.WriteCSAF(Publisher{}); err == nil {
			valid(t, doc)
		}
		data, err := v.WriteOpenVEX(Publisher{})
		if err != nil {
			return
		}
		var doc openVEX
		require.NoError(t, json.Unmarshal(data, &doc))
		require.Positive(t, doc.Version)
		require.Regexp(t, `^https://\S+$`, doc.ID)
		for _, says := range doc.Statements {
			require.Equal(t, says.Status == "affected", says.ActionStatement != "")
			require.Equal(t, says.Status == "not_affected", says.ImpactStatement != "")
			require.NotEmpty(t, says.Vulnerability.Name)
			for _, p := range says.Products {
				require.Regexp(t, `^pkg:generic/[a-z0-9.-]+@[0-9.]+$`, p.ID)
			}
		}
	})
}
