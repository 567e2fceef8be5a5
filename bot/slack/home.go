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
		Trigger: chat.TriggerLine, Actor: chat.Actor{Link: link}, Place: p.home(ctx, me, link), Text: "home", At: d.at, Private: true,
	}
	ack := p.hand(ctx, desk, req)
	if !ack.Accepted {
		p.in.homes.forget(e.User)
	}
	return p.answered(req, ack)
}
