package slack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// ends runs a platform that is expected to end with an error.
func (st *stage) ends(t *testing.T, p *Platform) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, &notebook{}) }()
	select {
	case err := <-done:
		require.Error(t, err)
		require.NotContains(t, err.Error(), st.BotToken())
		require.NotContains(t, err.Error(), st.AppToken())
		require.NotContains(t, err.Error(), "ticket=")
		return err
	case <-time.After(10 * time.Second):
		cancel()
		<-done
		require.Fail(t, "a platform that cannot work goes on")
		return nil
	}
}

func TestRunEndsWithOneClearErrorWhenNoWaitingHelps(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"invalid_auth", "account_inactive", "token_revoked", "not_allowed_token_type", "missing_scope"} {
		t.Run("the app token: "+word, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			st.NextCalls("apps.connections.open", -1, slackfake.Fault{Error: word})
			require.ErrorContains(t, st.ends(t, st.p), "slack: the app token is refused: "+word)
		})
		t.Run("the bot token: "+word, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, true, slackfake.Options{}, nil)
			st.NextCalls("auth.test", -1, slackfake.Fault{Error: word})
			require.ErrorContains(t, st.ends(t, st.p), "slack: the bot token is refused: "+word)
		})
	}
	t.Run("an app token that is none", func(t *testing.T) {
		t.Parallel()
		st := newStage(t, false, slackfake.Options{}, nil)
		o := st.opt
		o.AppToken = "xapp-1-A0-not-a-token"
		require.ErrorContains(t, st.ends(t, st.platform(t, o)), "slack: the app token is refused: invalid_auth")
	})
	t.Run("Socket Mode is switched off", func(t *testing.T) {
		t.Parallel()
		st := newStage(t, false, slackfake.Options{}, nil)
		done := make(chan error, 1)
		go func() { done <- st.p.Run(t.Context(), &notebook{}) }()
		st.ready(t)
		st.Disconnect(slackfake.DisconnectDisabled)
		require.ErrorContains(t, <-done, "Socket Mode is switched off")
	})
}

func TestItWaitsForASlackThatIsNotThere(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	for _, method := range []string{"auth.test", "apps.connections.open"} {
		st.NextCalls(method, 1, slackfake.ServerError())
		st.NextCalls(method, 1, slackfake.Lost())
		st.NextCalls(method, 1, slackfake.Fault{Garbage: true})
		st.NextCalls(method, 1, slackfake.Fault{Error: "internal_error"})
	}
	st.runs(t, desk)
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
	require.NotContains(t, st.log.String(), "ticket=")
}

func TestItDoesNotComeAgainBeforeSlackWants(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("apps.connections.open", 1, slackfake.RateLimited(time.Second)) // coming early is a complaint
	st.runs(t, &notebook{})
	require.Equal(t, 1, st.counts.Of("rate limited"))
}

func TestAConnectionThatIsToEndIsReplacedFirst(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	arrived, goOn := make(chan struct{}, 1), make(chan struct{})
	desk.says(func(chat.Request) (bot.Ack, error) {
		arrived <- struct{}{}
		<-goOn
		return bot.Ack{Accepted: true}, nil
	})
	st.runs(t, desk)
	sent := st.User("responder").Types("incident", "/allclear scan")
	<-arrived
	st.Disconnect(slackfake.DisconnectWarning)
	st.AwaitConnections(1) // that of the warning is not counted
	require.NoError(t, st.p.Ready())
	close(goOn)
	require.Equal(t, slackfake.OK, sent.Done().Outcome, "it is acknowledged where it came from")
	desk.says(nil)
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear status").Done().Outcome)
	st.Clock().Advance(11 * time.Second) // the end of the old one
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear menu").Done().Outcome)
	require.NoError(t, st.p.Ready())

	st.Disconnect(slackfake.DisconnectRefresh)
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear home").Done().Outcome)
	require.Len(t, desk.requests(), 4)
}

func TestReadinessFollowsTheConnection(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	require.Error(t, st.p.Ready(), "it does not run")
	stop := st.runs(t, &notebook{})
	st.NextCalls("apps.connections.open", -1, slackfake.ServerError())
	st.CutConnections()
	require.Eventually(t, func() bool { return st.p.Ready() != nil }, 10*time.Second, time.Millisecond)
	require.ErrorContains(t, st.p.Ready(), "not connected")
	st.Heal()
	st.ready(t)
	require.NoError(t, stop())
	require.Error(t, st.p.Ready())
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{PingEvery: 20 * time.Millisecond}, nil), &notebook{}
	st.p.tune.silence = 300 * time.Millisecond
	st.runs(t, desk)
	st.StopPings()
	require.Eventually(t, func() bool { return st.counts.Of("connected") == 2 }, 10*time.Second, time.Millisecond)
	require.Contains(t, st.log.String(), "nothing was heard for too long")
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
}

func TestTooManyConnectionsAreSurvived(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	api := slackgo.New(st.BotToken(), slackgo.OptionAPIURL(st.APIURL()), slackgo.OptionAppLevelToken(st.AppToken()))
	var others []*websocket.Conn
	for range 10 {
		_, address, err := api.StartSocketModeContext(t.Context())
		require.NoError(t, err)
		ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
		require.NoError(t, err)
		_ = resp.Body.Close()
		t.Cleanup(func() { _ = ws.Close() })
		others = append(others, ws)
	}
	st.AwaitConnections(10)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- st.p.Run(ctx, &notebook{}) }()
	require.Eventually(t, func() bool { return st.counts.Of("disconnected") >= 2 }, 10*time.Second, time.Millisecond)
	require.Error(t, st.p.Ready())
	_ = others[0].Close()
	st.ready(t)
	cancel()
	require.NoError(t, <-done)
}

func TestFramesThatAreNoEnvelopesAreLeftAlone(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	for _, frame := range []string{"", "nonsense", "null", "[]", `{"type":7}`, `{"type":"hello"}`, `{"type":"events_api"}`, "\xff\xfe", `{"type":"slash_commands","payload":{}}`} {
		st.SendFrame(frame)
	}
	st.SendBinary([]byte{0, 1, 2})
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
	require.Equal(t, 1, st.counts.Of("connected"), "the connection lived through it")
	require.Len(t, desk.requests(), 1)
}

func TestAPayloadThatCannotBeReadIsAcknowledgedForItGetsNoBetter(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	for _, payload := range []map[string]any{
		{"type": "block_actions"},
		{"type": "block_actions", "user": "somebody"},
		{"type": "block_actions", "user": map[string]any{"id": "U0RESPOND01"}, "actions": []any{map[string]any{"value": "{\"l\":"}}},
		{"type": "something_new", "user": map[string]any{"id": "U0RESPOND01"}},
		{"type": "view_submission", "user": map[string]any{"id": "U0RESPOND01"}, "view": map[string]any{"callback_id": "form", "private_metadata": "x"}},
	} {
		require.Equal(t, slackfake.OK, st.Interacts(payload).Done().Outcome)
	}
	require.Empty(t, desk.requests())
	require.Equal(t, 2, st.counts.Of("malformed"))
}

func TestSeveralReplicasTakeEachRequestOnce(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	var replicas sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); replicas.Wait() })
	for range 3 {
		p := st.platform(t, st.opt)
		replicas.Go(func() { _ = p.Run(ctx, desk) })
	}
	st.AwaitConnections(3)
	for i := range 9 {
		st.User("responder").Types("incident", fmt.Sprintf("/allclear scan sp-%d", i)).Done()
		st.Again() // over another connection
	}
	st.Eventually("all are acknowledged", func() bool { return st.Acks() == 18 })
	require.Len(t, desk.requests(), 9)
}

func TestWhatWasTakenWhileTheConnectionBrokeIsTakenOnce(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	arrived, goOn := make(chan struct{}, 2), make(chan struct{})
	desk.says(func(chat.Request) (bot.Ack, error) {
		arrived <- struct{}{}
		<-goOn
		return bot.Ack{Accepted: true}, nil
	})
	st.runs(t, desk)
	st.User("responder").Types("incident", "/allclear scan")
	<-arrived
	st.CutConnections()
	close(goOn)
	st.AwaitConnections(1)
	st.Again() // for it saw no acknowledgement
	<-arrived
	st.Eventually("it is acknowledged", func() bool { return st.Acks() == 1 })
	require.Len(t, desk.requests(), 1)
}

func TestConnectionsGoTheWayOfAllOtherRequests(t *testing.T) {
	t.Parallel()
	var dialed atomic.Int32
	st := newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}}}
	})
	st.runs(t, &notebook{})
	require.GreaterOrEqual(t, dialed.Load(), int32(3), "who we are, the address of the socket, and the socket")
}

func TestRunReturnsWhenItsContextEndsWhateverItWaitsFor(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"auth.test", "apps.connections.open", "usergroups.users.list"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			asks := asking{method, make(chan struct{}, 100)}
			st := newStage(t, false, slackfake.Options{}, func(o *Options) {
				o.Roles = map[string]state.Role{Link(slackfake.TeamID, slackfake.SPTeam): state.RoleLead}
				o.Client = &http.Client{Transport: asks}
			})
			st.NextCalls(method, -1, slackfake.Fault{Hang: true})
			done := make(chan error, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { done <- st.p.Run(ctx, &notebook{}) }()
			<-asks.asked
			cancel()
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(10 * time.Second):
				require.Fail(t, "it does not return")
			}
		})
	}
}

// asking tells when a method is called.
type asking struct {
	method string
	asked  chan struct{}
}

func (a asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/"+a.method) {
		a.asked <- struct{}{}
	}
	return http.DefaultTransport.RoundTrip(r)
}
