package discordfake

import (
	"encoding/json"
	"fmt"
	"time"
)

// The windows of an interaction.
// https://docs.discord.com/developers/interactions/receiving-and-responding
const (
	answerWithin = 3 * time.Second
	tokenLife    = 15 * time.Minute
)

// The types of interactions.
const (
	kindPing      = 1
	kindCommand   = 2
	kindComponent = 3
	kindComplete  = 4
	kindModal     = 5
)

// The types of responses.
const (
	respondPong           = 1
	respondMessage        = 4
	respondDeferred       = 5
	respondDeferredUpdate = 6
	respondUpdate         = 7
	respondChoices        = 8
	respondModal          = 9
)

// interaction is one thing that a person did.
type interaction struct {
	id, token string
	kind      int
	user      *user
	channel   *channel
	command   *command
	words     string // what was done, in words
	payload   map[string]any
	on        *message // the message of the component, or behind the modal
	focus     *commandOption

	at, expires time.Time
	delivered   bool
	deliveries  int // how many sessions got it, and how often
	acked       bool
	response    int
	ackedAt     time.Time
	filled      time.Time
	failed      bool
	refused     string // why the answer over HTTP was not taken
	private     bool
	original    *message
	sent        []*message
	followUps   int
	choices     []Choice
	modal       *modal
}

// modal is a form that was opened.
type modal struct {
	customID, title string
	parts           []*component
	used            bool
}

func (i *interaction) about() string { return fmt.Sprintf("%q by %s", i.words, i.user.name) }

// newInteraction makes an interaction by a person in a channel.
func (f *Fake) newInteraction(kind int, u *user, ch *channel, words string, data map[string]any) *interaction {
	i := &interaction{
		id: f.snowflake(), kind: kind, user: u, channel: ch, words: words, at: f.now(), expires: f.now().Add(tokenLife),
	}
	i.token = "aW50ZXJhY3Rpb246" + secret(72)
	i.payload = map[string]any{
		"id": i.id, "application_id": f.app.ID, "type": kind, "data": data, "token": i.token, "version": 1,
		"channel_id": ch.id, "channel": f.partialChannel(ch, u), "locale": "en-US", "entitlements": []any{},
		"app_permissions": f.permissions(ch, f.app.ID).String(), "attachment_size_limit": maxFile,
		"authorizing_integration_owners": f.owners(u, ch),
	}
	if g := f.guilds[ch.guildID]; g != nil {
		who := f.memberJSON(g, g.member(u.id))
		who["permissions"] = f.permissions(ch, u.id).String()
		i.payload["member"], i.payload["guild_id"], i.payload["guild_locale"], i.payload["context"] = who, g.id, "en-US", 0
		i.payload["guild"] = map[string]any{"id": g.id, "locale": "en-US", "features": []any{}}
	} else {
		i.payload["user"], i.payload["context"] = userJSON(u), 1
	}
	return i
}

func (f *Fake) owners(u *user, ch *channel) map[string]any {
	if f.app.OnlyUserInstalled {
		return map[string]any{"1": u.id}
	}
	if ch.guildID == "" {
		return map[string]any{"0": "0"}
	}
	return map[string]any{"0": ch.guildID}
}

func (f *Fake) partialChannel(ch *channel, u *user) map[string]any {
	out := f.channelJSON(ch)
	delete(out, "permission_overwrites")
	out["permissions"] = f.permissions(ch, u.id).String()
	return out
}

// send delivers an interaction: over HTTP when an address is set, else through the
// gateway. The lock is held.
func (f *Fake) send(i *interaction) {
	f.interactions[i.token] = i
	f.asked = append(f.asked, i)
	f.deliver(i)
	f.change()
}

func (f *Fake) deliver(i *interaction) {
	if f.endpoint != "" {
		i.delivered = true
		i.deliveries++
		raw, _ := json.Marshal(i.payload)
		address := f.endpoint
		f.goTask(func() { f.postInteraction(address, i, raw) })
		return
	}
	for _, s := range f.sessions {
		if s.shard.takes(i.channel.guildID) {
			i.deliveries++
			s.push("INTERACTION_CREATE", i.payload, i)
		}
	}
}

// expire ends the wait for first responses. The lock is held.
func (f *Fake) expire() {
	for _, i := range f.asked {
		if i.acked || i.failed || !f.now().After(i.at.Add(answerWithin)) {
			continue
		}
		i.failed = true
		if i.delivered {
			f.offend(Unanswered, "%s: The application did not respond %s", i.about(), i.refused)
		}
	}
}
