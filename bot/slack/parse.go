package slack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/bot/chat"
)

// maxRunes is how long a line may be, in characters.
const maxRunes = 8000

// angled is what Slack puts in angle brackets: people, channels, groups and links
// (docs.slack.dev/messaging/formatting-message-text). What a person typed between
// brackets comes with &lt; and &gt; instead.
var angled = regexp.MustCompile(`<(?:` +
	`@([UW][A-Z0-9]+)(?:\|[^<>]*)?` + // a person
	`|#([CGD][A-Z0-9]+)(?:\|[^<>]*)?` + // a channel
	`|!subteam\^(S[A-Z0-9]+)(?:\|[^<>]*)?` + // a user group
	`|!(here|channel|everyone)(?:\|[^<>]*)?` +
	`|!date\^[^<>|]*\|([^<>]*)` +
	`|([A-Za-z][A-Za-z0-9+.-]*:[^<>|\s]*)(?:\|([^<>]*))?` + // a link
	`)>`)

// entities are the three characters that Slack escapes.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// spaces are characters that look like a space and are none to most programs.
var spaces = strings.NewReplacer("\u00a0", " ", "\u2007", " ", "\u202f", " ")

// line is a text of Slack as the person wrote it: people and groups as links, for
// the workspace team, channels as ids, links as their addresses.
func line(team, text string) (string, error) {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", notText()
	case utf8.RuneCountInString(text) > maxRunes:
		return "", &chat.Problem{What: fmt.Sprintf("The line is longer than %d characters.", maxRunes), Try: "Hand the text in as a file."}
	}
	var b strings.Builder
	at := 0
	for _, m := range angled.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(entities.Replace(text[at:m[0]]))
		b.WriteString(meant(team, groups(text, m)))
		at = m[1]
	}
	b.WriteString(entities.Replace(text[at:]))
	return strings.TrimSpace(unfenced(spaces.Replace(b.String()))), nil
}

func notText() *chat.Problem {
	return &chat.Problem{What: "The line has bytes in it that are not text."}
}

// groups are the parts of one match, "" for those that are not in it.
func groups(text string, m []int) []string {
	out := make([]string, len(m)/2)
	for i := range out {
		if m[2*i] >= 0 {
			out[i] = text[m[2*i]:m[2*i+1]]
		}
	}
	return out
}

// meant is one thing in angle brackets as a word of a line.
func meant(team string, g []string) string {
	user, channel, group, all, date, address, label := g[1], g[2], g[3], g[4], g[5], g[6], g[7]
	switch {
	case user != "":
		return Link(team, user)
	case channel != "":
		return channel
	case group != "":
		return Link(team, group)
	case all != "":
		return "@" + all
	case date != "":
		return entities.Replace(date)
	}
	return typed(entities.Replace(address), entities.Replace(label))
}

// typed is what a person wrote of a link. Slack makes links of host names and
// addresses by itself: those are given back as they were typed. Otherwise the
// address counts, not what stands over it.
func typed(address, label string) string {
	for _, made := range []string{"http://", "https://", "mailto:", "tel:"} {
		if rest, ok := strings.CutPrefix(address, made); ok && label != "" && strings.TrimSuffix(rest, "/") == strings.TrimSuffix(label, "/") {
			return label
		}
	}
	if mail, ok := strings.CutPrefix(address, "mailto:"); ok {
		return mail
	}
	return address
}

const fence = "```"

// unfenced takes away the fence of a block of code at the end of a line: people
// put JSON into one.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	body, ok := strings.CutSuffix(text, fence)
	if !ok || strings.Count(body, fence) != 1 {
		return text
	}
	head, block, _ := strings.Cut(body, fence)
	return head + " " + strings.TrimSpace(block)
}
