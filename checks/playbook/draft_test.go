package playbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func record(t testing.TB, id string) CVERecord {
	t.Helper()
	data, err := os.ReadFile("testdata/cve/" + id + ".json")
	require.NoError(t, err)
	rec, err := ReadCVE(data)
	require.NoError(t, err)
	return rec
}

func catalogue(t testing.TB) KEV {
	t.Helper()
	data, err := os.ReadFile("testdata/kev.json")
	require.NoError(t, err)
	k, err := ReadKEV(data)
	require.NoError(t, err)
	return k
}

// requireOpen requires that a draft is refused for what it leaves open and for
// nothing else, as often as it says.
func requireOpen(t testing.TB, text string, open int) {
	t.Helper()
	_, err := Parse([]byte(text), "draft")
	var problems Problems
	require.ErrorAs(t, err, &problems, text)
	require.Len(t, problems, open, "%s\n%s", err, text)
	for _, p := range problems {
		require.Regexp(t, `^to be filled in(, and this comment removed)?: .`, p.Text, text)
		require.NotZero(t, p.Line)
	}
	require.Equal(t, open, strings.Count(text, toFill)-1, "the head names the words too")
}

func TestEveryRecordBecomesADraftThatOnlyLacksWhatItAsks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cve/*.json")
	require.NoError(t, err)
	require.Len(t, files, 13)
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".json")
		for name, kev := range map[string]KEV{"with": catalogue(t), "without": {}} {
			text, open, err := Draft("", []CVERecord{record(t, id)}, kev)
			require.NoError(t, err, id)
			requireOpen(t, text, open)
			require.Contains(t, text, "playbook: "+strings.ToLower(id)+"\n")
			require.NotContains(t, text, "TODO")
			if name == "with" {
				golden(t, "draft/"+id+".golden", text)
			}
		}
	}
}

// fill answers what a draft asks, in order; an answer of "" removes the line.
func fill(t testing.TB, text string, answers map[string]string) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(text) {
		i := strings.Index(line, toFill+":")
		if i < 0 || strings.Contains(line, `answered what begins with`) {
			out = append(out, line)
			continue
		}
		answered := false
		for ask, answer := range answers {
			if !strings.Contains(line, ask) {
				continue
			}
			answered = true
			if key, _, value := strings.Cut(line, ": '"); value && answer != "" {
				out = append(out, key+": "+answer+"\n")
			}
			break
		}
		require.True(t, answered, "nobody answers %s", line)
	}
	return strings.Join(out, "")
}

var rest = map[string]string{
	"what happened, and what done means":   "It happened.",
	"the day on which exploitation began":  "2025-06-01",
	"how the update is installed":          "Install it.",
	"what else must be done":               "",
	"what to look for, and where":          "Look.",
	"harmless requests whose answers show": "",
}

func TestTheDraftOfCitrixBleed2NeedsNoNumberFromAPerson(t *testing.T) {
	t.Parallel()
	text, _, err := Draft("mine", []CVERecord{record(t, "CVE-2025-5777")}, catalogue(t))
	require.NoError(t, err)
	p, err := Parse([]byte(fill(t, text, rest)), "mine")
	require.NoError(t, err)
	require.Equal(t, "2025-07-11", day(p.Rules().Due))
	require.Len(t, p.Rules().Products, 1, "ADC and Gateway are one product under two names")
	require.Equal(t, "NetScaler ADC, NetScaler Gateway", p.Rules().Products[0].Name)
	shipped, err := Builtin("citrixbleed2")
	require.NoError(t, err)
	for _, build := range []string{"14.1-43.55", "14.1-43.56", "14.1-4.42", "14.1-47.46", "14.1", "13.1-58.31", "13.1-58.32", "13.1-60.26", "13.1-4.43"} {
		require.Equal(t, shipped.Rules().Judge(version(t, build)).Verdict, p.Rules().Judge(version(t, build)).Verdict, build)
	}
}

func TestTheDraftOfCVE202650522HasTheLinesOfTheShippedPlaybook(t *testing.T) {
	t.Parallel()
	text, _, err := Draft("", []CVERecord{record(t, "CVE-2026-50522")}, catalogue(t))
	require.NoError(t, err)
	for _, want := range []string{
		`kev: {added: 2026-07-22, due: the date}; the record tells of the entry, and the one that was given, of 2025.08.25, does not have it yet`,
		`where this branch begins (included); the record says "16.0.0", and lets another branch begin or lie there too`,
	} {
		require.Contains(t, text, want)
	}
	shipped, err := Builtin("sharepoint-2026-50522")
	require.NoError(t, err)
	for _, p := range shipped.Rules().Products {
		for _, b := range p.Branches {
			if !b.Fixed.IsZero() {
				require.Contains(t, text, "        fixed: "+b.Fixed.String()+"\n")
			}
		}
	}
}

func TestSeveralRecordsAreFixedAtTheHigherLine(t *testing.T) {
	t.Parallel()
	text, open, err := Draft("ts", []CVERecord{record(t, "CVE-2025-49704"), record(t, "CVE-2025-49706"), record(t, "CVE-2025-53770"), record(t, "CVE-2025-53771")}, catalogue(t))
	require.NoError(t, err)
	requireOpen(t, text, open)
	require.Contains(t, text, "          - 16.0.5508.1000 partial\n          - 16.0.5513.1001\n")
	require.Contains(t, text, "          - 16.0.10417.20027 partial\n          - 16.0.10417.20037\n")
	require.Contains(t, text, "          - 16.0.18526.20424 partial\n          - 16.0.18526.20508\n")
	require.Contains(t, text, "due: 2025-07-21 # CISA KEV 2025.08.25\n")
	require.Equal(t, 4, strings.Count(text, "  - id: CVE-"))

	swapped, _, err := Draft("ts", []CVERecord{record(t, "CVE-2025-53770"), record(t, "CVE-2025-49704")}, catalogue(t))
	require.NoError(t, err)
	require.Contains(t, swapped, "          - 16.0.5508.1000 partial\n          - 16.0.5513.1001\n", "whatever their order")
}

// oneRange is a record with one product and one range.
func oneRange(t testing.TB, status, entry string) CVERecord {
	t.Helper()
	rec, err := ReadCVE([]byte(`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2025-0001","state":"PUBLISHED"},
		"containers":{"cna":{"affected":[{"vendor":"V","product":"P","defaultStatus":"` + status + `","versions":[` + entry + `]}]}}}`))
	require.NoError(t, err)
	return rec
}

func TestWhatVendorsWriteIsUnderstoodOrRefusedAloud(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, status, entry string
		want                []string
	}{
		{"a whole line", "", `{"version":"16.0.0","lessThan":"16.0.5513.1001","status":"affected","versionType":"custom"}`, []string{"- from: 16.0.0\n", "fixed: 16.0.5513.1001\n", "below: 'FILL IN: where the next branch begins"}},
		{"two parts of a branch", "", `{"version":"14.1","lessThan":"43.56","status":"affected","versionType":"patch"}`, []string{"- from: 14.1\n", "below: 14.2\n", "fixed: 14.1-43.56 # the record says 43.56 of 14.1\n"}},
		{"two parts that begin alike", "", `{"version":"13.1","lessThan":"13.23","status":"affected","versionType":"patch"}`, []string{"fixed: 13.1-13.23 # the record says 13.23 of 13.1\n"}},
		{"a patch that is whole", "", `{"version":"14.1","lessThan":"14.1-43.56","status":"affected","versionType":"patch"}`, []string{"fixed: 14.1-43.56\n", "below: 14.2\n"}},
		{"two parts of no known type", "", `{"version":"14.1","lessThan":"43.56","status":"affected","versionType":"custom"}`, []string{"not whether 43.56 is a build of its own or one of the branch 14.1 (14.1-43.56)"}},
		{"without its first numbers", "", `{"version":"16.0.0","lessThan":"10393.20000","status":"affected","versionType":"custom"}`, []string{"its first numbers are missing, it is probably 16.0.10393.20000"}},
		{"leading zeros", "", `{"version":"15.01.0","lessThan":"15.01.2507.016","status":"affected","versionType":"custom"}`, []string{"fixed: 15.1.2507.16 # the record writes 15.01.2507.016\n"}},
		{"publication", "", `{"version":"16.0.0","lessThan":"publication","status":"affected","versionType":"custom"}`, []string{`"less than publication", which names none`}},
		{"up to and including", "", `{"version":"7.4.0","lessThanOrEqual":"7.4.2","status":"affected","versionType":"semver"}`, []string{"7.4.2 is still affected, and not what comes after it (7.4.3, if that was published)"}},
		{"a wildcard", "", `{"version":"7.4.0","lessThan":"7.4.*","status":"affected"}`, []string{`the first fixed build, or none; the record says that all of "7.4.*" is affected`}},
		{"everything", "", `{"version":"0","lessThan":"*","status":"affected"}`, []string{`the record says "0"`, `that all of "*" is affected`}},
		{"one version", "", `{"version":"7.4.0","status":"affected"}`, []string{`the record names "7.4.0" alone as affected, and no fix`}},
		{"a commit", "", `{"version":"1da177e4c3f4","lessThan":"b78ec52da32a","status":"affected","versionType":"git"}`, []string{"the record counts in commits"}},
		{"letters", "", `{"version":"10.2.0","lessThan":"10.2.9-h1","status":"affected","versionType":"custom"}`, []string{`the first fixed build in numbers; "10.2.9-h1" has other characters`}},
		{"an edition", "", `{"version":"13.1-FIPS","lessThan":"37.235","status":"affected","versionType":"patch"}`, []string{`the record says "13.1-FIPS"`, "37.235 of 13.1-FIPS, which is probably 13.1-37.235"}},
		{"a beginning that is no version", "", `{"version":"unspecified","lessThan":"2.4.50","status":"affected"}`, []string{`the record says "unspecified"`, "fixed: 2.4.50\n"}},
		{"a change on the way", "", `{"version":"1.0","lessThan":"1.9","status":"affected","changes":[{"at":"1.4.2","status":"unaffected"}]}`, []string{`less than "1.9", and that "1.4.2" is "unaffected"`}},
		{"a status that nobody knows", "", `{"version":"1.0","lessThan":"1.9","status":"unknown"}`, []string{`# FILL IN: whether versions from "1.0" on are affected; the record says "unknown"`}},
		{"affected by default, with a branch that is not", "affected", `{"version":"6.1.2","lessThanOrEqual":"6.1.*","status":"unaffected","versionType":"semver"}`, []string{"- from: 6.1\n", "below: 6.2\n", "fixed: 6.1.2 # the record says that it is not affected"}},
		{"affected by default, and no more", "affected", ``, []string{"the record says that every version is affected"}},
		{"affected by default, with ranges", "affected", `{"version":"1.0","lessThan":"1.9","status":"affected"}`, []string{"fixed: 1.9\n", "whether versions outside of these ranges are affected; the record says that they are by default"}},
		{"affected by default, with the newest free", "affected", `{"version":"7.0","lessThan":"*","status":"unaffected"}`, []string{"fixed: 7.0 # the record says that it is not affected", "that all is affected but what it lists"}},
		{"not affected", "unaffected", `{"version":"All","status":"unaffected"}`, []string{"# V P is not affected, says the record\n", "the products that are affected, with a branch for each fix line; the record lists none"}},
	} {
		text, open, err := Draft("", []CVERecord{oneRange(t, c.status, c.entry)}, KEV{})
		require.NoError(t, err, c.name)
		for _, want := range c.want {
			require.Contains(t, text, want, c.name)
		}
		requireOpen(t, text, open)
	}
}

func TestProductsThatChangedTheirNameAreNotTakenForOne(t *testing.T) {
	t.Parallel()
	old, renamed := oneRange(t, "", `{"version":"1.0","lessThan":"1.5","status":"affected"}`), oneRange(t, "", `{"version":"1.0","lessThan":"1.9","status":"affected"}`)
	renamed.affected[0].Product, renamed.ID = "P Server", "CVE-2025-0002"
	text, open, err := Draft("", []CVERecord{old, renamed}, KEV{})
	require.NoError(t, err)
	requireOpen(t, text, open)
	require.Equal(t, 2, strings.Count(text, `the record says "1.0", and lets another branch begin or lie there too`))
	require.Contains(t, text, "  - id: p\n")
	require.Contains(t, text, "  - id: p-server\n")
}

func TestHostileTextInARecordStaysText(t *testing.T) {
	t.Parallel()
	nasty := "x'\n- id: evil\n# FILL IN\u2028\x1b[2J <!channel> @everyone: {a: b} &c *c !!str |"
	rec := oneRange(t, "", `{"version":"1.0","lessThan":"1.5","status":"affected"}`)
	rec.Title, rec.References = nasty, []string{nasty}
	rec.affected[0].Vendor, rec.affected[0].Product, rec.affected[0].Versions[0].Status = nasty, nasty, nasty
	text, open, err := Draft("", []CVERecord{rec}, KEV{})
	require.NoError(t, err)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\n- id: evil")
	_, err = Parse([]byte(text), "p")
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, open)
}

func TestWhatIsNoRecordIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("testdata/cve/CVE-2025-5777.json")
	require.NoError(t, err)
	for want, data := range map[string]string{
		"unexpected end of JSON input":                           "",
		"cannot unmarshal":                                       "[]",
		`its dataType is "", not "CVE_RECORD"`:                   "{}",
		"of the old format 4.0; get the record in JSON 5":        `{"data_type":"CVE","data_version":"4.0"}`,
		`its format is "6.0", and 5.x is understood`:             strings.Replace(string(good), `"dataVersion": "5.2"`, `"dataVersion": "6.0"`, 1),
		`CVE-2025-5777 is "REJECTED", not PUBLISHED`:             strings.Replace(string(good), `"PUBLISHED"`, `"REJECTED"`, 1),
		`"CVE-x" is not an id`:                                   strings.Replace(string(good), `"cveId": "CVE-2025-5777"`, `"cveId": "CVE-x"`, 1),
		"CVE-2025-5777 names no affected product":                `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2025-5777","state":"PUBLISHED"}}`,
		"names 101 products with 0 ranges; at most 100 with 500": `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2025-5777","state":"PUBLISHED"},"containers":{"cna":{"affected":[{}` + strings.Repeat(",{}", 100) + `]}}}`,
	} {
		_, err := ReadCVE([]byte(data))
		require.ErrorIs(t, err, ErrRecord, want)
		require.ErrorContains(t, err, want)
	}
	_, err = ReadCVE(make([]byte, MaxRecord+1))
	require.ErrorContains(t, err, "larger than")
	_, _, err = Draft("", nil, KEV{})
	require.ErrorIs(t, err, ErrRecord)
	_, _, err = Draft("", []CVERecord{record(t, "CVE-2025-5777"), record(t, "CVE-2025-5777")}, KEV{})
	require.ErrorContains(t, err, "CVE-2025-5777 was given twice")
	_, _, err = Draft("Not A Name", []CVERecord{record(t, "CVE-2025-5777")}, KEV{})
	require.ErrorContains(t, err, `"Not A Name" cannot name a playbook`)
}

func TestWhatIsNoCatalogueIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	for want, data := range map[string]string{
		"unexpected end of JSON input":                              "",
		"it has no version or no vulnerability":                     `{"catalogVersion":"1"}`,
		"the entry CVE-2025-1 has no date of addition and due date": `{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2025-1","dateAdded":"2025-01-01","dueDate":"2025-02-01"}]}`,
		"the entry CVE-2025-0001 has no date":                       `{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2025-0001","dateAdded":"2025-02-01"}]}`,
	} {
		_, err := ReadKEV([]byte(data))
		require.ErrorIs(t, err, ErrCatalogue, want)
		require.ErrorContains(t, err, want)
	}
}

func TestAnEntryThatWasDueBeforeItWasAddedIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	k, err := ReadKEV([]byte(`{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2025-5777","dateAdded":"2025-11-03","dueDate":"2025-07-20"}]}`))
	require.NoError(t, err)
	text, open, err := Draft("", []CVERecord{record(t, "CVE-2025-5777")}, k)
	require.NoError(t, err)
	requireOpen(t, text, open)
	require.Contains(t, text, "kev: {added: 2025-11-03, due: 2025-07-20}")
}

// FuzzCVE holds whatever a record says against the promise of a draft: it is refused
// for what it leaves open, and for nothing else.
func FuzzCVE(f *testing.F) {
	files, err := filepath.Glob("testdata/cve/*.json")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		var small bytes.Buffer
		require.NoError(f, json.Compact(&small, data))
		rec := record(f, strings.TrimSuffix(filepath.Base(file), ".json"))
		v := rec.affected[0].Versions[0]
		f.Add(small.Bytes(), rec.Title, rec.affected[0].Product, rec.affected[0].DefaultStatus, v.Version, v.LessThan, v.LessThanOrEqual, v.Status, v.Type)
	}
	f.Add([]byte(`{"dataType":"CVE_RECORD"}`), "a: 'b' # c", "- x\n\u2028", "affected", "6.1.2", "", "6.1.*", "unaffected", "semver")
	f.Add([]byte("[]"), "", "", "AFFECTED", "1.2", "3.4", "5.6", "affected", "patch")
	f.Add([]byte("{"), "'", "'", "", "13.1-FIPS", "37.235", "", "affected", "patch")
	f.Add([]byte(""), "FILL IN: a", "FILL IN", "", "1.2.3.4.5.6", "7.8", "", "affected", "patch")
	f.Add([]byte(""), "a", "b", "", "99999.2147483647", "1.2147483647", "1.2", "affected", "patch")
	ask := regexp.MustCompile(`^draft:[0-9]+:[0-9]+: to be filled in(, and this comment removed)?: .`)
	f.Fuzz(func(t *testing.T, data []byte, title, product, byDefault, version, less, orEqual, status, kind string) {
		rec, err := ReadCVE(data)
		if err != nil {
			require.ErrorIs(t, err, ErrRecord)
			rec = CVERecord{ID: "CVE-2025-0001", Title: title}
		}
		rec.affected = append(rec.affected, affected{Vendor: title, Product: product, DefaultStatus: byDefault, Versions: []versionRange{
			{Version: version, LessThan: less, LessThanOrEqual: orEqual, Status: status, Type: kind}, {Version: less, LessThan: version, Status: "affected"},
		}})
		other := rec
		other.ID = "CVE-1999-0001"
		text, open, err := Draft("", []CVERecord{rec, other}, KEV{})
		if err != nil {
			require.True(t, errors.Is(err, ErrRecord) || rec.ID == other.ID, err)
			return
		}
		_, err = Parse([]byte(text), "draft")
		var problems Problems
		require.ErrorAs(t, err, &problems, text)
		for _, p := range problems {
			require.Regexp(t, ask, p.String(), text)
		}
		require.NotZero(t, open)
	})
}
