package slackfake

import (
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
