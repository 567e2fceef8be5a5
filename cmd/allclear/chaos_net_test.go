//go:build chaos

package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state/statetest"
)

// weather is what lies between replicas, their Redis and Slack.
type weather struct {
	*troupe
	redis []*statetest.Proxy // by replica
	slack *statetest.Proxy
	// Each of these may double a message where the platform does not dedupe: it was taken, and nobody was told in time.
	ambiguous int
	kills     int
}

// clear lets everything through.
func (w *weather) clear() {
	for _, p := range w.redis {
		p.Lose(0)
		p.Delay(0)
		p.Silence(false)
		p.Cut() // what was kept back is lost with its connection
	}
	w.slack.Delay(0)
	w.slack.LoseNext(0)
	w.fake.Heal()
}

// turn makes something slow, or cuts it.
func (w *weather) turn(n int) {
	one := w.redis[rand.IntN(len(w.redis))]
	switch n % 12 {
	case 1:
		one.Delay(300 * time.Millisecond)
	case 2:
		w.slack.LoseNext(2) // an answer that is cut
		w.ambiguous += 2
	case 3:
		one.Silence(true)
	case 4:
		w.fake.NextCalls("chat.postMessage", 2, slackfake.Fault{Slow: 3 * time.Second}) // longer than a replica waits
		w.ambiguous += 2
	case 5:
		w.clear()
	case 6:
		for _, p := range w.redis {
			p.Cut()
		}
	case 7:
		w.slack.Delay(time.Second)
		w.fake.CutConnections()
	case 8:
		w.slack.Cut()
		w.ambiguous++
	case 9:
		one.Lose(20)
		w.fake.NextCalls("chat.postMessage", 1, slackfake.LostAnswer())
		w.ambiguous++
	case 10:
		w.restart(rand.IntN(len(w.replicas)))
		w.kills++
	case 11:
		w.clear()
	}
}

// TestChaosSlowAndCutConnections: what lies between three replicas, their Redis and Slack is slow, stalls and breaks, and
// replicas are killed meanwhile.
func TestChaosSlowAndCutConnections(t *testing.T) {
	t.Parallel()
	for name, dedupe := range map[string]bool{"with Slack's own dedupe": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := scale(24, 120)
			redis := statetest.Redis(t)
			w := &weather{}
			var urls []string
			for range 3 {
				p := statetest.NewProxy(t, redis.Addr)
				w.redis, urls = append(w.redis, p), append(urls, "redis://"+p.Addr)
			}
			w.troupe = newTroupe(t, dedupe, urls)
			servers := newCrowd(t, 20*time.Millisecond)
			w.open(strings.ReplaceAll(servers.inventory(n), "sp-0", "srv-"), n)
			w.blind = true
			w.slack = statetest.NewProxy(t, strings.TrimPrefix(w.fake.URL(), "http://"))
			w.env = append(w.env, "ALLCLEAR_SLACK_API=http://"+w.slack.Addr+"/api/")
			for i := range w.replicas { // from now on by a way to Slack which can break
				w.restart(i)
			}
			w.fake.AwaitConnections(len(urls))
			scan := w.fake.User("lead-1").Types(storyChannel, "/allclear scan").Done()
			for i := range n {
				w.turn(i)
				w.claim()
			}
			w.clear()
			told := func(m slackfake.Message) bool { return strings.Contains(m.Text, "looked at") }
			if promised(scan) {
				require.True(t, eventually(settled, func() bool { w.supervise(); return slices.ContainsFunc(w.fake.Messages(storyChannel), told) }), "the scan is told: %s", w.fake.Scene())
			}
			doubled := w.check("redis://" + redis.Addr)
			t.Logf("%d commands, %d acknowledged, %d refused at once, %d kills, up to %d answers of Slack slow or cut: all acknowledged commands answered, %d of them withheld, %d answered twice %s",
				w.typed, len(w.promised), w.refused, w.kills, w.ambiguous, w.withheld(), doubled, name)
			require.Greater(t, len(w.promised), n/3)
			require.LessOrEqual(t, w.withheld(), n/4, "few, while who reads the channel is not known")
			if dedupe {
				require.Zero(t, doubled)
			}
			require.LessOrEqual(t, doubled, w.ambiguous+w.kills, "only where an answer of Slack was lost")
		})
	}
}
