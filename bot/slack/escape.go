package slack

import (
	"strings"

	"github.com/rivo/uniseg"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// units is how long a text is, in UTF-16 units. Slack counts characters, some of
// its parts units; there are never fewer units than characters.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// escape takes the meaning from the three characters that have one for Slack
// (docs.slack.dev/messaging/formatting-message-text). It is for texts that Slack
// reads: plain text and the fallback. The text of rich text is taken as it is.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// fitted is a text, cleaned and escaped, in at most so many units.
func fitted(s string, most int) string { return shortened(s, most, escape) }

// clipped is a text, cleaned, in at most so many units, for where nothing is escaped.
func clipped(s string, most int) string {
	return shortened(s, most, func(s string) string { return s })
}

// shortened is a text as it is written. What is cut ends with an ellipsis, and is
// cut between what people see as characters.
func shortened(s string, most int, written func(string) string) string {
	s = chat.Clean(s)
	if out := written(s); units(out) <= most {
		return out
	}
	var b strings.Builder
	used := 1 // the ellipsis
	for state := -1; s != ""; {
		var one string
		one, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		one = written(one)
		if used += units(one); used > most {
			break
		}
		b.WriteString(one)
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

// plain is a text object without markup. Slack refuses empty ones.
func plain(s string, most int) *slackgo.TextBlockObject {
	if s = fitted(s, most); s == "" {
		s = "–"
	}
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, false, false)
}

// broken cuts a text in two, the first at most so many units long: behind a space
// when there is one in its second half, else between what people see as
// characters, and within one only when it is longer than all the room.
func broken(s string, most int) (first, rest string) {
	at, space, used := 0, 0, 0
	near := s[:within(s, most+1)] // what is behind it does not matter
	for left, state := near, -1; left != ""; {
		var one string
		one, left, _, state = uniseg.FirstGraphemeClusterInString(left, state)
		if used += units(one); used > most {
			break
		}
		at += len(one)
		if one == " " && used > most/2 {
			space = at
		}
	}
	switch {
	case at == len(s):
		return s, ""
	case space > 0:
		at = space
	case at == 0:
		at = within(s, most)
	}
	return s[:at], s[at:]
}

// within is how many bytes of a text are at most so many units, at least one
// character.
func within(s string, most int) int {
	used := 0
	for i, r := range s {
		if used += units(string(r)); used > most && i > 0 {
			return i
		}
	}
	return len(s)
}
