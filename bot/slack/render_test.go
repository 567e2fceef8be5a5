package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

var update = flag.Bool("update", false, "write the golden files")

// channelSetting is how a message is rendered for a channel.
func channelSetting() setting {
	return setting{room: messageRoom, command: "/allclear", files: "in the thread", onward: "it goes on in the thread"}
}

func homeSetting() setting { return setting{room: homeRoom, command: "/allclear"} }

// golden is what is kept of a rendered message.
type golden struct {
	Sheets []sheet  `json:"sheets"`
	Files  []string `json:"files,omitempty"`
}

func TestEveryPartIsRenderedAsBlocks(t *testing.T) {
	t.Parallel()
	charted := channelSetting()
	charted.charts = true
	calling := channelSetting()
	calling.calls = []stretch{{text: "@", who: "U0LEAD00001"}, {text: " "}, {text: "@", who: "S0SPTEAM001"}, {text: " "}, {text: "nobody-here"}}
	for name, c := range map[string]struct {
		m chat.Message
		s setting
	}{
		"heading":         {chat.Say(chat.H("ToolShell · ", chat.C("ts-1"), " · day 2")), channelSetting()},
		"heading-long":    {chat.Say(chat.H(strings.Repeat("long ", 40), chat.C("ts-1"))), channelSetting()},
		"para-styles":     {chat.Say(chat.P("plain ", chat.B("strong"), " ", chat.C("code"), " ", chat.D("dim"))), channelSetting()},
		"tone-good":       {chat.Say(chat.P("All 61 servers are confirmed.")).With(chat.ToneGood), channelSetting()},
		"tone-warn":       {chat.Say(chat.H("At risk")).With(chat.ToneWarn), channelSetting()},
		"tone-bad":        {chat.Say(chat.H(strings.Repeat("exposed ", 30))).With(chat.ToneBad), channelSetting()},
		"list":            {chat.Say(chat.L(chat.T(chat.C("sp-01"), " exposed"), chat.T(chat.C("sp-02"), " fixed"))), channelSetting()},
		"list-more":       {chat.Say(chat.List{Items: []chat.Text{chat.T("one")}, More: 37}), channelSetting()},
		"list-more-press": {chat.Say(chat.List{Items: []chat.Text{chat.T("one")}, More: 37}, chat.Row(chat.Button{Label: "All", Line: "server list"})), channelSetting()},
		"fields":          {chat.Say(chat.F(chat.Field{Name: "owner", Value: chat.T(chat.C("team-a"))}, chat.Field{Name: "since", Value: chat.T("3 h")})), channelSetting()},
		"table":           {chat.Say(narrowTable()), channelSetting()},
		"table-wide":      {chat.Say(wideTable()), channelSetting()},
		"progress":        {chat.Say(chat.Bar(44, 61, "44 confirmed", chat.D(" · 9 claimed")), chat.Bar(0, 0), chat.Bar(61, 61)), channelSetting()},
		"code":            {chat.Say(chat.Block("GET /_layouts/15/start.aspx\r\n\tHost: sp-01\n\n200 ```x```\n")), channelSetting()},
		"picture":         {chat.Say(picture()), channelSetting()},
		"picture-chart":   {chat.Say(picture()), charted},
		"picture-home":    {chat.Say(picture()), homeSetting()},
		"attachment":      {chat.Say(chat.Attachment{Name: "servers.csv", Data: []byte("name,status\n")}), channelSetting()},
		"buttons":         {chat.Say(chat.P("What now?"), buttons()), channelSetting()},
		"note":            {chat.Say(chat.N("Scans fresh: 61/61, oldest ", chat.C("38 min"), " & counting <now>.")), channelSetting()},
		"notify":          {chat.Say(chat.P("Regressed.")), calling},
		"empty":           {chat.Message{}, channelSetting()},
		"hostile":         {hostileMessage(), channelSetting()},
		"card":            {incidentCard(8000), channelSetting()},
		"two-sheets":      {longCode(300), channelSetting()},
		"abridged":        {longCode(900), channelSetting()},
		"abridged-home":   {longCode(900), homeSetting()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := render(c.m, c.s)
			obeys(t, r, c.s)
			out := golden{Sheets: r.sheets}
			for _, f := range r.files {
				out.Files = append(out.Files, f.fileName())
			}
			matches(t, name, out)
		})
	}
}

func matches(t *testing.T, name string, out golden) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	require.NoError(t, enc.Encode(out))
	path := filepath.Join("testdata", "render", name+".json")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func narrowTable() chat.Table {
	t := chat.Tab("group", "open", "confirmed")
	t.Rows = [][]chat.Text{
		{chat.T(chat.C("emea")), chat.T("12"), chat.T("30")},
		{chat.T(chat.C("日本")), chat.T("5"), chat.T(chat.B("14"))},
	}
	t.More = 3
	return t
}

func wideTable() chat.Table {
	t := chat.Tab("server", "status", "why")
	t.Rows = [][]chat.Text{
		{chat.T(chat.C("sp-app-03.corp.example.org")), chat.T("exposed"), chat.T(strings.Repeat("the build is older than the fix line ", 2))},
		{chat.T(chat.C("sp-app-04.corp.example.org")), chat.T("unknown"), chat.T("no answer")},
	}
	return t
}

func picture() chat.Picture {
	return chat.Picture{
		Name: "burn-down.png", Alt: "Open servers fell from 61 to 17.", PNG: []byte("\x89PNG"),
		Plot: &chat.Plot{
			Title: "Servers not confirmed", Labels: []string{"21 Jul", "22 Jul", "23 Jul"},
			Series: []chat.Series{{Name: "open", Values: []float64{61, 40, 17}}, {Name: "exposed", Values: []float64{20, 9, 1}}},
		},
	}
}

func buttons() chat.Buttons {
	return chat.Row(
		chat.Button{Label: "Scan all", Line: "scan --incident ts-1"},
		chat.Button{Label: "Retire sp-01 & <more>", Line: "server retire sp-01", Confirm: "Ask to take sp-01 out for good?", Danger: true},
		chat.Button{Label: "Can't, because…", Line: "except --for 2d sp-01", Ask: []string{"reason", "until?"}},
		chat.Button{Label: "Approve them", Line: "approve " + strings.Repeat("p-123456 ", 300)},
		chat.Button{Label: strings.Repeat("a label that is too long ", 5), Line: "help"},
	)
}

// everyPart is a message in which a text is everywhere.
func everyPart(s string) chat.Message {
	line := chat.T(s, " ", chat.B(s), " ", chat.C(s), " ", chat.D(s))
	return chat.Message{Parts: []chat.Part{
		chat.H(s), chat.P(line),
		chat.List{Items: []chat.Text{line}, More: 1},
		chat.F(chat.Field{Name: s, Value: line}),
		chat.Table{Columns: []string{s}, Rows: [][]chat.Text{{line}}},
		chat.Progress{Done: 1, Total: 2, Legend: line},
		chat.Block(s),
		chat.Picture{Name: s, Alt: s, PNG: []byte(s), Plot: &chat.Plot{Title: s, Labels: []string{s}, Series: []chat.Series{{Name: s, Values: []float64{1}}}}},
		chat.Attachment{Name: s, Data: []byte(s)},
		chat.Row(chat.Button{Label: s, Line: s, Confirm: s}), chat.N(line),
	}}
}

func hostileMessage() chat.Message {
	m := chat.Message{}
	for _, s := range bottest.Hostile()[:10] {
		m.Parts = append(m.Parts, chat.P(s), chat.Block(s), chat.Row(chat.Button{Label: s, Line: s, Confirm: s}))
	}
	return m
}

// longMessage has so many numbered lines, and buttons at its end.
func longMessage(lines int) chat.Message {
	m := chat.Say(chat.H("A long list"))
	l := chat.L()
	for i := range lines {
		l.Items = append(l.Items, chat.T(chat.C("server-"+number(i)), " answered, and nothing is known of it yet"))
	}
	m.Add(l, chat.P("That was all."), chat.Row(chat.Button{Label: "Next", Line: "server list --after x"}))
	return m
}

// longCode is a long message that is little JSON.
func longCode(lines int) chat.Message {
	var b strings.Builder
	for i := range lines {
		b.WriteString("line " + number(i) + " of a log, and nothing is known of it yet\n")
	}
	return chat.Say(chat.H("A log"), chat.Block(b.String()), chat.P("That was all."), chat.Row(chat.Button{Label: "Next", Line: "audit --from 900"}))
}

func number(i int) string {
	return string([]byte{byte('0' + i/1000%10), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10)})
}

func TestHostileTextNeitherNotifiesNorLinksNorFormats(t *testing.T) {
	t.Parallel()
	for _, s := range bottest.Hostile() {
		for _, set := range []setting{channelSetting(), homeSetting()} {
			set.charts = set.files != ""
			r := render(everyPart(s), set)
			obeys(t, r, set)
			for _, sh := range r.sheets {
				for _, span := range slackfake.ReadMrkdwn(sh.Text) {
					require.Empty(t, span.Mention, sh.Text)
				}
			}
		}
	}
}

func TestTheFallbackIsTheFirstThingThatIsSaid(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Head &lt;!here&gt;", render(chat.Say(chat.Block("x"), chat.H("Head <!here>"), chat.P("then")), channelSetting()).sheets[0].Text)
	require.Equal(t, "one", render(chat.Say(chat.L(chat.T("one"), chat.T("two"))), channelSetting()).sheets[0].Text)
	require.NotEmpty(t, render(chat.Say(chat.Block("x")), channelSetting()).sheets[0].Text, "there is always one")
	long := render(chat.Say(chat.P(strings.Repeat("語", 5000))), channelSetting()).sheets[0].Text
	require.LessOrEqual(t, len(long), 4000, "chat.update takes 4,000 bytes")
	require.True(t, strings.HasSuffix(long, "…"))
}

func TestASpotOfColourIsNotTheOnlySignOfATone(t *testing.T) {
	t.Parallel()
	for _, tone := range []chat.Tone{chat.ToneNeutral, chat.ToneGood, chat.ToneWarn, chat.ToneBad} {
		m := chat.Say(chat.H("2 servers regressed"), chat.P("sp-01")).With(tone)
		require.Contains(t, seen(t, render(m, channelSetting()).sheets[0]), "2 servers regressed")
		require.Equal(t, "2 servers regressed", summary(m))
	}
}

func TestAButtonThatIsTooLongIsALineToType(t *testing.T) {
	t.Parallel()
	line := "approve " + strings.Repeat("p-123456 ", 300)
	text := seen(t, render(chat.Say(chat.Row(chat.Button{Label: "Approve them", Line: line})), channelSetting()).sheets[0])
	require.Contains(t, text, "Approve them: type /allclear "+line)
}

func TestManyButtonsAreSeveralRows(t *testing.T) {
	t.Parallel()
	row := chat.Row()
	for i := range 60 {
		row.Buttons = append(row.Buttons, chat.Button{Label: strings.Repeat("label ", 12) + number(i), Line: "help", Confirm: strings.Repeat("sure? ", 60)})
	}
	r := render(chat.Say(row), channelSetting())
	obeys(t, r, channelSetting())
	short := chat.Row()
	for i := range 60 {
		short.Buttons = append(short.Buttons, chat.Button{Label: number(i), Line: "help"})
	}
	r = render(chat.Say(short), channelSetting())
	obeys(t, r, channelSetting())
	require.Len(t, r.sheets[0].Blocks, 3)
}

func TestAMomentIsToldByTheClockOfTheReader(t *testing.T) {
	t.Parallel()
	due := chat.At(time.Date(2025, 7, 22, 18, 0, 0, 0, time.UTC), "18:00 UTC")
	many := chat.T()
	for range 300 {
		many = append(many, chat.T(strings.Repeat("x", 40)+" ", due, " ")...)
	}
	for _, m := range []chat.Message{chat.Say(chat.P("due ", due, ".")), chat.Say(chat.P(many)), chat.Say(chat.L(chat.T(due, due)))} {
		r := render(m, channelSetting())
		obeys(t, r, channelSetting())
		raw, err := json.Marshal(r.sheets[0].Blocks)
		require.NoError(t, err)
		require.Contains(t, string(raw), `{"type":"date","timestamp":1753207200,"format":"{date_short_pretty} {time}","fallback":"18:00 UTC"}`)
	}
	r := render(chat.Say(chat.P("due ", due, "."), chat.P("<!date^1753207200^{time}|now>")), channelSetting())
	require.Equal(t, "due 18:00 UTC.", r.sheets[0].Text, "where there are no blocks")
	raw, err := json.Marshal(r.sheets[0].Blocks)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(raw), `"date"`))
}
