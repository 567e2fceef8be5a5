package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state/statetest"
)

// replicaOf is a serve of its own, as an operator would start it: Slack and Redis
// by the environment, people by a file.
func replicaOf(t *testing.T, fake *slackfake.Slack, redis, config string, env ...string) *child {
	t.Helper()
	return serveAs(t, config, append([]string{
		"ALLCLEAR_REDIS=" + redis,
		"ALLCLEAR_SLACK_BOT_TOKEN=" + fake.BotToken(), "ALLCLEAR_SLACK_APP_TOKEN=" + fake.AppToken(), "ALLCLEAR_SLACK_API=" + fake.APIURL(),
	}, env...)...)
}

// serveAs is a serve with a configuration and an environment.
func serveAs(t *testing.T, config string, env ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "serve", "--config", config), out: &tape{}, errs: &tape{}, done: make(chan struct{})}
	c.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "ALLCLEAR_") }), childVariable+"=1", "ALLCLEAR_LOG=json")
	c.cmd.Env = append(c.cmd.Env, env...) // the last of a name counts
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.errs
	var err error
	c.keyboard, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait()
	}()
	t.Cleanup(func() { c.kill() })
	return c
}

func peopleFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "allclear.yaml")
	text := "people:\n"
	for id, user := range map[string]string{"lead-1": slackfake.Lead1, "lead-2": slackfake.Lead2} {
		text += fmt.Sprintf("  - {id: %s, role: lead, links: [%q]}\n", id, slack.Link(slackfake.TeamID, user))
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// killServers is how many servers are claimed while replicas are killed, one
// command each, so that every answer can be told from every other.
const killServers = 40

// claimEnds is how long letters stay with a replica that was killed, and then go out
// one a second.
const claimEnds = time.Minute + 2*killServers*time.Second

func TestReplicasThatAreKilledLoseNothingThatSlackSawAcknowledged(t *testing.T) {
	slow(t, "it waits for the leases of dead processes to end")
	for name, dedupe := range map[string]bool{"with Slack's own dedupe": true, "without it": false} {
		t.Run(name, func(t *testing.T) { t.Parallel(); killReplicas(t, dedupe) })
	}
}

func killReplicas(t *testing.T, dedupe bool) {
	fake := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), Patience: time.Minute, NoDedupe: !dedupe})
	fake.Allow(slackfake.Unacked) // a replica that is killed acknowledges nothing
	redis, config := statetest.Redis(t), peopleFile(t)
	replicas := []*child{replicaOf(t, fake, "redis://"+redis.Addr, config), replicaOf(t, fake, "redis://"+redis.Addr, config)}
	fake.AwaitConnections(2)

	leader := fake.User("lead-1")
	leader.Types(storyChannel, "/allclear incident open kill-1")
	fake.In(storyChannel).Sees("Incident kill-1 is open")
	var inventory strings.Builder
	inventory.WriteString("name\n")
	for n := range killServers {
		fmt.Fprintf(&inventory, "srv-%03d\n", n)
	}
	leader.Uploads(storyChannel, "servers.csv", []byte(inventory.String()), "@allclear server import")
	fake.In(storyChannel).Sees(fmt.Sprintf("%d servers", killServers))

	acknowledged := map[int]bool{}
	for n := range killServers {
		d := fake.User([]string{"lead-1", "lead-2"}[n%2]).Types(storyChannel, fmt.Sprintf("/allclear claim srv-%03d", n)).Done()
		acknowledged[n] = promised(d)
		if n%10 == 5 { // somebody works, somebody posts, somebody is about to
			victim := rand.IntN(len(replicas))
			replicas[victim].kill()
			replicas[victim] = replicaOf(t, fake, "redis://"+redis.Addr, config)
		}
	}
	acked, posts, doubled := 0, 0, 0
	answers := func(n int) int {
		count := 0
		for _, m := range fake.Messages(storyChannel) {
			if strings.Contains(m.Text, fmt.Sprintf("Noted: srv-%03d is claimed", n)) {
				count++
			}
		}
		return count
	}
	for n, ok := range acknowledged {
		if !ok {
			continue
		}
		acked++
		if !eventually(leaseEnds+claimEnds, func() bool { return answers(n) > 0 }) {
			name := fmt.Sprintf("srv-%03d", n)
			require.Fail(t, name+": acknowledged, and never answered", "%s", linesOf(name, fake.Scene(), replicas[0].errs.String(), replicas[1].errs.String()))
		}
	}
	for n := range acknowledged {
		posts += min(1, answers(n))
		doubled += max(0, answers(n)-1)
	}
	require.Greater(t, acked, killServers/2, "Slack was told of most commands")
	t.Logf("4 kills, %d of %d commands acknowledged, %d answered, %d answered twice", acked, killServers, posts, doubled)
	require.Zero(t, doubled, "the channel is searched before anything is posted again")

	for _, r := range replicas {
		r.interrupt(t)
		require.Zero(t, r.status(t, inShutdown), "%s", r.errs)
		for line := range strings.Lines(r.errs.String()) {
			require.NotContains(t, line, `"level":"ERROR"`)
		}
	}
	require.Zero(t, run(t.Context(), []string{"audit", "verify", "--redis", "redis://" + redis.Addr}, quietSystem(t)))
}

// promised reports whether a command was taken. One that could not be written down in time, say because Redis or a
// replica that has just begun is slow, is acknowledged as well, together with the word that it is not done.
func promised(d slackfake.Delivery) bool { return d.Outcome == slackfake.OK && len(d.Reply) == 0 }

func quietSystem(t *testing.T) system {
	t.Helper()
	sys, _, _ := piped(t, "")
	return sys
}

// linesOf are the lines of the texts that name what is looked for.
func linesOf(name string, texts ...string) string {
	var found []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if strings.Contains(line, name) {
				found = append(found, line)
			}
		}
	}
	return strings.Join(found, "")
}
