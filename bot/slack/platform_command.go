package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// menu is the line of whoever says nothing but our name.
const menu = "menu"

// requestID names a request. It is made of what stays the same when Slack delivers
// something again; an id of Slack's may be of any length, so it is a hash.
func requestID(kind string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return Name + " " + kind + " " + hex.EncodeToString(sum[:16])
}

// command is a slash command. Its trigger_id is made when the person presses enter:
// Slack says nothing of redelivered commands, but what was seen is the same envelope
// once more (slackapi/bolt-js#2188, #2487).
func (p *Platform) command(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	c := d.slash
	if c.check {
		return taken{}
	}
	req := chat.Request{
		ID: requestID("command", c.Team, c.TriggerID), Trigger: chat.TriggerLine, Actor: chat.Actor{Link: me.link(c.Team, c.User)},
		Place: p.place(ctx, me, c.User, c.Channel, "", c.ResponseURL), At: d.at,
	}
	if err := p.write(&req, me, d, c.Text); err != nil {
		return taken{body: p.whispered(problem(err))}
	}
	ack, _ := p.hand(ctx, desk, req) // what it says goes with the acknowledgement
	return taken{body: p.whispered(ack.Message)}
}

// write puts a text into a request as its line. Who says nothing gets the menu.
func (p *Platform) write(req *chat.Request, me *self, d delivery, text string) error {
	if d.garbled {
		return notText()
	}
	text, err := line(me.team, text)
	if err != nil {
		return err
	}
	if rest, ok := strings.CutPrefix(text, p.opt.Command); ok && (rest == "" || strings.ContainsAny(rest[:1], " \n\t")) {
		text = strings.TrimSpace(rest) // the command was typed where commands do not work
	}
	if req.Text = text; text == "" {
		req.Text, req.Private = menu, true
	}
	return nil
}

// link is the identity of a user. Who comes without a workspace, or with that of
// our organisation, is of ours.
func (s *self) link(team, user string) string {
	if team == "" || team == s.enterprise {
		team = s.team
	}
	return Link(team, user)
}

// outside reports whether an identity is of another organisation, as far as is known.
func (p *Platform) outside(link string) bool {
	team, user, ok := splitLink(link)
	me := p.me.Load()
	if !ok || me == nil || team == me.team {
		return false
	}
	who, known := p.dir.users.glance(user)
	return !known || !me.ours(who)
}

// mayAsk keeps people of other organisations to looking, whatever the configuration
// says of them: who is in a shared channel is not for us to decide.
func (p *Platform) mayAsk(desk bot.Desk, req chat.Request) (chat.Message, bool) {
	if !p.outside(req.Actor.Link) {
		return chat.Message{}, true
	}
	spec, _, err := chat.Find(desk.Specs(), req.Text)
	if err != nil || spec.Role == state.RoleViewer {
		return chat.Message{}, true // the desk says what is wrong
	}
	p.opt.Count("outsider")
	return notice(fmt.Sprintf("%s is not for people of other organisations.", spec.Path), "You may look. Ask somebody of this workspace to do it."), false
}

// pressed is a button. What it carries is all that is done.
func (p *Platform) pressed(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	i := slices.IndexFunc(d.act.Actions, func(a action) bool { _, ok := a.press(); return ok })
	if i < 0 {
		return taken{} // a link, or a field of a form
	}
	a := d.act.Actions[i]
	b, _ := a.press()
	req := chat.Request{
		ID:      requestID("press", d.act.User.ID, d.act.Container.Channel, d.act.Container.MessageTS, d.act.View.ID, a.BlockID, a.ActionID, d.act.when(a)),
		Trigger: chat.TriggerButton, Actor: chat.Actor{Link: d.act.link(me)}, Text: b.Line, At: d.at,
	}
	req.Place, req.Private = p.whence(ctx, me, d.act, b.Line)
	if len(b.Ask) > 0 {
		return p.ask(ctx, desk, req, b, d)
	}
	ack, err := p.hand(ctx, desk, req)
	p.redraw(ctx, desk, me, req, ack)
	return p.answered(ctx, d, req, ack, err)
}

// press is what a control carries.
func (a action) press() (press, bool) {
	value := a.Value
	if value == "" && a.Selected != nil {
		value = a.Selected.Value
	}
	return readPress(value)
}

// when is the time of a click, which is another for each.
func (i *interaction) when(a action) string {
	if a.ActionTS != "" {
		return a.ActionTS
	}
	return i.TriggerID
}

func (i *interaction) link(me *self) string {
	team := i.User.Team
	if team == "" {
		team = i.Team.ID
	}
	return me.link(team, i.User.ID)
}

func (i *interaction) channel() string {
	if i.Container.Channel != "" {
		return i.Container.Channel
	}
	return i.Channel.ID
}

func (i *interaction) thread() string {
	if i.Container.ThreadTS != "" {
		return i.Container.ThreadTS
	}
	return i.Message.ThreadTS
}

// whence is where something that was pressed is answered: where the message is, and
// for what is in somebody's App Home, in the conversation with that person. An App
// Home shows one thing at a time, so answers there would take each other's place.
func (p *Platform) whence(ctx context.Context, me *self, i *interaction, line string) (place state.Place, private bool) {
	channel := i.channel()
	switch {
	case channel != "":
		return p.place(ctx, me, i.User.ID, channel, i.thread(), i.ResponseURL), false
	case strings.TrimSpace(line) == homeLine:
		return p.home(ctx, me, i.link(me)), true
	}
	return p.direct(ctx, me, i.link(me)), true
}
