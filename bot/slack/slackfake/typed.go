package slackfake

import (
	"regexp"
	"strings"
)

var (
	typedURL    = regexp.MustCompile(`https?://[^\s<>|]+`)
	typedDomain = regexp.MustCompile(`\b(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:com|org|net|io|dev|example|de|uk)\b`)
	typedName   = regexp.MustCompile(`@[a-z0-9][a-z0-9._-]*`)
	typedPlace  = regexp.MustCompile(`#[a-z0-9][a-z0-9_-]*`)
)

// typed is what Slack makes of what a person typed: escapes, links, and references
// to people and channels (docs.slack.dev/interactivity/implementing-slash-commands).
// In commands people come with their names. Names of servers become links, too.
func (s *Slack) typed(text string, inCommand bool) string {
	text = typedURL.ReplaceAllStringFunc(escapeAll(text), func(u string) string { return "<" + u + ">" })
	text = outside(text, func(part string) string {
		return typedDomain.ReplaceAllStringFunc(part, func(d string) string { return "<http://" + d + "|" + d + ">" })
	})
	return outside(text, func(part string) string {
		part = typedName.ReplaceAllStringFunc(part, func(n string) string { return s.typedMention(n, inCommand) })
		return typedPlace.ReplaceAllStringFunc(part, func(n string) string {
			if ch := s.findChannel(n); ch != nil {
				return "<#" + ch.ID + "|" + ch.Name + ">"
			}
			return n
		})
	})
}

func (s *Slack) typedMention(name string, inCommand bool) string {
	trimmed := strings.TrimRight(name, ".-_")
	rest := name[len(trimmed):]
	switch word := strings.TrimPrefix(trimmed, "@"); word {
	case "here", "channel", "everyone":
		return "<!" + word + ">" + rest
	default:
		if u := s.user(word); u != nil && inCommand {
			return "<@" + u.ID + "|" + u.Name + ">" + rest
		} else if u != nil {
			return "<@" + u.ID + ">" + rest
		}
		for _, g := range s.groups {
			if g.Handle == word {
				return "<!subteam^" + g.ID + "|@" + g.Handle + ">" + rest
			}
		}
	}
	return name
}

// outside changes what is outside angle brackets.
func outside(text string, f func(string) string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			i = len(text)
		}
		b.WriteString(f(text[:i]))
		text = text[i:]
		if end := strings.IndexByte(text, '>'); end >= 0 {
			b.WriteString(text[:end+1])
			text = text[end+1:]
		} else {
			b.WriteString(text)
			break
		}
	}
	return b.String()
}
