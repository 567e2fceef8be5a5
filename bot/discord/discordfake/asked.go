package discordfake

import "time"

// ID is the id of the interaction.
func (a *Asked) ID() string { return a.i.id }

// Outcome is how far an interaction has come.
type Outcome struct {
	// Answered: the first response came, with a type and after a time.
	Answered bool
	Type     int
	After    time.Duration
	// Failed: the person reads "The application did not respond".
	Failed bool
	// Private: only the person sees the response.
	Private bool
	// Messages are the response and its follow-ups that stand.
	Messages []Seen
	// Choices of an autocomplete.
	Choices []Choice
	// Modal is the title of the form that was opened.
	Modal string
	// Inputs are what the form asks for: labels, or custom ids without one.
	Inputs []string
}

// Outcome is how far it has come.
func (a *Asked) Outcome() Outcome {
	a.f.mu.Lock()
	defer a.f.mu.Unlock()
	return a.outcome()
}

func (a *Asked) outcome() Outcome {
	f, i := a.f, a.i
	f.expire()
	o := Outcome{Answered: i.acked, Type: i.response, Failed: i.failed, Private: i.private, Choices: i.choices}
	if i.acked {
		o.After = i.ackedAt.Sub(i.at)
	}
	for _, m := range append([]*message{i.original}, i.sent...) {
		if m != nil && !m.deleted {
			o.Messages = append(o.Messages, f.see(m))
		}
	}
	if i.modal != nil {
		o.Modal = i.modal.title
		for _, in := range i.modal.inputs() {
			name := in.Label
			if name == "" {
				name = in.CustomID
			}
			o.Inputs = append(o.Inputs, name)
		}
	}
	return o
}
