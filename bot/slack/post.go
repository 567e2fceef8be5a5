package slack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Poster = (*Platform)(nil)

// How often one place may be written to: Slack promises one message a second in a
// channel, and bears short bursts (docs.slack.dev/apis/web-api/rate-limits).
const (
	PostEvery = time.Second
	PostBurst = 3
)

// Post shows a message and returns Slack's name for it: the ts of the message, or
// of the first of several. What only one person sees has a name that cannot be
// edited, and their App Home the name "home".
//
// The first message of several has the key; the others, and the files, go into its
// thread. When that breaks off, the error says that it is not known whether the
// message arrived, Find does not find it, and Post with the same key goes on where
// it ended.
func (p *Platform) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	t, err := p.target(ctx, place)
	if err != nil {
		return "", err
	}
	switch t.surface {
	case inHome:
		return homeID, p.publish(ctx, t, m)
	case unseen:
		return p.whisper(ctx, t, m, key)
	}
	if ts, ok := p.out.first(key); ok {
		if err := p.amend(ctx, t, ts, m, key); !errors.Is(err, errGone) {
			return ts, err
		}
		p.out.finish(key) // somebody took it away
	}
	ts, r, err := p.first(ctx, t, m, key)
	switch {
	case err == nil:
	case outside(err) && t.reply != "":
		return p.respond(ctx, t, m, key, err)
	default:
		return "", p.toldIn(ctx, t.channel, "slack: post a message", err)
	}
	if len(r.sheets) > 1 || len(r.files) > 0 {
		p.out.begin(key, ts)
	}
	return ts, p.rest(ctx, t, ts, m, key, r, belongings{})
}

// Edit replaces a message, and what belongs to it. That further messages cannot be
// added does not make it fail for ever: it has become what it shall be by then.
func (p *Platform) Edit(ctx context.Context, place state.Place, messageID string, m chat.Message, key string) error {
	t, err := p.target(ctx, place)
	if err != nil {
		return err
	}
	switch {
	case t.surface == inHome:
		return p.publish(ctx, t, m)
	case t.surface == unseen, !stamp.MatchString(messageID):
		return p.keep(ctx, m)
	}
	return p.amend(ctx, t, messageID, m, key)
}

// What cannot be edited: it stays as it is, or is there no more.
var (
	errFixed = &chat.Permanent{Err: errors.New("slack: this message cannot be edited")}
	errGone  = &chat.Permanent{Err: errors.New("slack: this message is there no more")}
)

// keep leaves alone what cannot be edited: how far something is need not be said
// again, all else must be.
func (p *Platform) keep(ctx context.Context, m chat.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, part := range m.Parts {
		if bar, ok := part.(chat.Progress); ok && bar.Done < bar.Total {
			return nil
		}
	}
	return errFixed
}

// first posts the first message.
func (p *Platform) first(ctx context.Context, t target, m chat.Message, key string) (ts string, r rendered, err error) {
	r, err = p.drawn(p.setting(ctx, t, m), m, func(r rendered) error {
		opts := []slackgo.MsgOption{slackgo.MsgOptionMetadata(firstMeta(m, key, r))}
		if t.thread != "" && m.Broadcast {
			opts = append(opts, slackgo.MsgOptionBroadcast())
		}
		ts, err = p.send(ctx, t.channel, t.thread, r.sheets[0], clientID(key), opts...)
		return err
	})
	if word := wordOf(err); word == "duplicate_message_not_found" || word == "duplicate_channel_not_found" {
		return p.again(ctx, t, m, key, r)
	}
	return ts, r, err
}

// again is for a message that Slack has seen and cannot find: we look ourselves,
// and when it is not there, somebody took it away and it is posted as a new one.
func (p *Platform) again(ctx context.Context, t target, m chat.Message, key string, r rendered) (string, rendered, error) {
	ts, found, err := p.look(ctx, t, key)
	if err != nil || found {
		return ts, r, err
	}
	ts, err = p.send(ctx, t.channel, t.thread, r.sheets[0], "", slackgo.MsgOptionMetadata(firstMeta(m, key, r)))
	return ts, r, err
}

// drawn renders a message and shows it. What Slack refuses because of a chart is
// shown without, and so is all that follows.
func (p *Platform) drawn(s setting, m chat.Message, show func(rendered) error) (rendered, error) {
	r := render(m, s)
	err := show(r)
	if r.charts && (wordOf(err) == "invalid_blocks" || wordOf(err) == "invalid_blocks_format") {
		s.charts = false
		r = render(m, s)
		if err = show(r); err == nil {
			p.out.refuseCharts()
		}
	}
	return r, err
}

// send posts one message. Nothing in it is looked at for names or links.
func (p *Platform) send(ctx context.Context, channel, thread string, s sheet, id string, opts ...slackgo.MsgOption) (string, error) {
	opts = append(wording(s), append(opts,
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionDisableMarkdown(),
		slackgo.UnsafeMsgOptionEndpoint(p.endpoint("chat.postMessage"), func(v url.Values) {
			if id != "" {
				v.Set("client_msg_id", id)
			}
			if thread != "" {
				v.Set("thread_ts", thread)
			}
		}))...)
	_, ts, _, err := p.api.SendMessageContext(ctx, channel, opts...)
	if err == nil && !stamp.MatchString(ts) {
		err = errors.New("an answer without the name of the message")
	}
	return ts, err
}

func (p *Platform) update(ctx context.Context, channel, ts string, s sheet, opts ...slackgo.MsgOption) error {
	_, _, _, err := p.api.SendMessageContext(ctx, channel, append(append(wording(s), slackgo.MsgOptionUpdate(ts)), opts...)...)
	return err
}

// wording is what every message says, and that nothing in it is a name.
func wording(s sheet) []slackgo.MsgOption {
	return []slackgo.MsgOption{
		slackgo.MsgOptionText(s.Text, false), slackgo.MsgOptionBlocks(s.Blocks...), slackgo.MsgOptionParse(false), slackgo.MsgOptionLinkNames(false),
	}
}

// endpoint is the address of a method.
func (p *Platform) endpoint(method string) string {
	if p.opt.API != "" {
		return p.opt.API + method
	}
	return slackgo.APIURL + method
}

// partly says that a message is there and not all that belongs to it. It is neither
// permanent nor a matter of pace, for something was posted.
func partly(err error) error { return fmt.Errorf("slack: a message is there in part: %s", err) }
