package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// What is in the words of the story, and how far it may go.
const (
	openWords   = "Install both updates."                                        // CLEAR
	insideWords = "Frostpaw: we saw it first on sp-finance-w1."                  // names a server
	hashWords   = "92bb4ddb98eeaf11fc15bb32e71d0a63256a0ed826a03ba293ce3a8b"     // of an indicator, GREEN
	redWords    = "diary 32524"                                                  // a source, RED
	secretTitle = "Project Cobalt"                                               // of the incident
	seenWords   = "Hummingbird was seen on three machines of ours this morning." // what a community reports
	whyWords    = "the updates of sp-finance-w1 were taken back"
)

// sidePlay is a response in a Slack and a Discord side by side, with communities.
type sidePlay struct {
	*play
	slack   *slackfake.Slack
	discord *discordfake.Test
	post    string // a post of a reader in the forum of the friends
	asked   []asked
	red     asked // when the sources became RED
}

// asked is where somebody asked something, and how much Slack and Discord had been told by then.
type asked struct {
	slackCalls, discordCalls int
	place                    string
}

// The places of the story, by what they may see. Whoever sees AMBER+STRICT is not listed.
var sideCeilings = map[string]state.TLP{
	"slack shared": state.TLPGreen, "discord friends-forum": state.TLPGreen,
	"discord bulletin": state.TLPClear, "discord news": state.TLPClear, "discord reprint": state.TLPClear, "discord lobby": state.TLPClear,
}

func newSidePlay(t *testing.T, replicas int) *sidePlay {
	t.Helper()
	people := cast()
	p := &sidePlay{play: newPlay(t, people)}
	p.slack = slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), Patience: time.Minute})
	member := func(names ...string) (out []discordfake.Member) {
		for _, n := range names {
			out = append(out, discordfake.Member{Name: n})
		}
		return out
	}
	var tags []discordfake.Tag
	for _, name := range []string{"published", "withdrawn", "TLP:CLEAR", "CVE-2025-49704", "help"} {
		tags = append(tags, discordfake.Tag{Name: name})
	}
	p.discord = discordfake.New(t, discordfake.Options{
		Guilds: []discordfake.Guild{
			{Name: "team", Owner: "boss", Members: member("boss", "lead-1", "lead-2", "owner-finance", "responder"), Channels: []discordfake.Channel{
				{Name: "war-room"}, {Name: "bulletin", Kind: discordfake.Announcement},
			}},
			{Name: "friends", Owner: "friend", Members: member("friend", "reader"), Channels: []discordfake.Channel{
				{Name: "friends-forum", Kind: discordfake.Forum, Tags: tags, NeedsTag: true},
			}},
			{Name: "everybody", Owner: "host", Members: member("host"), Channels: []discordfake.Channel{{Name: "news", Kind: discordfake.Announcement}}},
			{Name: "closed", Owner: "warden", Members: member("warden"), Channels: []discordfake.Channel{{Name: "lobby"}}},
			{Name: "elsewhere", Owner: "someone", Members: member("someone"), WithoutBot: true, Channels: []discordfake.Channel{{Name: "reprint", Follows: []string{"news"}}}},
		},
		Limits: discordfake.Limits{Off: true}, Patience: time.Minute, Logs: p.log.String,
	})
	inDiscord := func(name string) string { return discord.Link(p.discord.User(name).ID()) }
	links := map[state.PersonID][]string{
		lead: {slack.Link(slackfake.TeamID, slackfake.Lead1), inDiscord("lead-1")}, second: {inDiscord("lead-2")},
		responder: {slack.Link(slackfake.TeamID, slackfake.Responder)}, finance: {inDiscord("owner-finance")},
	}
	for i, who := range people {
		people[i].Links = links[who.ID]
	}
	guild := func(name string) string {
		id, err := p.discord.GuildID(name)
		require.NoError(t, err)
		return id
	}
	guilds := map[string]discord.Guild{guild("team"): {Team: true}, guild("friends"): {Ceiling: state.TLPGreen}}
	for range replicas {
		p.replica(func(store *redisstore.Store) map[string]platform {
			return map[string]platform{slack.Name: p.onSlack(p.slack, false), discord.Name: p.onDiscord(p.discord, store, false, guilds)}
		}, communities{guilds: guilds})
	}
	p.stage.elsewhere = p.atHome
	for _, g := range []string{"team", "friends", "everybody", "closed"} {
		require.Eventually(t, func() bool { return len(p.discord.Commands(g)) > 0 }, time.Minute, 10*time.Millisecond, "the commands are registered")
	}
	var err error
	p.post, err = p.discord.Begin("reader", "friends-forum", "What is this?", "I am new here.")
	require.NoError(t, err)
	return p
}

// atHome is said where a person of the story works: the second lead and the owner in Discord.
func (p *sidePlay) atHome(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	if who == second || who == finance {
		p.note("discord war-room")
		return p.inDiscord(ctx, p.discord, map[string]string{second: "lead-2", finance: "owner-finance"}[who], "war-room", line, files)
	}
	p.note("slack " + storyChannel)
	return p.inSlack(ctx, p.slack, who, storyChannel, line, files)
}

func (p *sidePlay) note(place string) {
	p.asked = append(p.asked, asked{len(p.slack.Calls()), len(p.discord.Calls("")), place})
}

// by has somebody say a line where they work, and returns the answer as it was shown.
func (p *sidePlay) by(who, line string, files ...chat.File) string {
	p.t.Helper()
	m, err := p.atHome(p.t.Context(), who, line, files)
	require.NoError(p.t, err)
	return words(m)
}

// in has somebody say a line in a place.
func (p *sidePlay) in(place, who, line string) string {
	p.t.Helper()
	p.note(place)
	name, channel, _ := strings.Cut(place, " ")
	var m chat.Message
	var err error
	if name == slack.Name {
		m, err = p.inSlack(p.t.Context(), p.slack, who, channel, line, nil)
	} else {
		if channel == "friends-forum" {
			channel = p.post
		}
		m, err = p.inDiscord(p.t.Context(), p.discord, who, channel, line, nil)
	}
	require.NoError(p.t, err)
	return words(m)
}

// refused has somebody write a line in Discord that is not taken, and returns what they are told.
func (p *sidePlay) refused(who, channel, line string) string {
	p.t.Helper()
	p.note("discord " + channel)
	return p.discord.User(who).Runs(channel, "/allclear do", discordfake.With("line", line)).GetsPrivately("").Text
}

// stranger is who is called lead-2 in Slack, as the second lead is in Discord. Nobody linked the two.
func (p *sidePlay) stranger(line string) {
	p.t.Helper()
	p.note("slack " + storyChannel)
	who := p.slack.User("lead-2")
	who.Types(storyChannel, "/allclear "+line).Done()
	who.Sees("You are not linked to a person yet")
}

// words are what a message says, line by line.
func words(m chat.Message) string {
	raw, _ := json.Marshal(m)
	var b strings.Builder
	for _, t := range regexp.MustCompile(`"(?:t|Text)":"((?:[^"\\]|\\.)*)"|\}(\],?)`).FindAllStringSubmatch(string(raw), -1) {
		var s string
		if t[2] != "" {
			s = "\n"
		} else {
			_ = json.Unmarshal([]byte(`"`+t[1]+`"`), &s)
		}
		b.WriteString(s)
	}
	return b.String()
}

// standing is a copy of an advisory as its readers see it.
type standing struct {
	id, text string
	edits    int
	files    string
}

// copies are the messages of a place that are a copy of the advisory.
func (p *sidePlay) copies(place string) (out []standing) {
	p.t.Helper()
	name, channel, _ := strings.Cut(place, " ")
	is := func(text string) bool {
		return strings.Contains(text, "\nPublished 20") || strings.Contains(text, "\nWithdrawn 20")
	}
	if name == slack.Name {
		for _, m := range p.slack.Messages(channel) {
			if !is(m.Text) {
				continue
			}
			s := standing{id: m.TS, text: m.Text, edits: m.Edits}
			for _, reply := range p.slack.Thread(channel, m.TS) { // files are in its thread
				for _, f := range reply.Files {
					s.files += f.Name + "\n" + string(f.Data)
				}
			}
			out = append(out, s)
		}
		return out
	}
	seen := p.discord.Messages(channel)
	for _, post := range p.discord.Posts(channel) {
		seen = append(seen, post.Messages...)
	}
	for _, m := range seen {
		if !is(m.Text) {
			continue
		}
		s := standing{id: m.ID, text: m.Text, edits: m.Edits}
		for _, f := range m.Files {
			s.files += f.Name + "\n" + string(f.Data)
		}
		out = append(out, s)
	}
	return out
}

// copyIn is the only copy of a place.
func (p *sidePlay) copyIn(place string) standing {
	p.t.Helper()
	all := p.copies(place)
	require.Len(p.t, all, 1, "%s", place)
	return all[0]
}

func everyPlace() []string {
	return []string{
		"slack " + storyChannel, "slack shared", "discord war-room", "discord bulletin", "discord friends-forum", "discord news", "discord reprint", "discord lobby",
	}
}

func TestAnAdvisoryGoesFromDraftToWithdrawalInSlackAndDiscordSideBySide(t *testing.T) {
	slow(t, "the stories of Slack and of Discord are played alone")
	p := newSidePlay(t, 2)
	p.respond()
	p.write()
	p.publish()
	p.mend()
	p.correct()
	p.withdraw()
	p.nothingLeaked()
	report, err := p.stage.app.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	for line := range strings.Lines(p.log.String()) {
		require.NotContains(t, line, `"level":"ERROR"`)
		for _, w := range []string{"Install both", "Frostpaw", "Hummingbird", hashWords, secretTitle, "installed over lunch"} {
			require.NotContains(t, line, w, "a log never holds what people wrote")
		}
	}
}

// respond opens the incident in Slack, and has an owner work on it in Discord.
func (p *sidePlay) respond() {
	t := p.t
	p.by(lead, `incident open `+incidentName+` --playbook toolshell@1 --title "`+secretTitle+`"`)
	require.NoError(t, p.stage.handInventory(t.Context()))
	p.in("discord war-room", "lead-1", "incident bind")
	p.in("discord bulletin", "lead-1", "incident bind")
	p.in("slack shared", "lead-1", "incident bind")
	require.Contains(t, p.in("discord friends-forum", "reader", "advisories"), "No advisory is in force")
	require.Contains(t, p.refused("friend", p.post, "status"), "This is not for communities.")

	require.NoError(t, p.stage.asking(t.Context()), "the owner claims in Discord")
	board := p.slack.Pins(storyChannel)
	require.Len(t, board, 1)
	edits := board[0].Edits
	require.Contains(t, p.discord.In("war-room").Pinned(incidentName).Text, "claimed")
	require.NoError(t, p.stage.wrongOrder(t.Context()), "and verifies there")
	require.Greater(t, p.slack.Pins(storyChannel)[0].Edits, edits, "the card in Slack follows")

	// Two ids are one person when they are linked, and nobody when they are not.
	require.Contains(t, p.by(lead, "confirm --farm finance"), "approve")
	require.Contains(t, p.in("discord war-room", "lead-1", "approve all"), "asked for")
	p.stranger("approve all")
	require.Contains(t, p.by(second, "approve all"), "4 of 4 approved.")
	p.stage.clock.Skip(time.Minute) // so often is the card edited
	require.Contains(t, p.by(finance, "status --farm finance"), "confirmed")
	for _, card := range []string{p.slack.Pins(storyChannel)[0].Text, p.discord.In("war-room").Pinned(incidentName).Text} {
		require.Contains(t, card, "confirmed 4 (+4)")
	}
}

// write drafts and edits, has the communities set up, and looks what each would see.
func (p *sidePlay) write() {
	t := p.t
	p.in("discord friends-forum", "friend", "setup advisories --name Friends")
	p.in("discord news", "host", "setup advisories")
	p.in("discord lobby", "warden", "setup advisories")
	body := []byte(openWords + "\n\n" + insideWords)
	require.Contains(t, p.by(responder, `advisory draft --tlp clear "Patch today"`, chat.File{Name: "body.txt", Data: body}), "Nothing is published")
	p.by(responder, "advisory edit 1 --part indicators --tlp green")
	p.red = asked{slackCalls: len(p.slack.Calls()), discordCalls: len(p.discord.Calls(""))}
	p.by(responder, "advisory edit 1 --part sources --tlp red --readers lead-2")

	preview := p.by(lead, "advisory preview 1")
	require.Contains(t, preview, "8 destinations")
	for _, want := range []string{"up to", "TLP:GREEN", "1 of 2 paragraphs, sources", "1 of 2 paragraphs, indicators, sources", "named", "it takes a second person on the exact text"} {
		require.Contains(t, preview+" up to", want)
	}
	for _, hidden := range []string{"Frostpaw", hashWords, redWords} {
		require.NotContains(t, p.by(lead, "advisory preview 1 --as clear"), hidden)
	}
}

var proposalIs = regexp.MustCompile(`approve (pub-[0-9a-z-]+)`)

// publish takes two persons on the exact text. One destination cannot be written to, and
// another takes what it answers with an error.
func (p *sidePlay) publish() {
	t := p.t
	asked := func() string {
		id := proposalIs.FindStringSubmatch(p.by(lead, "advisory publish 1"))
		require.NotNil(t, id)
		return id[1]
	}
	id := asked()
	require.Contains(t, p.in("discord war-room", "lead-1", "approve "+id), "You asked for this yourself.")
	p.stranger("approve " + id)
	require.Contains(t, p.by(responder, "advisory show 1"), "in review by responder")
	p.by(responder, `advisory edit 1 --title "Patch now"`)
	require.Contains(t, p.by(second, "approve "+id), "The text has changed since this was asked for.")
	id = asked()
	require.NoError(t, p.discord.Permit("lobby", 0, discordfake.SendMessages))
	p.slack.NextCalls("chat.postMessage", 1, slackfake.HalfDone())
	p.stuck = 1
	require.Contains(t, p.by(second, "approve "+id), "Published by lead-1 and lead-2")

	require.Empty(t, p.copies("discord lobby"))
	show := p.by(responder, "advisory show 1")
	require.Contains(t, show, "7 of 8 copies are as they should be.")
	require.Contains(t, show, "waits: discord: post a message: Missing Permissions (50013)")
}

// mend lets the destination be written to: what waits gets there by itself.
func (p *sidePlay) mend() {
	t := p.t
	require.NoError(t, p.discord.Permit("lobby", discordfake.SendMessages, 0))
	p.stuck = 0
	p.stage.clock.Skip(10 * time.Minute)
	require.NoError(t, p.stage.settled(t.Context(), p.apps, 0))
	require.Contains(t, p.by(responder, "advisory show 1"), "8 of 8 copies are as they should be.")

	for _, place := range everyPlace() {
		c := p.copyIn(place)
		ceiling, outside := sideCeilings[place]
		require.Contains(t, c.text, "Patch now", place)
		require.Contains(t, c.text, openWords, place)
		require.Contains(t, c.text, "16.0.10417.20027", place)
		require.Equal(t, !outside, strings.Contains(c.text, "Frostpaw"), place)
		require.Equal(t, ceiling != state.TLPClear, strings.Contains(c.files, hashWords), "%s: %s", place, c.files)
		require.Contains(t, c.text, "withheld: this place may see", place)
		require.Equal(t, 1, strings.Count(c.text, "Advisory 1 · version 1"), place)
	}
	post := p.discord.In("friends-forum").Post("Advisory 1: Patch now")
	require.ElementsMatch(t, []string{"published", "TLP:CLEAR", "CVE-2025-49704"}, post.Tags)
	require.Len(t, post.Messages, 1)
	direct := p.discordDirect("lead-2")
	require.Contains(t, direct, redWords, "the named reader reads it alone")
	require.Contains(t, direct, "Frostpaw")
}

// discordDirect is all that the bot wrote to somebody alone.
func (p *sidePlay) discordDirect(who string) string {
	var out []string
	for _, m := range p.discord.Everything() {
		if strings.HasPrefix(p.placeOf(m.Channel), "direct") && m.Where != "" && m.Author != who {
			out = append(out, m.Text)
		}
	}
	return strings.Join(out, "\n")
}

// correct publishes a second version: every copy is edited, and says in one line what changed.
func (p *sidePlay) correct() {
	t := p.t
	before := map[string]standing{}
	for _, place := range everyPlace() {
		before[place] = p.copyIn(place)
	}
	p.in("discord friends-forum", "reader", "follow 1")
	require.Contains(t, p.in("discord friends-forum", "reader", "sighting report 1 "+seenWords), "R1")
	require.Contains(t, p.by(lead, "sighting list"), "Hummingbird")
	gone := before["discord lobby"].id
	require.NoError(t, p.discord.DeleteMessage("lobby", gone), "a moderator tidies up")
	p.discord.NextCalls("PATCH /channels/{channel}/messages/{message}", 2, discordfake.ServerError(503))

	require.Contains(t, p.by(responder, `advisory update 1 --title "Patch again" --changed "The title is clearer now."`), "Version 1 is superseded")
	id := proposalIs.FindStringSubmatch(p.by(lead, "advisory publish 1"))
	require.Contains(t, p.by(second, "approve "+id[1]), "Published by lead-1 and lead-2: advisory 1, version 2")

	for _, place := range everyPlace() {
		c := p.copyIn(place)
		require.Contains(t, c.text, "Version 1 is superseded. What changed: The title is clearer now.", place)
		require.Contains(t, c.text, "Patch again", place)
		require.NotContains(t, c.text, "Patch now", place)
		if place == "discord lobby" {
			require.NotEqual(t, gone, c.id, "what was deleted is posted anew")
			continue
		}
		require.Equal(t, before[place].id, c.id, "%s: it is the same message", place)
		require.Greater(t, c.edits, before[place].edits, place)
	}
	post := p.discord.In("friends-forum").Post("Advisory 1: Patch again")
	require.Len(t, p.discord.Posts("friends-forum"), 2, "the news is in the post, and not a post of its own")
	news := post.Messages[len(post.Messages)-1]
	require.Contains(t, news.Text, "Advisory 1 is now version 2: The title is clearer now.")
	require.Equal(t, []string{"@reader"}, news.Pings, "who follows is called")
	show := p.by(responder, "advisory show 1")
	require.Contains(t, show, "8 of 8 copies are as they should be.")
	require.Contains(t, show, "Version 1 · superseded · TLP:CLEAR")
}

// withdraw strikes every copy.
func (p *sidePlay) withdraw() {
	t := p.t
	p.slack.NextCalls("chat.update", 1, slackfake.Lost())
	p.discord.NextCalls("PATCH /channels/{channel}/messages/{message}", 1, discordfake.DropAfter())
	p.by(lead, "advisory withdraw 1 "+whyWords)
	for _, place := range everyPlace() {
		c := p.copyIn(place)
		_, outside := sideCeilings[place]
		require.Contains(t, c.text, "Advisory 1 is withdrawn", place)
		require.Contains(t, c.text, "Do not act on what stood here.", place)
		require.NotContains(t, c.text, openWords, place)
		require.Empty(t, strings.ReplaceAll(c.files, "\n", ""), "%s: its files are struck too", place)
		require.Equal(t, !outside, strings.Contains(c.text, whyWords), place)
	}
	post := p.discord.In("friends-forum").Post("Advisory 1: withdrawn")
	require.Equal(t, []string{"withdrawn"}, post.Tags)
	require.Contains(t, p.by(responder, "advisory show 1"), "8 of 8 copies are as they should be.")
	require.Contains(t, p.in("discord friends-forum", "reader", "advisories"), "No advisory is in force")
}

// nothingLeaked looks through every byte that either platform was ever sent.
func (p *sidePlay) nothingLeaked() {
	t := p.t
	inside := []string{"Frostpaw", "Hummingbird", secretTitle, whyWords, "owner-finance", "sp-finance"}
	for _, s := range p.stage.fleet.Inventory() {
		inside = append(inside, s.Name)
	}
	record := p.record(asked{})
	for place, ceiling := range sideCeilings {
		require.NotEmpty(t, record[place], place)
		forbidden := slices.Clone(inside)
		if ceiling == state.TLPClear {
			forbidden = append(forbidden, hashWords, "updatemicfosoft", "indicators.csv")
		}
		for _, w := range append(forbidden, redWords) {
			p.never(place, record[place], w)
		}
	}
	for place, all := range p.record(p.red) {
		if !strings.HasPrefix(place, "direct") {
			p.never(place, all, redWords)
		}
	}
}

// never fails when a place was sent something, and shows what was around it.
func (p *sidePlay) never(place, all, what string) {
	p.t.Helper()
	if at := strings.Index(all, what); at >= 0 {
		p.t.Errorf("%s was sent %q: …%s…", place, what, all[max(0, at-600):min(len(all), at+300)])
	}
}

// record is every byte that each place was sent since then, edits and files among it. What
// goes where an answer is taken is of the place in which somebody asked.
func (p *sidePlay) record(since asked) map[string]string {
	out := map[string]string{}
	add := func(place, s string) { out[place] += s + "\n" }
	for i, c := range p.discord.Calls("") {
		if i < since.discordCalls {
			continue
		}
		parts := strings.Split(c.Path, "/")
		at := slices.Index(parts, "channels")
		switch {
		case len(c.Body) == 0:
		case at >= 0 && at+1 < len(parts) && parts[at+1] != "@me":
			add(p.placeOf(parts[at+1]), string(c.Body))
		case strings.Contains(c.Path, "/webhooks/"), strings.Contains(c.Path, "/interactions/"):
			place := ""
			for _, a := range p.asked {
				if a.discordCalls <= i {
					place = a.place
				}
			}
			add(place, string(c.Body))
		}
	}
	for i, c := range p.slack.Calls() {
		if i < since.slackCalls {
			continue
		}
		raw, err := json.Marshal(c.Args)
		require.NoError(p.t, err)
		channel, _ := c.Args["channel"].(string)
		if channel == "" {
			channel, _ = c.Args["channel_id"].(string)
		}
		place := "slack " + p.slackName(channel)
		if c.Method == "response_url" {
			for _, a := range p.asked {
				if a.slackCalls <= i {
					place = a.place
				}
			}
		}
		add(place, string(raw))
	}
	for _, m := range p.discord.Everything() { // whenever it was said: Discord itself copies what is announced
		add(p.placeOf(m.Channel), m.String()+" "+m.Raw)
		for _, f := range m.Files {
			add(p.placeOf(m.Channel), f.Name+" "+f.Alt+" "+string(f.Data))
		}
	}
	for _, m := range p.slack.All() {
		for _, f := range m.Files {
			if m.From == slackfake.BotUser {
				add("slack "+p.slackName(m.Channel), f.Name+" "+f.Title+" "+f.Alt+" "+string(f.Data))
			}
		}
	}
	return out
}

func (p *sidePlay) slackName(id string) string {
	return map[string]string{slackfake.Incident: storyChannel, slackfake.Shared: "shared"}[id]
}

// placeOf is what the story calls a channel of Discord, or a post or thread in it.
func (p *sidePlay) placeOf(id string) string {
	for _, name := range []string{"war-room", "bulletin", "friends-forum", "news", "reprint", "lobby"} {
		if p.discord.In(name).ID() == id {
			return "discord " + name
		}
		for _, post := range p.discord.Posts(name) {
			if post.ID == id {
				return "discord " + name
			}
		}
	}
	return fmt.Sprintf("direct %s", id)
}
