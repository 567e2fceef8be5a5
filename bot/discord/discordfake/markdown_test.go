package discordfake_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

var noon = time.Date(2025, 7, 21, 12, 0, 0, 0, time.UTC)

func names(kind, id string) (string, bool) {
	name, ok := map[string]string{"user1": "lead-1", "role2": "on-call", "channel3": "responders"}[kind+id]
	return name, ok
}

func read(s string) string { return fake.Plain(fake.ReadMarkdown(s, names, noon)) }

func TestMarkdownIsReadAsDiscordShowsIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                                  "plain",
		"**bold** and *italic* and _also_":       "bold and italic and also",
		"***both***":                             "both",
		"__under__ ~~struck~~ ||hidden||":        "under struck hidden",
		"snake_case_name stays":                  "snake_case_name stays",
		"2 * 3 * 4":                              "2 * 3 * 4",
		"**open":                                 "**open",
		"****":                                   "****",
		`\*not bold\* \_x\_ \\ \` + "`" + `code`: "*not bold* _x_ \\ `code",
		`C:\temp`:                                `C:\temp`,
		"`code` and ``a ` b``":                   "code and a ` b",
		"`**raw**`":                              "**raw**",
		"`open":                                  "`open",
		"```\nblock\n```":                        "block",
		"```go\nfunc x()\n```after":              "func x()after",
		"```one line```":                         "one line",
		"``` ```":                                " ",
		"# Heading\ntext":                        "Heading\ntext",
		"### **Third**":                          "Third",
		"#no heading":                            "#no heading",
		"-# small":                               "small",
		"> quoted\nnot":                          "▌ quoted\nnot",
		">>> all\nof it":                         "▌ all\nof it",
		">not":                                   ">not",
		"- one\n- two\n  - three":                "• one\n• two\n  • three",
		"* one\n* two":                           "• one\n• two",
		"-no list":                               "-no list",
		"[good](https://evil.example)":           "good ⟨https://evil.example⟩",
		"[x](javascript:alert)":                  "[x](javascript:alert)",
		`\[good\](https://evil.example)`:         "[good](https://evil.example)",
		"https://example.org/a_b_c*d*e":          "https://example.org/a_b_c*d*e",
		"see https://example.org/, then":         "see https://example.org/, then",
		"<https://example.org>":                  "https://example.org",
		"<@1> <@!1> <@&2> <#3>":                  "@lead-1 @lead-1 @on-call #responders",
		"<@9> <@&9> <#9>":                        "@unknown-user @unknown-role #unknown-channel",
		"`<@1>`":                                 "<@1>",
		`\<@1>`:                                  "<@1>",
		"@everyone @here":                        "@everyone @here",
		"<t:1753099200:R> <t:1753095600:R>":      "now 1 hour ago",
		"<t:1753272000:R>":                       "in 2 days",
		"<t:1753099200> <t:1753099200:t>":        "2025-07-21 12:00 UTC 12:00 UTC",
		"<t:1753099200:D>":                       "2025-07-21",
		"<t:x:R>":                                "<t:x:R>",
		"<:ok:123456> </scan all:5>":             ":ok: /scan all",
		"**a\nb**":                               "a\nb",
		"**a `x**` b**":                          "a `x` b**",
		"||**a** _b_||":                          "a b",
		"日本 **語**":                               "日本 語",
	} {
		require.Equal(t, want, read(in), "%q", in)
	}
}

func TestStylesAndLinksAreInTheRuns(t *testing.T) {
	t.Parallel()
	runs := fake.ReadMarkdown("**a** ||*b*|| [c](https://example.org) `d` <@1>", names, noon)
	require.Equal(t, []fake.Run{
		{Text: "a", Bold: true},
		{Text: " "},
		{Text: "b", Italic: true, Hidden: true},
		{Text: " "},
		{Text: "c", Link: "https://example.org"},
		{Text: " "},
		{Text: "d", Code: true},
		{Text: " "},
		{Text: "@lead-1", Mention: "<@1>"},
	}, runs)
}

// escape puts a backslash before every sign.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func FuzzReadMarkdown(f *testing.F) {
	for _, s := range []string{
		"**bold** _it_ `code` ```go\nx\n```", "> quote\n>>> all", "[a](https://b.example) <@1> <t:1:R>", "\\*\\", "||a||b||", "****", "- a\n- b\n# c",
		"*_*_*_**__~~||`", "```", "`` ` ``", "<@", "https://", "[[[[](((", "_a_b_c_", "\xff\xfe", "**a\n- b**",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4000 {
			return
		}
		runs := fake.ReadMarkdown(s, names, noon)
		text := fake.Plain(runs)
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(text))
			require.Equal(t, s, read(escape(s)), "what is escaped is shown as it is")
		}
		for _, r := range runs {
			require.NotEmpty(t, r.Text)
		}
		if !strings.ContainsAny(s, "\\`*_~|<>[]@#-h") {
			require.Equal(t, s, text, "without signs nothing changes")
		}
	})
}

func FuzzMessagesAreAnsweredAndNeverBreakTheFake(f *testing.F) {
	for _, s := range []string{
		`{"content":"x","allowed_mentions":{"parse":[]}}`,
		`{"embeds":[{"title":"x","fields":[{"name":"n","value":"v","inline":true}],"footer":{"text":"f"},"color":5,"timestamp":"2025-07-21T12:00:00Z"}]}`,
		`{"components":[{"type":1,"components":[{"type":2,"style":1,"label":"x","custom_id":"y"}]}]}`,
		`{"flags":32768,"components":[{"type":17,"components":[{"type":10,"content":"x"},{"type":9,"components":[{"type":10,"content":"y"}],"accessory":{"type":11,"media":{"url":"https://example.org/x.png"}}},{"type":14},{"type":12,"items":[{"media":{"url":"https://example.org"}}]}]}]}`,
		`{"components":[{"type":1,"components":[{"type":3,"custom_id":"x","options":[{"label":"l","value":"v"}],"min_values":0}]}],"content":"y"}`,
		`{"embeds":{"0":1},"components":[[]],"nonce":5,"attachments":[{"id":1}],"message_reference":{"message_id":"1"}}`,
		`{"embeds":[null],"components":[null,{"type":"1"},{"type":1e99}],"flags":-1}`, `[]`, `null`, `5`, `{`, "{\"content\":\"\xff\"}",
	} {
		f.Add(s)
	}
	d, err := fake.Start(fake.Options{Limits: fake.Limits{Off: true, Invalid: fake.Rate{N: -1}}})
	require.NoError(f, err)
	f.Cleanup(func() { _ = d.Close() })
	channel, err := d.ChannelID("responders")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		r := &raw{t, d.For(t), d.Client(), d.Token()}
		defer r.c.CloseIdleConnections()
		out, err := r.request("POST", "/channels/"+channel+"/messages", "application/json", []byte(s))
		require.NoError(t, err)
		require.Contains(t, []int{200, 400}, out.status, "%s", out.body)
		require.NotNil(t, out.object, "the answer is JSON: %s", out.body)
		if out.status == 400 {
			require.NotZero(t, out.code)
			return
		}
		id, _ := out.object["id"].(string)
		for _, m := range d.Messages("responders") {
			if m.ID == id {
				require.True(t, utf8.ValidString(m.String()))
			}
		}
		require.NoError(t, d.DeleteMessage("responders", id))
	})
}
