package slackfake

import (
	"slices"
	"strings"
)

// interaction are the fields that every interactive payload has.
func (s *Slack) interaction(kind, user string, in *view) object {
	u := s.userByID(user)
	o := object{
		"type": kind, "token": "verification", "api_app_id": AppID, "is_enterprise_install": false, "enterprise": nil,
		"team":       object{"id": TeamID, "domain": "acme"},
		"user":       object{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": or(u.Team, TeamID)},
		"trigger_id": s.newTrigger(user, in), "action_ts": s.nextTS(),
	}
	if s.opt.EnterpriseID != "" {
		o["enterprise"] = object{"id": s.opt.EnterpriseID, "name": "Acme Group"}
	}
	return o
}

// original finds the message behind what a person sees.
func (s *Slack) original(m Message) (*conversation, *message) {
	ch := s.channelByID(m.Channel)
	if !m.Private {
		return ch, ch.find(m.TS)
	}
	if i := slices.IndexFunc(s.ephemerals, func(e *message) bool { return e.ts == m.TS && e.onlyFor == m.For }); i >= 0 {
		return ch, s.ephemerals[i]
	}
	return ch, nil
}

// onMessage are the fields of an interaction with a message. A message that only
// one person sees is not shown to the app again.
func (s *Slack) onMessage(ch *conversation, m *message, user string) object {
	container := object{"type": "message", "message_ts": m.ts, "channel_id": ch.ID, "is_ephemeral": m.onlyFor != ""}
	if m.threadTS != "" {
		container["thread_ts"] = m.threadTS
	}
	o := object{
		"container": container, "channel": object{"id": ch.ID, "name": shownName(ch)}, "response_url": s.newResponse(ch, user, m),
		"state": object{"values": (&view{body: object{"blocks": m.blocks}}).values()},
	}
	if m.onlyFor == "" {
		o["message"] = s.wire(ch, m, false)
	}
	return o
}

// Presses presses a button of a message, by what is written on it, and confirms
// when it is asked to.
func (p *Person) Presses(m Message, label string) *Sent {
	p.s.helper()
	p.s.ready()
	p.s.mu.Lock()
	ch, now := p.s.original(m)
	var c *control
	if now != nil {
		c = pick(p.s.show(ch, now).controls, "button", label)
	}
	p.s.mu.Unlock()
	if c == nil {
		p.s.fatal("there is no button %q on %q", label, m.Text)
	}
	return p.act(m, *c, object{"value": c.value, "text": c.element["text"], "style": c.element["style"]})
}

// Asks is what a button would ask before it acts, empty when it acts at once.
func (m Message) Asks(label string) string {
	if c := pick(m.controls, "button", label); c != nil {
		return asks(c.element)
	}
	return ""
}

func asks(e object) string {
	confirm := obj(e["confirm"])
	if confirm == nil {
		return ""
	}
	p := &page{}
	p.add(p.text(confirm["title"])...)
	p.say("\n")
	if str(obj(confirm["text"])["type"]) == "mrkdwn" {
		p.say(unescapeAll(str(obj(confirm["text"])["text"])))
	} else {
		p.add(p.text(confirm["text"])...)
	}
	return flat(p.spans)
}

// Chooses picks an option of a menu on a message, by the menu's placeholder or
// action id and by the option's text.
func (p *Person) Chooses(m Message, menu, choice string) *Sent {
	p.s.helper()
	p.s.ready()
	var c *control
	for i, each := range m.controls {
		if each.kind != "button" && (each.label == menu || each.actionID == menu || menu == "") {
			c = &m.controls[i]
		}
	}
	if c == nil {
		p.s.fatal("there is no menu %q on %q", menu, m.Text)
	}
	value, ok := p.s.choice(c.element, choice)
	if !ok {
		p.s.fatal("the menu %q has no %q", menu, choice)
	}
	return p.act(m, *c, value)
}

// pick finds a control by its label.
func pick(controls []control, kind, label string) *control {
	for i, c := range controls {
		if c.kind == kind && c.label == label {
			return &controls[i]
		}
	}
	return nil
}

// act sends block_actions for a control of a message.
func (p *Person) act(m Message, c control, what object) *Sent {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	ch, now := s.original(m)
	if now == nil {
		return &Sent{s: s, Words: "the message is gone"}
	}
	payload := merge(s.interaction("block_actions", p.id, nil), s.onMessage(ch, now, p.id))
	payload["actions"] = []any{s.action(c, what)}
	if values := obj(obj(obj(payload["state"])["values"])[c.blockID]); values[c.actionID] != nil {
		values[c.actionID] = merge(object{"type": c.kind}, what)
	}
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil), Asked: asks(c.element)}
}

func (s *Slack) action(c control, what object) object {
	a := merge(object{"type": c.kind, "action_id": c.actionID, "block_id": c.blockID, "action_ts": s.nextTS()}, what)
	for k, v := range a {
		if v == nil || v == "" {
			delete(a, k)
		}
	}
	return a
}

// UsesShortcut uses a shortcut on a message, by its name in the manifest.
func (p *Person) UsesShortcut(m Message, name string) *Sent {
	p.s.helper()
	p.s.ready()
	callback, ok := p.s.opt.Shortcuts[name]
	if !ok {
		p.s.fatal("the manifest has no shortcut %q", name)
	}
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	ch, now := s.original(m)
	if now == nil || now.onlyFor != "" {
		return &Sent{s: s, Words: "there is no menu on that message"}
	}
	payload := merge(s.interaction("message_action", p.id, nil), object{
		"callback_id": callback, "message_ts": now.ts, "message": s.wire(ch, now, false), "channel": object{"id": ch.ID, "name": shownName(ch)},
		"response_url": s.newResponse(ch, p.id, nil),
	})
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil)}
}

// UsesGlobalShortcut uses a shortcut that is on no message.
func (p *Person) UsesGlobalShortcut(name string) *Sent {
	p.s.helper()
	p.s.ready()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	payload := merge(s.interaction("shortcut", p.id, nil), object{"callback_id": s.opt.Shortcuts[name]})
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil)}
}

// Interacts sends an interactive payload as it is, however strange.
func (s *Slack) Interacts(payload map[string]any) *Sent {
	s.ready()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil)}
}

// choice is the value of an element when something is chosen.
func (s *Slack) choice(e object, text string) (object, bool) {
	kind := str(e["type"])
	switch kind {
	case "users_select":
		if u := s.userLocked(text); u != nil {
			return object{"selected_user": u.ID}, true
		}
	case "conversations_select", "channels_select":
		if ch := s.channelLocked(text); ch != nil {
			key := "selected_" + strings.TrimSuffix(kind, "s_select")
			return object{key: ch.ID}, true
		}
	case "datepicker":
		return object{"selected_date": text}, dateShape.MatchString(text)
	case "timepicker":
		return object{"selected_time": text}, timeShape.MatchString(text)
	}
	for _, o := range allOptions(e) {
		if str(obj(obj(o)["text"])["text"]) == text || str(obj(o)["value"]) == text {
			return object{"selected_option": o}, true
		}
	}
	return nil, false
}

func (s *Slack) userLocked(key string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user(key)
}

func (s *Slack) channelLocked(key string) *conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findChannel(key)
}

func allOptions(e object) []any {
	out := slices.Clone(list(e["options"]))
	for _, g := range list(e["option_groups"]) {
		out = append(out, list(obj(g)["options"])...)
	}
	return out
}
