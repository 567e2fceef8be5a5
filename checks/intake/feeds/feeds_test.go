package feeds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

func date2(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestACVERecordTellsItsFixLines(t *testing.T) {
	t.Parallel()
	r, err := ReadCVE(bytes.NewReader(sample(t, "CVE-2025-53770.json")))
	require.NoError(t, err)
	require.Equal(t, "CVE-2025-53770", r.CVE)
	require.Equal(t, "Microsoft SharePoint Server Remote Code Execution Vulnerability", r.Title)
	require.Equal(t, []Product{
		{Vendor: "Microsoft", Name: "Microsoft SharePoint Enterprise Server 2016", Fixed: []string{"16.0.5513.1001"}, Ranges: []Range{{Status: "affected", From: "16.0.0", Below: "16.0.5513.1001", Type: "custom"}}},
		{Vendor: "Microsoft", Name: "Microsoft SharePoint Server 2019", Fixed: []string{"16.0.10417.20037"}, Ranges: []Range{{Status: "affected", From: "16.0.0", Below: "16.0.10417.20037", Type: "custom"}}},
		{Vendor: "Microsoft", Name: "Microsoft SharePoint Server Subscription Edition", Fixed: []string{"16.0.18526.20508"}, Ranges: []Range{{Status: "affected", From: "16.0.0", Below: "16.0.18526.20508", Type: "custom"}}},
	}, r.Products)
	require.Equal(t, &KEV{Added: date2("2025-07-20")}, r.KEV, "a record does not tell when it is due")
	require.Equal(t, state.TLPClear, r.TLP)
	require.True(t, r.Marked)
	require.Equal(t, "2026-08-04T03:55:52.588Z", r.Revision)
	require.Equal(t, 2026, r.Updated.Year())
	require.Equal(t, []string{"https://msrc.microsoft.com/update-guide/vulnerability/CVE-2025-53770"}, r.References[:1])

	r, err = ReadCVE(bytes.NewReader(sample(t, "CVE-2025-5777.json")))
	require.NoError(t, err)
	require.Equal(t, []string{"14.1-43.56", "13.1-58.32"}, r.Products[0].Fixed, "branch and build are two members")
}

func cve(versions string) string {
	return `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2021-1707","state":"PUBLISHED","dateUpdated":"2024-05-29T14:52:35"},` +
		`"containers":{"cna":{"affected":[{"vendor":"V","product":"P","defaultStatus":"affected","versions":[` + versions + `]}]}}}`
}

func TestWhatIsNoBuildIsNoFixLine(t *testing.T) {
	t.Parallel()
	r, err := ReadCVE(strings.NewReader(cve(`{"version":"16.0.0","lessThan":"publication","status":"affected"},{"version":"0","lessThan":"*","status":"affected"},` +
		`{"version":"1.0","status":"affected","changes":[{"at":"1.5","status":"unaffected"},{"at":"2.0","status":"affected"}]},{"version":"3.0","lessThanOrEqual":"3.9","status":"affected"},{"version":"4.0","status":"unaffected"}`)))
	require.NoError(t, err)
	require.Equal(t, []string{"1.5"}, r.Products[0].Fixed)
	var ranges []string
	for _, g := range r.Products[0].Ranges {
		ranges = append(ranges, g.String())
	}
	require.Equal(t, []string{
		"affected by default", "affected 16.0.0 to below publication", "affected 0 to below *", "affected 1.0", "affected 3.0 through 3.9", "unaffected 4.0",
	}, ranges)
	require.Equal(t, time.Date(2024, 5, 29, 14, 52, 35, 0, time.UTC), r.Updated)
}

func TestTheCatalogueTellsDatesActionsAndRansomware(t *testing.T) {
	t.Parallel()
	c, err := ReadKEV(bytes.NewReader(sample(t, "kev.json")))
	require.NoError(t, err)
	require.Equal(t, "2025.08.25", c.Version)
	require.Equal(t, time.Date(2025, 8, 25, 17, 4, 19, 979600000, time.UTC), c.Released)
	require.Len(t, c.Records, 4)
	for _, r := range c.Records {
		if r.CVE != "CVE-2025-53770" {
			continue
		}
		require.Equal(t, date2("2025-07-20"), r.KEV.Added)
		require.Equal(t, date2("2025-07-21"), r.KEV.Due)
		require.Equal(t, "Known", r.KEV.Ransomware)
		require.Contains(t, r.KEV.Action, "Disconnect public-facing versions of SharePoint Server")
		require.Len(t, r.References, 4)
		require.Equal(t, "https://nvd.nist.gov/vuln/detail/CVE-2025-53770", r.References[3])
		require.Equal(t, "2025.08.25", r.Revision)
		return
	}
	require.Fail(t, "not found")
}

func TestACSAFDocumentTellsProductsRemediesAndItsMarking(t *testing.T) {
	t.Parallel()
	d, err := ReadCSAF(bytes.NewReader(sample(t, "va-24-201-01.json")))
	require.NoError(t, err)
	require.Equal(t, "VA-24-201-01", d.ID)
	require.Equal(t, "csaf_vex", d.Category)
	require.Equal(t, "final", d.Status)
	require.NotEmpty(t, d.Records)
	r := d.Records[0]
	require.Equal(t, "CVE-2023-45195", r.CVE)
	require.Equal(t, "Adminer and AdminerEvo SSRF", r.Title)
	require.Equal(t, state.TLPClear, r.TLP, "WHITE is the old name of CLEAR")
	require.True(t, r.Marked)
	require.Equal(t, "1.0.1", r.Revision)
	require.Equal(t, []Product{
		{Vendor: "AdminerEvo", Name: "AdminerEvo", Fixed: []string{"4.8.4"}, Ranges: []Range{{Status: "affected", From: "4.8.2"}, {Status: "affected", From: "4.8.3"}}, Remedies: []string{"vendor_fix: Fixed in AdminerEvo 4.8.4."}},
		{Vendor: "Adminer", Name: "Adminer", Ranges: []Range{{Status: "affected", From: "all versions"}}, Remedies: []string{"none_available: Adminer is no longer maintained. Fixed in AdminerEvo 4.8.4."}},
	}, r.Products)
	require.Contains(t, r.References, "https://github.com/adminerevo/adminerevo/releases/tag/v4.8.4")

	d, err = ReadCSAF(bytes.NewReader(sample(t, "icsa-22-013-02.json")))
	require.NoError(t, err)
	require.Len(t, d.Records[0].Products, 4)
	require.Equal(t, []Range{{Status: "affected", From: "< V16.20"}}, d.Records[0].Products[0].Ranges)
	require.Contains(t, d.Records[0].Products[0].Remedies[0], "vendor_fix: Update to V16.20 or later version")
}

func TestMarkingsThatCannotBeKeptAreRefused(t *testing.T) {
	t.Parallel()
	doc := string(sample(t, "va-24-201-01.json"))
	for label, want := range map[string]state.TLP{"WHITE": state.TLPClear, "GREEN": state.TLPGreen, "AMBER": state.TLPAmber, "RED": state.TLPRed} {
		d, err := ReadCSAF(strings.NewReader(strings.Replace(doc, `"WHITE"`, `"`+label+`"`, 1)))
		require.NoError(t, err)
		require.Equal(t, want, d.Records[0].TLP)
	}
	for _, label := range []string{"AMBER+STRICT", "CLEAR", "UNLABELED", "white", "PURPLE", ""} {
		_, err := ReadCSAF(strings.NewReader(strings.Replace(doc, `"WHITE"`, `"`+label+`"`, 1)))
		require.Error(t, err, label)
	}
	i := strings.Index(doc, `"distribution"`)
	j := i + strings.Index(doc[i:], "}") // of the marking
	j += strings.Index(doc[j+1:], "}") + 1
	unmarked := doc[:i] + `"lang"` + `:"en"` + doc[j+1:]
	d, err := ReadCSAF(strings.NewReader(strings.Replace(unmarked, `"lang":"en"`, `"source_lang":"en"`, 1)))
	require.NoError(t, err)
	require.False(t, d.Records[0].Marked)
	require.Equal(t, state.TLPRed, d.Records[0].TLP, "what nobody marked goes nowhere")
}

func TestWhatIsNotWhatItShouldBeIsRefused(t *testing.T) {
	t.Parallel()
	read := map[string]func(io.Reader) error{
		"cve":  func(r io.Reader) error { _, err := ReadCVE(r); return err },
		"kev":  func(r io.Reader) error { _, err := ReadKEV(r); return err },
		"csaf": func(r io.Reader) error { _, err := ReadCSAF(r); return err },
	}
	kev := string(sample(t, "kev.json"))
	csafDoc := string(sample(t, "icsa-22-013-02.json"))
	for _, c := range []struct{ kind, data, want string }{
		{"cve", "", "is not JSON"},
		{"cve", "\n\n{]", "is not JSON (line 3)"},
		{"cve", "{}", `dataType is ""`},
		{"cve", strings.Replace(cve(""), "5.1", "4.0", 1), `of version "4.0"; known are 5.x`},
		{"cve", strings.Replace(cve(""), "CVE-2021-1707", "<b>", 1), "has no id"},
		{"cve", strings.Replace(cve(""), "PUBLISHED", "RESERVED", 1), `in the state "RESERVED"`},
		{"cve", strings.Replace(cve(""), `"cna":{`, `"cna":7,"x":{`, 1), "containers.cna cannot be of the type number"},
		{"cve", strings.Repeat(`{"a":`, 100), "is nested deeper than 64"},
		{"cve", "\xff\xfe", "is not UTF-8"},
		{"cve", strings.Repeat(" ", MaxCVE+1), "is longer than 8388608 bytes"},
		{"kev", "{}", "this is no KEV catalogue"},
		{"kev", strings.Replace(kev, `"count": 4`, `"count": 1404`, 1), "says that it has 1404 entries, and has 4: it is incomplete"},
		{"kev", strings.Replace(kev, `"CVE-2025-49704"`, `"CVE-2025-53770"`, 1), "repeats CVE-2025-53770"},
		{"kev", strings.Replace(kev, "2025-07-21", "21/07/2025", 1), "CVE-2025-53770, has no date"},
		{"kev", kev[:len(kev)/2], "is not JSON"},
		{"csaf", "{}", "is not valid: 'document' is missing"},
		{"csaf", strings.Replace(csafDoc, `"branches"`, `"branches":[null],"x"`, 1), "has a null in it"},
		{"csaf", strings.Replace(csafDoc, `"2.0"`, `"1.2"`, 1), "cannot be read"},
	} {
		err := read[c.kind](strings.NewReader(c.data))
		require.ErrorContains(t, err, c.want, "%s %.60q", c.kind, c.data)
	}
	zeroes := &zero{}
	require.ErrorContains(t, read["kev"](zeroes), "is longer than")
	require.LessOrEqual(t, zeroes.n, MaxKEV+(1<<20))
}

// zero is ten gigabytes of nothing.
type zero struct{ n int }

func (z *zero) Read(p []byte) (int, error) {
	if z.n > 10<<30 {
		return 0, io.EOF
	}
	clear(p)
	z.n += len(p)
	return len(p), nil
}

func TestWhatChangedThatBearsOnThePlaybookIsTold(t *testing.T) {
	t.Parallel()
	kev := sample(t, "kev.json")
	now, err := ReadKEV(bytes.NewReader(kev))
	require.NoError(t, err)
	// As the catalogue was on 28 July: ransomware use not known yet, and another action.
	i := bytes.Index(kev, []byte(`"cveID": "CVE-2025-53770"`))
	entry := string(kev[i:])
	entry = strings.Replace(entry, `"Known"`, `"Unknown"`, 1)
	entry = strings.Replace(entry, "Disconnect public-facing versions", "Configure AMSI, or disconnect public-facing versions", 1)
	entry = strings.Replace(entry, "2025-07-21", "2025-07-22", 1)
	before, err := ReadKEV(strings.NewReader(strings.Replace(string(kev[:i])+entry, "2025.08.25", "2025.07.28", 1)))
	require.NoError(t, err)

	var said []string
	for _, c := range Diff(before.Records, now.Records, "CVE-2025-53770", "CVE-2025-53771") {
		require.Equal(t, state.TLPClear, c.TLP)
		said = append(said, fmt.Sprintf("%.90s", c))
	}
	require.Equal(t, []string{
		"CVE-2025-53770 (kev): due date: 2025-07-22 → 2025-07-21",
		"CVE-2025-53770 (kev): used in ransomware campaigns: Unknown → Known",
		"CVE-2025-53770 (kev): required action: Configure AMSI, or disconnect public-facing version",
	}, said)
	require.Empty(t, Diff(before.Records, now.Records, "CVE-2025-49704"), "a new revision that says the same is no change")
	require.Empty(t, Diff(now.Records, now.Records))

	// Newly listed, and listed no more.
	require.Equal(t, "CVE-2025-5777 (kev): listed: nothing → yes", Diff(nil, now.Records, "CVE-2025-5777")[0].String())
	gone := Diff(now.Records, now.Records[:0], "CVE-2025-53770")
	require.Equal(t, "CVE-2025-53770 (kev): listed: yes → nothing any more", gone[0].String())
}

func TestAMovedFixLineIsTold(t *testing.T) {
	t.Parallel()
	data := string(sample(t, "CVE-2025-53770.json"))
	now, err := ReadCVE(strings.NewReader(data))
	require.NoError(t, err)
	before, err := ReadCVE(strings.NewReader(strings.NewReplacer("16.0.18526.20508", "16.0.18526.20424", `"PUBLISHED"`, `"REJECTED"`).Replace(data)))
	require.NoError(t, err)
	changes := Diff([]Record{before}, []Record{now})
	require.Len(t, changes, 3)
	require.Equal(t, "CVE-2025-53770 (cve): fix line of Microsoft SharePoint Server Subscription Edition: 16.0.18526.20424 → 16.0.18526.20508", changes[0].String())
	require.Equal(t, "affected versions of Microsoft SharePoint Server Subscription Edition", changes[1].What)
	require.Equal(t, "withdrawn", changes[2].What)

	marked := now
	marked.TLP = state.TLPAmber
	changes = Diff([]Record{marked}, []Record{now})
	require.Equal(t, []Change{{CVE: now.CVE, Source: "cve", What: "marking", Old: "TLP:AMBER", New: "TLP:CLEAR", TLP: state.TLPAmber}}, changes)
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	r, err := ReadCVE(strings.NewReader(`{"dataType":"CVE_RECORD","dataVersion":"5.2","cveMetadata":{"cveId":"CVE-2025-53770","state":"PUBLISHED","dateUpdated":"x\u001b[31m"},"containers":{"cna":{"title":"a\r\nb\u202e` +
		strings.Repeat("x", 5000) + `","references":[{"url":"javascript:alert(1)"},{"url":"https://a.example/<b>"},{"url":"https://a.example/ok"},{"url":"https://a.example/ok"}]}}}`))
	require.NoError(t, err)
	inOrder(t, r)
	require.Equal(t, []string{"https://a.example/ok"}, r.References)
}

// inOrder checks what every record promises.
func inOrder(t *testing.T, r Record) {
	t.Helper()
	require.True(t, isCVE(r.CVE), r.CVE)
	require.LessOrEqual(t, len(r.References), maxReferences)
	require.LessOrEqual(t, len(r.Products), maxProducts)
	texts := []string{r.Source, r.Title, r.Revision}
	for _, p := range r.Products {
		texts = append(append(append(texts, p.Vendor, p.Name), p.Fixed...), p.Remedies...)
		for _, g := range p.Ranges {
			texts = append(texts, g.String())
		}
	}
	if r.KEV != nil {
		texts = append(texts, r.KEV.Action, r.KEV.Ransomware)
	}
	for _, s := range texts {
		require.True(t, utf8.ValidString(s))
		require.LessOrEqual(t, utf8.RuneCountInString(s), maxText)
		require.False(t, strings.ContainsFunc(s, unicode.IsControl), "%q", s)
	}
}

func FuzzCVERecords(f *testing.F) {
	f.Add(sample(f, "CVE-2025-53770.json"))
	f.Add(sample(f, "CVE-2025-5777.json"))
	f.Add([]byte(cve(`{"version":"1","lessThan":"2","status":"affected"}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ReadCVE(bytes.NewReader(data)); err == nil {
			inOrder(t, r)
			require.Empty(t, Diff([]Record{r}, []Record{r}))
		}
	})
}

func FuzzKEVCatalogues(f *testing.F) {
	f.Add(sample(f, "kev.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadKEV(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, r := range c.Records {
			inOrder(t, r)
		}
		require.Empty(t, Diff(c.Records, c.Records))
	})
}

func FuzzCSAFDocuments(f *testing.F) {
	f.Add(sample(f, "icsa-22-013-02.json"))
	f.Add(sample(f, "va-24-201-01.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadCSAF(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, r := range d.Records {
			inOrder(t, r)
		}
	})
}

// TestADocumentWithAnyPartMissingOrOfAnotherTypeIsReadOrRefused takes documents apart, member by member.
func TestADocumentWithAnyPartMissingOrOfAnotherTypeIsReadOrRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"va-24-201-01.json", "icsa-22-013-02.json", "CVE-2025-53770.json", "kev.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var doc any
			require.NoError(t, json.Unmarshal(sample(t, name), &doc))
			tried := 0
			for _, other := range []any{nil, map[string]any{}, []any{map[string]any{}}, "x", 1.0} {
				eachPart(doc, func(set func(any), was any) {
					set(other)
					data, err := json.Marshal(doc)
					require.NoError(t, err)
					switch {
					case strings.HasPrefix(name, "CVE"):
						_, _ = ReadCVE(bytes.NewReader(data))
					case name == "kev.json":
						_, _ = ReadKEV(bytes.NewReader(data))
					default:
						_, _ = ReadCSAF(bytes.NewReader(data))
					}
					tried++
					set(was)
				})
			}
			require.Greater(t, tried, 100)
		})
	}
}

// eachPart calls do with every member and element, which set replaces; a member that
// is nothing is left out.
func eachPart(v any, do func(set func(any), was any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			was := v[k]
			do(func(x any) {
				if v[k] = x; x == nil {
					delete(v, k)
				}
			}, was)
			eachPart(was, do)
		}
	case []any:
		for i, was := range v {
			do(func(x any) { v[i] = x }, was)
			eachPart(was, do)
		}
	}
}
