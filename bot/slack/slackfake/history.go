package slackfake

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Limits of reading (docs.slack.dev/reference/methods/conversations.history).
const (
	defaultPage = 100
	maxPage     = 999
)

// readScope is the scope that reading a conversation needs: its history, or what
// is known of it.
func (s *Slack) readScope(c *call, ch *conversation, what string) *refusal {
	kind := map[string]string{"im": "im", "group": "groups", "channel": "channels"}[s.channelType(ch)]
	return c.token.need(kind + ":" + what)
}

func (s *Slack) history(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if refused := s.readScope(c, ch, "history"); refused != nil {
		return nil, refused
	}
	if ch.IM == "" && !ch.BotIn {
		return nil, refuse("not_in_channel")
	}
	var found []*message
	for _, m := range slices.Backward(ch.messages) {
		if (!m.isReply() || m.broadcast) && inRange(c.args, m.ts) {
			found = append(found, m)
		}
	}
	return s.pageOf(c, ch, found)
}

func (s *Slack) replies(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if refused := s.readScope(c, ch, "history"); refused != nil {
		return nil, refused
	}
	if ch.IM == "" && !ch.BotIn {
		return nil, refuse("not_in_channel")
	}
	root := ch.find(c.str("ts"))
	if root == nil {
		return nil, refuse("thread_not_found")
	}
	if root.isReply() { // the ts of a reply gives that reply alone
		return s.pageOf(c, ch, []*message{root})
	}
	found := []*message{root} // the first message is always there
	for _, m := range ch.replies(root.ts) {
		if inRange(c.args, m.ts) {
			found = append(found, m)
		}
	}
	return s.pageOf(c, ch, found)
}

// inRange: after oldest and before latest, both exclusive unless inclusive. Times
// in these arguments may be shorter than those of messages.
func inRange(a args, ts string) bool {
	after, before := compareTS(ts, a.str("oldest")), compareTS(ts, a.str("latest"))
	if a.has("oldest") && (after < 0 || after == 0 && !a.truth("inclusive")) {
		return false
	}
	return !a.has("latest") || before < 0 || before == 0 && a.truth("inclusive")
}

func compareTS(a, b string) int {
	x, y := micros(a), micros(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func micros(ts string) int64 {
	sec, frac, _ := strings.Cut(ts, ".")
	n, _ := strconv.ParseInt(sec, 10, 64)
	f, _ := strconv.ParseInt((frac + "000000")[:6], 10, 64)
	return n*1e6 + f
}

func (s *Slack) pageOf(c *call, ch *conversation, found []*message) (object, *refusal) {
	from, next, refused := cut(c.args, len(found), maxPage)
	if refused != nil {
		return nil, refused
	}
	page := []any{}
	for _, m := range found[from:next] {
		page = append(page, s.wire(ch, m, c.truth("include_all_metadata")))
	}
	return object{
		"messages": page, "has_more": next < len(found), "pin_count": len(ch.pins),
		"response_metadata": object{"next_cursor": cursor(next, len(found))},
	}, nil
}

// cut finds the page that limit and cursor ask for.
func cut(a args, n, most int) (from, to int, _ *refusal) {
	limit := a.count("limit", defaultPage)
	if a.has("limit") && (limit < 1 || limit > most) {
		return 0, 0, refuse("invalid_limit")
	}
	if c := a.str("cursor"); c != "" {
		raw, err := base64.StdEncoding.DecodeString(c)
		at, ok := strings.CutPrefix(string(raw), "next:")
		at64, bad := strconv.Atoi(at)
		if !ok || err != nil || bad != nil || at64 < 0 || at64 > n {
			return 0, 0, refuse("invalid_cursor")
		}
		from = at64
	}
	return from, min(n, from+limit), nil
}

func cursor(next, n int) string {
	if next >= n {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(next)))
}
