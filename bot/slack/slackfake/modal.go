package slackfake

import (
	"fmt"
	"slices"
	"strings"
)

// View is a modal or a home as a person sees it.
type View struct {
	ID, Hash, CallbackID, PrivateMetadata, ExternalID string
	Title, Submit, Close                              string
	// Text is what is read, Spans its parts.
	Text  string
	Spans []Span
	// Errors are shown under fields, by the field's label.
	Errors map[string]string
	// Values are what is filled in, by the field's label.
	Values map[string]string
	// Depth counts the views below it.
	Depth  int
	Blocks []any

	controls []control
}

// Buttons are the labels of what can be pressed in it.
func (v View) Buttons() []string { return Message{controls: v.controls}.Buttons() }

func (s *Slack) showView(v *view) View {
	p := &page{who: s}
	p.blocks(list(v.body["blocks"]))
	out := View{
		ID: v.id, Hash: v.hash, CallbackID: str(v.body["callback_id"]), PrivateMetadata: str(v.body["private_metadata"]),
		ExternalID: str(v.body["external_id"]), Title: flat(p.text(v.body["title"])), Submit: flat(p.text(v.body["submit"])),
		Close: flat(p.text(v.body["close"])), Text: flat(p.spans), Spans: p.spans, Errors: map[string]string{}, Values: map[string]string{},
		Depth: slices.Index(s.modals[v.user], v), Blocks: clone(list(v.body["blocks"])), controls: p.controls,
	}
	if out.Title != "" {
		out.Text = out.Title + "\n" + out.Text
	}
	values := v.values()
	for _, e := range fillable(list(v.body["blocks"])) {
		label := or(e.label, e.action)
		out.Values[label] = readValue(obj(obj(values[e.block])[e.action]))
		if bad := v.errors[e.block]; bad != "" {
			out.Errors[label] = bad
			out.Text += "\n" + bad
		}
	}
	return out
}

// readValue is what a field shows.
func readValue(v object) string {
	for _, k := range sortedKeys(v) {
		if k == "type" {
			continue
		}
		switch e := v[k].(type) {
		case string:
			return e
		case object:
			return str(obj(e["text"])["text"])
		case []any:
			var words []string
			for _, o := range e {
				if s, ok := o.(string); ok {
					words = append(words, s)
				} else {
					words = append(words, str(obj(obj(o)["text"])["text"]))
				}
			}
			return strings.Join(words, ", ")
		}
	}
	return ""
}

// Home is the app's home of somebody.
func (s *Slack) Home(user string) (View, bool) {
	s.helper()
	id := s.mustUser(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.homes[id]
	if v == nil {
		return View{}, false
	}
	return s.showView(v), true
}

// Modal is the uppermost modal of somebody.
func (s *Slack) Modal(user string) (View, bool) {
	s.helper()
	id := s.mustUser(user)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.top(id)
	if v == nil {
		return View{}, false
	}
	return s.showView(v), true
}

func (s *Slack) top(user string) *view {
	if stack := s.modals[user]; len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return nil
}

// SeesModal waits for a modal that shows a text.
func (p *Person) SeesModal(text string) View {
	p.s.helper()
	return p.seesView("modal", text, p.s.Modal)
}

// SeesHome waits until the home shows a text.
func (p *Person) SeesHome(text string) View {
	p.s.helper()
	return p.seesView("home", text, p.s.Home)
}

func (p *Person) seesView(what, text string, get func(string) (View, bool)) View {
	p.s.helper()
	var v View
	if !p.s.Wait(func() bool { now, ok := get(p.id); v = now; return ok && strings.Contains(now.Text, text) }) {
		p.s.fatal("%s sees no %s with %q; it shows %q", p.id, what, text, v.Text)
	}
	return v
}

// Fills fills in fields of the open modal, by label: texts are typed, options are
// chosen by what is written on them, several of them divided by ", ".
func (p *Person) Fills(fields map[string]string) *Person {
	p.s.helper()
	for _, label := range slices.Sorted(mapKeys(fields)) {
		if problem := p.fill(label, fields[label]); problem != "" {
			p.s.fatal("%s", problem)
		}
	}
	return p
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (p *Person) fill(label, text string) (problem string) {
	p.s.mu.Lock()
	v := p.s.top(p.id)
	p.s.mu.Unlock()
	if v == nil {
		return "no modal is open"
	}
	p.s.mu.Lock()
	entries := fillable(list(v.body["blocks"]))
	p.s.mu.Unlock()
	i := slices.IndexFunc(entries, func(e entry) bool { return e.label == label || e.action == label || e.block == label })
	if i < 0 {
		return fmt.Sprintf("the modal has no field %q", label)
	}
	e := entries[i]
	value, ok := p.s.fillValue(e.element, text)
	if !ok {
		return fmt.Sprintf("the field %q takes no %q", label, text)
	}
	value["type"] = str(e.element["type"])
	p.s.do(func() {
		if v.filled[e.block] == nil {
			v.filled[e.block] = map[string]object{}
		}
		v.filled[e.block][e.action] = value
		delete(v.errors, e.block)
	})
	return ""
}

// fillValue is the value of an element after something was typed or chosen.
func (s *Slack) fillValue(e object, text string) (object, bool) {
	switch kind := str(e["type"]); kind {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		if text == "" {
			return object{"value": nil}, true
		}
		most, least := number64(e["max_length"], maxInputText), number64(e["min_length"], 0)
		return object{"value": text}, int64(length(text)) <= most && int64(length(text)) >= least
	case "checkboxes", "multi_static_select", "multi_external_select":
		chosen := []any{}
		for _, word := range strings.Split(text, ", ") {
			o, ok := s.choice(e, word)
			if text != "" && !ok {
				return nil, false
			}
			if ok {
				chosen = append(chosen, o["selected_option"])
			}
		}
		return object{"selected_options": chosen}, true
	case "external_select":
		if o, ok := s.found(e, text); ok {
			return object{"selected_option": o}, true
		}
		return nil, false
	case "multi_users_select":
		ids := []any{}
		for _, word := range strings.Split(text, ", ") {
			u := s.userLocked(word)
			if u == nil {
				return nil, false
			}
			ids = append(ids, u.ID)
		}
		return object{"selected_users": ids}, true
	}
	return s.choice(e, text)
}

func number64(v any, def int64) int64 {
	if n, err := decodeInt(v); err == nil {
		return n
	}
	return def
}

// Submits submits the open modal. Fields that must be filled in are looked at
// before it is sent, as Slack does.
func (p *Person) Submits() *Sent {
	p.s.helper()
	p.s.ready()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	v := s.top(p.id)
	if v == nil {
		return &Sent{s: s, Words: "no modal is open"}
	}
	v.errors = map[string]string{}
	values := v.values()
	for _, e := range fillable(list(v.body["blocks"])) {
		if e.input && !e.optional && empty(obj(obj(values[e.block])[e.action])) {
			v.errors[e.block] = "Please complete this required field."
		}
	}
	if len(v.errors) > 0 {
		return &Sent{s: s, Words: "Please complete this required field."}
	}
	payload := merge(s.interaction("view_submission", p.id, v), object{"view": s.viewObject(v), "response_urls": []any{}})
	return &Sent{s: s, d: s.deliver(Interactive, payload, func(d *Delivery) { s.submitted(v, d.Reply) })}
}

// submitted does what the answer to a submission says.
func (s *Slack) submitted(v *view, reply object) {
	action := str(reply["response_action"])
	switch action {
	case "":
		if len(reply) > 0 {
			s.complainLocked(ViewError, "the answer has no response_action")
		}
		s.closeView(v)
	case "clear":
		s.closeAll(v.user)
	case "errors":
		s.submitErrors(v, obj(reply["errors"]))
	case "update", "push":
		if problems := checkView(reply["view"], onModal); len(problems) > 0 {
			s.complainLocked(ViewError, "%s: %s", action, strings.Join(problems, "; "))
			v.errors = map[string]string{"": "We had some trouble connecting. Try again?"}
			return
		}
		body := clone(obj(reply["view"]))
		if action == "update" {
			s.setView(v, body)
		} else if _, refused := s.push(v.user, body); refused != nil {
			s.complainLocked(ViewError, "push: %s", refused.word)
		}
	default:
		s.complainLocked(ViewError, "there is no response_action %q", action)
	}
}

// submitErrors shows errors under fields. Only input blocks can have one.
func (s *Slack) submitErrors(v *view, errors object) {
	v.errors = map[string]string{}
	for _, block := range sortedKeys(errors) {
		known := slices.ContainsFunc(fillable(list(v.body["blocks"])), func(e entry) bool { return e.input && e.block == block })
		if !known {
			s.complainLocked(ViewError, "an error for %q, which is no input block", block)
			continue
		}
		v.errors[block] = str(errors[block])
	}
	if len(errors) == 0 {
		s.complainLocked(ViewError, "response_action errors without errors")
	}
}

// Closes closes the open modal. The app is told when it asked for that.
func (p *Person) Closes() *Sent {
	p.s.helper()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	v := s.top(p.id)
	if v == nil {
		return &Sent{s: s, Words: "no modal is open"}
	}
	all := truth(v.body["clear_on_close"])
	payload := merge(s.interaction("view_closed", p.id, v), object{"view": s.viewObject(v), "is_cleared": all})
	delete(payload, "trigger_id")
	if all {
		s.closeAll(p.id)
	} else {
		s.closeView(v)
	}
	if !truth(v.body["notify_on_close"]) {
		return &Sent{s: s}
	}
	return &Sent{s: s, d: s.deliver(Interactive, payload, nil)}
}

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
