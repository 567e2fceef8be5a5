package bottest

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Hostile are texts as a scanned server or a stranger may send them: markup,
// mentions, terminal codes and characters that hide.
func Hostile() []string {
	return []string{
		"<!channel> <!here> <!everyone> <@U012AB3CD> <#C012AB3CD> <!subteam^S012AB3CD>",
		"@everyone @here <@80351110224678912> <@&165511591545143296> <#103735883630395392>",
		"<https://evil.example|https://good.example> [good](https://evil.example) https://evil.example",
		"*bold* _italic_ ~struck~ `code` ```block``` > quote || spoiler || # heading - item",
		"&lt;!channel&gt; &amp;lt; \\*not bold\\* \\`",
		"a\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2J \x9b31m \b\b\b \r overwritten",
		"a\nallclear  12:00\n  ALL CLEAR\n\n```\n> forged",
		"\u202egnp.exe \u2066hidden\u2069 \u200f\u200e\u061c",
		"zero\u200bwidth\u200d\ufeff\u2060 soft\u00adhyphen \U000e0041\U000e0042",
		"line\u2028separator\u2029paragraph \v\f\x00\x7f\u0085",
		"bad utf-8: \xff\xfe\xc3\x28 \xed\xa0\x80",
		"z" + strings.Repeat("\u0301", 300) + "algo",
		"=cmd|' /C calc'!A0 +1 -1 @SUM(1)",
		"<t:1:R> :smile: <:name:123> </scan:1>",
	}
}

// hostile posts strangers' text in every kind of part.
func hostile(t *testing.T, h Harness) {
	r := start(t, h)
	for i, s := range Hostile() {
		marker := fmt.Sprintf("case-%d-ends", i)
		_, err := h.Platform.Post(t.Context(), h.Place, everywhere(s, marker), marker)
		require.NoError(t, err)
		r.await(t, marker)
	}
	r.settle(t)
	for _, s := range r.Shown() {
		require.Empty(t, s.Pings, "nobody is notified by text: %q", s.Text)
		require.True(t, utf8.ValidString(s.Text))
		for _, c := range s.Text {
			require.False(t, acts(c), "%U is shown in %q", c, s.Text)
		}
	}
	for _, want := range []string{"<!channel>", "@everyone", "*bold*", "`code`", "&lt;!channel&gt;", "[good](https://evil.example)", "<t:1:R>"} {
		r.await(t, want) // as it was written, for that is evidence
	}
}

// acts reports whether a character does something instead of being shown.
func acts(c rune) bool {
	if c == '\n' {
		return false
	}
	return unicode.Is(unicode.Cc, c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Zl, c) || unicode.Is(unicode.Zp, c)
}

func everywhere(s, marker string) chat.Message {
	mark := chat.Mark{TLP: state.TLPClear}
	line := chat.T(s, " ", chat.B(s), " ", chat.C(s), " ", chat.D(s))
	return chat.Message{Parts: []chat.Part{
		chat.Heading{Mark: mark, Text: chat.T(s)},
		chat.Para{Mark: mark, Text: line},
		chat.List{Mark: mark, Items: []chat.Text{line}, More: 1},
		chat.Fields{Mark: mark, Fields: []chat.Field{{Name: s, Value: line}}},
		chat.Table{Mark: mark, Columns: []string{s}, Rows: [][]chat.Text{{line}}},
		chat.Progress{Mark: mark, Done: 1, Total: 2, Legend: line},
		chat.CodeBlock{Mark: mark, Text: s},
		chat.Buttons{Mark: mark, Buttons: []chat.Button{{Label: s, Line: "help", Confirm: s}}},
		chat.Note{Mark: mark, Text: line},
		chat.Para{Mark: mark, Text: chat.T(marker)},
	}}
}

// splits posts far more than fits into one message anywhere.
func splits(t *testing.T, h Harness) {
	r := start(t, h)
	mark := chat.Mark{TLP: state.TLPClear}
	var words, lines strings.Builder
	const count = 1500
	for i := range count {
		fmt.Fprintf(&words, "wört%04d-日本 ", i)
		fmt.Fprintf(&lines, "líne%04d €😀\n", i)
	}
	m := chat.Message{Parts: []chat.Part{
		chat.Para{Mark: mark, Text: chat.T(words.String())},
		chat.CodeBlock{Mark: mark, Text: lines.String()},
		chat.Para{Mark: mark, Text: chat.T("that was all")},
	}}
	_, err := h.Platform.Post(t.Context(), h.Place, m, "long")
	require.NoError(t, err)
	r.await(t, "that was all")
	var all strings.Builder
	for _, s := range r.Shown() {
		require.True(t, utf8.ValidString(s.Text))
		require.NotContains(t, s.Text, "\ufffd")
		if h.LimitRunes > 0 {
			require.LessOrEqual(t, utf8.RuneCountInString(s.Text), h.LimitRunes)
		}
		if h.Fence != "" {
			require.Zero(t, strings.Count(s.Text, h.Fence)%2, "code is closed where it is opened: %q", s.Text)
		}
		all.WriteString(s.Text)
	}
	shown := all.String()
	at := 0
	for _, format := range []string{"wört%04d-日本", "líne%04d €😀"} {
		for i := range count {
			n := strings.Index(shown[at:], fmt.Sprintf(format, i))
			require.GreaterOrEqual(t, n, 0, "in order and whole: "+format, i)
			at += n
		}
	}
}
