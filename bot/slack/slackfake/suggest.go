package slackfake

import (
	"encoding/json"
	"fmt"
)

// Searches types into a menu of the open modal whose options come from the app, and
// returns what it offers.
func (p *Person) Searches(menu, text string) []string {
	p.s.helper()
	p.s.ready()
	s := p.s
	s.mu.Lock()
	v := s.top(p.id)
	if v == nil {
		s.mu.Unlock()
		s.fatal("no modal is open")
		return nil
	}
	var found *entry
	for _, e := range fillable(list(v.body["blocks"])) {
		if e.label == menu || e.action == menu || e.block == menu {
			found = &e
		}
	}
	if found == nil {
		s.mu.Unlock()
		s.fatal("the modal has no menu %q", menu)
		return nil
	}
	payload := merge(s.interaction("block_suggestion", p.id, v), object{
		"action_id": found.action, "block_id": found.block, "value": text, "view": s.viewObject(v),
		"container": object{"type": "view", "view_id": v.id},
	})
	delete(payload, "trigger_id")
	element := found.element
	d := s.deliver(Interactive, payload, func(d *Delivery) { s.suggested(element, d.Reply) })
	s.wake()
	s.mu.Unlock()
	if got := (&Sent{s: s, d: d}).Done(); got.Outcome != OK {
		s.fatal("the search for %q failed: %s", text, got.Outcome)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var offered []string
	for _, o := range s.offers[str(element["action_id"])] {
		offered = append(offered, str(obj(obj(o)["text"])["text"]))
	}
	return offered
}

// suggested checks the options that the app offers: 100 at most.
func (s *Slack) suggested(e, reply object) {
	c := &checker{surface: onModal, blockIDs: map[string]bool{}}
	shape(may("options", items(0, maxOptions, option(plain, false))), may("option_groups", items(0, maxOptions, optionGroup)))(c, "", any(reply))
	if len(c.problems) > 0 {
		s.complainLocked(ViewError, "suggestions: %v", c.problems)
		delete(s.offers, str(e["action_id"]))
		return
	}
	s.offers[str(e["action_id"])] = allOptions(reply)
}

// found picks one of the options that the last search found.
func (s *Slack) found(e object, text string) (object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers[str(e["action_id"])] {
		if str(obj(obj(o)["text"])["text"]) == text || str(obj(o)["value"]) == text {
			return obj(o), true
		}
	}
	return nil, false
}

func decodeInt(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("no number: %v", v)
	}
	return n.Int64()
}
