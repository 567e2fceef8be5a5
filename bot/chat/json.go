package chat

import (
	"encoding/json"
	"fmt"
)

// wire is a message in JSON: parts carry the name of their type.
type wire struct {
	Tone   Tone       `json:"tone,omitempty"`
	Parts  []wirePart `json:"parts"`
	Notify []string   `json:"notify,omitempty"`

	About     About `json:"about,omitzero"`
	Broadcast bool  `json:"broadcast,omitempty"`

	Topic *Topic `json:"topic,omitempty"`
	Named bool   `json:"named,omitempty"`
}

type wirePart struct {
	Type string          `json:"type"`
	Part json.RawMessage `json:"part"`
}

// MarshalJSON writes the parts with their types.
func (m Message) MarshalJSON() ([]byte, error) {
	w := wire{Tone: m.Tone, Notify: m.Notify, About: m.About, Broadcast: m.Broadcast, Named: m.Named}
	if m.Topic.Title != "" {
		w.Topic = &m.Topic
	}
	for _, p := range m.Parts {
		raw, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("write part: %w", err)
		}
		w.Parts = append(w.Parts, wirePart{Type: fmt.Sprintf("%T", p)[len("chat."):], Part: raw})
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Message) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*m = Message{Tone: w.Tone, Notify: w.Notify, About: w.About, Broadcast: w.Broadcast, Named: w.Named}
	if w.Topic != nil {
		m.Topic = *w.Topic
	}
	for _, p := range w.Parts {
		part, err := readPart(p)
		if err != nil {
			return err
		}
		m.Parts = append(m.Parts, part)
	}
	return nil
}

func readPart(w wirePart) (Part, error) {
	switch w.Type {
	case "Heading":
		return read[Heading](w.Part)
	case "Para":
		return read[Para](w.Part)
	case "List":
		return read[List](w.Part)
	case "Fields":
		return read[Fields](w.Part)
	case "Table":
		return read[Table](w.Part)
	case "Progress":
		return read[Progress](w.Part)
	case "CodeBlock":
		return read[CodeBlock](w.Part)
	case "Picture":
		return read[Picture](w.Part)
	case "Attachment":
		return read[Attachment](w.Part)
	case "Buttons":
		return read[Buttons](w.Part)
	case "Note":
		return read[Note](w.Part)
	}
	return nil, fmt.Errorf("a message has no part of type %.40q", w.Type)
}

func read[P Part](raw json.RawMessage) (Part, error) {
	var p P
	err := json.Unmarshal(raw, &p)
	return p, err
}
