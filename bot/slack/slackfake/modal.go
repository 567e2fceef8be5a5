package slackfake

// PressesIn presses a button of the open modal, or of the home when none is open.
func (p *Person) PressesIn(label string) *Sent {
	p.s.helper()
	p.s.ready()
	p.s.mu.Lock()
	v := p.s.top(p.id)
	if v == nil {
		v = p.s.homes[p.id]
	}
	var c *control
	if v != nil {
		c = pick(p.s.showView(v).controls, "button", label)
	}
	p.s.mu.Unlock()
	if c == nil {
		p.s.fatal("no view with a button %q is open", label)
	}
	return p.actIn(v, *c, object{"value": c.value, "text": c.element["text"], "style": c.element["style"]})
}

// ChoosesIn picks an option of a menu in the open modal or home, by the menu's
// placeholder, label or action id.
func (p *Person) ChoosesIn(menu, choice string) *Sent {
	p.s.helper()
	p.s.ready()
	p.s.mu.Lock()
	v := p.s.top(p.id)
	if v == nil {
		v = p.s.homes[p.id]
	}
	var c *control
	if v != nil {
		for _, each := range p.s.showView(v).controls {
			if each.kind != "button" && (each.label == menu || each.actionID == menu) {
				c = &each
			}
		}
	}
	p.s.mu.Unlock()
	if c == nil {
		p.s.fatal("no view with a menu %q is open", menu)
	}
	value, ok := p.s.fillValue(c.element, choice)
	if !ok {
		p.s.fatal("the menu %q has no %q", menu, choice)
	}
	filled := merge(value, object{"type": c.kind})
	p.s.do(func() {
		if v.filled[c.blockID] == nil {
			v.filled[c.blockID] = map[string]object{}
		}
		v.filled[c.blockID][c.actionID] = filled
	})
	return p.actIn(v, *c, value)
}

func (p *Person) actIn(v *view, c control, what object) *Sent {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	shown := s.viewObject(v)
	payload := merge(s.interaction("block_actions", p.id, v), object{
		"container": object{"type": "view", "view_id": v.id}, "view": shown, "actions": []any{s.action(c, what)},
	})
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil), Asked: asks(c.element)}
}
