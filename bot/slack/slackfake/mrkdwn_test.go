package slackfake_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestMarkupIsReadAsPeopleSeeIt(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	for _, c := range []struct {
		text, shown string
		pings       []string
	}{
		{"*bold* _italic_ ~struck~ `code`", "bold italic struck code", nil},
		{"2*3*4 snake_case_name ~5 and * alone *", "2*3*4 snake_case_name ~5 and * alone *", nil},
		{"&lt;!channel&gt; &amp;lt;", "<!channel> &lt;", nil},
		{"a < b & c > d", "a < b & c > d", nil},
		{"<!channel> and <!here> and <!everyone>", "@channel and @here and @everyone", []string{"channel", "here", "everyone"}},
		{"<@U0LEAD00001> <@U0LEAD00002|lead-2> <@U0NOBODY001>", "@lead-1 @lead-2 @unknown-user", []string{"U0LEAD00001", "U0LEAD00002"}},
		{"<!subteam^S0SPTEAM001> <!subteam^S0NOTEAM001>", "@sp-team @unknown-group", []string{"S0SPTEAM001"}},
		{"<#C0SECRET001> <#C0SECRET001|x> <#C0NOWHERE01>", "#secret #secret #unknown-channel", nil},
		{"<https://evil.example|https://good.example> <https://a.example?a=1&amp;b=2>", "https://good.example https://a.example?a=1&b=2", nil},
		{"<foo> <javascript:alert(1)|x> <@nobody>", "<foo> <javascript:alert(1)|x> <@nobody>", nil},
		{"`<@U0LEAD00001>`", "@lead-1", []string{"U0LEAD00001"}},
		{"```\nline *1*\n<!here>\n```", "line *1*\n@here", []string{"here"}},
		{"before ```code``` after", "before \ncode\n after", nil},
		{"&gt; quoted\nnot", "quoted\nnot", nil},
		{"<!date^1392734382^Posted {date_num}|2014-02-18 6:39>", "2014-02-18 6:39", nil},
		{"@here @lead-1 plain", "@here @lead-1 plain", nil},
		{"*<https://a.example|link> in bold*", "link in bold", nil},
		{"``` never closed", "``` never closed", nil},
	} {
		_ = say(t, s, slackfake.Incident, c.text)
		m := s.In("incident").Last()
		require.Equal(t, c.shown, m.Text, c.text)
		require.Equal(t, c.pings, m.Pings, c.text)
	}
	styled := slackfake.ReadMrkdwn("*b* _i_ ~s~ `c`\n> q")
	require.Equal(t, slackfake.Span{Text: "b", Bold: true}, styled[0])
	require.Equal(t, slackfake.Span{Text: "i", Italic: true}, styled[2])
	require.Equal(t, slackfake.Span{Text: "s", Strike: true}, styled[4])
	require.Equal(t, slackfake.Span{Text: "c", Code: true}, styled[6])
	require.Equal(t, slackfake.Span{Text: "q", Quote: true}, styled[8])
}

func TestBlocksAreReadAsPeopleSeeThem(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	blocks := []any{
		object{"type": "header", "text": object{"type": "plain_text", "text": "A &amp; <@U0LEAD00001> *x*"}},
		object{
			"type": "section", "text": object{"type": "mrkdwn", "text": "*44*/61 &lt;b&gt; <@U0LEAD00002>"},
			"fields": []any{object{"type": "plain_text", "text": "left"}}, "accessory": button(object{"text": object{"type": "plain_text", "text": "Scan"}}),
		},
		object{"type": "divider"},
		object{"type": "context", "elements": []any{object{"type": "mrkdwn", "text": "v118"}, object{"type": "mrkdwn", "text": "now"}}},
		rich(object{"type": "text", "text": "<!here> &lt; *"}, object{"type": "user", "user_id": slackfake.Responder}, object{"type": "broadcast", "range": "channel"}, object{"type": "link", "url": "https://a.example", "text": "a"}),
		object{"type": "rich_text", "elements": []any{object{"type": "rich_text_list", "style": "bullet", "elements": []any{
			object{"type": "rich_text_section", "elements": []any{object{"type": "text", "text": "one"}}},
			object{"type": "rich_text_section", "elements": []any{object{"type": "text", "text": "two"}}},
		}}}},
		actions(button(object{"text": object{"type": "plain_text", "text": "My servers"}}), menu(nil)),
		rows(2, 2, rawText(1)),
		line(1, 1, 2, 1),
		object{"type": "image", "image_url": "https://a.example/i.png", "alt_text": "burn-down"},
	}
	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "fallback <!here>", "blocks": blocks}))
	m := s.In("incident").Last()
	require.Equal(t, "A & <@U0LEAD00001> *x*\n44/61 <b> @lead-2\nleft [Scan]\n---\nv118  now\n<!here> &lt; *@responder@channela\n• one\n• two\n"+
		"[My servers] [x]\nx | x\nx | x\n(chart: x)\n0: 0 1 1 1\n(image: burn-down)", m.Text)
	require.Equal(t, "fallback @here", m.Fallback)
	require.Equal(t, []string{slackfake.Lead2, slackfake.Responder, "channel"}, m.Pings, "of the blocks, not of the fallback")
	require.Contains(t, m.Mentions, "here", "but the fallback names them")
	require.Equal(t, []string{"Scan", "My servers"}, m.Buttons())
	require.Equal(t, "https://a.example", m.Links()["a"])
}

func TestOnlyWhoCanSeeAMessageIsNotified(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	_ = say(t, s, slackfake.Secret, "<@"+slackfake.Manager+"> <@"+slackfake.Lead1+"> <!subteam^"+slackfake.SPTeam+">")
	require.Equal(t, []string{slackfake.Lead1, slackfake.SPTeam}, s.In("secret").Last().Pings)
	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "@here @lead-1 @sp-team", "link_names": true}))
	require.Equal(t, []string{"here", slackfake.Lead1, slackfake.SPTeam}, s.In("incident").Last().Pings)
}

func TestMarkdownAndAttachmentsNotifyToo(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	done(t, post(t, s, "chat.postMessage", object{
		"channel": slackfake.Incident, "text": "x", "blocks": []any{object{"type": "markdown", "text": "**a** &lt;b&gt; <!here>"}},
		"attachments": []any{object{"pretext": "<@" + slackfake.Lead1 + ">", "fields": []any{object{"title": "Owner", "value": "<@" + slackfake.Lead2 + ">"}}, "footer": "end"}},
	}))
	m := s.In("incident").Last()
	require.Equal(t, "**a** <b> @here\n@lead-1\nOwner: @lead-2\nend", m.Text)
	require.Equal(t, []string{"here", slackfake.Lead1, slackfake.Lead2}, m.Pings)
}

func FuzzMrkdwnIsReadWithoutLoss(f *testing.F) {
	for _, seed := range []string{"*a* _b_", "```x```", "<@U0LEAD00001|x>", "&lt;!here&gt;", "> q\n>>> r", "<<>>", "`*`*`", "\xff<!", "<!date^1^2^3|4>", strings.Repeat("*a ", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var shown strings.Builder
		for _, s := range slackfake.ReadMrkdwn(text) {
			shown.WriteString(s.Text)
			if s.Mention != "" && !strings.Contains(text, "<") {
				t.Fatalf("%q mentions %q", text, s.Mention)
			}
		}
		if utf8.ValidString(text) && !utf8.ValidString(shown.String()) {
			t.Fatalf("%q became invalid", text)
		}
		if !strings.ContainsAny(text, "*_~`<>&") && shown.String() != text && utf8.ValidString(text) {
			t.Fatalf("%q became %q", text, shown.String())
		}
	})
}

func FuzzBlocksAreCheckedWithoutPanic(f *testing.F) {
	for _, seed := range []string{
		`[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]`, `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}}]}]`,
		`[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]`, `[{"type":"data_table","caption":"c","rows":[[],[]]}]`, `[null,3,[],{"type":7}]`,
		`[{"type":"data_visualization","title":"t","chart":{"type":"bar","series":[{"data":[{}]}],"axis_config":{"categories":[1]}}}]`,
		`[{"type":"container","child_blocks":[{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{}]}]}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, blocks string) {
		problems, shown := slackfake.CheckBlocks([]byte(blocks))
		if len(problems) == 0 && shown != "" && !utf8.ValidString(shown) {
			t.Fatalf("%q is shown as %q", blocks, shown)
		}
	})
}
