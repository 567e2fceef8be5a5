package slack

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func someSpecs() []chat.Spec {
	return []chat.Spec{
		{Path: "status", Summary: "Show how things are"},
		{Path: "scan", Summary: "Look at servers from outside"},
		{Path: "server list", Summary: "List servers"},
		{Path: "server show", Summary: "Show a \"card\": every step"},
	}
}

func TestTheManifestIsMadeOfTheCommands(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]ManifestOptions{
		"manifest.yaml": {Socket: true}, "manifest-http.yaml": {URL: "https://allclear.example.org/"},
		"manifest-other.yaml": {Socket: true, Command: "/toolshell", Name: "ToolShell: the \"drill\""},
	} {
		out, err := Manifest(someSpecs(), o)
		require.NoError(t, err)
		path := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(path, out, 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(out))
	}
}

// value is what a key of the manifest holds.
func value(t *testing.T, out []byte, key string) string {
	t.Helper()
	for l := range strings.SplitSeq(string(out), "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(l, " -"), key+": "); ok {
			var s string
			require.NoError(t, json.Unmarshal([]byte(rest), &s))
			return s
		}
	}
	require.Fail(t, "there is no "+key)
	return ""
}

func TestTheManifestKeepsSlacksLimits(t *testing.T) {
	t.Parallel()
	var many []chat.Spec
	for i := range 400 {
		many = append(many, chat.Spec{Path: fmt.Sprintf("word%d do", i), Summary: strings.Repeat("Do something & <more> ", 3) + "\n - injected: true"})
	}
	for name, specs := range map[string][]chat.Spec{"none": nil, "some": someSpecs(), "many": many} {
		out, err := Manifest(specs, ManifestOptions{Socket: true})
		require.NoError(t, err)
		long := value(t, out, "long_description")
		require.GreaterOrEqual(t, utf8.RuneCountInString(long), leastDescription, name)
		require.LessOrEqual(t, utf8.RuneCountInString(long), mostDescription, name)
		require.LessOrEqual(t, utf8.RuneCountInString(value(t, out, "usage_hint")), maxUsageHint, name)
		require.LessOrEqual(t, utf8.RuneCountInString(value(t, out, "description")), 140, name)
		require.NotContains(t, string(out), "\n - injected")
	}
}

func TestAManifestThatSlackWouldRefuseIsNotMade(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]ManifestOptions{
		"no address": {}, "no https": {URL: "http://allclear.example.org"}, "no host": {URL: "https:///x"}, "both": {Socket: true, URL: "https://x.example"},
		"a command without a slash": {Socket: true, Command: "allclear"}, "a command with a space": {Socket: true, Command: "/all clear"},
		"a long command": {Socket: true, Command: "/" + strings.Repeat("x", 40)}, "a long name": {Socket: true, Name: strings.Repeat("x", 36)},
		"a name with a line": {Socket: true, Name: "a\nb: c"},
	} {
		_, err := Manifest(nil, o)
		require.Error(t, err, name)
	}
}

// With exactly the scopes and events of the manifest everything works: the fake
// refuses what needs another scope.
func TestTheScopesOfTheManifestAreEnoughAndNoneIsTooMany(t *testing.T) {
	t.Parallel()
	var scopes []string
	for _, n := range needs() {
		require.NotEmpty(t, n.why)
		require.NotEmpty(t, n.without)
		scopes = append(scopes, n.scope)
	}
	require.IsIncreasing(t, scopes)
	require.IsIncreasing(t, subscriptions())
	st := newStage(t, false, slackfake.Options{Scopes: scopes, Subscriptions: subscriptions()}, callable)
	st.runs(t, &notebook{})
	for i, place := range []string{slackfake.Incident, slackfake.Secret, slackfake.Lead1} {
		m := threeSheets()
		id, err := st.p.Post(t.Context(), at(place), m, "k"+number(i))
		require.NoError(t, err)
		if place != slackfake.Lead1 {
			require.NoError(t, st.p.Pin(t.Context(), at(place), id))
		}
		_, _, err = st.restarted(t).Find(t.Context(), at(place), "k"+number(i))
		require.NoError(t, err)
		require.NoError(t, st.restarted(t).Edit(t.Context(), at(place), id, m, "e"))
		_, err = st.p.Ceiling(t.Context(), at(place))
		require.NoError(t, err)
	}
	for _, c := range st.Calls() {
		require.NotEqual(t, "missing_scope", c.Error, c.Method)
	}
}

func TestEveryEventOfTheManifestIsOfUse(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("platform_events.go")
	require.NoError(t, err)
	for _, e := range subscriptions() {
		name, _, _ := strings.Cut(e, ".")
		require.Contains(t, string(raw), `"`+name+`"`)
	}
}
