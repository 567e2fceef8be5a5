package discordfake

// callback takes the first response to an interaction.
func (req *request) callback() (any, *apiError) {
	f := req.f
	i := f.interactions[req.params["token"]]
	if i == nil || i.id != req.params["interaction"] {
		return nil, errUnknownInteraction
	}
	if err := req.respond(i); err != nil {
		return nil, err
	}
	if req.http.URL.Query().Get("with_response") != "true" {
		return nil, nil
	}
	resource := map[string]any{"type": i.response}
	about := map[string]any{"id": i.id, "type": i.kind}
	if i.original != nil && (i.response == respondMessage || i.response == respondUpdate) {
		resource["message"] = f.messageJSON(i.original)
	}
	if i.original != nil {
		about["response_message_id"], about["response_message_loading"] = i.original.id, i.original.is(flagLoading)
		about["response_message_ephemeral"] = i.private
	}
	return map[string]any{"interaction": about, "resource": resource}, nil
}

// respond looks at the time and at the response, and executes it.
func (req *request) respond(i *interaction) *apiError {
	f := req.f
	f.expire()
	ack := Ack{Interaction: i.id, Type: int(req.form.get("type").integer(0, 255)), Latency: f.now().Sub(i.at)}
	err := req.accept(i)
	ack.Accepted, ack.Private = err == nil, i.private
	f.acks = append(f.acks, ack)
	return err
}

func (req *request) accept(i *interaction) *apiError {
	f := req.f
	switch {
	case i.failed:
		return errUnknownInteraction
	case i.acked:
		if i.deliveries < 2 {
			f.offend(AnsweredTwice, "%s", i.about())
		}
		return errAcknowledged
	}
	req.form.get("type").required()
	kind := int(req.form.get("type").choice(i.answers()...))
	if err := req.form.p.err(); err != nil {
		return err
	}
	if err := req.carryOut(i, kind); err != nil {
		return err
	}
	i.acked, i.response, i.ackedAt = true, kind, f.now()
	return nil
}

// answers are the types of responses that an interaction takes.
func (i *interaction) answers() []int64 {
	switch i.kind {
	case kindPing:
		return []int64{respondPong}
	case kindComplete:
		return []int64{respondChoices}
	case kindComponent:
		return []int64{respondMessage, respondDeferred, respondDeferredUpdate, respondUpdate, respondModal}
	case kindModal:
		if i.on != nil {
			return []int64{respondMessage, respondDeferred, respondDeferredUpdate, respondUpdate}
		}
		return []int64{respondMessage, respondDeferred}
	}
	return []int64{respondMessage, respondDeferred, respondModal}
}

func (req *request) carryOut(i *interaction, kind int) *apiError {
	data := req.form.get("data")
	switch kind {
	case respondMessage:
		return req.answer(i, data)
	case respondDeferred:
		flags := int(data.get("flags").integer(0, 1<<31))
		if err := req.form.p.err(); err != nil {
			return err
		}
		m := i.newMessage(req.f)
		m.flags = flagLoading
		req.hide(i, m, flags)
		i.original = m
		req.f.add(m)
	case respondDeferredUpdate:
		i.original = i.on
	case respondUpdate:
		return req.update(i, data)
	case respondChoices:
		data.required()
		data.get("choices").required()
		i.choices = readChoices(data.get("choices"), i.focus.kind, maxChoices)
		return req.form.p.err()
	case respondModal:
		return req.openModal(i, data)
	}
	return nil
}

func (req *request) answer(i *interaction, data field) *apiError {
	data.required()
	m := i.newMessage(req.f)
	req.hide(i, m, int(data.get("flags").integer(0, 1<<31)))
	if err := req.write(m, data, byInteraction, false); err != nil {
		return err
	}
	i.original = m
	req.f.add(m)
	return nil
}

// hide makes a response ephemeral when its flags say so.
func (req *request) hide(i *interaction, m *message, flags int) {
	if flags&flagEphemeral != 0 {
		m.flags |= flagEphemeral
		m.onlyFor = i.user.id
		i.private = true
	}
}

// update edits the message that a component is on.
func (req *request) update(i *interaction, data field) *apiError {
	data.required()
	if i.on.deleted {
		return errUnknownMessage
	}
	was := req.form
	req.form = data
	err := req.change(i.on, byInteraction)
	req.form = was
	if err != nil {
		return err
	}
	i.original = i.on
	return nil
}

func (req *request) openModal(i *interaction, data field) *apiError {
	data.required()
	made := &modal{customID: data.get("custom_id").need(1, maxCustomID), title: data.get("title").need(1, maxModalTitle)}
	made.parts = readComponents(data.get("components"), modalForm, nil)
	if err := req.form.p.err(); err != nil {
		return err
	}
	i.modal = made
	return nil
}

// newMessage is a message of the bot that answers an interaction.
func (i *interaction) newMessage(f *Fake) *message {
	m := f.newMessage(i.channel)
	m.by, m.webhookID = i, f.app.ID
	m.interaction = map[string]any{"id": i.id, "type": i.kind, "user": userJSON(i.user), "authorizing_integration_owners": f.owners(i.user, i.channel)}
	if i.kind == kindCommand {
		m.kind = 20
		m.invoked = map[string]any{"id": i.id, "type": i.kind, "name": i.command.name, "user": userJSON(i.user)}
	}
	if i.on != nil {
		m.reference = map[string]any{"type": 0, "message_id": i.on.id, "channel_id": i.channel.id}
	}
	return m
}

// find is an input of a form, by its custom id or label.
func (m *modal) find(name string) *component {
	var found *component
	for _, p := range m.parts {
		p.walk(func(c *component) {
			if c.CustomID != "" && (c.CustomID == name || c.Label == name) {
				found = c
			}
		})
	}
	return found
}

// inputs are what can be filled in.
func (m *modal) inputs() []*component {
	var out []*component
	for _, p := range m.parts {
		p.walk(func(c *component) {
			if c.CustomID != "" {
				out = append(out, c)
			}
		})
	}
	return out
}
