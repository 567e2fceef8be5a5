package slackfake

// mine finds a message that the bot may change.
func (s *Slack) mine(c *call, cant string) (*conversation, *message, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, nil, refused
	}
	m := ch.find(c.str("ts"))
	switch {
	case m == nil || m.tombstone:
		s.complainLocked(StrangeEdit, "%s of a message that is not there: %s", c.name, c.str("ts"))
		return nil, nil, refuse("message_not_found")
	case m.user != BotUser:
		s.complainLocked(StrangeEdit, "%s of a message that is not the bot's: %s", c.name, c.str("ts"))
		return nil, nil, refuse(cant)
	}
	return ch, m, nil
}

func (s *Slack) updateMessage(c *call) (object, *refusal) {
	ch, m, refused := s.mine(c, "cant_update_message")
	if refused != nil {
		return nil, refused
	}
	if len(c.str("text")) > maxUpdateBytes {
		return nil, refuse("msg_too_long")
	}
	if !c.has("text") && !given(c.args, "blocks") && !c.has("attachments") && !c.has("metadata") {
		return nil, refuse("no_text")
	}
	if !c.has("text") && !given(c.args, "blocks") {
		c.args["text"] = m.text
	}
	if !given(c.args, "blocks") {
		c.args["blocks"] = any(clone(m.blocks)) // what is not given stays; an empty list removes
	}
	changed, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	before := s.wire(ch, m, false)
	m.text, m.blocks = settle(changed.text), changed.blocks
	s.nameBlocks(m.blocks)
	if c.has("attachments") {
		m.attachments = changed.attachments
	}
	if c.has("metadata") {
		m.metadata = changed.metadata
	}
	if c.truth("reply_broadcast") && m.isReply() {
		m.broadcast = true
	}
	m.edits++
	m.editedTS = s.nextTS()
	s.own(ch, object{
		"type": "message", "subtype": "message_changed", "hidden": true, "ts": s.nextTS(), "message": s.wire(ch, m, false), "previous_message": before,
	})
	return object{"channel": ch.ID, "ts": m.ts, "text": m.text, "message": s.wire(ch, m, true)}, nil
}

// given: the argument is there, be it empty.
func given(a args, name string) bool {
	v, ok := a[name]
	return ok && v != nil && v != ""
}

func (s *Slack) deleteMessage(c *call) (object, *refusal) {
	ch, m, refused := s.mine(c, "cant_delete_message")
	if refused != nil {
		return nil, refused
	}
	ts, before := m.ts, s.wire(ch, m, false)
	s.dropped(ch, m)
	s.own(ch, object{
		"type": "message", "subtype": "message_deleted", "hidden": true, "ts": s.nextTS(), "deleted_ts": ts, "previous_message": before,
	})
	return object{"channel": ch.ID, "ts": ts}, nil
}
