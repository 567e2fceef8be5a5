package slackfake

import "strings"

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
