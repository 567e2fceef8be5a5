package slack

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// offered are the names that complete what is being typed.
type offered struct {
	Options []*slackgo.OptionBlockObject `json:"options"`
}

// suggest completes a name in a form. What was typed is always one of the names, so
// that a form takes whatever a line takes, though nothing may be suggested.
func (p *Platform) suggest(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	typed := strings.TrimSpace(spaces.Replace(d.act.Value))
	names := p.complete(ctx, desk, me, d, typed)
	if typed != "" && !slices.Contains(names, typed) && !d.garbled {
		names = append(names, typed)
	}
	out := offered{Options: options(names)}
	if out.Options == nil {
		out.Options = []*slackgo.OptionBlockObject{}
	}
	return taken{body: out}
}

func (p *Platform) complete(ctx context.Context, desk bot.Desk, me *self, d delivery, typed string) []string {
	var keep slip
	link := d.act.link(me)
	if d.act.View.Callback != formCallback || json.Unmarshal([]byte(d.act.View.Metadata), &keep) != nil || p.outside(link) {
		return nil
	}
	spec, words, err := chat.Find(desk.Specs(), keep.Press.Line)
	if err != nil {
		return nil
	}
	place := p.home(ctx, me, link)
	if keep.Channel != "" {
		place = p.place(ctx, me, d.act.User.ID, keep.Channel, keep.Thread, "")
	}
	q := bot.Question{Link: link, Place: place, Command: spec.Path, Arg: d.act.BlockID, Prefix: typed, Incident: flagged(words, "incident")}
	names, err := desk.Suggest(ctx, q)
	if err != nil {
		p.opt.Logger.Warn("slack: no names can be suggested", "error", err)
	}
	return names
}

// flagged is the value of a flag among the words of a line, "" without it.
func flagged(words []string, name string) string {
	for i, w := range words {
		if v, ok := strings.CutPrefix(w, "--"+name+"="); ok {
			return v
		}
		if w == "--"+name && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}
