package commands

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

// shape is the JSON Schema of a document, ready to check some.
func shape(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	require.NoError(t, json.Unmarshal(EvidenceShape(), &s))
	r, err := s.Resolve(nil)
	require.NoError(t, err)
	return r
}

func fits(t *testing.T, r *jsonschema.Resolved, doc string) error {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(doc), &v), doc)
	return r.Validate(v)
}

func TestTheShapeTakesWhatTheReaderTakes(t *testing.T) {
	t.Parallel()
	r := shape(t)
	require.NoError(t, fits(t, r, evidenceExample))
	require.NoError(t, fits(t, r, provedBefore))
	require.NoError(t, fits(t, r, `{"schema":"allclear/evidence/1","farm":"f","observed":"2025-07-22T14:55:00+02:00","build":"16.0.10417.20037",`+
		`"servers":{"a":{"modules":null,"hunt":{"result":"hit"}},"b":null},"evidence":[{"subject":{},"kind":"sessions.ica","value":"killed"}]}`))
	f, err := fleet.New(fleet.Options{})
	require.NoError(t, err)
	at := time.Date(2025, 7, 22, 8, 0, 0, 0, time.UTC)
	for _, farm := range f.Farms()[:5] {
		es, err := f.Collect(farm, at)
		require.NoError(t, err)
		doc, err := EvidenceDocument(farm, at, "collector/1", append(es, state.Evidence{
			Kind: kindFarmBuild, Value: "16.0.10417.20037", Source: state.SourceCollector, Observed: at,
		}))
		require.NoError(t, err)
		require.NoError(t, fits(t, r, string(doc)))
		require.NoError(t, readReport(doc, at.Add(time.Hour)).err())
	}
}

func TestTheShapeRefusesWhatTheReaderRefuses(t *testing.T) {
	t.Parallel()
	r := shape(t)
	head := `{"schema":"allclear/evidence/1","farm":"f","observed":"2025-07-22T14:55:00Z"`
	for _, doc := range []string{
		`{}`,
		strings.Replace(head, "/1", "/2", 1) + `}`,
		strings.Replace(head, "Z", "", 1) + `}`,
		strings.Replace(head, `"f"`, `""`, 1) + `}`,
		head + `,"sever":{}}`,
		head + `,"build":"newest"}`,
		head + `,"build":7}`,
		head + `,"items":[]}`,
		head + `,"items":[""]}`,
		head + `,"servers":{"a":{"modules":"claen"}}}`,
		head + `,"servers":{"a":{"psconfig":"done"}}}`,
		head + `,"servers":{"a":{"package":{"build":"new"}}}}`,
		head + `,"servers":{"a":{"restart":{}}}}`,
		head + `,"servers":{"a":{"restart":{"at":"2025-07-22 14:55"}}}}`,
		head + `,"servers":{"":{}}}`,
		head + `,"webApplications":{"p":{"keysMatch":"yes"}}}`,
		head + `,"evidence":[{"subject":{"server":"a","item":"b"},"kind":"k","value":"v"}]}`,
		head + `,"evidence":[{"kind":"k","value":"v"}]}`,
	} {
		require.Error(t, fits(t, r, doc), doc)
		require.Error(t, readReport([]byte(doc), at("2025-07-23 00:00")).err(), doc)
	}
}

func TestABuildOfTheFarmProvesNothingAndIsToldWhenItLags(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 15:00")
	m := plain(b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T14:55:00Z","build":"16.0.10417.20018"}`))
	require.Contains(t, m, "says of itself that it is at 16.0.10417.20018, below the fix line")
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-01"))
	m = plain(b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T14:56:00Z","build":"16.0.10417.20037"}`))
	require.NotContains(t, m, "below the fix line")
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-01"))
	require.Contains(t, b.no("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T14:56:00Z","build":"newest"}`), `build cannot be "newest"`)
}
