package slack

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// homeEvery is how often somebody's App Home is drawn anew at most.
const homeEvery = 10 * time.Second

// home is somebody's App Home as a place.
func (p *Platform) home(ctx context.Context, me *self, link string) state.Place {
	place := state.Place{Platform: Name, Workspace: me.team, Channel: homeChannel, Person: link}
	place.Ceiling = p.ceiling(ctx, place, "")
	return place
}

// homeLine is the command that draws an App Home.
const homeLine = "home"

// direct is the direct conversation with somebody as a place.
func (p *Platform) direct(ctx context.Context, me *self, link string) state.Place {
	place := state.Place{Platform: Name, Workspace: me.team, Person: link}
	place.Ceiling = p.ceiling(ctx, place, "")
	return place
}

// redraw has an App Home drawn again when something that was asked for from there
// was taken. When that fails, it shows what it showed until it is opened again.
func (p *Platform) redraw(ctx context.Context, desk bot.Desk, me *self, after chat.Request, ack bot.Ack) {
	if after.Place.Channel != "" || !ack.Accepted {
		return
	}
	_, _ = p.hand(ctx, desk, chat.Request{
		ID: requestID("home", after.ID), Trigger: chat.TriggerLine, Actor: after.Actor, Place: p.home(ctx, me, after.Actor.Link),
		Text: homeLine, At: after.At, Private: true,
	})
}

// homeOpened draws somebody's App Home. It opens whenever they look at it, so it is
// drawn at most once in ten seconds, here and, by its id, among all replicas.
func (p *Platform) homeOpened(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	var e struct {
		User string `json:"user"`
		Tab  string `json:"tab"`
		At   string `json:"event_ts"`
	}
	if err := json.Unmarshal(d.event.Event, &e); err != nil || e.User == "" || e.Tab != "home" {
		return taken{}
	}
	if !p.in.homes.add(e.User, d.at, d.at.Add(homeEvery)) {
		return taken{}
	}
	seconds, _, _ := strings.Cut(e.At, ".")
	at, _ := strconv.ParseInt(seconds, 10, 64)
	link := Link(me.team, e.User)
	req := chat.Request{
		ID:      requestID("home", me.team, e.User, strconv.FormatInt(at/int64(homeEvery/time.Second), 10)),
		Trigger: chat.TriggerLine, Actor: chat.Actor{Link: link}, Place: p.home(ctx, me, link), Text: homeLine, At: d.at, Private: true,
	}
	ack, err := p.hand(ctx, desk, req)
	if !ack.Accepted {
		p.in.homes.forget(e.User)
	}
	return p.answered(ctx, d, req, ack, err)
}
