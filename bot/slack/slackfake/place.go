package slackfake

import (
	"slices"
	"strings"
)

// Place is a conversation as people see it, in assertions.
type Place struct {
	s  *Slack
	id string
}

// In is a conversation, by id or by name.
func (s *Slack) In(channel string) *Place {
	s.helper()
	s.mu.Lock()
	ch := s.findChannel(channel)
	s.mu.Unlock()
	if ch == nil {
		s.fatal("there is no channel %q", channel)
	}
	return &Place{s, ch.ID}
}

// DM is the conversation of the app with somebody.
func (s *Slack) DM(user string) *Place {
	s.helper()
	id := s.mustUser(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Place{s, s.im(id).ID}
}

// Messages are all messages of a conversation that everybody there sees, replies
// with them, oldest first.
func (s *Slack) Messages(channel string) []Message { return s.In(channel).Messages() }

// Thread are a message and its replies.
func (s *Slack) Thread(channel, ts string) []Message {
	return slices.DeleteFunc(s.Messages(channel), func(m Message) bool { return m.TS != ts && m.ThreadTS != ts })
}

// Pins are the pinned messages of a conversation.
func (s *Slack) Pins(channel string) []Message {
	return slices.DeleteFunc(s.Messages(channel), func(m Message) bool { return !m.Pinned })
}

// Ephemerals are the messages that only one person sees.
func (s *Slack) Ephemerals(user string) []Message {
	s.helper()
	id := s.mustUser(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.ephemerals {
		if m.onlyFor == id {
			out = append(out, s.show(s.channelByID(m.channel), m))
		}
	}
	return out
}

// All are all messages that anybody sees, private ones with them, by time.
func (s *Slack) All() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, ch := range s.channels {
		for _, m := range ch.messages {
			out = append(out, s.show(ch, m))
		}
	}
	for _, m := range s.ephemerals {
		out = append(out, s.show(s.channelByID(m.channel), m))
	}
	slices.SortStableFunc(out, func(a, b Message) int { return compareTS(a.TS, b.TS) })
	return out
}

// Messages are all messages of the conversation, oldest first.
func (p *Place) Messages() []Message {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	ch := p.s.channelByID(p.id)
	out := make([]Message, 0, len(ch.messages))
	for _, m := range ch.messages {
		out = append(out, p.s.show(ch, m))
	}
	return out
}

// Sees waits until a text is shown and returns the newest message with it.
func (p *Place) Sees(text string) Message {
	p.s.helper()
	return p.s.await("in "+p.id, text, p.Messages)
}

// Never fails when a text is shown now.
func (p *Place) Never(text string) {
	p.s.helper()
	if _, ok := newest(p.Messages(), text); ok {
		p.s.fatal("%q is shown in %s", text, p.id)
	}
}

// Last is the newest message.
func (p *Place) Last() Message {
	p.s.helper()
	all := p.Messages()
	if len(all) == 0 {
		p.s.fatal("nothing was said in %s", p.id)
	}
	return all[len(all)-1]
}

func (s *Slack) await(where, text string, from func() []Message) Message {
	s.helper()
	var found Message
	if !s.Wait(func() bool { m, ok := newest(from(), text); found = m; return ok }) {
		s.fatal("nobody sees %q %s", text, where)
	}
	return found
}

func newest(all []Message, text string) (Message, bool) {
	for _, m := range slices.Backward(all) {
		if strings.Contains(m.Text, text) {
			return m, true
		}
	}
	return Message{}, false
}

// Archive archives the conversation.
func (p *Place) Archive() {
	p.change(func(ch *conversation) object {
		ch.Archived = true
		return object{"type": "channel_archive", "channel": ch.ID, "user": Lead1}
	})
}

// Unarchive opens it again.
func (p *Place) Unarchive() {
	p.change(func(ch *conversation) object {
		ch.Archived = false
		return object{"type": "channel_unarchive", "channel": ch.ID, "user": Lead1}
	})
}

// InviteBot makes the bot a member.
func (p *Place) InviteBot() {
	p.change(func(ch *conversation) object { ch.BotIn = true; return p.s.joined(ch, BotUser) })
}

// KickBot removes the bot. It is told so.
func (p *Place) KickBot() {
	p.change(func(ch *conversation) object {
		ch.BotIn = false
		if ch.Private {
			return object{"type": "group_left", "channel": ch.ID}
		}
		return object{"type": "channel_left", "channel": ch.ID}
	})
}

// ShareWith shares the conversation with another organisation.
func (p *Place) ShareWith(team string) {
	p.change(func(ch *conversation) object {
		ch.ExtShared, ch.Teams = true, append(ch.Teams, team)
		return object{"type": "channel_shared", "connected_team_id": team, "channel": ch.ID}
	})
}

func (p *Place) change(f func(*conversation) object) {
	p.s.do(func() { p.s.eventLocked(f(p.s.channelByID(p.id))) })
}

// SetGroup changes who is in a user group. The app is told.
func (s *Slack) SetGroup(id string, members ...string) {
	s.do(func() {
		if g := s.groupByID(id); g != nil {
			g.Members = members
			s.eventLocked(object{"type": "subteam_updated", "subteam": merge(s.groupObject(g), object{"users": members})})
		}
	})
}
