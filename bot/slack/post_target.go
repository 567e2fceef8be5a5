package slack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// target is where on Slack a place is.
type target struct {
	surface surface
	channel string // also of a direct conversation
	thread  string
	user    string // who alone sees it
	reply   string // as good as a password
}

type surface uint8

const (
	inChannel surface = iota // or in a direct conversation
	unseen                   // in a channel, for one person: ephemeral
	inHome
)

// stamp is what Slack names messages with.
var stamp = regexp.MustCompile(`^[0-9]{9,}\.[0-9]{6}$`)

// target finds where a place is. A direct conversation is opened when there is none.
func (p *Platform) target(ctx context.Context, place state.Place) (target, error) {
	t := target{channel: place.Channel, reply: p.replyTo(place.Reply)}
	if stamp.MatchString(place.Thread) {
		t.thread = place.Thread
	}
	switch {
	case place.Person != "":
		var ok bool
		if _, t.user, ok = splitLink(place.Person); !ok {
			return t, &chat.Permanent{Err: errors.New("slack: the person of the place is nobody of Slack")}
		}
	case strings.HasPrefix(place.Channel, "U"), strings.HasPrefix(place.Channel, "W"):
		t.user, t.channel = place.Channel, ""
	}
	switch {
	case t.channel == homeChannel && t.user != "":
		t.surface = inHome
	case t.channel == "" && t.user != "":
		var err error
		t.channel, err = p.converse(ctx, t.user)
		return t, err
	case t.channel == "" || t.channel == homeChannel:
		return t, &chat.Permanent{Err: errors.New("slack: the place is no channel and nobody's")}
	case t.user != "" && !strings.HasPrefix(t.channel, "D"): // nobody else reads a direct conversation
		t.surface = unseen
	}
	return t, nil
}

// replyTo is an address for answers, "" when it is not one of Slack's.
func (p *Platform) replyTo(address string) string {
	if u, err := url.Parse(address); err != nil || !p.slackHost(u) {
		return ""
	}
	return address
}

// converse opens the direct conversation with somebody.
func (p *Platform) converse(ctx context.Context, user string) (string, error) {
	if id := p.out.conversation(user); id != "" {
		return id, nil
	}
	c, _, _, err := p.api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", p.told("slack: open a direct conversation", err)
	}
	p.out.opened(user, c.ID)
	return c.ID, nil
}

// told is an error in the words of chat; that Slack wants us to slow down is counted.
func (p *Platform) told(doing string, err error) error {
	err = classified(doing, err)
	if errors.As(err, new(*chat.RetryAfter)) {
		p.opt.Count("rate limited")
	}
	return err
}

// setting is how messages are rendered for a target.
func (p *Platform) setting(ctx context.Context, t target, m chat.Message) setting {
	s := setting{
		room: messageRoom, command: p.opt.Command, charts: p.out.charts(), calls: p.calls(ctx, t, m),
		files: "in the thread", onward: "it goes on in the thread",
	}
	switch {
	case t.surface == inHome:
		s.room, s.charts, s.files, s.onward = homeRoom, false, "", ""
	case t.surface == unseen:
		s.files, s.onward = "sent to you directly", "it goes on below"
	}
	return s
}

// mostCalls is how many are notified by one message.
const mostCalls = 50

// calls are whom a message notifies. Who alone sees it needs no call.
func (p *Platform) calls(ctx context.Context, t target, m chat.Message) []stretch {
	if t.user != "" {
		return nil
	}
	var out []stretch
	seen := map[string]bool{}
	for _, name := range m.Notify {
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(seen) > mostCalls {
			return append(out, stretch{text: fmt.Sprintf(" and %d more, who are not notified", len(m.Notify)-mostCalls)})
		}
		if len(out) > 0 {
			out = append(out, stretch{text: " "})
		}
		out = append(out, p.summoned(ctx, name))
	}
	return out
}

// summoned is one who is notified; a name that nobody has here is text.
func (p *Platform) summoned(ctx context.Context, name string) stretch {
	link, ok := p.opt.Mention(ctx, name)
	if _, id, known := splitLink(link); ok && known && notifiable.MatchString(id) {
		return stretch{text: strings.Repeat("@", 20), who: id}
	}
	if _, rest, ok := strings.Cut(name, ":"); ok {
		name = rest
	}
	return stretch{text: chat.Clean(name)}
}

// notifiable are the ids of users and user groups.
var notifiable = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)
