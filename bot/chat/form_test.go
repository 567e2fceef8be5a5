package chat

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func specs() []Spec {
	return []Spec{
		{Path: "claim", Args: []Arg{{Name: "server", Type: Server}, {Name: "note", Optional: true, Rest: true}}, Flags: []Arg{{Name: "step"}, {Name: "incident"}, {Name: "all", Type: Switch}}},
		{Path: "except", Args: []Arg{{Name: "server"}}, Flags: []Arg{{Name: "for", Type: Duration}, {Name: "reason"}}},
	}
}

func TestAFormAsksForWhatTheButtonNamesAndFillsTheLine(t *testing.T) {
	t.Parallel()
	f, err := FormOf(specs(), Button{Label: "Can't, because…", Line: "except --for 2d sp-01", Ask: []string{"reason"}})
	require.NoError(t, err)
	require.Len(t, f.Inputs, 1)
	require.True(t, f.Inputs[0].Required)

	line, wrong := f.Fill(map[string]string{"reason": `it's "down" --for 9d`})
	require.Empty(t, wrong)
	spec, words, err := Find(specs(), line)
	require.NoError(t, err)
	v, err := Parse(spec, words, nil)
	require.NoError(t, err)
	require.Equal(t, `it's "down" --for 9d`, v.String("reason"))
	require.Equal(t, "2d", v.String("for"))
	require.Equal(t, "sp-01", v.String("server"))
}

func TestAFormTellsWhichAnswerIsWrong(t *testing.T) {
	t.Parallel()
	f, err := FormOf(specs(), Button{Line: "except sp-01", Ask: []string{"reason", "for?"}})
	require.NoError(t, err)
	_, wrong := f.Fill(map[string]string{"for": "soon"})
	require.Contains(t, wrong["reason"], "needed")
	require.Contains(t, wrong["for"], "soon")
}

func TestAButtonThatAsksForWhatTheCommandDoesNotHaveIsAnError(t *testing.T) {
	t.Parallel()
	_, err := FormOf(specs(), Button{Line: "except sp-01", Ask: []string{"colour"}})
	require.ErrorContains(t, err, "colour")
}

func TestAnAnswerNeverBecomesAnotherArgument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-— "'{}\\=a]{1,12}`), rapid.SampledFrom([]string{"--all", "--", "—all", "{", `"`, `\`, "--step=x"})).Draw(rt, "answer")
		ask := rapid.SampledFrom([]string{"note", "step"}).Draw(rt, "ask")
		f, err := FormOf(specs(), Button{Line: "claim sp-01", Ask: []string{ask + "?"}})
		require.NoError(rt, err)
		line, wrong := f.Fill(map[string]string{ask: text})
		require.Empty(rt, wrong)
		spec, words, err := Find(specs(), line)
		if err != nil {
			rt.Skip("not text, and refused")
		}
		v, err := Parse(spec, words, nil)
		require.NoError(rt, err, line)
		require.Equal(rt, trimmed(text), v.String(ask), line)
		require.Equal(rt, "sp-01", v.String("server"), line)
		require.False(rt, v.Bool("all"))
	})
}

func trimmed(s string) string { return strings.TrimSpace(s) }
