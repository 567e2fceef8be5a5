package slack

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// asJSON is a sheet as it is sent.
func asJSON(t require.TestingT, s sheet) (raw []byte, blocks []any) {
	raw, err := json.Marshal(s.Blocks)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &blocks))
	return raw, blocks
}

// seen is what a person reads, by the rules of the fake.
func seen(t require.TestingT, s sheet) string {
	raw, _ := asJSON(t, s)
	_, shown := slackfake.CheckBlocks(raw)
	return shown
}

// visit calls f for every object of a JSON value.
func visit(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			visit(e, f)
		}
	case map[string]any:
		f(v)
		for _, e := range v {
			visit(e, f)
		}
	}
}

// obeys checks that a message keeps every limit, and that nothing in it does
// anything, besides calling whom the setting calls.
func obeys(t require.TestingT, r rendered, s setting) {
	if h, ok := t.(*testing.T); ok {
		h.Helper()
	}
	require.NotEmpty(t, r.sheets)
	require.LessOrEqual(t, len(r.sheets), mostSheets)
	calls := map[string]int{}
	for _, c := range s.calls {
		if c.who != "" {
			calls[c.who]++
		}
	}
	for _, sh := range r.sheets {
		raw, blocks := asJSON(t, sh)
		if s.room == homeRoom {
			view, err := json.Marshal(map[string]any{"type": "home", "blocks": blocks})
			require.NoError(t, err)
			require.Empty(t, slackfake.CheckView(view))
			require.LessOrEqual(t, len(view), 250_000)
		} else {
			problems, _ := slackfake.CheckBlocks(raw)
			require.Empty(t, problems)
			require.LessOrEqual(t, len(blocks), 45)
		}
		text, parts := 0, 0
		visit(blocks, func(o map[string]any) {
			for _, k := range []string{"text", "title"} {
				if w, ok := o[k].(string); ok {
					text += units(w)
				}
			}
			parts++
			inert(t, o, calls)
		})
		require.LessOrEqual(t, text, 12000)
		require.LessOrEqual(t, len(sh.Text), 4000)
		require.NotEmpty(t, strings.TrimSpace(sh.Text))
		harmless(t, seen(t, sh))
		harmless(t, sh.Text)
	}
	for who, n := range calls {
		require.Zero(t, n, "%s is called", who)
	}
}

// inert checks one object of a message.
func inert(t require.TestingT, o map[string]any, calls map[string]int) {
	switch kind := o["type"]; kind {
	case "user":
		calls[o["user_id"].(string)]--
	case "usergroup":
		calls[o["usergroup_id"].(string)]--
	case "mrkdwn", "link", "broadcast", "channel", "emoji", "markdown", "team", "color":
		require.Fail(t, "it acts", "%v", o)
	case "date": // a moment that we tell; no text of a stranger's becomes one
		require.Equal(t, dateFormat, o["format"])
		require.NotContains(t, o, "url")
		require.NotEmpty(t, o["fallback"])
	case "plain_text":
		require.NotContains(t, o["text"], "<")
		require.NotContains(t, o["text"], ">")
		require.Equal(t, false, o["emoji"])
	case "text":
		w := o["text"].(string)
		require.NotEmpty(t, w)
		require.LessOrEqual(t, units(w), 3000)
	case "button":
		require.LessOrEqual(t, len(o["value"].(string)), 2000)
		var p press
		require.NoError(t, json.Unmarshal([]byte(o["value"].(string)), &p))
	}
}

// harmless checks that a text is text, and that nothing in it acts on whoever
// shows it.
func harmless(t require.TestingT, s string) {
	require.True(t, utf8.ValidString(s))
	for _, c := range s {
		if c != '\n' && unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			require.Fail(t, "it acts", "%U", c)
		}
	}
}

var folios = regexp.MustCompile(`(?m)^\d of \d( · [a-z ]+)?$`)

// squeezed is a text without white space.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// saidInAll is all that a message says, on its sheets or in the file with the
// whole of it, without white space.
func saidInAll(t require.TestingT, r rendered) string {
	for _, f := range r.files {
		if f.name == wholeFile {
			return squeezed(string(f.data))
		}
	}
	var b strings.Builder
	for _, s := range r.sheets {
		b.WriteString(folios.ReplaceAllString(seen(t, s), ""))
		b.WriteByte('\n')
	}
	return squeezed(b.String())
}
