package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Poster = (*Platform)(nil)

// hashOf names a key: keys hold names, which are not for every channel. It is as long as
// a nonce may be (docs.discord.com/developers/resources/message#create-message).
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:12])
}

// unseen begins the name of a message that one person sees, in a channel.
const unseen = "private "

// messageName is what we call messages.
var messageName = regexp.MustCompile(`^(?:` + unseen + `)?[1-9][0-9]{0,19}$`)

// oldAfter is when a message is posted anew instead of edited: Discord lets few edits of
// messages through that are older than an hour (error 30046).
//
// What has a topic, like an advisory, is edited as long as Discord lets it be: it is one
// message for as long as it stands.
const oldAfter = 55 * time.Minute

// Post shows a message and returns Discord's name for it. An answer to an interaction
// fills its first response, or follows it; after its 15 minutes, and all else, is a
// message of our own. In a forum it begins a post.
func (p *Platform) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	r := render(m, p.setting(ctx, place, m), hashOf(key))
	if t, live := p.ticket(place.Reply); live {
		id, err := p.answer(ctx, t, place, r, key)
		if !errors.Is(err, errUnanswered) {
			return id, err
		}
	}
	if place.Person != "" {
		channel, err := p.converse(ctx, place.Person)
		if err != nil {
			return "", err
		}
		return p.send(ctx, channel, r, key)
	}
	if !snowflake.MatchString(place.Channel) {
		return "", &chat.Permanent{Err: errors.New("discord: the place is no channel and nobody's")}
	}
	id, err := p.postIn(ctx, place, m, r, key)
	if place.Thread == "" {
		p.dir.wrote(place.Channel, err)
	}
	if old := p.out.replaces(key); old != "" {
		if err != nil {
			p.out.replace(key, old)
		} else {
			p.retire(ctx, place.Channel, old)
		}
	}
	return id, err
}

// postIn posts into a channel, a forum or a thread. What is said in a thread and is for its
// channel as well is a reply there: Discord shows nothing in both. A forum shows its posts
// by what is new in them.
func (p *Platform) postIn(ctx context.Context, place state.Place, m chat.Message, r rendered, key string) (string, error) {
	thread := place.Thread
	switch {
	case snowflake.MatchString(thread) && m.Broadcast && place.Form == state.FormForum:
		return p.postThread(ctx, place, r, key)
	case snowflake.MatchString(thread) && m.Broadcast:
		r.Reply = &discordgo.MessageReference{MessageID: thread, ChannelID: place.Channel, FailIfNotExists: new(bool)}
	case snowflake.MatchString(thread):
		r.Flags |= flagSilent
		return p.postThread(ctx, place, r, key)
	}
	c, err := p.dir.channel(ctx, place.Channel)
	switch {
	case err != nil:
		return "", p.told("look at a channel", err)
	case c.Type == forumChannel:
		return p.postForum(ctx, c, m, r)
	case c.Type == announcement:
		return p.announce(ctx, place.Channel, r, key)
	}
	return p.send(ctx, place.Channel, r, key)
}

// send posts one message. Discord gives the one that is there when it saw the nonce in the
// past few minutes.
func (p *Platform) send(ctx context.Context, channel string, r rendered, key string) (string, error) {
	id, err := p.deliver(ctx, channel, r, key)
	return id, p.told("post a message", err)
}

// deliver is send with the error as Discord gave it.
func (p *Platform) deliver(ctx context.Context, channel string, r rendered, key string) (string, error) {
	r.Nonce, r.Enforce = hashOf(key), true
	var sent message
	err := p.rest.call(ctx, "POST", "channels/"+channel+"/messages", r.draft, &sent, r.files...)
	if err == nil && !snowflake.MatchString(sent.ID) {
		err = errGarbled
	}
	if err == nil {
		p.out.posted(sent.ID, hashOf(key))
	}
	return sent.ID, err
}

// errUnanswered: an interaction has no first response, and there will be none.
var errUnanswered = errors.New("an interaction that nobody answered")

// answer shows a message as the answer to an interaction.
func (p *Platform) answer(ctx context.Context, t ticket, place state.Place, r rendered, key string) (string, error) {
	hook := "webhooks/" + p.app() + "/" + t.token
	waits := p.out.fill(t.id)
	if !waits {
		first, err := p.firstResponse(ctx, t)
		switch {
		case err != nil:
			return "", err
		case first.keyOf() == hashOf(key):
			return nameOf(place, first), nil
		}
		waits = first.Flags&flagLoading != 0
	}
	var sent message
	var err error
	if waits {
		err = p.rest.call(ctx, "PATCH", hook+"/messages/@original", r.draft, &sent, r.files...)
	} else {
		if place.Person != "" {
			r.Flags |= flagPrivate
		}
		err = p.rest.call(ctx, "POST", hook, r.draft, &sent, r.files...)
	}
	switch {
	case codeOf(err) == badWebhook:
		return "", errUnanswered
	case err != nil:
		return "", p.told("answer", err)
	case !snowflake.MatchString(sent.ID):
		return "", errGarbled
	}
	p.out.posted(sent.ID, hashOf(key))
	return nameOf(place, sent), nil
}

// nameOf is what we call an answer.
func nameOf(place state.Place, m message) string {
	if place.Person != "" || m.Flags&flagPrivate != 0 {
		return unseen + m.ID
	}
	return m.ID
}

// firstResponse is the first response of an interaction. Whoever took it may not have given
// it yet: then this waits until it is there, or too late for it.
func (p *Platform) firstResponse(ctx context.Context, t ticket) (message, error) {
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		var m message
		err := p.rest.call(ctx, "GET", "webhooks/"+p.app()+"/"+t.token+"/messages/@original", nil, &m)
		switch code := codeOf(err); {
		case err == nil:
			return m, nil
		case code == badWebhook || code == unknownMessage:
			return m, errUnanswered
		case code != unknownWebhook:
			return m, p.told("look whether an interaction was answered", err)
		case p.opt.Now().Sub(bornAt(t.id)) > answerTime:
			return m, errUnanswered
		case !bot.Pause(ctx, wait):
			return m, ctx.Err()
		}
	}
}

// app is our id.
func (p *Platform) app() string {
	if me := p.me.Load(); me != nil {
		return me.app
	}
	return "0"
}

// Edit replaces a message. What is older than an hour is posted anew by Post with the same
// key, and the old one is taken away then.
func (p *Platform) Edit(ctx context.Context, place state.Place, messageID string, m chat.Message, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !messageName.MatchString(messageID) {
		return errGone
	}
	id, private := strings.CutPrefix(messageID, unseen)
	t, live := p.ticket(place.Reply)
	hook := "webhooks/" + p.app() + "/" + t.token + "/messages/" + id
	paths := []string{hook}
	switch {
	case private && !live:
		return errGone // it is told directly
	case !private && m.Topic.Title == "" && p.opt.Now().Sub(bornAt(id)) > oldAfter:
		p.out.replace(key, id)
		return errOld
	case !private:
		channels, err := p.whereIs(ctx, place, m, id)
		if err != nil {
			return err
		}
		paths = nil
		for _, c := range channels {
			paths = append(paths, "channels/"+c+"/messages/"+id)
		}
		if live { // also where we may not write otherwise
			paths = append(paths, hook)
		}
	}
	var err error
	for _, path := range paths {
		if err = p.amend(ctx, place, path, id, m); !elsewhere(codeOf(err)) {
			break
		}
	}
	switch codeOf(err) {
	case badWebhook, unknownWebhook:
		return errGone
	case oldEdits:
		p.out.replace(key, id)
		return errOld
	}
	if c, known := p.dir.known(place.Channel); err == nil && known && c.Type == forumChannel && place.Thread == "" {
		return p.retitle(ctx, c, id, m)
	}
	return p.told("edit a message", err)
}

// errOld: what takes the place of a message is posted by Post with the same key.
var errOld = &chat.Permanent{Err: errors.New("discord: a message that is older than an hour is posted anew")}

// elsewhere reports whether a message may be reached by another way.
func elsewhere(code int) bool {
	return code == unknownMessage || code == unknownChannel || code == missingAccess || code == missingRight
}

// amend replaces one message, which keeps the key that it was posted with.
func (p *Platform) amend(ctx context.Context, place state.Place, path, id string, m chat.Message) error {
	hash, known := p.out.postedWith(id)
	if !known {
		var was message
		if err := p.rest.call(ctx, "GET", path, nil, &was); err != nil {
			return err
		}
		hash = was.keyOf()
		p.out.posted(id, hash)
	}
	r := render(m, p.setting(ctx, place, m), hash)
	return p.rest.call(ctx, "PATCH", path, r.draft, nil, r.files...)
}

// errGone: a message that cannot be edited any more, or is not there.
var errGone = &chat.Permanent{Err: errors.New("discord: this message is there no more")}

// whereIs are the channels in which a message of a place may be.
func (p *Platform) whereIs(ctx context.Context, place state.Place, m chat.Message, id string) ([]string, error) {
	if place.Person != "" {
		channel, err := p.converse(ctx, place.Person)
		return []string{channel}, err
	}
	if !snowflake.MatchString(place.Channel) {
		return nil, errGone
	}
	if !snowflake.MatchString(place.Thread) {
		if c, err := p.dir.channel(ctx, place.Channel); err == nil && c.Type == forumChannel {
			return []string{id}, nil // the first message of a post is called as the post is
		}
		return []string{place.Channel}, nil
	}
	if m.Broadcast {
		return []string{place.Channel, place.Thread}, nil
	}
	return []string{place.Thread, place.Channel}, nil
}

// retire takes away what was posted anew. One that has a thread stays, for the thread is
// found by it, and is pinned no more.
func (p *Platform) retire(ctx context.Context, channel, id string) {
	path := "channels/" + channel + "/messages/"
	var old message
	err := p.rest.call(ctx, "GET", path+id, nil, &old)
	switch {
	case err != nil:
	case old.Thread != nil:
		err = p.rest.call(ctx, "DELETE", path+"pins/"+id, nil, nil)
	default:
		err = p.rest.call(ctx, "DELETE", path+id, nil, nil)
	}
	if err != nil && codeOf(err) != unknownMessage {
		p.opt.Logger.Warn("discord: a message that was posted anew is still there", "error", hushed(err))
	}
}

// converse opens the direct conversation with somebody.
func (p *Platform) converse(ctx context.Context, link string) (string, error) {
	who := userOf(link)
	if who == "" {
		return "", &chat.Permanent{Err: errors.New("discord: the person of the place is nobody of Discord")}
	}
	if id := p.out.conversation(who); id != "" {
		return id, nil
	}
	var c channel
	if err := p.rest.call(ctx, "POST", "users/@me/channels", map[string]string{"recipient_id": who}, &c); err != nil {
		return "", p.told("open a direct conversation", err)
	}
	if !snowflake.MatchString(c.ID) {
		return "", errGarbled
	}
	p.out.opened(who, c.ID)
	return c.ID, nil
}

// mostCalls is how many are notified by one message.
const mostCalls = 40

// setting is how messages are rendered for a place. Who alone sees one needs no call.
func (p *Platform) setting(ctx context.Context, place state.Place, m chat.Message) setting {
	s := setting{command: p.opt.Command}
	if place.Person != "" {
		return s
	}
	seen := map[string]bool{}
	for _, name := range m.Notify {
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(seen) > mostCalls {
			s.names = append(s.names, fmt.Sprintf("and %d more, who are not notified", len(m.Notify)-mostCalls))
			break
		}
		link, ok := p.linkOf(ctx, name, place)
		guild, role, isRole := roleOf(link)
		switch {
		case ok && isRole && guild == place.Workspace && !seen["role "+role]:
			seen["role "+role] = true
			s.roles = append(s.roles, role)
		case ok && userOf(link) != "" && !seen["user "+link]:
			seen["user "+link] = true
			s.users = append(s.users, userOf(link))
		case ok && (isRole && guild == place.Workspace || userOf(link) != ""): // called already
		default:
			if _, rest, found := strings.Cut(name, ":"); found {
				name = rest
			}
			s.names = append(s.names, chat.Cut(name, maxFileName))
		}
	}
	return s
}

// asMentioned is a role as somebody mentions it, and Discord writes it.
var asMentioned = regexp.MustCompile(`^<@&([0-9]{1,20})>$`)

// linkOf is the link that a name means in a place. A link itself is one too.
func (p *Platform) linkOf(ctx context.Context, name string, place state.Place) (string, bool) {
	link, ok := strings.CutPrefix(name, "link:")
	if !ok {
		return p.opt.Mention(ctx, name)
	}
	if role := asMentioned.FindStringSubmatch(link); role != nil {
		link = RoleLink(place.Workspace, role[1])
	}
	return link, true
}
