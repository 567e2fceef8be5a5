package chat_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func TestWhatIsNearestIsWhatWasLikelyMeant(t *testing.T) {
	t.Parallel()
	commands := []string{"ping", "audit", "incident open", "incident list", "scan", "status", "server import", "help", "claim"}
	for given, want := range map[string]string{
		"inc":           "incident open", // or list: what goes on from here wins over ping
		"quit":          "",
		"exit":          "",
		"scna":          "scan",
		"SCNA":          "scan",
		"stats":         "status",
		"sttaus":        "status",
		"clam":          "claim",
		"import":        "server import",
		"incident opne": "incident open",
		"sevrer improt": "server import",
		"hlp":           "help",
		"x":             "",
		"":              "",
		"ls":            "",
		"frobnicate":    "",
	} {
		require.Equal(t, want, chat.Nearest(given, commands), given)
	}
	require.Equal(t, "sp-1", chat.Nearest("sp-2", []string{"hr-1", "sp-1", "sp-11"}))
	require.Equal(t, "clean", chat.Nearest("claen", []string{"malicious", "clean"}))
	require.Equal(t, "internet", chat.Nearest("intern", []string{"unknown", "internet", "internal"}), "of two that go on, the first")
	require.Equal(t, "fin", chat.Nearest("FIN", []string{"finance", "fin"}), "the same wins over what goes on")
	require.Equal(t, "größe", chat.Nearest("grösse", []string{"größe"}))
	require.Empty(t, chat.Nearest("scan", nil))
}

func TestALineWithoutACommandIsToldWhichMayBeMeant(t *testing.T) {
	t.Parallel()
	var specs []chat.Spec
	for _, p := range []string{"ping", "audit", "audit verify", "incident open", "incident list", "scan", "server import", "server list", "help"} {
		specs = append(specs, chat.Spec{Path: p})
	}
	for line, want := range map[string]string{
		"inc":           `There is no command "inc". Did you mean: incident open, incident list`,
		"inc x":         `There is no command "inc x". Did you mean: incident open, incident list`,
		"INCIDENT":      `"INCIDENT" needs one more word. Try: incident open, incident list`,
		"incident opne": `There is no command "incident opne". Did you mean: incident open`,
		"incident frob": `There is no command "incident frob". Did you mean: incident open, incident list`,
		"incidnt":       `There is no command "incidnt". Did you mean: incident open, incident list`,
		"list":          `There is no command "list". Did you mean: incident list, server list`,
		"import @x":     `There is no command "import @x". Did you mean: server import`,
		"sacn --all":    `There is no command "sacn --all". Did you mean: scan`,
		"quit":          `There is no command "quit". Try: help`,
		"qwertz asdf":   `There is no command "qwertz asdf". Try: help`,
		"":              `There is no command in this line. Try: help`,
	} {
		_, _, err := chat.Find(specs, line)
		require.EqualError(t, err, want, line)
	}
}

func FuzzNearestIsOneOfThoseOffered(f *testing.F) {
	f.Add("inc", "incident open", "ping")
	f.Add("\xff", "", "a")
	f.Add("ab", "ba", "aab")
	f.Fuzz(func(t *testing.T, given, a, b string) {
		if len(given)+len(a)+len(b) > 2000 {
			return
		}
		if got := chat.Nearest(given, []string{a, b}); got != a && got != b && got != "" {
			t.Fatalf("%q is none of %q, %q", got, a, b)
		}
	})
}
