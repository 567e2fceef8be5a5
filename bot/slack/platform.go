package slack

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// tokenEvery is how often the bot token is tried.
const tokenEvery = 5 * time.Minute

// Run takes requests to the desk until the context ends. With an app token they
// come over Socket Mode, else through Handler. What was delivered before the
// context ended is still taken. An error is one that no waiting cures: a token that
// is refused, Socket Mode switched off, the app removed.
func (p *Platform) Run(ctx context.Context, desk bot.Desk) error {
	if err := p.introduce(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	p.dir.warm(ctx)
	parts := []func(context.Context) error{p.watch, func(ctx context.Context) error { p.dir.run(ctx); return nil }}
	if p.opt.AppToken != "" {
		parts = append(parts, p.runSocket)
	}
	p.door.Open(desk)
	hands := p.in.work(ctx)
	err := bot.Together(ctx, parts...)
	p.door.Shut()
	hands()
	return err
}

// introduce finds out who we are. It tries until it knows, or until Slack says that
// the token is of no use.
func (p *Platform) introduce(ctx context.Context) error {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := p.whoAmI(ctx)
		if err == nil || hopeless(err) {
			return refusedToken("bot", err)
		}
		if ctx.Err() == nil {
			p.opt.Logger.Warn("slack: it does not say who we are", "error", hushed(err))
			bot.Pause(ctx, max(bot.Backoff(attempt, p.tune.first, p.tune.most), p.dir.limited(err)))
		}
	}
	return nil
}

func (p *Platform) whoAmI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	who, err := p.api.AuthTestContext(ctx)
	if err != nil {
		return err
	}
	p.me.Store(&self{team: who.TeamID, enterprise: who.EnterpriseID, user: who.UserID, bot: who.BotID})
	return nil
}

// watch tries the token now and then, and ends when Slack does not take it any more.
func (p *Platform) watch(ctx context.Context) error {
	for {
		t := time.NewTimer(tokenEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case err := <-p.in.fatal:
			t.Stop()
			return err
		case <-t.C:
		}
		if err := p.whoAmI(ctx); hopeless(err) {
			return refusedToken("bot", err)
		}
	}
}

// hopeless reports whether no waiting helps against an error of Slack's.
func hopeless(err error) bool {
	var said slackgo.SlackErrorResponse
	if !errors.As(err, &said) {
		return false
	}
	switch said.Err {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "missing_scope",
		"no_permission", "org_login_required", "ekm_access_denied", "access_denied", "team_access_not_granted", "link_disabled":
		return true
	}
	return false
}

func refusedToken(which string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("slack: the %s token is refused: %w", which, hushed(err))
}

// taken is what becomes of a delivery.
type taken struct {
	// refused: it is not acknowledged. Slack delivers it again, or tells the person
	// that it failed.
	refused bool
	// body goes with the acknowledgement, when there is something to say.
	body any
}

// serve handles one delivery, or turns it away at once when too many are handled
// already. What breaks breaks for this one.
func (p *Platform) serve(ctx context.Context, d delivery) (t taken) {
	desk, full, leave := p.door.Enter()
	defer leave()
	if desk == nil {
		return taken{refused: true}
	}
	if d.retry {
		p.opt.Count("redelivered")
	}
	if full {
		p.opt.Count("turned away")
		return p.turnAway(d)
	}
	defer func() {
		if broken := recover(); broken != nil {
			p.opt.Count("panic") // its text may quote what somebody wrote
			p.opt.Logger.Error("slack: a delivery could not be handled: it panicked", "panic", fmt.Sprintf("%T", broken), "stack", string(debug.Stack()))
			t = taken{refused: true}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTime)
	defer cancel()
	return p.take(ctx, desk, p.me.Load(), d)
}

// take makes a request of a delivery.
func (p *Platform) take(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	switch {
	case d.slash != nil:
		return p.command(ctx, desk, me, d)
	case d.act != nil:
		return p.interact(ctx, desk, me, d)
	case d.event != nil:
		return p.happened(ctx, desk, me, d)
	}
	return taken{}
}

// interact is something that was pressed, submitted, or typed into a list. What is
// of no use to us is acknowledged.
func (p *Platform) interact(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	switch d.act.Type {
	case "block_actions":
		return p.pressed(ctx, desk, me, d)
	case "view_submission":
		return p.submitted(ctx, desk, me, d)
	case "block_suggestion":
		return p.suggest(ctx, desk, me, d)
	case "message_action":
		return p.shortcut(ctx, desk, me, d)
	}
	return taken{}
}

// place is a place as it is now, for somebody who asks there.
func (p *Platform) place(ctx context.Context, me *self, user, channel, thread, reply string) state.Place {
	place := state.Place{Platform: Name, Workspace: me.team, Channel: channel, Thread: thread, Threads: true, Reply: reply}
	place.Ceiling = p.ceiling(ctx, place, user)
	return place
}

// hand gives a request to the desk. What it does not accept always comes with a
// message that says so. The error says that it could be accepted another time.
func (p *Platform) hand(ctx context.Context, desk bot.Desk, req chat.Request) (bot.Ack, error) {
	if m, may := p.mayAsk(desk, req); !may {
		return bot.Ack{Message: m, Private: true, Reference: chat.Reference(req.ID)}, nil
	}
	ack, err := desk.Handle(ctx, req)
	if ack.Duplicate {
		p.opt.Count("duplicate")
	}
	if !ack.Accepted && len(ack.Message.Parts) == 0 {
		ack.Message = notice("Not done: the request could not be taken.", "So far nothing was changed. Try again in a minute. Reference "+chat.Reference(req.ID))
	}
	if err != nil {
		p.opt.Count("not taken") // the desk has logged why
	}
	return ack, err
}
