package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// discordPlay is the story, played in a Discord by several replicas of one process.
type discordPlay struct {
	*play
	fake   *discordfake.Test
	guests []guest // the platforms of the replicas
	said   int
}

// guest is the platform of one replica, and how it is stopped.
type guest struct {
	*discord.Platform
	leave func()
}

// newDiscordPlay opens the house: a Discord with the cast in it, a real Redis, the
// make-believe fleet, and so many replicas.
func newDiscordPlay(t *testing.T, replicas int, overHTTP bool) *discordPlay {
	t.Helper()
	people := cast()
	p := &discordPlay{play: newPlay(t, people)}
	guild := discordfake.Guild{Name: "team", Owner: "owner", Members: []discordfake.Member{{Name: "owner"}}, Channels: []discordfake.Channel{{Name: storyChannel}}}
	for _, who := range people {
		guild.Members = append(guild.Members, discordfake.Member{Name: string(who.ID)})
	}
	p.fake = discordfake.New(t, discordfake.Options{Guilds: []discordfake.Guild{guild}, Limits: discordfake.Limits{Off: true}, Patience: time.Minute, Logs: p.log.String})
	for i, who := range people {
		people[i].Links = []string{discord.Link(p.fake.User(string(who.ID)).ID())}
	}
	p.stage.elsewhere = p.say
	id, err := p.fake.GuildID("team")
	require.NoError(t, err)
	guilds := map[string]discord.Guild{id: {Team: true}}
	var front mount
	for range replicas {
		var d onDiscord
		leave := p.replica(func(store *redisstore.Store) map[string]platform {
			d = p.onDiscord(p.fake, store, overHTTP, guilds)
			front.add(d.Handler())
			return map[string]platform{discord.Name: d}
		}, communities{guilds: guilds})
		p.guests = append(p.guests, guest{d.Platform, leave})
	}
	if overHTTP {
		server := httptest.NewServer(&front)
		t.Cleanup(server.Close)
		require.NoError(t, p.fake.SetEndpoint(t.Context(), server.URL+"/discord/interactions"))
	}
	require.Eventually(t, func() bool { return len(p.fake.Commands("")) > 0 }, time.Minute, 10*time.Millisecond, "the commands are registered")
	return p
}

// onDiscord is a replica's connection to a Discord.
func (p *play) onDiscord(fake *discordfake.Test, store *redisstore.Store, overHTTP bool, guilds map[string]discord.Guild) onDiscord {
	o := discord.Options{
		Token: fake.Token(), Client: fake.Client(), Dialer: fake.Dialer(), Logger: p.logOf(), Guilds: guilds, Unpaced: true,
		Mention: config{People: p.people}.mention(discord.Name),
	}
	if overHTTP {
		o.PublicKey = fake.PublicKey()
	}
	if !overHTTP {
		o.Sole = &bot.Sole{Store: store, Name: gatewayName, Logger: o.Logger}
	}
	d, err := discord.New(o)
	require.NoError(p.t, err)
	return onDiscord{d, p}
}

// say has a person of the story run the command of a line, with its options and files, and
// waits until the answer is shown.
func (p *discordPlay) say(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	if p.said++; p.said == turnAt {
		p.handOver()
	}
	return p.inDiscord(ctx, p.fake, who, storyChannel, line, files)
}

// inDiscord is say in any channel of a Discord.
func (p *play) inDiscord(ctx context.Context, fake *discordfake.Test, who, channel, line string, files []chat.File) (chat.Message, error) {
	x, err := p.run(fake, who, channel, line, files)
	if err != nil {
		return chat.Message{}, err
	}
	return p.answered(ctx, func() string { return fmt.Sprintf("%s: %s: %+v", who, line, x.Outcome()) })
}

// turnAt is the line before which the replica that is connected to the gateway stops.
const turnAt = 10

// handOver stops listening in the replica that is connected, and waits until another is.
func (p *discordPlay) handOver() {
	t := p.t
	for i, g := range p.guests {
		switch other := p.guests[1-i]; {
		case g.Standby() == "" && other.Standby() != "":
			require.NoError(t, g.Ready())
			require.NoError(t, other.Ready(), "who waits for its turn is ready")
			require.Contains(t, other.Standby(), "standby, the gateway is held by ")
			g.leave()
			require.Eventually(t, func() bool { return other.Standby() == "" && other.Ready() == nil }, time.Minute, 10*time.Millisecond, "it takes over")
			return
		}
	}
}

// run fills the options of a command in, as a person does.
func (p *play) run(fake *discordfake.Test, who, channel, line string, files []chat.File) (*discordfake.Asked, error) {
	spec, words, err := chat.Find(p.apps[0].router.Specs(), line)
	if err != nil {
		return nil, err
	}
	values, err := chat.Parse(spec, words, files)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	var given []discordfake.Value
	for _, a := range append(append([]chat.Arg{}, spec.Args...), spec.Flags...) {
		switch {
		case a.Type == chat.Upload && len(files) > 0:
			given = append(given, discordfake.WithFile(a.Name, files[0].Name, "text/plain", files[0].Data))
		case !values.Has(a.Name):
		case a.Type == chat.Upload:
			given = append(given, discordfake.With(a.Name+"-text", values.String(a.Name)))
		case a.Type == chat.Switch:
			given = append(given, discordfake.With(a.Name, "true"))
		default:
			given = append(given, discordfake.With(a.Name, values.String(a.Name)))
		}
	}
	var tried []error
	for _, path := range []string{"/allclear " + spec.Path, "/allclear " + strings.ReplaceAll(spec.Path, " ", "-"), "/allclear-" + spec.Path} {
		x, err := fake.Run(who, channel, path, given...)
		if err == nil {
			return x, nil
		}
		tried = append(tried, err)
	}
	return nil, fmt.Errorf("%s: %q: %w", who, line, errors.Join(tried...))
}

func TestTheWholeStoryIsPlayedInDiscordByTwoReplicas(t *testing.T) {
	t.Parallel()
	for name, overHTTP := range map[string]bool{"over the gateway": false, "over HTTP": true} {
		t.Run(name, func(t *testing.T) {
			if overHTTP {
				slow(t, "the same story is played over the gateway")
			} else {
				t.Parallel()
			}
			p := newDiscordPlay(t, 2, overHTTP)
			require.NoError(t, p.stage.play(t.Context()))
			p.ended()
			if !overHTTP {
				require.Equal(t, []int{2, 1}, []int{p.fake.Identifies(), p.fake.Together()}, "two replicas were connected to the gateway, one at a time")
			}
		})
	}
}

// ended checks what people see in the end, and that nothing went wrong on the way.
func (p *discordPlay) ended() {
	t := p.t
	inc, err := p.stage.app.store.Incident(t.Context(), incidentName)
	require.NoError(t, err)
	require.NotNil(t, inc.Clear)
	require.Equal(t, "ALL CLEAR", inc.Clear.Words())
	p.fake.In(storyChannel).Sees("ALL CLEAR: toolshell")
	pinned := 0
	for _, m := range p.fake.Messages(storyChannel) {
		if m.Pinned {
			pinned++
			require.Contains(t, m.Text, "ALL CLEAR")
			require.Greater(t, m.Edits, 10, "and edited in place")
		}
	}
	require.Equal(t, 1, pinned, "one card is pinned")
	report, err := p.stage.app.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	for line := range strings.Lines(p.log.String()) {
		require.NotContains(t, line, `"level":"ERROR"`)
		require.NotContains(t, line, "installed over lunch", "a log never holds what people wrote")
	}
}
