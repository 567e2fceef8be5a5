package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

func TestEvidenceSaysWhatIsProvedNowAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 11:31")
	m := b.must("resp-1", "evidence add", chat.File{Name: "a.json", Data: []byte(provedBefore)})
	text := plain(m)
	require.Contains(t, text, "14 observations of farm fin recorded, seen by collector/1@sp-fin-01.")
	require.Contains(t, text, "◐ sp-fin-01 in progress (was unknown) · proved now: preserve, patch, patch-language, psconfig and 2 more · missing: restart, verify")
	require.Contains(t, text, "Whole farm fin · proved now: amsi of https://fin.example/ · missing: rotate of https://fin.example/, deploy of https://fin.example/")

	b.now = at("2025-07-22 15:03")
	m = b.must("resp-1", "evidence add "+strings.ReplaceAll(provedAfter, "\n", " "))
	require.Contains(t, plain(m), "◉ sp-fin-02 ready (was in progress) · proved now: restart, verify")
	require.Equal(t, []string{"confirm --incident ts-1 --farm fin"}, lines(m))
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"))
}

func TestTheSameRequestRecordsOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 11:31")
	f := chat.File{Name: "a.json", Data: []byte(provedBefore)}
	_, err := b.askAs("same", "resp-1", "evidence add", f)
	require.NoError(t, err)
	b.now = b.now.Add(time.Minute)
	m, err := b.askAs("same", "resp-1", "evidence add", f)
	require.NoError(t, err)
	require.Contains(t, plain(m), "Recorded before")
	entries, err := b.store.AuditOf(t.Context(), boardID, "sp-fin-01", 20)
	require.NoError(t, err)
	require.Len(t, entries, 2) // put, and the evidence
}

func TestAContradictionIsShownAtOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.now = b.now.Add(time.Hour)
	m := b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"FIN","observed":"2025-07-22T16:00:00Z","items":["https://other.example/"],`+
		`"servers":{"sp-fin-02":{"modules":"malicious"}}}`)
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Contains(t, plain(m), "✖ sp-fin-02 compromised (was ready)")
	require.Contains(t, plain(m), "not proved any more: modules")
	require.Contains(t, plain(m), "sign of an attacker: ")
	require.Equal(t, state.StatusCompromised, b.status("sp-fin-02"))
}

func TestAnItemThatIsNoLongerListedIsNamed(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.now = b.now.Add(time.Hour)
	m := b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","tool":"collector/1@sp-fin-01","observed":"2025-07-22T16:00:00Z","items":["https://other.example/"]}`)
	require.Contains(t, plain(m), "No longer listed as web application: https://fin.example/.")
	require.Equal(t, state.StatusInProgress, b.status("sp-fin-01"))
}

func TestAllThatIsWrongIsSaidAtOnceAndNothingIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	before, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	got := b.no("resp-1", "evidence add", chat.File{Name: "bad.json", Data: []byte(`{
  "schema": "allclear/evidence/1",
  "farm": "fin",
  "observed": "2025-07-22T15:00:00Z",
  "sever": {},
  "servers": {
    "sp-fin-01": {"psconfig": {"state": "don"}, "modules": "clean", "restart": {}, "package": {"build": "new"}},
    "sp-fin-01": {},
    "sp-fin-02": {"hunt": {"result": "clean", "from": "2025-07-07T00:00:00Z"}, "keysMatch": true,
      "preserved": {"at": "2025-07-23T00:00:00Z"}}
  },
  "evidence": [{"subject": {}, "kind": "preserved", "value": "done", "when": 1}]
}`)})
	require.Equal(t, `Nothing was recorded: 9 things in the document are wrong.
line 5, column 3: the document has no member "sever"; did you mean servers?
line 7, column 41: psconfig cannot be "don": one of done, needed
line 7, column 80: it needs at
line 7, column 105: package cannot be "new": a build like 16.0.10417.20037
line 8, column 5: servers has "sp-fin-01" twice
line 9, column 27: it needs to
line 9, column 93: keysMatch cannot be true: one of yes, no
line 10, column 20: at (2025-07-23T00:00:00Z) is after it was observed (2025-07-22T15:00:00Z)
line 12, column 70: a piece of evidence has no member "when" The format: help evidence add`, got)
	after, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestNamesAndKindsAreCheckedAgainstTheIncident(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	doc := func(farm, rest string) string {
		return `evidence add {"schema":"allclear/evidence/1","farm":"` + farm + `","observed":"2025-07-22T15:00:00Z",` + rest + `}`
	}
	for _, c := range []struct{ farm, rest, want string }{
		{"fin", `"servers":{"sp-fin-03":{"modules":"clean"}}`, `farm fin has no server "sp-fin-03"; did you mean sp-fin-01?`},
		{"fine", `"servers":{}`, `line 1, column 40: There is no farm "fine". Did you mean: fin`},
		{"sp-fin-01", `"servers":{}`, `that is a server of farm "fin"`},
		{"fin", `"evidence":[{"subject":{"server":"sp-fin-01"},"kind":"presrved","value":"done"}]`, `nobody can tell "presrved" here; did you mean preserved?`},
		{"fin", `"evidence":[{"subject":{"server":"sp-fin-01"},"kind":"build","value":"16.0.1"}]`, `nobody can tell "build" here`},
		{"fin", `"evidence":[{"subject":{},"kind":"modules","value":"claen"}]`, `modules cannot be "claen"; did you mean clean?`},
		{"fin", `"evidence":[{"subject":{"item":"x"},"kind":"keys.match","value":"yes"}]`, "keys.match is about a server, not about an item"},
		{"fin", `"items":["https://a/"],"webApplications":{"https://b/":{"amsi":"on"}}`, `nobody listed the web application "https://b/"`},
		{"fin", `"items":[]`, "items is empty; leave it out"},
		{"fin", `"tool":"x"`, "it says nothing about any server"},
		{"fin", `"observed":"2025-07-22T15:00:00Z"`, `has "observed" twice`},
	} {
		require.Contains(t, b.no("resp-1", doc(c.farm, c.rest)), c.want)
	}
	require.Contains(t, b.no("resp-1", "evidence add"), "needs DOCUMENT")
	m := b.must("resp-1", doc("sp-hr-01", `"servers":{"SP-HR-01":{"psconfig":{"state":"needed"}}}`)) // a farm of one
	require.Contains(t, plain(m), "sp-hr-01 exposed")
}

func TestDocumentsThatAreNoDocumentsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 16:00")
	for _, c := range []struct{ data, want string }{
		{"", "line 1, column 1: this is not JSON: it ends too early"},
		{`{"schema":`, "it ends too early"},
		{"{\n  \"farm\": nope}", "line 2, column 11: this is not JSON"},
		{`{"farm":"a"} {}`, "line 1, column 14: this is not JSON: something follows the end of the document"},
		{strings.Repeat(`{"servers":`, 20) + "1" + strings.Repeat("}", 20), "nested too deeply"},
		{"\xff\xfe{\x00", "it is UTF-16, as PowerShell writes by itself; write it with -Encoding utf8"},
		{"{\"farm\":\"\xff\"}", "it is not UTF-8 text"},
		{strings.Repeat(" ", maxDocument+1), "it is longer than 1048576 bytes"},
		{"[]", "the document must be an object"},
		{"\xef\xbb\xbf{}", "line 1, column 1: it needs schema"},
		{`{"schema":"allclear/evidence/2"}`, `schema cannot be "allclear/evidence/2": one of allclear/evidence/1`},
	} {
		err := readReport([]byte(c.data), now).err()
		require.ErrorContains(t, err, c.want, "%.60q", c.data)
	}
}

func TestWhatACollectorShowsSurvivesTheDocument(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Seed: 7})
	require.NoError(t, err)
	observed := time.Now().UTC().Truncate(time.Second)
	for _, farm := range f.Farms() {
		want, err := f.Collect(farm, observed)
		require.NoError(t, err)
		data, err := EvidenceDocument(farm, observed, "collector/1", want)
		require.NoError(t, err)
		r := readReport(data, observed)
		require.NoError(t, r.err())
		got := r.evidence()
		for i := range got {
			got[i].Digest = ""
		}
		for i := range want {
			want[i].Digest, want[i].Tool = "", "collector/1"
		}
		require.ElementsMatch(t, want, got)
	}
	_, err = EvidenceDocument("fin", observed, "", []state.Evidence{{Kind: "amsi", Source: state.SourceAttestation}})
	require.ErrorContains(t, err, "a collector cannot tell what is known from attestation")
}

func FuzzAnEvidenceDocumentIsReadOrRefused(f *testing.F) {
	for _, s := range []string{provedBefore, provedAfter, "{}", "[", `{"schema":"allclear/evidence/1","farm":"x","observed":"2025-07-22T15:00:00Z","evidence":[{"subject":{},"kind":"k","value":"v","at":"2025-07-22T15:00:00Z"}]}`} {
		f.Add([]byte(s))
	}
	now := at("2025-07-22 16:00")
	f.Fuzz(func(t *testing.T, data []byte) {
		r := readReport(data, now)
		if r.err() != nil {
			require.LessOrEqual(t, len(r.problems), maxRows)
			return
		}
		for _, e := range r.evidence() {
			require.False(t, e.Observed.IsZero() || e.Observed.After(now) || e.At.After(e.Observed) || e.To.After(e.Observed), "%+v", e)
			require.True(t, e.Source == state.SourceCollector || e.Source == state.SourceHunt)
		}
		again, err := EvidenceDocument(r.farm, r.observed, r.tool, r.evidence())
		require.NoError(t, err)
		back := readReport(again, now)
		require.NoError(t, back.err(), string(again))
		require.Len(t, back.found, len(r.found))
	})
}
