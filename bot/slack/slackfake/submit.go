package slackfake

import (
	"slices"
	"strings"
)

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
