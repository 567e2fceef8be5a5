package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How much is done at the same time, and for how long. Discord wants its answer within
// three seconds.
const (
	mostAtOnce = 256 // interactions that are handled; what comes on top is turned away
	handleTime = 2500 * time.Millisecond
	// errandTime bounds what nobody waits for.
	errandTime = 10 * time.Second
)

// lookEvery is how often it is looked whether Discord still knows us, and what should be
// registered.
const lookEvery = 5 * time.Minute

// Run takes requests to the desk until the context ends. They come over the gateway, or
// with a public key through Handler. What was delivered before the context ended is still
// taken. An error is one that no waiting cures: a token or an intent that is refused.
func (p *Platform) Run(ctx context.Context, desk bot.Desk) error {
	if err := p.introduce(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	p.menu.Store(newMenus(p.opt.Command, desk.Specs()))
	parts := []func(context.Context) error{p.watch}
	if !p.overHTTP() {
		parts = append(parts, p.attend)
	}
	p.door.Open(desk)
	err := bot.Together(ctx, parts...)
	p.door.Shut()
	return err
}

// attend listens to the gateway, where there are several replicas when it is our turn.
func (p *Platform) attend(ctx context.Context) error {
	if p.opt.Sole == nil {
		return p.runGateway(ctx)
	}
	return p.opt.Sole.Run(ctx, func(ctx context.Context, _ int64) error {
		defer p.dir.unlist()
		return p.runGateway(ctx)
	})
}

// introduce finds out who we are. It tries until it knows, or until Discord says that
// the token is of no use.
func (p *Platform) introduce(ctx context.Context) error {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := p.whoAmI(ctx)
		switch {
		case err == nil:
			return nil
		case refusedToken(err):
			return fmt.Errorf("discord: the token of the bot is refused: %w", hushed(err))
		case ctx.Err() == nil:
			p.opt.Logger.Warn("discord: it does not say who we are", "error", hushed(err))
			bot.Pause(ctx, max(bot.Backoff(attempt+1, p.tune.first, p.tune.most), patience(err)))
		}
	}
	return nil
}

func (p *Platform) whoAmI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	var app struct {
		ID string `json:"id"`
	}
	if err := p.rest.call(ctx, "GET", "applications/@me", nil, &app); err != nil {
		return err
	}
	if !snowflake.MatchString(app.ID) {
		return errGarbled
	}
	p.me.Store(&self{app: app.ID})
	return nil
}

// watch keeps the commands registered, and ends when Discord does not take the token any
// more.
func (p *Platform) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		err := p.look(ctx)
		wait := lookEvery
		switch {
		case refusedToken(err):
			return fmt.Errorf("discord: the token of the bot is refused: %w", hushed(err))
		case err != nil && ctx.Err() == nil:
			p.opt.Count("not registered")
			p.opt.Logger.Warn("discord: the commands could not be registered", "error", hushed(err))
			wait = max(10*time.Second, patience(err))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-p.dir.kick:
		}
		t.Stop()
	}
	return nil
}

// look finds out in which guilds we are, and registers what is not registered there.
func (p *Platform) look(ctx context.Context) error {
	if p.overHTTP() {
		if err := p.whereAmI(ctx); err != nil {
			return err
		}
	} else if err := p.whoAmI(ctx); err != nil {
		return err
	}
	return p.registerAll(ctx)
}

// whereAmI lists the guilds, where no gateway tells of them.
func (p *Platform) whereAmI(ctx context.Context) error {
	ids, after := map[string]place{}, "0"
	for {
		var page []struct{ ID, Name string }
		if err := p.rest.call(ctx, "GET", "users/@me/guilds?limit=200&after="+after, nil, &page); err != nil {
			return err
		}
		for _, g := range page {
			ids[g.ID] = place{name: g.Name}
			after = g.ID
		}
		if len(page) < 200 {
			p.dir.list(ids)
			return nil
		}
	}
}

// happened takes an event of the gateway.
func (p *Platform) happened(ctx context.Context, f frame, inFlight *sync.WaitGroup) {
	switch f.Type {
	case "INTERACTION_CREATE":
		inFlight.Go(func() { p.delivered(ctx, f.Data) })
	case "READY":
		var ready struct{ Guilds []struct{ ID string } }
		if json.Unmarshal(f.Data, &ready) == nil {
			ids := map[string]place{}
			for _, g := range ready.Guilds {
				ids[g.ID] = place{}
			}
			p.dir.list(ids)
			p.dir.hurry()
		}
	case "GUILD_CREATE", "GUILD_DELETE":
		p.moved(f)
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "THREAD_DELETE":
		var c channel
		switch {
		case json.Unmarshal(f.Data, &c) != nil:
		case f.Type == "CHANNEL_DELETE" || f.Type == "THREAD_DELETE":
			p.dir.drop(c.ID)
			p.opt.Count("channel deleted")
			p.opt.Logger.Info("discord: a channel was deleted", "channel", c.ID)
		default:
			p.dir.put(c)
		}
	}
}

// moved is that we came into a guild, or were taken out of one.
func (p *Platform) moved(f frame) {
	var g struct {
		ID, Name    string
		Unavailable bool
		Channels    []channel
	}
	if json.Unmarshal(f.Data, &g) != nil || g.ID == "" {
		return
	}
	switch {
	case f.Type == "GUILD_CREATE":
		p.dir.join(g.ID, place{name: g.Name})
		for _, c := range g.Channels {
			c.GuildID = g.ID
			p.dir.put(c)
		}
		p.dir.hurry()
	case g.Unavailable:
		p.dir.join(g.ID, place{away: true})
		p.opt.Logger.Warn("discord: a guild is not available", "guild", g.ID)
	default:
		p.dir.leave(g.ID)
		p.opt.Count("removed")
		p.opt.Logger.Warn("discord: we were taken out of a guild", "guild", g.ID, "team", p.dir.guild(g.ID).Team)
	}
}

// delivered handles an interaction of the gateway, and answers it.
func (p *Platform) delivered(ctx context.Context, raw []byte) {
	i, err := readInteraction(raw)
	if err != nil {
		p.malformed("interaction", err)
		return
	}
	ctx = context.WithoutCancel(ctx)
	r, ok := p.serve(ctx, i)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	switch err := p.rest.call(ctx, "POST", "interactions/"+i.ID+"/"+i.Token+"/callback", r, nil); {
	case err == nil:
		p.out.answer(i, r)
	case codeOf(err) == acknowledged: // another replica was faster, or it was delivered twice
	default:
		p.opt.Count("not answered")
		p.opt.Logger.Warn("discord: an interaction could not be answered", "error", hushed(err))
	}
}

// malformed notes what Discord sent and we cannot read.
func (p *Platform) malformed(what string, err error) {
	p.opt.Count("malformed")
	p.opt.Logger.Warn("discord: something cannot be read", "what", what, "error", err)
}

// serve handles one interaction, or turns it away at once when too many are handled
// already. What breaks breaks for this one. It is false when nobody is there.
func (p *Platform) serve(ctx context.Context, i *interaction) (r response, ok bool) {
	desk, full, leave := p.door.Enter()
	defer leave()
	switch {
	case desk == nil:
		return r, false
	case full:
		p.opt.Count("turned away")
		return p.whisper(i, notice("Not done: too much is asked of me at once.", "Nothing was changed. Try again in a minute.")), true
	}
	defer func() {
		if broken := recover(); broken != nil {
			p.opt.Count("panic") // its text may quote what somebody wrote
			p.opt.Logger.Error("discord: an interaction could not be handled: it panicked", "panic", fmt.Sprintf("%T", broken), "stack", string(debug.Stack()))
			r, ok = p.whisper(i, notice("Something went wrong here.", "Look before you repeat it.")), true
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, handleTime)
	defer cancel()
	p.dir.met(i)
	switch i.Type {
	case kindCommand:
		return p.command(ctx, desk, i), true
	case kindComplete:
		return p.suggest(ctx, desk, i), true
	case kindPress:
		return p.pressed(ctx, desk, i), true
	case kindForm:
		return p.submitted(ctx, desk, i), true
	}
	return p.whisper(i, notice("I do not know what this is.", "")), true
}

// place is where an interaction is.
func (p *Platform) place(ctx context.Context, i *interaction) state.Place {
	out := state.Place{
		Platform: Name, Workspace: i.GuildID, Channel: i.Channel.ID, Ceiling: p.ceiling(i.GuildID, i.Channel.Type), Reply: i.reply(),
		Threads: i.Channel.Type == textChannel || i.Channel.thread(),
	}
	kind := i.Channel.Type
	if i.Channel.thread() && snowflake.MatchString(i.Channel.ParentID) {
		out.Channel, out.Thread = i.Channel.ParentID, i.Channel.ID
		ctx, cancel := context.WithTimeout(ctx, firstLook)
		defer cancel()
		if parent, err := p.dir.channel(ctx, out.Channel); err == nil {
			kind = parent.Type
		}
	}
	out.Form = formOf(kind)
	return out
}

// formOf is how messages are shown in a kind of channel.
func formOf(kind int) state.Form {
	switch kind {
	case announcement, announcementThread:
		return state.FormAnnouncement
	case forumChannel:
		return state.FormForum
	}
	return state.FormText
}

// request is what somebody asks with an interaction. Its id is the same for every
// delivery of it.
func (p *Platform) request(ctx context.Context, i *interaction, t chat.Trigger, line string) chat.Request {
	return chat.Request{
		ID: Name + " " + i.ID, Trigger: t, Text: line, At: p.opt.Now(), Place: p.place(ctx, i),
		Actor: chat.Actor{Link: Link(i.who().ID), Admin: i.Member != nil && i.Member.manages()},
	}
}

// hand gives a request to the desk, and is what is answered now.
func (p *Platform) hand(ctx context.Context, desk bot.Desk, i *interaction, req chat.Request) response {
	if m, may := p.mayAsk(desk, i, req); !may {
		return p.whisper(i, m)
	}
	ack, err := desk.Handle(ctx, req)
	switch {
	case ack.Duplicate:
		p.opt.Count("duplicate")
	case err != nil:
		p.opt.Count("not taken") // the desk has logged why
	}
	switch {
	case ack.Accepted:
		return later(ack.Private)
	case len(ack.Message.Parts) == 0:
		ack.Message = notice("Not done: the request could not be taken.", "So far nothing was changed. Try again in a minute. Reference "+chat.Reference(req.ID))
	}
	return p.whisper(i, ack.Message)
}

// mayAsk keeps a guild that is not the team's to what is for communities, whoever asks.
func (p *Platform) mayAsk(desk bot.Desk, i *interaction, req chat.Request) (chat.Message, bool) {
	if i.garbled {
		return notice("The line has bytes in it that are not text.", ""), false
	}
	if i.GuildID == "" {
		return notice("I answer in servers only, where it is known who may see what.", "Say it in a channel of your team."), false
	}
	if p.dir.guild(i.GuildID).Team {
		return chat.Message{}, true
	}
	spec, _, err := chat.Find(desk.Specs(), req.Text)
	if err == nil && spec.Community {
		return chat.Message{}, true
	}
	p.opt.Count("outsider")
	return notice("This is not for communities.", "The team runs its response in a server of its own; its operator names that in the configuration (discord: guilds)."), false
}

// notice is something to say that tells nothing of any incident.
func notice(what, next string) chat.Message {
	everybody := chat.Mark{TLP: state.TLPClear}
	m := chat.Say(chat.Para{Mark: everybody, Text: chat.T(what)}).With(chat.ToneWarn)
	if next != "" {
		m.Add(chat.Note{Mark: everybody, Text: chat.T(next)})
	}
	return m
}
