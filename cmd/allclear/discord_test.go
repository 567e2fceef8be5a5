package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

func TestEveryCommandIsThereOnDiscord(t *testing.T) {
	t.Parallel()
	paths := discord.Paths("allclear", allSpecs())
	require.Len(t, paths, len(allSpecs()), "one that does not fit is reached by its line only")
	for _, often := range []string{"/allclear scan", "/allclear verify", "/allclear claim", "/allclear status", "/allclear confirm", "/allclear approve", "/allclear help", "/allclear menu"} {
		require.Contains(t, paths, often)
	}
}

func TestTheInvitationIsALinkAndNothingElse(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cmd := newDiscord(system{Out: &out})
	cmd.SetArgs([]string{"invite", "123", "--community"})
	require.NoError(t, cmd.Execute())
	require.Regexp(t, `^https://discord\.com/oauth2/authorize\?\S+\n$`, out.String())
}

// BenchmarkDiscordCompletes types the beginnings of names among 100,000 servers, over HTTP
// with signed requests, on a real Redis. It reports the slowest of a hundred.
func BenchmarkDiscordCompletes(b *testing.B) {
	fake, err := discordfake.Start(discordfake.Options{Limits: discordfake.Limits{Off: true}})
	require.NoError(b, err)
	defer func() { require.NoError(b, fake.Close()) }()
	guild, err := fake.GuildID("")
	require.NoError(b, err)
	lead, err := fake.UserID("lead-1")
	require.NoError(b, err)
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(b, err)
	d, err := discord.New(discord.Options{
		Token: fake.Token(), PublicKey: hex.EncodeToString(public), Client: fake.Client(), Guilds: map[string]discord.Guild{guild: {Team: true}},
	})
	require.NoError(b, err)
	people := state.People{{ID: "lead-1", Role: state.RoleLead, Links: []string{discord.Link(lead), "console:x"}}}
	client, err := redisstore.Dial("redis://"+statetest.Redis(b).Addr, redisstore.DialOptions{})
	require.NoError(b, err)
	store := redisstore.New(client, redisstore.Options{})
	require.NoError(b, store.Init(b.Context()))
	a, err := newApp(appOptions{Store: store, People: people, Posters: map[string]chat.Poster{discord.Name: d}, Chats: map[string]platform{discord.Name: d}, Communities: communities{guilds: map[string]discord.Guild{guild: {Team: true}}}})
	require.NoError(b, err)
	fill(b, a, 100_000)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, a.router) }()
	require.Eventually(b, func() bool { return d.Ready() == nil }, 10*time.Second, 10*time.Millisecond)

	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		w, r := httptest.NewRecorder(), typing(b, key, guild, lead, fmt.Sprintf("srv-%0*d", n%6, n%1000))
		began := time.Now()
		d.Handler().ServeHTTP(w, r)
		took = append(took, time.Since(began))
		require.Equal(b, http.StatusOK, w.Code)
		if n == 0 {
			require.Contains(b, w.Body.String(), "srv-0")
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	cancel()
	require.NoError(b, <-done)
}

// fill makes so many servers.
func fill(b *testing.B, a *app, n int) {
	b.Helper()
	do := func(line string, files ...chat.File) {
		req := chat.Request{ID: line + fmt.Sprint(len(files)) + time.Now().String(), Trigger: chat.TriggerLine, Actor: chat.Actor{Link: "console:x"}, Text: line, Files: files, At: time.Now(), Place: state.Place{Platform: "console", Ceiling: state.TLPAmberStrict}}
		m, ok := a.router.Do(b.Context(), req, func(string, chat.Message) {})
		require.True(b, ok, "%+v", m)
	}
	do("incident open toolshell-1")
	const chunk = 10_000
	for from := 0; from < n; from += chunk {
		var csv bytes.Buffer
		csv.WriteString("name,farm,owner,group\n")
		for i := from; i < from+chunk; i++ {
			fmt.Fprintf(&csv, "srv-%06d,farm-%d,owner-%d,team-%d\n", i, i/20, i%50, i%7)
		}
		do("server import", chat.File{Name: "servers.csv", Data: csv.Bytes()})
	}
}

// typing is a signed request of somebody who types a name.
func typing(b *testing.B, key ed25519.PrivateKey, guild, who, prefix string) *http.Request {
	b.Helper()
	raw, err := json.Marshal(map[string]any{
		"id": "1", "type": 4, "token": "t", "guild_id": guild, "channel_id": "3", "channel": map[string]any{"id": "3", "type": 0},
		"member": map[string]any{"user": map[string]any{"id": who}, "roles": []string{}, "permissions": "0"},
		"data":   map[string]any{"name": "allclear", "options": []any{map[string]any{"type": 1, "name": "scan", "options": []any{map[string]any{"type": 3, "name": "server", "value": prefix, "focused": true}}}}},
	})
	require.NoError(b, err)
	at := strconv.FormatInt(time.Now().Unix(), 10)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/discord/interactions", bytes.NewReader(raw))
	r.Header.Set("X-Signature-Timestamp", at)
	r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, append([]byte(at), raw...))))
	return r
}
