package discord

import (
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot/chat"
)

// response is the first response to an interaction
// (docs.discord.com/developers/interactions/receiving-and-responding).
type response struct {
	Type int `json:"type"`
	Data any `json:"data,omitempty"`
}

// later says that the answer comes, and fixes who will see it.
func later(private bool) response {
	r := response{Type: int(discordgo.InteractionResponseDeferredChannelMessageWithSource)}
	if private {
		r.Data = map[string]int{"flags": flagPrivate}
	}
	return r
}

// whisper is an answer at once, for the person alone. What is being typed is answered
// with nothing.
func (p *Platform) whisper(i *interaction, m chat.Message) response {
	if i.Type == kindComplete {
		return suggestions(nil)
	}
	d := render(m, setting{command: p.opt.Command}, "").draft
	d.Flags = flagPrivate
	d.Attachments = nil
	return response{Type: int(discordgo.InteractionResponseChannelMessageWithSource), Data: d}
}

// outgoing is what this process remembers of what it said. All of it can be forgotten: it
// saves questions. The zero value works; its methods may be called by several goroutines.
type outgoing struct {
	mu       sync.Mutex
	waits    map[string]bool   // interactions whose first response waits to be filled, by id
	direct   map[string]string // direct conversations, by user
	replaced map[string]string // messages that are too old to be edited, by the hash of the key
	keys     map[string]string // the hashes of the keys that messages were posted with, by id
}

func remember[V any](m *map[string]V, k string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	keep(*m, k, v)
}

// answer notes that Discord has our first response.
func (o *outgoing) answer(i *interaction, r response) {
	if r.Type != int(discordgo.InteractionResponseDeferredChannelMessageWithSource) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.waits, i.ID, true)
}

// fill takes the first response of an interaction, when it is known to wait.
func (o *outgoing) fill(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	waits := o.waits[id]
	delete(o.waits, id)
	return waits
}

func (o *outgoing) opened(user, channel string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.direct, user, channel)
}

func (o *outgoing) conversation(user string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.direct[user]
}

// replace notes that what is posted with a key next takes the place of a message.
func (o *outgoing) replace(key, old string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.replaced, hashOf(key), old)
}

// posted notes what a message was posted with.
func (o *outgoing) posted(id, hash string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.keys, id, hash)
}

func (o *outgoing) postedWith(id string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	hash, ok := o.keys[id]
	return hash, ok
}

func (o *outgoing) replaces(key string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.replaced[hashOf(key)]
	delete(o.replaced, hashOf(key))
	return old
}

// How long an interaction is answered, and how long one may wait for its first response
// (docs.discord.com/developers/interactions/receiving-and-responding). The former is kept
// from below.
const (
	replyLife  = 14*time.Minute + 30*time.Second
	answerTime = 3500 * time.Millisecond
)

// ticket is where an interaction is answered.
type ticket struct{ id, token string }

// ticket reads where a place takes answers. It is false when it takes none any more.
func (p *Platform) ticket(reply string) (ticket, bool) {
	id, token, ok := strings.Cut(reply, " ")
	if !ok || !snowflake.MatchString(id) || token == "" || strings.ContainsAny(token, "/?#% ") {
		return ticket{}, false
	}
	return ticket{id, token}, p.opt.Now().Sub(bornAt(id)) < replyLife
}
