package slackfake

func (s *Slack) postEphemeral(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	user := c.str("user")
	if u := s.userByID(user); u == nil || u.Deleted {
		return nil, refuse("user_not_found")
	}
	if !s.member(ch, user) {
		return nil, refuse("user_not_in_channel")
	}
	m, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	s.whisper(ch, user, m)
	return object{"message_ts": m.ts}, nil
}

// whisper shows a message to one person.
func (s *Slack) whisper(ch *conversation, user string, m *message) *message {
	m.ts, m.onlyFor, m.channel, m.text = s.nextTS(), user, ch.ID, settle(m.text)
	if m.user == "" {
		m.user = BotUser
	}
	s.nameBlocks(m.blocks)
	s.ephemerals = append(s.ephemerals, m)
	return m
}
