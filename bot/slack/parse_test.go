package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func TestALineIsWhatThePersonTyped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"scan sp-01":        "scan sp-01",
		"  scan   sp-01 \n": "scan   sp-01",
		"scan <http://sp-01.example.com|sp-01.example.com>":               "scan sp-01.example.com",
		"scan <https://sp-01.example.com/|sp-01.example.com>":             "scan sp-01.example.com",
		"scan <https://sp-01.example.com>":                                "scan https://sp-01.example.com",
		"see <https://evil.example/a?b=1&amp;c=2|https://good.example>":   "see https://evil.example/a?b=1&c=2",
		"mail <mailto:lead@acme.example|lead@acme.example>":               "mail lead@acme.example",
		"mail <mailto:lead@acme.example|somebody else>":                   "mail lead@acme.example",
		"assign sp-01 <@U1|lead-1>":                                       "assign sp-01 slack:T1:U1",
		"assign sp-01 <@W1>":                                              "assign sp-01 slack:T1:W1",
		"assign sp-01 <!subteam^S1|@sp-team>":                             "assign sp-01 slack:T1:S1",
		"say in <#C1|incident>":                                           "say in C1",
		"say in <#C1|>":                                                   "say in C1",
		"<!here> and <!channel|@channel>":                                 "@here and @channel",
		"at <!date^1700000000^{date}|yesterday &amp; today>":              "at yesterday & today",
		"&lt;@U1&gt; &amp;lt; a &lt; b &gt; c &amp; d":                    "<@U1> &lt; a < b > c & d",
		"a <b> c <@u1> <!other> <> <":                                     "a <b> c <@u1> <!other> <> <",
		"scan\u00a0--group\u202femea":                                     "scan --group emea",
		"note sp-01 “it’s done”":                                          "note sp-01 “it’s done”",
		"evidence add {\"a\":\n \"<https://x.example/?a=1&amp;b=2>\"}":    "evidence add {\"a\":\n \"https://x.example/?a=1&b=2\"}",
		"evidence add ```{\"build\": 1,\n\"ok\": true}```":                "evidence add  {\"build\": 1,\n\"ok\": true}",
		"note ```a``` and ```b```":                                        "note ```a``` and ```b```",
		"evidence add\n```\n{}\n```\n":                                    "evidence add\n {}",
		"<https://x.example|x> <tel:+491234|+491234> <slack://channel|c>": "https://x.example +491234 slack://channel",
	} {
		got, err := line("T1", in)
		require.NoError(t, err)
		require.Equal(t, want, got, "%q", in)
	}
}

func TestWhatIsNoTextOrTooLongIsRefusedClearly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"scan \x00":                         "not text",
		"scan \xff":                         "not text",
		strings.Repeat("ü", maxRunes+1):     "longer than 8000 characters",
		strings.Repeat("a", maxRunes) + " ": "longer than 8000 characters",
	} {
		_, err := line("T1", in)
		var p *chat.Problem
		require.ErrorAs(t, err, &p)
		require.Contains(t, p.What, want)
	}
	_, err := line("T1", strings.Repeat("ü", maxRunes))
	require.NoError(t, err)
}

func FuzzALineIsTextAndSaysTheSame(f *testing.F) {
	for _, s := range []string{"", "scan <@U1|x> <#C1> <!subteam^S1|@x>", "<http://a|b", "&lt;&amp;lt;", "a\u00a0b", "```{}```", "\x00", "\xff", "<!date^1^{x}|y>", "{\"a\": \"<\"}"} {
		f.Add(s)
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := line("T1", s)
		if err == nil {
			require.True(t, utf8.ValidString(got))
			require.NotContains(t, got, "\x00")
			require.LessOrEqual(t, len(got), 8*len(s)+8)
		}
		typed, err := line("T1", escape.Replace(s))
		if err != nil || strings.Contains(s, fence) {
			return
		}
		require.Equal(t, strings.TrimSpace(spaces.Replace(s)), typed, "what a person typed comes back")
	})
}
