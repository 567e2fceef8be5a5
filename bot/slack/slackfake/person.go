package slackfake

import "slices"

// Person is somebody who uses the app. What a person does waits for the app to be
// connected, as people wait; it returns when it was sent.
type Person struct {
	s  *Slack
	id string
}

// User is a person, by id or by name.
func (s *Slack) User(user string) *Person {
	s.helper()
	return &Person{s, s.mustUser(user)}
}

func (s *Slack) mustUser(user string) string {
	s.helper()
	s.mu.Lock()
	u := s.user(user)
	s.mu.Unlock()
	if u == nil {
		s.fatal("there is no user %q", user)
	}
	return u.ID
}

// ready waits for a connection.
func (s *Slack) ready() {
	s.helper()
	if s.opt.HTTP == nil && !s.Wait(func() bool { return s.Connections() > 0 }) {
		s.fatal("the app is not connected")
	}
}

// Sent is what a person did: what went to the app, or what the person was told
// instead.
type Sent struct {
	s *Slack
	d *Delivery // nil when nothing was sent
	// Words are what Slack itself told the person, at once.
	Words string
	// TS is the message that was posted.
	TS string
	// Asked is the confirmation that was shown.
	Asked string
}

// Done waits until the app acknowledged, or Slack gave up, and tells what became
// of it. Retries of events are deliveries of their own.
func (t *Sent) Done() Delivery {
	t.s.helper()
	if t.d == nil {
		return Delivery{Words: t.Words, Outcome: DispatchFailed}
	}
	if !t.s.Wait(func() bool { t.s.mu.Lock(); defer t.s.mu.Unlock(); return t.d.done }) {
		t.s.fatal("%s was neither acknowledged nor given up", describe(t.d))
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.d.copyOf()
}

// Sees waits until the person sees a text, in a message that is for them alone or
// in the direct conversation with the app.
func (p *Person) Sees(text string) Message {
	p.s.helper()
	dm := p.s.DM(p.id)
	return p.s.await("for "+p.id, text, func() []Message { return append(dm.Messages(), p.s.Ephemerals(p.id)...) })
}

// Joins makes the person a member of a conversation.
func (p *Person) Joins(channel string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		if ch.Members != nil && !slices.Contains(ch.Members, p.id) {
			ch.Members = append(ch.Members, p.id)
		}
		return p.s.joined(ch, p.id)
	})
}

// Edits changes a message of the person's own.
func (p *Person) Edits(t *Sent, channel, text string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		m := ch.find(t.TS)
		before := p.s.wire(ch, m, false)
		m.text, m.edits, m.editedTS = p.s.typed(text, false), m.edits+1, p.s.nextTS()
		return object{
			"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.ID, "channel_type": p.s.channelType(ch), "ts": p.s.nextTS(),
			"message": p.s.wire(ch, m, false), "previous_message": before,
		}
	})
}

// Deletes removes a message of the person's own.
func (p *Person) Deletes(t *Sent, channel string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		m := ch.find(t.TS)
		before := p.s.wire(ch, m, false)
		p.s.dropped(ch, m)
		return object{
			"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.ID, "channel_type": p.s.channelType(ch),
			"ts": p.s.nextTS(), "deleted_ts": t.TS, "previous_message": before,
		}
	})
}

// OpensHome opens the app's home.
func (p *Person) OpensHome() *Sent {
	p.s.helper()
	p.s.ready()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	event := object{"type": "app_home_opened", "user": p.id, "channel": s.im(p.id).ID, "tab": "home"}
	if v := s.homes[p.id]; v != nil {
		event["view"] = s.viewObject(v)
	}
	return &Sent{s: s, d: s.eventLocked(event)}
}

// Reacts puts an emoji on a message.
func (p *Person) Reacts(to Message, name string) {
	p.s.do(func() {
		if m := p.s.channelByID(to.Channel).find(to.TS); m != nil {
			m.react(name, p.id)
		}
	})
}
