package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// header records what a look from outside reads.
func (b *board) header(server, build string) {
	b.t.Helper()
	b.change([]string{"fin"}, func(tx *state.Tx) error {
		return tx.Record("fin", state.Evidence{
			Subject: state.Subject{Server: server}, Kind: state.KindBuild, Value: build, Source: state.SourceProbe, Tool: "header", Observed: b.now,
		})
	})
}

func (b *board) hand(doc string) string {
	b.t.Helper()
	return plain(b.must("resp-1", "evidence add", chat.File{Name: "e.json", Data: []byte(doc)}))
}

// shown is a document that shows the packages and PSConfig of a server once more.
func (b *board) shown(server, build string) string {
	return string(farmDocument(b, `{"`+server+`":{"package":{"build":"`+build+`"},"packageLanguage":{"build":"`+build+`"},"psconfig":{"state":"done"}}}`))
}

func TestAStaleHeaderIsShownCountsAndIsSettledByTwoPersons(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.now = b.now.Add(time.Hour)
	b.header("sp-fin-01", "16.0.10416")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "the worse one counts")

	b.now = b.now.Add(time.Hour)
	told := b.hand(b.shown("sp-fin-01", "16.0.10417.20037"))
	require.Contains(t, told, "contradicts: probe header of 2025-07-22 16:03 reads 16.0.10416, inside evidence says it is fixed")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "newer inside evidence alone does not settle it")

	asked := b.must("lead-1", "attest sp-fin-01 stale 16.0.10416 --ref CHG-7")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "one person's word counts for nothing")
	_, err := b.ask("lead-1", lines(asked)[0])
	require.Error(t, err, "nobody approves what they asked for")
	b.must("lead-2", lines(asked)[0])
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"))

	b.header("sp-fin-01", "16.0.10416")
	const aside = "attested as stale by lead-1 and lead-2 (CHG-7): probe header still says 16.0.10416"
	for _, line := range []string{"server show sp-fin-01", "confirm sp-fin-01", "proposals"} {
		told := words(b.must("lead-1", line))
		require.Contains(t, told, aside, line)
		require.NotContains(t, told, "inside evidence agrees", line)
	}

	b.now = b.now.Add(time.Hour)
	b.header("sp-fin-01", "16.0.10415")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "another build than the one that was noted")
}

func TestEvidenceFromBeforeALaterChangeDoesNotTakeItBack(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	before := b.now
	b.now = b.now.Add(2 * time.Hour)
	old := strings.Replace(b.shown("sp-fin-01", "16.0.10417.20037"), b.now.Format(time.RFC3339), before.Add(time.Hour).Format(time.RFC3339), 1)
	told := b.hand(b.shown("sp-fin-01", "16.0.10417.20027"))
	require.Contains(t, told, "not proved any more: patch")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "a snapshot was restored")
	b.now = b.now.Add(time.Hour)
	b.hand(old)
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"), "what was seen before the change is history")
	b.hand(b.shown("sp-fin-01", "16.0.10417.20037"))
	require.NotEqual(t, state.StatusExposed, b.status("sp-fin-01"), "what was seen after it counts")
	require.NotEqual(t, state.StatusReady, b.status("sp-fin-01"), "and the keys were in reach meanwhile")
}

func TestWhatIsDatedInTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 15:00")
	doc := func(observed, rest string) string {
		return `{"schema":"allclear/evidence/1","farm":"fin","observed":"` + observed + `","tool":"collector/1@sp-fin-01","servers":{"sp-fin-01":` + rest + `}}`
	}
	for _, c := range []struct{ doc, want string }{
		{doc("2025-07-22T16:00:00Z", `{"modules":"clean"}`), "observed is in the future (2025-07-22T16:00:00Z); check the clock of collector/1@sp-fin-01"},
		{doc("2025-07-22T18:00:00+02:00", `{"modules":"clean"}`), "observed is in the future"},
		{doc("2025-07-22T14:59:00Z", `{"restart":{"at":"2025-07-22T16:00:00Z"}}`), "at (2025-07-22T16:00:00Z) is after it was observed"},
		{doc("2025-07-22T14:59:00Z", `{"hunt":{"result":"clean","from":"2025-07-07T00:00:00Z","to":"2025-07-23T00:00:00Z"}}`), "to (2025-07-23T00:00:00Z) is after it was observed"},
	} {
		require.Contains(t, b.no("resp-1", "evidence add", chat.File{Name: "e.json", Data: []byte(c.doc)}), c.want)
	}
	b.hand(doc("2025-07-22T15:01:30Z", `{"restart":{"at":"2025-07-22T15:01:20Z"}}`)) // a clock that is a little ahead
	f, err := b.store.Farm(t.Context(), boardID, "fin")
	require.NoError(t, err)
	for _, e := range f.Evidence {
		require.False(t, e.Observed.After(b.now) || e.At.After(b.now), "it is taken for ours")
	}
}
