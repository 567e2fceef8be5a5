package discordfake

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Complete types the beginning of a value for an option that completes itself.
func (f *Fake) Complete(userName, channelName, line, option, prefix string, values ...Value) (*Asked, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, ch, err := f.personIn(userName, channelName)
	if err != nil {
		return nil, err
	}
	c, path, err := f.commandFor(u, ch, line)
	if err != nil {
		return nil, err
	}
	o := findOption(path.options, option)
	if o == nil || !o.complete {
		return nil, fmt.Errorf("/%s has no option %q with autocomplete", c.name, option)
	}
	r := &resolved{f: f, ch: ch, loose: true}
	options, err := r.options(path.options, values)
	if err != nil {
		return nil, err
	}
	options = append(options, map[string]any{"name": o.name, "type": o.kind, "value": prefix, "focused": true})
	i := f.newInteraction(kindComplete, u, ch, line+" "+option+":"+prefix+"…", path.data(c, options, r))
	i.command, i.focus = c, o
	f.send(i)
	return &Asked{f, i}, nil
}

// Press presses a button of a message, by its label or custom id. The message is
// found by its id.
func (f *Fake) Press(userName, messageID, button string) (*Asked, error) {
	return f.touch(userName, messageID, "presses "+button, func(c *component) (map[string]any, error) {
		if c.Type != typeButton || c.CustomID == "" || c.Label != button && c.CustomID != button {
			return nil, nil
		}
		return map[string]any{"custom_id": c.CustomID, "component_type": typeButton, "id": c.ID}, nil
	})
}

// Pick picks values of a menu, which is found by its custom id or placeholder. The
// values are labels or values of options, or names of people, roles and channels.
func (f *Fake) Pick(userName, messageID, menu string, values ...string) (*Asked, error) {
	return f.touch(userName, messageID, "picks "+strings.Join(values, ", ")+" of "+menu, func(c *component) (map[string]any, error) {
		selects := []int{typeStringSelect, typeUserSelect, typeRoleSelect, typeMentionableSelect, typeChannelSelect}
		if !slices.Contains(selects, c.Type) || c.CustomID != menu && c.Hint != menu {
			return nil, nil
		}
		picked, found, err := f.picked(c, values)
		if err != nil {
			return nil, err
		}
		data := map[string]any{"custom_id": c.CustomID, "component_type": c.Type, "id": c.ID, "values": picked}
		if len(found) > 0 {
			data["resolved"] = found
		}
		return data, nil
	})
}

// picked are the values of a select, as Discord sends them.
func (f *Fake) picked(c *component, values []string) ([]string, map[string]map[string]any, error) {
	if n := int64(len(values)); n < c.Least || n > c.Most {
		return nil, nil, fmt.Errorf("%d values were picked; it takes %d to %d", n, c.Least, c.Most)
	}
	out := []string{}
	r := &resolved{f: f, ch: &channel{}}
	if g, err := f.guildNamed(""); err == nil {
		r.ch = &channel{guildID: g.id}
	}
	kinds := map[int]int{typeUserSelect: optUser, typeRoleSelect: optRole, typeMentionableSelect: optMentionable, typeChannelSelect: optChannel}
	for _, v := range values {
		if kind := kinds[c.Type]; kind != 0 {
			id, err := r.reference(kind, v)
			if err != nil {
				return nil, nil, err
			}
			out = append(out, fmt.Sprint(id))
			continue
		}
		i := slices.IndexFunc(c.Options, func(o option) bool { return o.Label == v || o.Value == v })
		if i < 0 {
			return nil, nil, fmt.Errorf("%q is no option of it", v)
		}
		out = append(out, c.Options[i].Value)
	}
	return out, r.found, nil
}

// touch uses a component of a message that a person sees.
func (f *Fake) touch(userName, messageID, words string, use func(*component) (map[string]any, error)) (*Asked, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ch := f.findMessage(messageID)
	if m == nil {
		return nil, fmt.Errorf("there is no message %s", messageID)
	}
	name := ch.id
	u, _, err := f.personIn(userName, name)
	if err != nil {
		return nil, err
	}
	if m.onlyFor != "" && m.onlyFor != u.id {
		return nil, fmt.Errorf("%s does not see this message: it is for %s only", u.name, f.nameIn(ch, m.onlyFor))
	}
	for _, top := range m.components {
		data, disabled, err := useIn(top, use)
		switch {
		case err != nil:
			return nil, err
		case data == nil:
		case disabled:
			return nil, fmt.Errorf("%s: it is disabled", words)
		default:
			i := f.newInteraction(kindComponent, u, ch, words, data)
			i.on = m
			shown := f.messageJSON(m)
			i.payload["message"] = shown
			f.send(i)
			return &Asked{f, i}, nil
		}
	}
	return nil, fmt.Errorf("%s: the message has no such thing:\n%s", words, f.see(m))
}

func useIn(top *component, use func(*component) (map[string]any, error)) (data map[string]any, disabled bool, err error) {
	top.walk(func(c *component) {
		if data != nil || err != nil {
			return
		}
		data, err = use(c)
		disabled = c.Disabled
	})
	return data, disabled, err
}

func (f *Fake) findMessage(id string) (*message, *channel) {
	for _, c := range f.order {
		ch := f.channels[c]
		if m := ch.message(id); m != nil && !ch.gone {
			return m, ch
		}
	}
	return nil, nil
}

// Fill fills in and submits the modal that an interaction opened. Values are given
// by custom id or label.
func (f *Fake) Fill(opened *Asked, values map[string]string) (*Asked, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := opened.i
	form := from.modal
	switch {
	case form == nil:
		return nil, fmt.Errorf("%s opened no modal", from.about())
	case form.used:
		return nil, fmt.Errorf("the modal %q was submitted already", form.title)
	}
	for name := range values {
		if form.find(name) == nil {
			return nil, fmt.Errorf("the modal %q has no input %q", form.title, name)
		}
	}
	var parts []any
	for _, p := range form.parts {
		part, err := f.fillPart(p, values)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	form.used = true
	i := f.newInteraction(kindModal, from.user, from.channel, "submits "+form.title, map[string]any{"custom_id": form.customID, "components": parts})
	i.on = from.on
	if i.on != nil {
		i.payload["message"] = f.messageJSON(i.on)
	}
	f.send(i)
	return &Asked{f, i}, nil
}

func (f *Fake) fillPart(c *component, values map[string]string) (map[string]any, error) {
	out := map[string]any{"type": c.Type, "id": c.ID}
	switch c.Type {
	case typeRow, typeLabel:
		var kids []any
		for _, k := range c.Kids {
			kid, err := f.fillPart(k, values)
			if err != nil {
				return nil, err
			}
			kids = append(kids, kid)
		}
		if c.Type == typeLabel {
			out["component"] = kids[0]
		} else {
			out["components"] = kids
		}
		return out, nil
	case typeText:
		return out, nil
	}
	text, given := values[c.CustomID]
	if !given {
		text, given = values[c.Label]
	}
	out["custom_id"] = c.CustomID
	return out, f.fillInput(c, text, given, out)
}

func (f *Fake) fillInput(c *component, text string, given bool, out map[string]any) error {
	switch c.Type {
	case typeTextInput:
		if !given {
			text = c.Value
		}
		n := int64(utf8.RuneCountInString(text))
		if n == 0 && c.Required || n > 0 && n < c.Least || n > c.Most {
			return fmt.Errorf("%q takes %d to %d characters, not %d", c.Label, max(c.Least, 1), c.Most, n)
		}
		out["value"] = text
	case typeCheckbox:
		out["value"] = text == "true"
	case typeRadio:
		picked, _, err := f.picked(c, []string{text})
		if err != nil {
			return fmt.Errorf("%q: %w", c.Label, err)
		}
		out["value"] = picked[0]
	default:
		var list []string
		if given && text != "" {
			list = strings.Split(text, ",")
		}
		if len(list) == 0 && !c.Required {
			out["values"] = []string{}
			return nil
		}
		picked, _, err := f.picked(c, list)
		if err != nil {
			return fmt.Errorf("%q: %w", c.Label, err)
		}
		out["values"] = picked
	}
	return nil
}

// Again delivers the same interaction once more, as a gateway may after a
// reconnect.
func (f *Fake) Again(a *Asked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliver(a.i)
	f.change()
}
