//go:build chaos

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state/statetest"
)

// attendant is a real replica that talks to a Discord over TLS, as it is.
type attendant struct{ *child }

// page asks a replica over HTTP; "" is that it does not answer.
func (a attendant) page(t *testing.T, path string) string {
	t.Helper()
	var addr []string
	require.True(t, eventually(soon, func() bool {
		addr = regexp.MustCompile(`"msg":"HTTP","address":"([^"]+)"`).FindStringSubmatch(a.errs.String())
		return addr != nil
	}), a.errs)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr[1]+path, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

// stands waits until a replica waits for its turn, or has it.
func (a attendant) stands(t *testing.T, by bool) {
	t.Helper()
	ready, standby := "discord: ready\n", "0"
	if by {
		ready, standby = "discord: ready (standby, the gateway is held by ", "1"
	}
	require.True(t, eventually(soon, func() bool { return strings.Contains(a.page(t, "/readyz"), ready) }), "%s%s", a.page(t, "/readyz"), a.errs)
	require.Contains(t, a.page(t, "/metrics"), `allclear_standby{platform="discord"} `+standby+"\n")
	require.Contains(t, a.page(t, "/metrics"), `allclear_connected{platform="discord"} 1`+"\n", "it can post")
}

// TestChaosGateway: one replica at a time is connected to Discord's gateway. One that is killed is replaced within its
// lease and a few seconds, one that is stopped at once.
func TestChaosGateway(t *testing.T) {
	t.Parallel()
	people := []string{"lead-1", "lead-2"}
	guild := discordfake.Guild{Name: "team", Owner: "owner", Members: []discordfake.Member{{Name: "owner"}}, Channels: []discordfake.Channel{{Name: storyChannel}}}
	for _, p := range people {
		guild.Members = append(guild.Members, discordfake.Member{Name: p})
	}
	fake := discordfake.New(t, discordfake.Options{Guilds: []discordfake.Guild{guild}, Patience: settled})
	fake.Allow(discordfake.Reidentified, discordfake.Unanswered) // the dead tell nobody where their session ended, and answer nothing
	dir := shortDir(t)
	env, err := fake.Environ(dir)
	require.NoError(t, err)
	team, err := fake.GuildID("")
	require.NoError(t, err)
	config := filepath.Join(dir, "allclear.yaml")
	text := "people:\n"
	for _, p := range people {
		text += fmt.Sprintf("  - {id: %s, role: lead, links: [%q]}\n", p, discord.Link(fake.User(p).ID()))
	}
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	url := "redis://" + statetest.Redis(t).Addr
	env = append(env, "ALLCLEAR_REDIS="+url, "ALLCLEAR_DISCORD_TOKEN="+fake.Token(), "ALLCLEAR_DISCORD_TEAM="+team, "ALLCLEAR_HTTP=127.0.0.1:0",
		leaseVariable+"="+chaosLease.String())
	asks := func(who, line string) *discordfake.Exchange {
		return fake.User(who).Runs(storyChannel, "/allclear do", discordfake.With("line", line))
	}
	begin := func() attendant { return attendant{serveAs(t, config, env...)} }

	first := begin()
	first.stands(t, false)
	second := begin()
	second.stands(t, true)
	require.True(t, eventually(soon, func() bool { return len(fake.Commands("")) > 0 }))
	asks("lead-1", "incident open chaos-1").Gets("Incident chaos-1 is open")

	killed := time.Now()
	first.kill()
	lost := asks("lead-1", "server add srv-lost")
	require.True(t, eventually(settled, func() bool { return fake.Identifies() == 2 && fake.Connected() == 1 }), second.errs)
	took := time.Since(killed)
	second.stands(t, false)
	lost.Fails() // Discord delivers it nobody else, and says so to whoever typed it
	asks("lead-2", "server add srv-1").Gets("srv-1 is in the inventory")

	third := begin()
	third.stands(t, true)
	stopped := time.Now()
	second.interrupt(t)
	require.True(t, eventually(settled, func() bool { return fake.Identifies() == 3 && fake.Connected() == 1 }), third.errs)
	handed := time.Since(stopped)
	require.Zero(t, second.status(t, inShutdown), second.errs)
	asks("lead-1", "claim srv-1").Gets("Noted: srv-1")
	require.Equal(t, 1, fake.Together(), "one replica at a time is connected")
	third.interrupt(t)
	require.Zero(t, third.status(t, inShutdown), third.errs)
	atRedis(t, url, func(o *opened) {
		nothingLeft(t, o)
		require.Equal(t, map[string]int{"srv-1": 1}, happened(t, o, "server put"), "what failed was not done in secret")
		require.Equal(t, 1, happened(t, o, "claim")["srv-1"])
	})
	t.Logf("Discord's gateway: lease %s; taken over %s after kill -9, %s after a clean stop; never two at once", chaosLease, took.Round(100*time.Millisecond), handed.Round(100*time.Millisecond))
}
