package slackfake

import (
	"slices"
	"strings"
)

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
	if i < 0 || s.userByID(p.id).Stranger { // people of other workspaces do not have the app's commands
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
