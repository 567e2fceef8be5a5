package slackfake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func text(kind string, n int) object { return object{"type": kind, "text": strings.Repeat("x", n)} }
func plain(n int) object             { return text("plain_text", n) }
func mrkdwn(n int) object            { return text("mrkdwn", n) }

func times(n int, f func(i int) any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func button(more object) object {
	return mix(object{"type": "button", "text": plain(1)}, more)
}

func actions(elements ...any) object { return object{"type": "actions", "elements": elements} }

func menu(more object) object {
	return mix(object{"type": "static_select", "placeholder": plain(1), "options": []any{choice(1, 1)}}, more)
}

func choice(label, value int) object {
	return object{"text": plain(label), "value": strings.Repeat("v", value)}
}

func confirm(title, body int) object {
	return object{"title": plain(title), "text": plain(body), "confirm": plain(1), "deny": plain(1)}
}

func rich(elements ...any) object {
	return object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": elements}}}
}

func rows(n, columns int, cell any) object {
	return object{"type": "table", "rows": times(n, func(int) any { return times(columns, func(int) any { return cell }) })}
}

func rawText(n int) object { return object{"type": "raw_text", "text": strings.Repeat("x", n)} }

func line(title, series, points, label int) object {
	names := times(points, func(i int) any { return fmt.Sprintf("%0*d", label, i) })
	data := times(points, func(i int) any { return object{"label": names[i], "value": 1} })
	return object{"type": "data_visualization", "title": strings.Repeat("x", title), "chart": object{
		"type": "line", "axis_config": object{"categories": names},
		"series": times(series, func(i int) any { return object{"name": fmt.Sprint(i), "data": data} }),
	}}
}

// blockLimits are blocks at a limit and just over it.
var blockLimits = []struct {
	name  string
	block func(over int) object // over is 0 or 1
	at    string                // where it is wrong
	what  string
}{
	{"section text", func(n int) object { return object{"type": "section", "text": mrkdwn(3000 + n)} }, "/blocks/0/text/text", "must be less than 3001 characters"},
	{"fields", func(n int) object {
		return object{"type": "section", "fields": times(10+n, func(int) any { return mrkdwn(1) })}
	}, "/blocks/0/fields", "no more than 10 items allowed"},
	{"field text", func(n int) object { return object{"type": "section", "fields": []any{mrkdwn(2000 + n)}} }, "/blocks/0/fields/0/text", "must be less than 2001 characters"},
	{"header", func(n int) object { return object{"type": "header", "text": plain(150 + n)} }, "/blocks/0/text/text", "must be less than 151 characters"},
	{"context", func(n int) object {
		return object{"type": "context", "elements": times(10+n, func(int) any { return mrkdwn(1) })}
	}, "/blocks/0/elements", "no more than 10 items allowed"},
	{"actions", func(n int) object { return actions(times(25+n, func(int) any { return button(nil) })...) }, "/blocks/0/elements", "no more than 25 items allowed"},
	{"button text", func(n int) object { return actions(button(object{"text": plain(75 + n)})) }, "/blocks/0/elements/0/text/text", "must be less than 76 characters"},
	{"button value", func(n int) object { return actions(button(object{"value": strings.Repeat("x", 2000+n)})) }, "/blocks/0/elements/0/value", "must be less than 2001 characters"},
	{"button url", func(n int) object {
		return actions(button(object{"url": "https://a.example/" + strings.Repeat("x", 3000-18+n)}))
	}, "/blocks/0/elements/0/url", "must be less than 3001 characters"},
	{"confirm title", func(n int) object { return actions(button(object{"confirm": confirm(100+n, 1)})) }, "/blocks/0/elements/0/confirm/title/text", "must be less than 101 characters"},
	{"confirm text", func(n int) object { return actions(button(object{"confirm": confirm(1, 300+n)})) }, "/blocks/0/elements/0/confirm/text/text", "must be less than 301 characters"},
	{"options", func(n int) object {
		return actions(menu(object{"options": times(100+n, func(int) any { return choice(1, 1) })}))
	}, "/blocks/0/elements/0/options", "no more than 100 items allowed"},
	{"option text", func(n int) object { return actions(menu(object{"options": []any{choice(75+n, 1)}})) }, "/blocks/0/elements/0/options/0/text/text", "must be less than 76 characters"},
	{"option value", func(n int) object { return actions(menu(object{"options": []any{choice(1, 150+n)}})) }, "/blocks/0/elements/0/options/0/value", "must be less than 151 characters"},
	{"placeholder", func(n int) object { return actions(menu(object{"placeholder": plain(150 + n)})) }, "/blocks/0/elements/0/placeholder/text", "must be less than 151 characters"},
	{"overflow", func(n int) object {
		return actions(object{"type": "overflow", "options": times(5+n, func(int) any { return choice(1, 1) })})
	}, "/blocks/0/elements/0/options", "no more than 5 items allowed"},
	{"radio buttons", func(n int) object {
		return actions(object{"type": "radio_buttons", "options": times(10+n, func(int) any { return choice(1, 1) })})
	}, "/blocks/0/elements/0/options", "no more than 10 items allowed"},
	{"action_id", func(n int) object { return actions(button(object{"action_id": strings.Repeat("x", 255+n)})) }, "/blocks/0/elements/0/action_id", "must be less than 256 characters"},
	{"block_id", func(n int) object { return object{"type": "divider", "block_id": strings.Repeat("x", 255+n)} }, "/blocks/0/block_id", "must be less than 256 characters"},
	{"markdown", func(n int) object { return object{"type": "markdown", "text": strings.Repeat("x", 12000+n)} }, "/blocks/0/text", "must be less than 12001 characters"},
	{"alt text", func(n int) object {
		return object{"type": "image", "image_url": "https://a.example/i.png", "alt_text": strings.Repeat("x", 2000+n)}
	}, "/blocks/0/alt_text", "must be less than 2001 characters"},
	{"table rows", func(n int) object { return rows(100+n, 1, rawText(1)) }, "/blocks/0/rows", "no more than 100 items allowed"},
	{"table columns", func(n int) object { return rows(1, 20+n, rawText(1)) }, "/blocks/0/rows/0", "no more than 20 items allowed"},
	{"table text", func(n int) object { return rows(1, 2, rawText(5000+n)) }, "/blocks/0/rows", "must be less than 10001 characters"},
	{"chart title", func(n int) object { return line(50+n, 1, 1, 1) }, "/blocks/0/title", "must be less than 51 characters"},
	{"chart series", func(n int) object { return line(1, 6+n, 1, 1) }, "/blocks/0/chart/series", "no more than 6 items allowed"},
	{"chart points", func(n int) object { return line(1, 1, 20+n, 2) }, "/blocks/0/chart/series/0/data", "no more than 20 items allowed"},
	{"chart labels", func(n int) object { return line(1, 1, 1, 20+n) }, "/blocks/0/chart/series/0/data/0/label", "must be less than 21 characters"},
	{"container", func(n int) object {
		return object{"type": "container", "child_blocks": times(10+n, func(int) any { return object{"type": "divider"} })}
	}, "/blocks/0/child_blocks", "no more than 10 items allowed"},
	{"carousel", func(n int) object {
		return object{"type": "carousel", "elements": times(10+n, func(int) any { return object{"type": "card", "title": plain(1)} })}
	}, "/blocks/0/elements", "no more than 10 items allowed"},
}

func TestBlocksAreHeldToEveryLimit(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), BlockBudget: 1 << 20})
	s.Allow(slackfake.BadBlocks)
	for _, c := range blockLimits {
		send := func(over int) object {
			return post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "blocks": []any{c.block(over)}})
		}
		require.Equal(t, true, send(0)["ok"], "%s: %v", c.name, s.Calls("chat.postMessage")[len(s.Calls("chat.postMessage"))-1].Problems)
		out := send(1)
		refused(t, "invalid_blocks", out)
		want := c.what + " [json-pointer:" + c.at + "]"
		require.Contains(t, out["errors"], want, c.name)
		require.Contains(t, out["response_metadata"].(object)["messages"], "[ERROR] "+want, c.name)
	}
}

func TestBlocksOfTheWrongShapeAreRefused(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace()})
	s.Allow(slackfake.BadBlocks)
	for _, c := range []struct {
		blocks any
		want   string
	}{
		{[]any{object{"type": "sections"}}, "unsupported type: sections [json-pointer:/blocks/0/type]"},
		{[]any{object{"text": plain(1)}}, "missing required field: type [json-pointer:/blocks/0]"},
		{[]any{"section"}, "must provide an object [json-pointer:/blocks/0]"},
		{[]any{object{"type": "section"}}, "missing required field: text [json-pointer:/blocks/0]"},
		{[]any{object{"type": "section", "text": "x"}}, "must provide an object [json-pointer:/blocks/0/text]"},
		{[]any{object{"type": "section", "text": mrkdwn(0)}}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		{[]any{object{"type": "section", "text": mix(mrkdwn(1), object{"emoji": true})}}, "invalid additional property: emoji [json-pointer:/blocks/0/text]"},
		{[]any{object{"type": "header", "text": mrkdwn(1)}}, "must be a valid enum value: plain_text [json-pointer:/blocks/0/text/type]"},
		{[]any{object{"type": "divider", "text": "x"}}, "invalid additional property: text [json-pointer:/blocks/0]"},
		{[]any{object{"type": "actions", "elements": []any{}}}, "must provide at least 1 items [json-pointer:/blocks/0/elements]"},
		{[]any{actions(button(object{"style": "green"}))}, "must be a valid enum value: primary, danger [json-pointer:/blocks/0/elements/0/style]"},
		{[]any{actions(button(object{"action_id": "a"}), button(object{"action_id": "a"}))}, "`action_id` \"a\" already exists [json-pointer:/blocks/0/elements/1/action_id]"},
		{[]any{object{"type": "divider", "block_id": "b"}, object{"type": "divider", "block_id": "b"}}, "`block_id` \"b\" already exists [json-pointer:/blocks/1/block_id]"},
		{[]any{actions(button(object{"url": "not a url"}))}, "must be a valid URL [json-pointer:/blocks/0/elements/0/url]"},
		{[]any{actions(object{"type": "plain_text_input"})}, "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]"},
		{[]any{actions(menu(object{"options": nil}))}, "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]"},
		{[]any{actions(menu(object{"initial_option": choice(2, 2)}))}, "must be one of the provided options [json-pointer:/blocks/0/elements/0/initial_option]"},
		{[]any{rich(object{"type": "text", "text": ""})}, "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]"},
		{[]any{rows(1, 1, rawText(1)), rows(1, 1, rawText(1))}, "only_one_table_allowed [json-pointer:/blocks/1]"},
		{[]any{object{"type": "markdown", "text": strings.Repeat("x", 6001)}, object{"type": "markdown", "text": strings.Repeat("x", 6000)}}, "all markdown blocks together must be less than 12001 characters [json-pointer:/blocks/1/text]"},
		{[]any{object{"type": "alert", "text": plain(1)}}, "unsupported type: alert [json-pointer:/blocks/0/type]"},
		{[]any{line(1, 1, 1, 1), line(1, 1, 1, 1), line(1, 1, 1, 1)}, "too many data_visualization blocks [json-pointer:/blocks/2]"},
		{[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "pie", "segments": []any{object{"label": "a", "value": 0}}}}}, "must be greater than 0 [json-pointer:/blocks/0/chart/segments/0/value]"},
		{[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "bar", "axis_config": object{"categories": []any{"a", "b"}}, "series": []any{object{"name": "s", "data": []any{object{"label": "a", "value": 1}}}}}}}, "must have exactly one point for every category [json-pointer:/blocks/0/chart/series/0/data]"},
		{times(51, func(int) any { return object{"type": "divider"} }), "no more than 50 items allowed [json-pointer:/blocks]"},
	} {
		out := post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "blocks": c.blocks})
		refused(t, "invalid_blocks", out)
		require.Contains(t, out["errors"], c.want)
	}
	s.Allow(slackfake.Malformed)
	for _, b := range []any{"{", "3", object{"type": "section"}} {
		refused(t, "invalid_blocks_format", post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "blocks": b}))
	}
	refused(t, "invalid_attachments", post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "attachments": []any{object{"blocks": []any{object{"type": "x"}}}}}))
}

func TestBlocksTogetherHaveABudget(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace()})
	s.Allow(slackfake.BadBlocks)
	send := func(last int) object {
		blocks := append(times(4, func(int) any { return object{"type": "section", "text": mrkdwn(3000)} }), object{"type": "section", "text": mrkdwn(last)})
		return post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "blocks": blocks})
	}
	done(t, send(1120))
	refused(t, "msg_blocks_too_long", send(1121))
}

func TestAWorkspaceWithoutChartsRefusesThem(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{NoCharts: true})
	out := post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "blocks": []any{line(1, 1, 1, 1)}})
	refused(t, "invalid_blocks", out)
	require.Contains(t, out["errors"], "unsupported type: data_visualization [json-pointer:/blocks/0/type]")
}

func TestBrokenBlocksAreComplainedOfForWhoFallsBackWouldNotNotice(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{NoCharts: true})
	blocks := func(b object) object {
		return object{"channel": slackfake.Incident, "text": "x", "blocks": []any{b}}
	}
	refused(t, "invalid_blocks", post(t, s, "chat.postMessage", blocks(line(1, 1, 1, 1))))
	require.Empty(t, s.Complaints(), "a workspace without charts is nobody's mistake")
	refused(t, "invalid_blocks", post(t, s, "chat.postMessage", blocks(section(""))))
	require.Equal(t, []slackfake.Kind{slackfake.BadBlocks}, kinds(s))
}

func TestBlocksWithoutFallbackAreComplainedOf(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "blocks": []any{section("x")}}))
	require.Equal(t, []slackfake.Kind{slackfake.NoFallback}, kinds(s))
}
