package slack

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How far our clock may be from Slack's. Requests over HTTP are refused when they
// are five minutes old (docs.slack.dev/authentication/verifying-requests-from-slack).
const (
	skewWarned = time.Minute
	skewWrong  = 5 * time.Minute
)

// Examine looks whether the app is set up so that all works: its tokens, its scopes,
// the clock, and the channels that are to be written to. It changes nothing and does
// not connect. What it says holds no token.
func (p *Platform) Examine(ctx context.Context, channels []state.Place) []bot.Finding {
	var out []bot.Finding
	began := p.opt.Now()
	me, err := p.api.AuthTestContext(ctx)
	out = append(out, tokenFinding("the bot token", "ALLCLEAR_SLACK_BOT_TOKEN", err))
	if p.opt.AppToken != "" {
		_, _, err := p.api.StartSocketModeContext(ctx)
		out = append(out, tokenFinding("the app token", "ALLCLEAR_SLACK_APP_TOKEN", err))
	}
	if err != nil {
		return out
	}
	out = append(out, clockFinding(me.Header, began, p.opt.Now())...)
	out = append(out, scopeFindings(me.Header)...)
	seen := map[string]bool{}
	for _, place := range channels {
		id := place.Channel
		if place.Platform != Name || seen[place.Workspace+id] || id == "" || id == homeChannel || strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W") {
			continue
		}
		seen[place.Workspace+id] = true
		out = append(out, p.channelFindings(ctx, me.TeamID, place)...)
	}
	return out
}

func tokenFinding(what, variable string, err error) bot.Finding {
	f := bot.Finding{What: what}
	switch {
	case err == nil:
	case hopeless(err):
		f.Wrong = "Slack refuses it: " + hushed(err).Error()
		f.Do = "Take a new one at api.slack.com/apps, from the app that was made of the manifest, and set " + variable + "."
	default:
		f.Wrong = "Slack did not answer: " + hushed(err).Error()
		f.Do = "See that this process reaches slack.com over HTTPS, then look again."
	}
	return f
}

// clockFinding compares our clock with the date of an answer, which has whole
// seconds, and was made between the question and now.
func clockFinding(h http.Header, began, now time.Time) []bot.Finding {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return nil
	}
	f := bot.Finding{What: "the clock"}
	ahead := began.Sub(theirs.Add(time.Second)) // at least
	word := "ahead of"
	if behind := theirs.Sub(now); behind > ahead {
		ahead, word = behind, "behind"
	}
	if ahead >= skewWarned {
		f.Wrong = fmt.Sprintf("It is %s %s Slack's.", ahead.Round(time.Second), word)
		f.Do = "Have the system keep its time (NTP): from five minutes on, every request of Slack's over HTTP is refused."
		f.Warning = ahead < skewWrong
	}
	return []bot.Finding{f}
}

// scopeFindings compare what was granted with what is needed.
func scopeFindings(h http.Header) []bot.Finding {
	granted := strings.FieldsFunc(h.Get("X-Oauth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(granted) == 0 {
		return []bot.Finding{{What: "the scopes", Wrong: "Slack did not say which were granted.", Do: "Compare them with the manifest at api.slack.com/apps.", Warning: true}}
	}
	var out []bot.Finding
	for _, n := range needs() {
		f := bot.Finding{What: "the scope " + n.scope}
		if !slices.Contains(granted, n.scope) {
			f.Wrong = "It is missing: " + n.without + "."
			f.Do = "Add it to the app at api.slack.com/apps, OAuth & Permissions, and install the app again."
			f.Warning = !n.vital
		}
		out = append(out, f)
		granted = slices.DeleteFunc(granted, func(s string) bool { return s == n.scope })
	}
	if len(granted) > 0 {
		out = append(out, bot.Finding{
			What: "other scopes", Wrong: "Nothing here needs " + chat.Clean(fmt.Sprintf("%.200s", strings.Join(granted, ", "))) + ".",
			Do: "Remove them from the app, unless you know what they are for.", Warning: true,
		})
	}
	return out
}

// Reach says what keeps messages from a place, and what to do about it; "" when
// nothing does, or Slack does not say.
func (p *Platform) Reach(ctx context.Context, place state.Place) string {
	ctx, cancel := context.WithTimeout(ctx, ceilingTime)
	defer cancel()
	wrong, do := p.barred(p.lookAt(ctx, place))
	return strings.TrimSpace(wrong + " " + do)
}

func (p *Platform) lookAt(ctx context.Context, place state.Place) (c *slackgo.Channel, err error) {
	err = p.patiently(ctx, func() (err error) {
		c, err = p.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: place.Channel})
		return err
	})
	return c, err
}

// barred is what keeps messages from a channel that was looked at, and what to do.
func (p *Platform) barred(c *slackgo.Channel, err error) (wrong, do string) {
	invite := "Write /invite @" + strings.TrimPrefix(p.opt.Command, "/") + " in it."
	switch {
	case wordOf(err) == "channel_not_found":
		return "Slack knows no such channel, or it is private and we are not in it.", invite
	case err != nil:
		return "", ""
	case c.IsArchived:
		return "It is archived: nothing can be posted there.", "Unarchive it, or bind the incident to another channel."
	case !c.IsMember && !c.IsIM:
		return "We are not in it: nothing can be posted there.", invite
	}
	return "", ""
}

func (p *Platform) channelFindings(ctx context.Context, team string, place state.Place) []bot.Finding {
	f := bot.Finding{What: "the channel " + chat.Clean(place.Channel)}
	if place.Workspace != "" && place.Workspace != team {
		f.Wrong = "It belongs to the workspace " + chat.Clean(place.Workspace) + ", and the token to " + team + "."
		f.Do = "Bind it again from a channel of this workspace."
		return []bot.Finding{f}
	}
	c, err := p.lookAt(ctx, place)
	f.Wrong, f.Do = p.barred(c, err)
	switch {
	case f.Wrong == "" && err != nil:
		f.Wrong, f.Do = "It cannot be looked at: "+hushed(err).Error(), "See what is wrong above, then look again."
		return []bot.Finding{f}
	case err != nil:
		return []bot.Finding{f}
	}
	if c.Name != "" {
		f.What = fmt.Sprintf("the channel #%s (%s)", chat.Clean(c.Name), c.ID)
	}
	out := []bot.Finding{f}
	if c.IsExtShared || c.IsPendingExtShared {
		out = append(out, bot.Finding{
			What: f.What, Warning: true, Wrong: fmt.Sprintf("It is shared with another organisation: it is shown %s and wider, and nothing else.", p.opt.SharedCeiling),
			Do: "Nothing, if that is meant. Otherwise bind the incident to another channel.",
		})
	}
	return out
}
