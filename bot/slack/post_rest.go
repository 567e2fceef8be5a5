package slack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// belongings are what is in a thread and belongs to a message: the further
// messages by their number, and its files by their marks.
type belongings struct {
	sheets map[int]string
	files  map[string]shared
}

// shared is a file in a message of its own. The zero value is the word that it could not
// be attached.
type shared struct{ id, ts string }

// file reports whether a file is there, or the word that it is not.
func (b belongings) file(mark string) bool {
	_, ok := b.files[mark]
	return ok
}

// amend makes a message, and what belongs to it, what it shall be. The first message
// says how many there are before there are more, and still says so when there are
// fewer: whoever edits it next, here or elsewhere, knows that there is something to
// look for.
func (p *Platform) amend(ctx context.Context, t target, ts string, m chat.Message, key string) error {
	before, found, err := p.read(ctx, t.channel, ts)
	switch {
	case wordOf(err) == "missing_scope": // then it is as if nothing belonged to it
		p.opt.Logger.Warn("slack: it may not be read what belongs to a message; a file that was taken out of it may still be there", "channel", t.channel, "error", hushed(err))
	case err != nil:
		return p.toldIn(ctx, t.channel, "slack: look at a message", err)
	case !found:
		return errGone
	}
	r, err := p.drawn(p.setting(ctx, t, m), m, func(r rendered) error {
		return p.update(ctx, t.channel, ts, r.sheets[0], changedMeta(before, r)...)
	})
	if err != nil {
		return p.toldIn(ctx, t.channel, "slack: edit a message", err)
	}
	gone := r.goneFrom(before)
	if sheetsOf(before) == 1 && len(r.sheets) == 1 && len(r.files)+len(gone) == 0 {
		return nil
	}
	has, err := p.belongings(ctx, t.channel, root(t, ts), ts)
	if err != nil {
		return partly(p.told("look at its thread", err))
	}
	if err := p.rest(ctx, t, ts, m, key, r, has); err != nil {
		return err
	}
	if err := p.takeAway(ctx, t.channel, gone, has); err != nil {
		return partly(err)
	}
	return nil
}

// takeAway deletes files that belong to a message no more: one that cannot be deleted
// holds up no other.
func (p *Platform) takeAway(ctx context.Context, channel string, marks []string, has belongings) error {
	var errs []error
	for _, mark := range marks {
		f := has.files[mark]
		if f.id == "" {
			continue
		}
		err := p.patiently(ctx, func() error { return p.api.DeleteFileContext(ctx, f.id) })
		if word := wordOf(err); err != nil && word != "file_not_found" && word != "file_deleted" {
			p.opt.Logger.Warn("slack: a file that belongs to a message no more is still there", "channel", channel, "error", hushed(err))
			errs = append(errs, p.told("take a file away, which is still there", err))
			continue
		}
		if _, _, err := p.api.DeleteMessageContext(ctx, channel, f.ts); err != nil && wordOf(err) != "message_not_found" {
			p.opt.Logger.Warn("slack: the message of a file that was taken away is still there", "error", hushed(err))
		}
	}
	return errors.Join(errs...)
}

// root is the first message of the thread that a message and its further ones are in.
func root(t target, ts string) string {
	if t.thread != "" {
		return t.thread
	}
	return ts
}

// rest shows all but the first message: further messages, then files. When Slack
// will not have them, the first message says that it is not all.
func (p *Platform) rest(ctx context.Context, t target, ts string, m chat.Message, key string, r rendered, has belongings) error {
	err := p.further(ctx, t, ts, key, r, has)
	for _, f := range r.files {
		if err == nil && !has.file(f.mark()) {
			err = p.attach(ctx, t, ts, key, f)
		}
	}
	if errors.As(err, new(*chat.Permanent)) {
		p.opt.Logger.Warn("slack: a thread takes no more; a message is cut short", "error", err)
		err = p.curtail(ctx, t, ts, m)
	}
	if err != nil {
		p.out.begin(key, ts)
		return partly(err)
	}
	p.out.finish(key)
	return nil
}

// further makes the further messages what they shall be.
func (p *Platform) further(ctx context.Context, t target, first, key string, r rendered, has belongings) error {
	for i := 1; i < len(r.sheets); i++ {
		n := i + 1
		err := p.patiently(ctx, func() error {
			if ts := has.sheets[n]; ts != "" {
				return p.update(ctx, t.channel, ts, r.sheets[i])
			}
			_, err := p.send(ctx, t.channel, root(t, first), r.sheets[i], clientID(sheetKey(key, n)), slackgo.MsgOptionMetadata(nextMeta(key, first, n)))
			return err
		})
		if err != nil {
			return p.told(fmt.Sprintf("message %d of %d", n, len(r.sheets)), err)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(has.sheets)) {
		if n <= len(r.sheets) {
			continue
		}
		err := p.patiently(ctx, func() error {
			_, _, err := p.api.DeleteMessageContext(ctx, t.channel, has.sheets[n])
			return err
		})
		if err != nil && wordOf(err) != "message_not_found" {
			return p.told("take back a further message", err)
		}
	}
	return nil
}

// attach uploads a file. When Slack takes none, the thread says so.
func (p *Platform) attach(ctx context.Context, t target, first, key string, f enclosure) error {
	err := p.upload(ctx, t.channel, root(t, first), f)
	if !errors.As(err, new(*chat.Permanent)) {
		return err
	}
	p.opt.Logger.Warn("slack: a file is not shown", "error", err)
	lost := sheet{Blocks: []slackgo.Block{missing(f, err)}, Text: "A file could not be attached."}
	err = p.patiently(ctx, func() error {
		id := clientID(key + ", lost " + f.mark())
		_, err := p.send(ctx, t.channel, root(t, first), lost, id, slackgo.MsgOptionMetadata(lostMeta(key, first, f.mark())))
		return err
	})
	return p.told("say that a file is missing", err)
}

// missing says that a file could not be attached, and why.
func missing(f enclosure, err error) slackgo.Block {
	return prose.block([][]stretch{{
		{text: "A file could not be attached: "}, {text: chat.Clean(f.name), style: chat.Code}, {text: " (" + chat.Clean(err.Error()) + ")"},
	}})
}

// curtail makes a message say that it is not all.
func (p *Platform) curtail(ctx context.Context, t target, ts string, m chat.Message) error {
	s := p.setting(ctx, t, m)
	s.files, s.onward, s.charts = "", "", false
	return p.told("cut a message short", p.update(ctx, t.channel, ts, render(m, s).sheets[0]))
}

// How long one call waits because Slack asks too often, and how often: the first
// message is there, and it is better to go on than to begin again.
const (
	mostPatience = 5 * time.Second
	mostTurns    = 3
)

// patiently does something, and does it again when Slack wants us to wait a little.
func (p *Platform) patiently(ctx context.Context, do func() error) error {
	for turn := 1; ; turn++ {
		err := do()
		var busy *slackgo.RateLimitedError
		if !errors.As(err, &busy) || turn == mostTurns || busy.RetryAfter > mostPatience {
			return err
		}
		p.opt.Count("rate limited")
		bot.Pause(ctx, busy.RetryAfter)
	}
}
