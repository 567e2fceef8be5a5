package slackfake

import (
	"regexp"
	"slices"
	"strings"
)

// Person is somebody who uses the app. What a person does waits for the app to be
// connected, as people wait; it returns when it was sent.
type Person struct {
	s  *Slack
	id string
}

// User is a person, by id or by name.
func (s *Slack) User(user string) *Person {
	s.helper()
	return &Person{s, s.mustUser(user)}
}

func (s *Slack) mustUser(user string) string {
	s.helper()
	s.mu.Lock()
	u := s.user(user)
	s.mu.Unlock()
	if u == nil {
		s.fatal("there is no user %q", user)
	}
	return u.ID
}

// ready waits for a connection.
func (s *Slack) ready() {
	s.helper()
	if s.opt.HTTP == nil && !s.Wait(func() bool { return s.Connections() > 0 }) {
		s.fatal("the app is not connected")
	}
}

// Sent is what a person did: what went to the app, or what the person was told
// instead.
type Sent struct {
	s *Slack
	d *Delivery // nil when nothing was sent
	// Words are what Slack itself told the person, at once.
	Words string
	// TS is the message that was posted.
	TS string
	// Asked is the confirmation that was shown.
	Asked string
}

// Done waits until the app acknowledged, or Slack gave up, and tells what became
// of it. Retries of events are deliveries of their own.
func (t *Sent) Done() Delivery {
	t.s.helper()
	if t.d == nil {
		return Delivery{Words: t.Words, Outcome: DispatchFailed}
	}
	if !t.s.Wait(func() bool { t.s.mu.Lock(); defer t.s.mu.Unlock(); return t.d.done }) {
		t.s.fatal("%s was neither acknowledged nor given up", describe(t.d))
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.d.copyOf()
}

// Sees waits until the person sees a text, in a message that is for them alone or
// in the direct conversation with the app.
func (p *Person) Sees(text string) Message {
	p.s.helper()
	dm := p.s.DM(p.id)
	return p.s.await("for "+p.id, text, func() []Message { return append(dm.Messages(), p.s.Ephemerals(p.id)...) })
}

// Types types a line into a conversation: a slash command, or a message.
func (p *Person) Types(channel, line string) *Sent {
	p.s.helper()
	if strings.HasPrefix(line, "/") {
		p.s.ready()
		return p.slash(p.s.In(channel).id, line)
	}
	return p.Says(channel, line)
}

// TypesNow types a slash command without waiting for a connection.
func (p *Person) TypesNow(channel, line string) *Sent {
	p.s.helper()
	return p.slash(p.s.In(channel).id, line)
}

func (p *Person) slash(channel, line string) *Sent {
	s := p.s
	name, text, _ := strings.Cut(line, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	i := slices.IndexFunc(s.opt.Commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return &Sent{s: s, Words: name + " is not a valid command."}
	}
	ch := s.channelByID(channel)
	text = strings.TrimSpace(text)
	if s.opt.Commands[i].Escape {
		text = s.typed(text, true)
	}
	payload := merge(s.who(p.id), object{
		"command": name, "text": text, "channel_id": ch.ID, "channel_name": shownName(ch), "is_enterprise_install": "false",
		"response_url": s.newResponse(ch, p.id, nil), "trigger_id": s.newTrigger(p.id, nil),
	})
	id := strings.TrimPrefix(str(payload["response_url"]), s.url+"/response/")
	d := s.deliver(SlashCommands, payload, func(d *Delivery) {
		if str(d.Reply["response_type"]) == "in_channel" { // then all see what was typed
			s.put(ch, &message{user: p.id, text: escapeAll(line)})
		}
		s.sayReply(id, d.Reply)
	})
	return &Sent{s: s, d: d}
}

// who are the fields of a slash command that say who typed it where.
func (s *Slack) who(user string) object {
	u := s.userByID(user)
	o := object{
		"token": "verification", "team_id": or(u.Team, TeamID), "team_domain": "acme", "user_id": u.ID, "user_name": u.Name, "api_app_id": AppID,
	}
	if s.opt.EnterpriseID != "" {
		o["enterprise_id"], o["enterprise_name"] = s.opt.EnterpriseID, "Acme Group"
	}
	return o
}

func shownName(ch *conversation) string {
	switch {
	case ch.IM != "":
		return "directmessage"
	case ch.Private:
		return "privategroup"
	}
	return ch.Name
}

// sayReply shows what an acknowledgement of a slash command says: to the person,
// or to all when it says so.
func (s *Slack) sayReply(id string, reply object) {
	if str(reply["text"]) == "" && len(list(reply["blocks"])) == 0 && len(list(reply["attachments"])) == 0 {
		return
	}
	if refused := s.use(s.responses[id], args(clone(reply))); refused != nil {
		s.complainLocked(Malformed, "the answer in an acknowledgement: %s %s", refused.word, strings.Join(refused.messages, "; "))
	}
}

var (
	typedURL    = regexp.MustCompile(`https?://[^\s<>|]+`)
	typedDomain = regexp.MustCompile(`\b(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:com|org|net|io|dev|example|de|uk)\b`)
	typedName   = regexp.MustCompile(`@[a-z0-9][a-z0-9._-]*`)
	typedPlace  = regexp.MustCompile(`#[a-z0-9][a-z0-9_-]*`)
)

// typed is what Slack makes of what a person typed: escapes, links, and references
// to people and channels (docs.slack.dev/interactivity/implementing-slash-commands).
// In commands people come with their names. Names of servers become links, too.
func (s *Slack) typed(text string, inCommand bool) string {
	text = typedURL.ReplaceAllStringFunc(escapeAll(text), func(u string) string { return "<" + u + ">" })
	text = outside(text, func(part string) string {
		return typedDomain.ReplaceAllStringFunc(part, func(d string) string { return "<http://" + d + "|" + d + ">" })
	})
	return outside(text, func(part string) string {
		part = typedName.ReplaceAllStringFunc(part, func(n string) string { return s.typedMention(n, inCommand) })
		return typedPlace.ReplaceAllStringFunc(part, func(n string) string {
			if ch := s.findChannel(n); ch != nil {
				return "<#" + ch.ID + "|" + ch.Name + ">"
			}
			return n
		})
	})
}

func (s *Slack) typedMention(name string, inCommand bool) string {
	trimmed := strings.TrimRight(name, ".-_")
	rest := name[len(trimmed):]
	switch word := strings.TrimPrefix(trimmed, "@"); word {
	case "here", "channel", "everyone":
		return "<!" + word + ">" + rest
	default:
		if u := s.user(word); u != nil && inCommand {
			return "<@" + u.ID + "|" + u.Name + ">" + rest
		} else if u != nil {
			return "<@" + u.ID + ">" + rest
		}
		for _, g := range s.groups {
			if g.Handle == word {
				return "<!subteam^" + g.ID + "|@" + g.Handle + ">" + rest
			}
		}
	}
	return name
}

// outside changes what is outside angle brackets.
func outside(text string, f func(string) string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			i = len(text)
		}
		b.WriteString(f(text[:i]))
		text = text[i:]
		if end := strings.IndexByte(text, '>'); end >= 0 {
			b.WriteString(text[:end+1])
			text = text[end+1:]
		} else {
			b.WriteString(text)
			break
		}
	}
	return b.String()
}

// Says posts a message. Mentions of the app become events.
func (p *Person) Says(channel, text string) *Sent {
	p.s.helper()
	return p.say(p.s.In(channel).id, "", text, nil)
}

// Mentions posts a message that mentions the app, as in "@allclear scan".
func (p *Person) Mentions(channel, text string) *Sent {
	p.s.helper()
	p.s.ready()
	return p.say(p.s.In(channel).id, "", text, nil)
}

// Messages writes to the app in private.
func (p *Person) Messages(text string) *Sent {
	p.s.helper()
	p.s.ready()
	return p.say(p.s.DM(p.id).id, "", text, nil)
}

// Replies answers in the thread of a message. Slash commands do not work there.
func (p *Person) Replies(to Message, text string) *Sent {
	p.s.helper()
	if strings.HasPrefix(text, "/") {
		name, _, _ := strings.Cut(text, " ")
		return &Sent{s: p.s, Words: name + " is not supported in threads. Sorry!"}
	}
	p.s.ready()
	return p.say(to.Channel, or(to.ThreadTS, to.TS), text, nil)
}

// Uploads shares a file, with a comment that may mention the app.
func (p *Person) Uploads(channel, name string, data []byte, comment ...string) *Sent {
	p.s.helper()
	p.s.ready()
	var f *file
	p.s.do(func() {
		f = p.s.newFile(name, p.id)
		f.Data, f.length, f.uploaded, f.completed = data, int64(len(data)), true, true
	})
	return p.say(p.s.In(channel).id, "", strings.Join(comment, " "), []*file{f})
}

// say posts a message of a person, and tells the app as it is subscribed.
func (p *Person) say(channel, thread, text string, files []*file) *Sent {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	ch := s.channelByID(channel)
	m := &message{user: p.id, text: s.typed(text, false), threadTS: thread, files: files, clientID: newUUID()}
	if len(files) > 0 {
		s.share(ch, m)
	} else {
		s.put(ch, m)
	}
	t := &Sent{s: s, TS: m.ts}
	if !s.member(ch, BotUser) {
		return t
	}
	event := merge(s.wire(ch, m, false), object{"channel": ch.ID, "channel_type": s.channelType(ch)})
	if u := s.userByID(p.id); u.Team != "" {
		event["user_team"], event["source_team"], event["team"] = u.Team, u.Team, u.Team
	}
	if ch.ExtShared && len(files) > 0 { // what is in a shared channel must be asked for
		event["files"] = []any{object{"id": files[0].ID, "mode": "file_access", "file_access": "check_file_info", "created": 0, "timestamp": 0}}
	}
	t.d = s.eventLocked(event)
	for _, f := range files {
		s.eventLocked(object{"type": "file_shared", "file_id": f.ID, "user_id": p.id, "channel_id": ch.ID, "file": object{"id": f.ID}})
	}
	if strings.Contains(m.text, "<@"+BotUser+">") && ch.IM == "" {
		mention := merge(event, object{"type": "app_mention"})
		for _, k := range []string{"channel_type", "subtype"} {
			delete(mention, k)
		}
		t.d = s.eventLocked(mention)
	}
	return t
}

// Joins makes the person a member of a conversation.
func (p *Person) Joins(channel string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		if ch.Members != nil && !slices.Contains(ch.Members, p.id) {
			ch.Members = append(ch.Members, p.id)
		}
		return p.s.joined(ch, p.id)
	})
}

// Edits changes a message of the person's own.
func (p *Person) Edits(t *Sent, channel, text string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		m := ch.find(t.TS)
		before := p.s.wire(ch, m, false)
		m.text, m.edits, m.editedTS = p.s.typed(text, false), m.edits+1, p.s.nextTS()
		return object{
			"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.ID, "channel_type": p.s.channelType(ch), "ts": p.s.nextTS(),
			"message": p.s.wire(ch, m, false), "previous_message": before,
		}
	})
}

// Deletes removes a message of the person's own.
func (p *Person) Deletes(t *Sent, channel string) {
	p.s.helper()
	place := p.s.In(channel)
	place.change(func(ch *conversation) object {
		m := ch.find(t.TS)
		before := p.s.wire(ch, m, false)
		p.s.dropped(ch, m)
		return object{
			"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.ID, "channel_type": p.s.channelType(ch),
			"ts": p.s.nextTS(), "deleted_ts": t.TS, "previous_message": before,
		}
	})
}

// OpensHome opens the app's home.
func (p *Person) OpensHome() *Sent {
	p.s.helper()
	p.s.ready()
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	event := object{"type": "app_home_opened", "user": p.id, "channel": s.im(p.id).ID, "tab": "home"}
	if v := s.homes[p.id]; v != nil {
		event["view"] = s.viewObject(v)
	}
	return &Sent{s: s, d: s.eventLocked(event)}
}

// Reacts puts an emoji on a message.
func (p *Person) Reacts(to Message, name string) {
	p.s.do(func() {
		if m := p.s.channelByID(to.Channel).find(to.TS); m != nil {
			m.react(name, p.id)
		}
	})
}
