package discord

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func (st *stage) works(t *testing.T, d *desk, text string) {
	t.Helper()
	st.ready(t)
	st.answers(t, d, st.User("lead-1").Runs("responders", "/allclear scan"), text)
}

func TestTheConnectionComesBackHoweverItEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end        func(st *stage)
		identifies int
	}{
		"cut":                   {func(st *stage) { st.Cut() }, 1},
		"reconnect":             {func(st *stage) { st.AskReconnect() }, 1},
		"invalid and resumable": {func(st *stage) { st.InvalidateSessions(true) }, 1},
		"invalid":               {func(st *stage) { st.InvalidateSessions(false) }, 2},
		"session timed out":     {func(st *stage) { st.CloseGateway(4009, "Session timed out.") }, 2},
		"unknown error":         {func(st *stage) { st.CloseGateway(4000, "Unknown error.") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := attended(t, discordfake.Options{}, nil)
			st.works(t, d, "before")
			st.Online(1)
			c.end(st)
			soon(t, "it has gone", func() bool { return st.counts.Of("disconnected") > 0 })
			soon(t, "it is back", func() bool { return st.counts.Of("connected") > 1 && st.Connected() == 1 })
			st.works(t, d, "after")
			require.Equal(t, c.identifies, st.Identifies())
		})
	}
}

func TestWhatHappenedMeanwhileIsNotMissed(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	st.Cut()
	x := st.User("lead-1").Runs("responders", "/allclear scan")
	st.answers(t, d, x, "nothing is lost")
}

func TestADeadConnectionIsNoticedByItsHeartbeats(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{Heartbeat: 200 * time.Millisecond}, nil)
	st.works(t, d, "before")
	st.AskHeartbeat()
	st.Zombie()
	soon(t, "it is noticed", func() bool { return st.counts.Of("zombie") > 0 })
	soon(t, "it is back", func() bool { return st.counts.Of("connected") > 1 })
	st.works(t, d, "after")
}

func TestWhatNoWaitingCuresEndsRun(t *testing.T) {
	t.Parallel()
	for code, why := range map[int]string{4004: "token", 4011: "too many", 4013: "intent", 4014: "intent"} {
		st := newStage(t, false, discordfake.Options{Limits: discordfake.Limits{Off: true}}, nil)
		done := make(chan error, 1)
		go func() { done <- st.p.Run(t.Context(), &desk{specs: someSpecs()}) }()
		soon(t, "it runs", func() bool { return st.p.Ready() == nil })
		st.CloseGateway(code, "x")
		select {
		case err := <-done:
			require.Error(t, err, why)
			require.Error(t, st.p.Ready())
		case <-time.After(10 * time.Second):
			require.Fail(t, "it goes on", code)
		}
	}
}

func TestAGuildThatTookUsOutIsSeenInReadiness(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	st.works(t, d, "before")
	require.NoError(t, st.Kick(""))
	soon(t, "it is seen", func() bool { return st.p.Ready() != nil })
	require.ErrorContains(t, st.p.Ready(), "invite it again")
	require.Equal(t, 1, st.counts.Of("removed"))
	_, err := st.p.Post(t.Context(), st.here(), says("x"), "k")
	require.Error(t, err)
	require.NoError(t, st.Invite(""))
	st.works(t, d, "after")
	require.NoError(t, st.Outage("", true))
	soon(t, "it is seen", func() bool { return st.p.Ready() != nil })
	require.ErrorContains(t, st.p.Ready(), "not available")
	require.NoError(t, st.Outage("", false))
	soon(t, "it is over", func() bool { return st.p.Ready() == nil })
}

func TestOnlyGuildsAreListenedTo(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	_, err := st.Say("lead-1", "responders", "what people say is not heard")
	require.NoError(t, err)
	require.NotContains(t, st.log.String(), "what people say")
}
