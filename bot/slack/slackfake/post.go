package slackfake

// intoThread says which thread a message joins.
func (ch *conversation) intoThread(ts string) (string, *refusal) {
	if ts == "" {
		return "", nil
	}
	if !tsShape.MatchString(ts) {
		return "", refuse("invalid_thread_ts")
	}
	root := ch.find(ts)
	switch {
	case root == nil:
		return "", nil // its root was deleted: Slack posts into the channel
	case root.isReply():
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// posted is a message that was posted with a client_msg_id.
type posted struct{ channel, ts string }

func (s *Slack) postMessage(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	m, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	if c.has("thread_ts") && m.threadTS == "" {
		c.warnings = append(c.warnings, "thread_not_found")
	}
	m.broadcast = c.truth("reply_broadcast") && m.threadTS != ""
	if m.broadcast {
		m.subtype = "thread_broadcast"
	}
	if before, refused := s.again(m.clientID, ch); before != nil || refused != nil {
		if refused != nil {
			return nil, refused
		}
		return object{"channel": ch.ID, "ts": before.ts, "message": s.wire(ch, before, true)}, nil
	}
	s.put(ch, m)
	if m.clientID != "" {
		s.dedupe[m.clientID] = &posted{ch.ID, m.ts}
	}
	return object{"channel": ch.ID, "ts": m.ts, "message": s.wire(ch, m, true)}, nil
}

// again finds the message that was posted with the same client_msg_id. Slack
// documents only the errors: "no duplicate message exists associated with
// client_msg_id", and a channel that does not fit it. From them, and from clients
// that live by it, a repeated id gives the first message back; when that was deleted
// it is duplicate_message_not_found, and in another channel duplicate_channel_not_found.
func (s *Slack) again(id string, ch *conversation) (*message, *refusal) {
	before := s.dedupe[id]
	if id == "" || s.opt.NoDedupe || before == nil {
		return nil, nil
	}
	if before.channel != ch.ID {
		return nil, refuse("duplicate_channel_not_found")
	}
	if m := ch.find(before.ts); m != nil && !m.tombstone {
		return m, nil
	}
	return nil, refuse("duplicate_message_not_found")
}
