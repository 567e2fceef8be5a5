package slack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// anyText is a text as anybody may send it.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(), rapid.SampledFrom(bottest.Hostile()), rapid.StringMatching(`[<>&*_~@:!a-z`+"`"+` ]{0,40}`),
		rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"x", "ab ", "語", "😀", "e\u0301", "\u1100", "<", "&", "🇩🇪", "\n", "a\nb ", "@here "}).Draw(t, "unit"), rapid.IntRange(1, 9000).Draw(t, "times"))
		}),
	)
}

func anyLine() *rapid.Generator[chat.Text] {
	return rapid.Custom(func(t *rapid.T) chat.Text {
		var out chat.Text
		for range rapid.IntRange(0, 4).Draw(t, "spans") {
			out = append(out, chat.Span{Text: anyText().Draw(t, "text"), Style: chat.Style(rapid.IntRange(0, 3).Draw(t, "style"))})
		}
		return out
	})
}

func anyPart() *rapid.Generator[chat.Part] {
	return rapid.Custom(func(t *rapid.T) chat.Part {
		mark := chat.Mark{TLP: state.TLP(rapid.IntRange(0, 4).Draw(t, "tlp"))}
		lines := rapid.SliceOfN(anyLine(), 0, 6)
		text := func() string { return anyText().Draw(t, "word") }
		switch rapid.IntRange(0, 10).Draw(t, "part") {
		case 0:
			return chat.Heading{Mark: mark, Text: anyLine().Draw(t, "heading")}
		case 1:
			return chat.Para{Mark: mark, Text: anyLine().Draw(t, "para")}
		case 2:
			return chat.List{Mark: mark, Items: lines.Draw(t, "items"), More: rapid.IntRange(-1, 50).Draw(t, "more")}
		case 3:
			return chat.Fields{Mark: mark, Fields: []chat.Field{{Name: text(), Value: anyLine().Draw(t, "value")}, {Name: "short", Value: chat.T("x")}}}
		case 4:
			rows := rapid.SliceOfN(rapid.SliceOfN(anyLine(), 0, 3), 0, 60)
			return chat.Table{Mark: mark, Columns: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "columns"), Rows: rows.Draw(t, "rows"), More: 1}
		case 5:
			return chat.Progress{Mark: mark, Done: rapid.Int().Draw(t, "done"), Total: rapid.Int().Draw(t, "total"), Legend: anyLine().Draw(t, "legend")}
		case 6:
			return chat.CodeBlock{Mark: mark, Text: text() + "\n" + text()}
		case 7:
			plot := &chat.Plot{Title: text(), Labels: []string{text(), text()}, Series: []chat.Series{{Name: text(), Values: []float64{1, rapid.Float64().Draw(t, "value")}}}}
			return chat.Picture{Mark: mark, Name: text(), Alt: text(), PNG: []byte(text()), Plot: plot}
		case 8:
			return chat.Attachment{Mark: mark, Name: text(), Data: []byte(text())}
		case 9:
			var bs []chat.Button
			for range rapid.IntRange(0, 60).Draw(t, "buttons") {
				bs = append(bs, chat.Button{Label: text(), Line: text(), Confirm: text(), Danger: rapid.Bool().Draw(t, "danger")})
			}
			return chat.Buttons{Mark: mark, Buttons: bs}
		}
		return chat.Note{Mark: mark, Text: anyLine().Draw(t, "note")}
	})
}

func anyMessage() *rapid.Generator[chat.Message] {
	return rapid.Custom(func(t *rapid.T) chat.Message {
		return chat.Message{Tone: chat.Tone(rapid.IntRange(0, 3).Draw(t, "tone")), Parts: rapid.SliceOfN(anyPart(), 0, 12).Draw(t, "parts")}
	})
}

func anySetting() *rapid.Generator[setting] {
	return rapid.Custom(func(t *rapid.T) setting {
		s := rapid.SampledFrom([]setting{channelSetting(), homeSetting()}).Draw(t, "setting")
		if s.files == "" {
			return s
		}
		s.charts = rapid.Bool().Draw(t, "charts")
		for i := range rapid.IntRange(0, 60).Draw(t, "calls") {
			s.calls = append(s.calls, stretch{text: "@someone", who: fmt.Sprintf("U0%09d", i)}, stretch{text: " "})
		}
		return s
	})
}

func TestWhateverIsSaidItKeepsEveryLimitAndCallsNobodyElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, ceiling := anyMessage().Draw(t, "message"), state.TLP(rapid.IntRange(1, 4).Draw(t, "ceiling"))
		m, _ = m.Withhold(ceiling)
		s := anySetting().Draw(t, "setting")
		obeys(t, render(m, s), s)
	})
}

func TestNothingIsLostWhenAMessageIsCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := chat.Message{Parts: rapid.SliceOfN(anyPart(), 1, 8).Draw(t, "parts")}
		all := saidInAll(t, render(m, channelSetting()))
		for _, want := range mustSay(m) {
			require.Contains(t, all, squeezed(want))
		}
	})
}

// mustSay are the texts that a message may neither lose nor cut.
func mustSay(m chat.Message) []string {
	var out []string
	line := func(t chat.Text) {
		s := ""
		for _, sp := range t {
			s += chat.Clean(sp.Text)
		}
		out = append(out, s)
	}
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Heading:
			line(p.Text)
		case chat.Para:
			line(p.Text)
		case chat.Note:
			line(p.Text)
		case chat.Fields:
			for _, f := range p.Fields {
				line(f.Value)
			}
		case chat.CodeBlock:
			for l := range strings.SplitSeq(p.Text, "\n") {
				out = append(out, chat.Clean(strings.TrimSuffix(l, "\r")))
			}
		}
	}
	return out
}

func TestAHeadingStaysWithWhatIsBelowIt(t *testing.T) {
	t.Parallel()
	m := chat.Say(chat.P(strings.Repeat("x", 2900)), chat.P(strings.Repeat("y", 2900)), chat.P(strings.Repeat("z", 2900)), chat.P(strings.Repeat("v", 2500)),
		chat.H("Below"), chat.P(strings.Repeat("w", 2000)))
	r := render(m, channelSetting())
	require.Len(t, r.sheets, 2)
	require.NotContains(t, seen(t, r.sheets[0]), "Below")
	require.Contains(t, seen(t, r.sheets[1]), "Below")
}

func TestTheHeadOfATableIsSaidAgainWhereItIsCut(t *testing.T) {
	t.Parallel()
	tab := chat.Tab("server", "status")
	for i := range 300 {
		tab.Rows = append(tab.Rows, []chat.Text{chat.T(chat.C("server-" + number(i) + ".example.org")), chat.T("exposed")})
	}
	r := render(chat.Say(tab), channelSetting())
	require.Len(t, r.sheets, 1)
	_, blocks := asJSON(t, r.sheets[0])
	require.Greater(t, len(blocks), 2)
	visit(blocks, func(o map[string]any) {
		if o["type"] == "text" {
			require.True(t, strings.HasPrefix(o["text"].(string), "server "), o["text"])
		}
	})
	require.Equal(t, 300, strings.Count(seen(t, r.sheets[0]), "exposed"))
}

func TestWhatIsTooLongIsAFileAndItsButtonsStay(t *testing.T) {
	t.Parallel()
	r := render(longMessage(900), channelSetting())
	require.Len(t, r.sheets, 1)
	require.Len(t, r.files, 1)
	require.Equal(t, wholeFile, r.files[0].name)
	shown := seen(t, r.sheets[0])
	require.Contains(t, shown, "server-0000")
	require.Contains(t, shown, "This is the beginning. All of it is in message.txt, in the thread.")
	require.Contains(t, shown, "[Next]")
	whole := string(r.files[0].data)
	require.Equal(t, 900, strings.Count(whole, "nothing is known of it yet"))
	require.Contains(t, whole, "That was all.")
}

func TestALineIsCutBetweenWhatPeopleSeeAsCharacters(t *testing.T) {
	t.Parallel()
	family := "e\u0301\u0302" // one character of three runes
	for _, s := range []string{strings.Repeat(family, 3000), strings.Repeat("🇩🇪", 3000), strings.Repeat("😀", 3000)} {
		for rest := s; rest != ""; {
			var first string
			first, rest = broken(rest, 100)
			require.LessOrEqual(t, units(first), 100)
			one, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
			require.Zero(t, len(first)%len(one), "%q", first)
		}
	}
}

func FuzzCuttingLosesNothing(f *testing.F) {
	for _, s := range append(bottest.Hostile(), "", "a b c", strings.Repeat("語", 200), strings.Repeat("ab ", 100), strings.Repeat("\u1100", 300)) {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = 1 + max(most, -most)%4000
		var all strings.Builder
		for rest := s; rest != ""; {
			var first string
			first, rest = broken(rest, most)
			require.NotEmpty(t, first, "it goes on")
			require.True(t, units(first) <= most || len([]rune(first)) == 1)
			all.WriteString(first)
		}
		require.Equal(t, s, all.String())
		short := fitted(s, most)
		require.LessOrEqual(t, units(short), most)
		require.NotContains(t, short, "<")
	})
}

func FuzzRenderedMessagesKeepTheLimits(f *testing.F) {
	for _, s := range bottest.Hostile() {
		f.Add(s, 3, true)
	}
	f.Add(strings.Repeat("ab ", 100), 50, false)
	f.Fuzz(func(t *testing.T, s string, times int, charts bool) {
		m := everyPart(strings.Repeat(s, max(1, times%64)))
		set := channelSetting()
		set.charts = charts
		obeys(t, render(m, set), set)
		obeys(t, render(m, homeSetting()), homeSetting())
	})
}
