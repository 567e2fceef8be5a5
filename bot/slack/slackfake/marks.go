package slackfake

import "slices"

func (s *Slack) markMethods() map[string]method {
	pin, react := []string{"pins:write"}, []string{"reactions:write"}
	return map[string]method{
		"pins.add":         {run: s.pin, scopes: pin, tier: 2, json: true, args: "channel timestamp"},
		"pins.remove":      {run: s.unpin, scopes: pin, tier: 2, json: true, args: "channel timestamp"},
		"pins.list":        {run: s.listPins, scopes: []string{"pins:read"}, tier: 2, args: "channel"},
		"reactions.add":    {run: s.react, scopes: react, tier: 3, json: true, args: "channel timestamp name"},
		"reactions.remove": {run: s.unreact, scopes: react, tier: 2, json: true, args: "channel timestamp name"},
		"reactions.get":    {run: s.getReactions, scopes: []string{"reactions:read"}, tier: 3, args: "channel timestamp full file file_comment"},
	}
}

const maxPins = 100 // of a channel

// marked finds the message that a pin or reaction is about.
func (s *Slack) marked(c *call) (*conversation, *message, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, nil, refused
	}
	if ch.IM == "" && !ch.BotIn {
		return nil, nil, refuse("not_in_channel")
	}
	if ch.Archived {
		return nil, nil, refuse("is_archived")
	}
	if !c.has("timestamp") {
		return nil, nil, refuse("no_item_specified")
	}
	if !tsShape.MatchString(c.str("timestamp")) {
		return nil, nil, refuse("bad_timestamp")
	}
	m := ch.find(c.str("timestamp"))
	if m == nil || m.tombstone {
		return nil, nil, refuse("message_not_found")
	}
	return ch, m, nil
}

func (s *Slack) pin(c *call) (object, *refusal) {
	ch, m, refused := s.marked(c)
	switch {
	case refused != nil:
		return nil, refused
	case slices.Contains(ch.pins, m.ts):
		return nil, refuse("already_pinned")
	case len(ch.pins) >= maxPins:
		return nil, refuse("too_many_pins")
	}
	ch.pins = append(ch.pins, m.ts)
	return nil, nil
}

func (s *Slack) unpin(c *call) (object, *refusal) {
	ch, m, refused := s.marked(c)
	if refused != nil {
		return nil, refused
	}
	i := slices.Index(ch.pins, m.ts)
	if i < 0 {
		return nil, refuse("no_pin")
	}
	ch.pins = slices.Delete(ch.pins, i, i+1)
	return nil, nil
}

func (s *Slack) listPins(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	found := []any{}
	for _, ts := range ch.pins {
		found = append(found, object{"type": "message", "channel": ch.ID, "created": 1700000000, "created_by": BotUser, "message": s.wire(ch, ch.find(ts), false)})
	}
	return object{"items": found}, nil
}

func (s *Slack) react(c *call) (object, *refusal) {
	_, m, refused := s.marked(c)
	if refused != nil {
		return nil, refused
	}
	name := c.str("name")
	if name == "" || name[0] == ':' {
		return nil, refuse("invalid_name")
	}
	return nil, m.react(name, BotUser)
}

func (m *message) react(name, user string) *refusal {
	for i, r := range m.reactions {
		if r.name != name {
			continue
		}
		if slices.Contains(r.users, user) {
			return refuse("already_reacted")
		}
		m.reactions[i].users = append(r.users, user)
		return nil
	}
	m.reactions = append(m.reactions, reaction{name, []string{user}})
	return nil
}

func (s *Slack) unreact(c *call) (object, *refusal) {
	_, m, refused := s.marked(c)
	if refused != nil {
		return nil, refused
	}
	for i, r := range m.reactions {
		if r.name == c.str("name") && slices.Contains(r.users, BotUser) {
			m.reactions[i].users = slices.DeleteFunc(r.users, func(u string) bool { return u == BotUser })
			m.reactions = slices.DeleteFunc(m.reactions, func(r reaction) bool { return len(r.users) == 0 })
			return nil, nil
		}
	}
	return nil, refuse("no_reaction")
}

func (s *Slack) getReactions(c *call) (object, *refusal) {
	ch, m, refused := s.marked(c)
	if refused != nil {
		return nil, refused
	}
	return object{"type": "message", "channel": ch.ID, "message": s.wire(ch, m, false)}, nil
}
