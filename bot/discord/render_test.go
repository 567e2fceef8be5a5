package discord

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
)

var update = flag.Bool("update", false, "write the golden files")

// golden is what is kept of a rendered message.
type golden struct {
	Message draft    `json:"message"`
	Files   []string `json:"files,omitempty"`
}

func TestEveryPartIsRendered(t *testing.T) {
	t.Parallel()
	table := chat.Tab("server", "status")
	table.Rows = [][]chat.Text{{chat.T(chat.C("sp-01")), chat.T("exposed")}, {chat.T("日本"), chat.T("fixed")}}
	table.More = 3
	wide := chat.Tab("server", "what it said")
	wide.Rows = [][]chat.Text{{chat.T(chat.C("sp-01")), chat.T(strings.Repeat("long ", 20))}}
	var buttons []chat.Button
	for i := range 27 {
		buttons = append(buttons, chat.Button{Label: fmt.Sprintf("B%d", i), Line: fmt.Sprintf("server show sp-%d", i)})
	}
	for name, c := range map[string]struct {
		m chat.Message
		s setting
	}{
		"para":     {chat.Say(chat.H("ToolShell · ", chat.C("ts-1")), chat.P("plain ", chat.B("strong"), " ", chat.C("code`s"), " ", chat.D("dim")), chat.N("small")).With(chat.ToneGood), setting{}},
		"list":     {chat.Say(chat.List{Items: []chat.Text{chat.T(chat.C("sp-01"), " exposed"), chat.T("- sp-02")}, More: 37}).With(chat.ToneWarn), setting{}},
		"fields":   {chat.Say(chat.F(chat.Field{Name: "owner", Value: chat.T(chat.C("team-a"))}, chat.Field{Value: chat.T("1. no name")})).With(chat.ToneBad), setting{}},
		"table":    {chat.Say(table, wide), setting{}},
		"progress": {chat.Say(chat.Bar(44, 61, "44 confirmed"), chat.Bar(0, 0), chat.Bar(61, 61)), setting{}},
		"code":     {chat.Say(chat.Block("GET /_layouts/15/start.aspx\r\n\tHost: sp-01\n\n200 ```x```\n"), chat.Block("")), setting{}},
		"files": {chat.Say(chat.Picture{Name: "burn down.png", Alt: "61 to 3", PNG: []byte("png")}, chat.Attachment{Name: "../a.csv", Data: []byte("x")},
			chat.Attachment{Name: "a.csv", Data: []byte("y")}, chat.Attachment{Name: "empty"}, chat.Attachment{Name: "big", Data: make([]byte, maxUpload+1)}), setting{}},
		"buttons": {chat.Say(chat.P("x"), chat.Row(buttons...), chat.Row(chat.Button{Label: "Sure?", Line: "scan --cancel", Confirm: "Really?", Danger: true})), setting{}},
		"asks":    {chat.Say(chat.P("x"), chat.Row(chat.Button{Label: "", Line: "except sp-01", Ask: []string{"reason"}}, chat.Button{Label: "long", Line: "server show " + strings.Repeat("x ", 1000)})), setting{}},
		"calls":   {chat.Say(chat.P("x")), setting{users: []string{"1"}, roles: []string{"2"}, names: []string{"@no body*"}}},
		"empty":   {chat.Message{}, setting{}},
		"hostile": {chat.Say(chat.P(strings.Join(bottest.Hostile()[:5], " ")), chat.L(chat.T("# not a heading"), chat.T("https://evil.example :smile: 12:30"))), setting{}},
	} {
		c.s.command = "allclear"
		r := render(c.m, c.s, "0123456789abcdef01234567")
		g := golden{Message: r.draft}
		for _, f := range r.files {
			g.Files = append(g.Files, f.name)
		}
		raw, err := json.MarshalIndent(g, "", "  ")
		require.NoError(t, err)
		path := filepath.Join("testdata", "render", name+".json")
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, append(raw, '\n'), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(raw)+"\n", name)
		obeys(t, r)
	}
}

// obeys looks at the limits of a message
// (docs.discord.com/developers/resources/message).
func obeys(t *testing.T, r rendered) {
	t.Helper()
	total, buttons := 0, 0
	require.NotEmpty(t, r.Embeds)
	require.LessOrEqual(t, len(r.Embeds), maxEmbeds)
	for _, e := range r.Embeds {
		require.True(t, utf8.ValidString(e.Description))
		require.LessOrEqual(t, utf8.RuneCountInString(e.Description), 4096)
		require.LessOrEqual(t, len(e.URL), 2048)
		require.Empty(t, e.Fields)
		require.Zero(t, strings.Count(e.Description, "```")%2, "code is closed where it is opened")
		total += utf8.RuneCountInString(e.Description)
	}
	require.LessOrEqual(t, total, 6000)
	require.LessOrEqual(t, utf8.RuneCountInString(r.Content), 2000)
	require.LessOrEqual(t, len(r.Components), 5)
	require.LessOrEqual(t, len(r.files), maxFiles)
	require.Len(t, r.Attachments, len(r.files))
	require.Equal(t, []string{}, r.Mentions.Parse)
	ids := map[string]bool{}
	raw, err := json.Marshal(r.Components)
	require.NoError(t, err)
	var rows []struct {
		Components []struct {
			ID string `json:"custom_id"`
		}
	}
	require.NoError(t, json.Unmarshal(raw, &rows))
	for _, row := range rows {
		for _, b := range row.Components {
			require.LessOrEqual(t, len(b.ID), maxCustomID)
			require.False(t, ids[b.ID], "each has an id of its own")
			ids[b.ID] = true
			buttons++
		}
	}
	require.LessOrEqual(t, buttons+len(rows), 40)
}

// read is what people read of a message.
func read(r rendered) string {
	var out strings.Builder
	for _, e := range r.Embeds {
		for _, run := range discordfake.ReadMarkdown(e.Description, nil, epochTime) {
			out.WriteString(run.Text)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func FuzzTextIsShownAsItWasWritten(f *testing.F) {
	for _, s := range bottest.Hostile() {
		f.Add(s, uint8(0))
		f.Add(s, uint8(2))
	}
	f.Add("a``b", uint8(2))
	f.Add("`", uint8(2))
	f.Add("-# 1. x", uint8(1))
	f.Add("12) x", uint8(0))
	f.Fuzz(func(t *testing.T, s string, style uint8) {
		if len(s) > 500 {
			return
		}
		clean := strings.TrimSpace(chat.Clean(s))
		r := render(chat.Say(chat.Para{Text: chat.Text{{Text: s, Style: chat.Style(style % 4)}, {Text: ".", Style: chat.Plain}}}), setting{}, "k")
		obeys(t, r)
		require.Contains(t, read(r), clean, "%q", r.Embeds[0].Description)
		for _, run := range discordfake.ReadMarkdown(r.Embeds[0].Description, nil, epochTime) {
			require.Empty(t, run.Link)
			require.Empty(t, run.Mention)
		}
	})
}

func FuzzNothingIsLostWhereAMessageIsCut(f *testing.F) {
	f.Add("wört `x` *y* ", uint16(700), uint8(0), uint8(0))
	f.Add("líne €😀\n", uint16(600), uint8(1), uint8(2))
	f.Add("x", uint16(5000), uint8(2), uint8(1))
	f.Add("👩‍👩‍👧", uint16(900), uint8(3), uint8(3))
	f.Add("```", uint16(900), uint8(1), uint8(0))
	f.Add("`", uint16(2100), uint8(0), uint8(2))
	f.Fuzz(func(t *testing.T, s string, times uint16, kind, style uint8) {
		if len(s) > 30 || times > 1000 && len(s) > 6 || times > 6000 {
			return
		}
		text := strings.Repeat(s, int(times))
		line := chat.Text{{Text: text, Style: chat.Style(style % 4)}}
		var part chat.Part
		switch kind % 4 {
		case 0:
			part = chat.Para{Text: line}
		case 1:
			part = chat.CodeBlock{Text: text}
		case 2:
			part = chat.List{Items: []chat.Text{line, line}}
		case 3:
			part = chat.Table{Columns: []string{"a"}, Rows: [][]chat.Text{{line}, {line}}}
		}
		r := render(chat.Message{Parts: []chat.Part{part}}, setting{}, "k")
		obeys(t, r)
		if len(r.files) > 0 {
			require.Equal(t, wholeFile, r.files[0].name)
			if kind%4 == 0 && strings.TrimSpace(chat.Clean(text)) != "" {
				require.Contains(t, string(r.files[0].data), chat.Clean(text))
			}
			return
		}
		if kind%4 == 0 {
			join := func(s string) string { return strings.Join(strings.Fields(s), "") }
			require.Contains(t, join(read(r)), join(chat.Clean(text)))
		}
	})
}

func TestAMomentIsToldByTheClockOfTheReader(t *testing.T) {
	t.Parallel()
	due := chat.At(time.Date(2025, 7, 22, 18, 0, 0, 0, time.UTC), "18:00 UTC")
	table := chat.Tab("server", "due")
	table.Rows = [][]chat.Text{{chat.T("sp-01"), chat.T(due)}}
	raw := func(m chat.Message) string {
		r := render(m, setting{command: "allclear"}, "0123456789abcdef01234567")
		obeys(t, r)
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(r.draft))
		return b.String()
	}
	const told = "<t:1753207200:f>, <t:1753207200:R>"
	require.Contains(t, raw(chat.Say(chat.P("due ", due, "."))), "due "+told+".")
	require.Contains(t, raw(chat.Say(chat.P(due, due))), told+told)
	require.Contains(t, raw(chat.Say(table)), "18:00 UTC", "what is aligned is not written with marks")
	require.NotContains(t, raw(chat.Say(chat.P("<t:1753207200:R>"), chat.Block("<t:1753207200:R>"), chat.P(chat.At(time.Time{}, "<t:1753207200:R>")))), " <t:")
	require.NotContains(t, read(render(chat.Say(chat.P("<t:1753207200:R>")), setting{}, "k")), "ago")
	many := chat.T()
	for range 300 {
		many = append(many, chat.T(strings.Repeat("x", 40)+" ", due, " ")...)
	}
	all := raw(chat.Say(chat.P(many)))
	require.Greater(t, strings.Count(all, "<t:"), 20)
	require.Equal(t, strings.Count(all, "<t:"), 2*strings.Count(all, told), "none is cut in two")
}
