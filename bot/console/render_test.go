package console_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
)

var update = flag.Bool("update", false, "write the golden files anew")

func table(more int, rows ...[]chat.Text) chat.Table {
	t := chat.Tab("server", "status", "since")
	t.Rows, t.More = rows, more
	return t
}

func scan() chat.Message {
	rows := [][]chat.Text{
		{chat.T(chat.C("SP-EDGE-02")), chat.T(chat.B("exposed")), chat.T("6 min")},
		{chat.T(chat.C("日本-サーバ")), chat.T("in progress"), chat.T("2 h")},
		{chat.T(chat.C("SP-HR-01")), chat.T("confirmed"), chat.T(chat.D("yesterday"))},
	}
	list := chat.L(chat.T(chat.C("SP-APP-03"), " was verified 09:12 on ", chat.C("16.0.10417.20037"), ", now ", chat.C("16.0.10417.20027"), ": was a snapshot restored?"), chat.T("2 no answer"))
	list.More = 3
	return chat.Say(
		chat.H("Scan #42 of ", chat.C("toolshell-1"), " is done"),
		chat.P("3 newly verified, ", chat.B("1 regressed"), ", 2 no answer. ", chat.D("(41 s)")),
		list,
		chat.F(chat.Field{Name: "Playbook", Value: chat.T("toolshell r4")}, chat.Field{Name: "Oldest scan", Value: chat.T("38 min ago")}),
		chat.H("Servers"),
		table(58, rows...),
		chat.Bar(44, 61, "proved remediated"),
		chat.Block("GET /_layouts/15/start.aspx\r\n\tMicrosoftSharePointTeamServices: 16.0.0.10417\n"),
		chat.Picture{Mark: list.Mark, Name: "burndown.png", Alt: "44 of 61 servers, was 32 yesterday", PNG: []byte("png")},
		chat.Attachment{Mark: list.Mark, Name: "servers.csv", Data: make([]byte, 2500)},
		chat.Row(chat.Button{Label: "Diff", Line: "scan diff 42"}, chat.Button{Label: "Confirm", Line: "confirm SP-HR-01", Confirm: "Confirm SP-HR-01?", Danger: true}),
		chat.N("scans fresh: 61/61, oldest 38 min"),
	).With(chat.ToneWarn)
}

func TestMessagesLookAsTheyShould(t *testing.T) {
	t.Parallel()
	var hostile []chat.Part
	for _, s := range bottest.Hostile() {
		hostile = append(hostile, chat.P(strings.ReplaceAll(s, strings.Repeat("\u0301", 290), "")))
	}
	for name, c := range map[string]struct {
		m chat.Message
		o console.Options
	}{
		"plain":   {scan(), console.Options{Width: 100}},
		"narrow":  {scan(), console.Options{Width: 40}},
		"colour":  {scan(), console.Options{Width: 80, Colour: true}},
		"hostile": {chat.Say(hostile...), console.Options{Width: 100}},
		"odd": {chat.Say(chat.P(), chat.L(), chat.F(), chat.Tab(), chat.Bar(0, 0), chat.Bar(7, 3, "more than all"), chat.Bar(60, 61, "not all"),
			chat.Block(""), chat.Row(), table(0, []chat.Text{chat.T("only one")}), chat.F(chat.Field{Name: strings.Repeat("long ", 12), Value: chat.T("value")})), console.Options{Width: 60}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := console.Render(c.m, c.o)
			file := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

func TestColourIsOnlyUsedWhenAskedFor(t *testing.T) {
	t.Parallel()
	require.NotContains(t, console.Render(scan(), console.Options{}), "\x1b")
	require.Contains(t, console.Render(scan(), console.Options{Colour: true}), "\x1b[1;33m")
}

func TestCleanWritesOutWhatActsOrHides(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain text, ünïcode, 日本 and €": "plain text, ünïcode, 日本 and €",
		"a\nb\r\tc":                     `a\nb\r c`,
		"\x1b[31m":                      `\x1b[31m`,
		"\u009b31m":                     `\u{9b}31m`,
		"\x9b31m":                       `\x9b31m`,
		"\u202eabc":                     `\u{202e}abc`,
		"a\u200bb\ufeff":                `a\u{200b}b\u{feff}`,
		"a\u3164b":                      `a\u{3164}b`,
		"non\u00a0breaking":             "non breaking",
		"\U000e0041":                    `\u{e0041}`,
		"e\u0301":                       "e\u0301",
		"☎\ufe0f":                       "☎",
	} {
		require.Equal(t, want, console.Clean(in))
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range bottest.Hostile() {
		f.Add(s, 60)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = 40 + (width%100+100)%100
		line := chat.T(s, chat.B(s))
		got := console.Render(chat.Say(chat.H(s), chat.P(line), chat.L(line), chat.F(chat.Field{Name: s, Value: line}),
			table(1, []chat.Text{line, line, line}), chat.Bar(1, 2, s), chat.Block(s), chat.Row(chat.Button{Label: s, Line: s}), chat.N(s),
			chat.Attachment{Name: s}), console.Options{Width: width})
		require.True(t, utf8.ValidString(got))
		for l := range strings.Lines(got) {
			l = strings.TrimSuffix(l, "\n")
			for _, r := range l {
				require.True(t, r == ' ' || unicode.IsPrint(r), "%U in %q", r, l)
			}
			require.LessOrEqual(t, uniseg.StringWidth(l), width+2, "%q", l)
		}
		require.Equal(t, letters(console.Clean(s)), letters(console.Render(chat.Say(chat.P(s)), console.Options{Width: width})), "nothing is lost")
	})
}

func letters(s string) string { return strings.Join(strings.Fields(s), "") }
