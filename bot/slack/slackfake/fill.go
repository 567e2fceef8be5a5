package slackfake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Fills fills in fields of the open modal, by label: texts are typed, options are
// chosen by what is written on them, several of them divided by ", ".
func (p *Person) Fills(fields map[string]string) *Person {
	p.s.helper()
	for _, label := range slices.Sorted(maps.Keys(fields)) {
		if problem := p.fill(label, fields[label]); problem != "" {
			p.s.fatal("%s", problem)
		}
	}
	return p
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
