package slack

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// heard is somebody who writes to us, with a mention or in private.
func (p *Platform) heard(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	var e spoken
	if err := json.Unmarshal(d.event.Event, &e); err != nil {
		p.malformed("event", shape(err))
		return taken{}
	}
	text, ok := addressed(me, d.event.kind, e)
	if !ok {
		return p.overheard(desk, me, d, e)
	}
	req := chat.Request{
		ID: requestID("event", d.event.ID), Trigger: chat.TriggerLine, Actor: chat.Actor{Link: p.writer(ctx, me, d.event, e)},
		Place: p.place(ctx, me, e.User, e.Channel, e.ThreadTS, ""), Files: handedIn(e.Files), At: d.at,
	}
	err := p.write(&req, me, d, text)
	if err == nil && len(req.Files) > 0 && req.Text == menu && req.Private {
		err = wordless(desk.Specs())
	}
	if err != nil {
		return p.refusal(ctx, d, req, problem(err))
	}
	if e.ThreadTS != "" {
		req.Text = p.inThread(ctx, desk, me, e, req.Text)
	}
	ack, err := p.hand(ctx, desk, req)
	return p.answered(ctx, d, req, ack, err)
}

// inThread is a line that was written in a thread: one that needs a server and names
// none is about the server whose thread it is.
func (p *Platform) inThread(ctx context.Context, desk bot.Desk, me *self, e spoken, text string) string {
	spec, words, err := chat.Find(desk.Specs(), text)
	if err != nil || len(words) > 0 || len(spec.Args) == 0 || spec.Args[0].Type != chat.Server {
		return text
	}
	ctx, cancel := context.WithTimeout(ctx, rereadTime)
	defer cancel()
	head, err := p.headOf(ctx, me, e.Channel, e.ThreadTS)
	if err != nil {
		p.opt.Logger.Warn("slack: the head of a thread cannot be read", "error", hushed(err))
	}
	return serverLine(text, head)
}

// serverLine is a line about what a message of ours is about, or the line as it is
// when that is no server.
func serverLine(text string, about chat.About) string {
	if about.Server == "" {
		return text
	}
	if about.Incident != "" {
		text += " --incident " + chat.Quote(about.Incident)
	}
	return text + " " + chat.Quote(about.Server)
}

// overheard is a mention in the middle of a sentence. Where a command follows it,
// who wrote it is told how to say it; it is not run, for it may be talk about one.
func (p *Platform) overheard(desk bot.Desk, me *self, d delivery, e spoken) taken {
	_, rest, mentioned := strings.Cut(e.Text, "<@"+me.user)
	_, rest, whole := strings.Cut(rest, ">")
	if !mentioned || !whole || !byPerson(me, e) || d.event.kind != "app_mention" {
		return taken{}
	}
	if _, _, err := chat.Find(desk.Specs(), rest); err != nil {
		return taken{}
	}
	place := state.Place{Platform: Name, Workspace: me.team, Channel: e.Channel, Thread: e.ThreadTS}
	hint := notice("I do only what is in a line that begins with my name.", "Begin with it, or write: "+p.opt.Command+" help")
	p.tell(place, Link(me.team, e.User), hint, "told "+d.event.ID)
	return taken{}
}

// byPerson reports whether a message is a new one of a person: what bots say, and
// we, is for nobody, and one that was changed was heard before.
func byPerson(me *self, e spoken) bool {
	switch {
	case e.User == "" || e.User == me.user || e.User == "USLACKBOT" || e.BotID != "":
		return false
	case len(e.Edited) > 0 || e.Channel == "" || e.TS == "":
		return false
	}
	return e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast"
}

// addressed is what somebody says to us, and whether they do.
func addressed(me *self, kind string, e spoken) (string, bool) {
	if !byPerson(me, e) {
		return "", false
	}
	text, named := behindName(me, strings.TrimSpace(e.Text))
	return text, named || kind == "message" && e.ChannelType == "im"
}

// behindName is what follows our name at the beginning of a text.
func behindName(me *self, text string) (string, bool) {
	for _, name := range []string{"<@" + me.user + ">", "<@" + me.user + "|"} {
		rest, ok := strings.CutPrefix(text, name)
		if !ok {
			continue
		}
		if strings.HasSuffix(name, "|") {
			_, rest, _ = strings.Cut(rest, ">")
		}
		return strings.TrimLeft(rest, " \t\n\u00a0:,"), true
	}
	return text, false
}

// writer is who wrote. In a channel that is shared, somebody whose workspace is not
// told is looked up; who remains unknown is of none.
func (p *Platform) writer(ctx context.Context, me *self, c *callback, e spoken) string {
	for _, team := range []string{e.UserTeam, e.Team, e.Source} {
		if team != "" {
			return me.link(team, e.User)
		}
	}
	if !c.Shared {
		return Link(me.team, e.User)
	}
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	who, err := p.dir.users.get(ctx, e.User)
	if err != nil || who.team == "" {
		return Link("unknown", e.User)
	}
	return me.link(who.team, e.User)
}

// handedIn are files, to be read when the request runs.
func handedIn(files []file) []chat.File {
	var out []chat.File
	for _, f := range files {
		if f.ID != "" {
			out = append(out, chat.File{Name: chat.FileName(f.Name), Ref: f.ID})
		}
	}
	return out
}

// wordless is what to say to who hands in a file and does not say what for.
func wordless(specs []chat.Spec) *chat.Problem {
	var takes []string
	for _, s := range specs {
		for _, a := range s.Args {
			if a.Type == chat.Upload {
				takes = append(takes, s.Path)
			}
		}
	}
	p := &chat.Problem{What: "There is a file here, and no word of what it is for."}
	if len(takes) > 0 {
		p.Try = "Send it again, with a line: " + strings.Join(takes, ", ")
	}
	return p
}
