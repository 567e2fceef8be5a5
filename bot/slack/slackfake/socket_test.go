package slackfake_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// dial opens a raw connection and reads its hello.
func dial(t *testing.T, s *slackfake.Slack) (*websocket.Conn, object) {
	t.Helper()
	out := done(t, postAs(t, s, s.AppToken(), "apps.connections.open", nil).body)
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), out["url"].(string), nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return ws, read(t, ws)
}

func read(t *testing.T, ws *websocket.Conn) object {
	t.Helper()
	require.NoError(t, ws.SetReadDeadline(time.Now().Add(10*time.Second)))
	var o object
	require.NoError(t, ws.ReadJSON(&o))
	return o
}

func TestAConnectionNeedsAFreshTicket(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	url := done(t, postAs(t, s, s.AppToken(), "apps.connections.open", nil).body)["url"].(string)
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	defer func() { _ = ws.Close() }()
	require.Equal(t, "hello", read(t, ws)["type"])
	_, resp, err = websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	_ = resp.Body.Close()
	for word, order := range map[string]func(){
		"invalid_auth":           func() { s.NextCalls("apps.connections.open", 1, slackfake.Fault{Error: "invalid_auth"}) },
		"not_allowed_token_type": func() { s.NextCalls("apps.connections.open", 1, slackfake.Fault{Error: "not_allowed_token_type"}) },
	} {
		order()
		refused(t, word, postAs(t, s, s.AppToken(), "apps.connections.open", nil).body)
	}
	s.NextCalls("apps.connections.open", 1, slackfake.RateLimited(time.Second))
	require.Equal(t, 429, postAs(t, s, s.AppToken(), "apps.connections.open", nil).status)
}

func TestEachEnvelopeGoesToOneOfUpToTenConnections(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	var all []*websocket.Conn
	for i := range 10 {
		ws, hello := dial(t, s)
		require.EqualValues(t, i+1, hello["num_connections"])
		all = append(all, ws)
	}
	_, answer := dial(t, s)
	require.Equal(t, "disconnect", answer["type"])
	require.Equal(t, "too_many_websockets", answer["reason"])
	require.Equal(t, 10, s.Connections())

	got := make(chan object, 20)
	for _, ws := range all {
		go func() {
			for {
				var o object
				if ws.ReadJSON(&o) != nil {
					return
				}
				got <- o
				_ = ws.WriteJSON(object{"envelope_id": o["envelope_id"]})
			}
		}()
	}
	for range 3 {
		require.Equal(t, slackfake.OK, s.User("lead-1").Types("incident", "/allclear status").Done().Outcome)
	}
	seen := map[any]bool{}
	for range 3 {
		o := <-got
		require.Equal(t, true, o["accepts_response_payload"])
		seen[o["envelope_id"]] = true
	}
	require.Len(t, seen, 3)
	s.Again()
	again := <-got
	require.True(t, seen[again["envelope_id"]], "the same envelope, once more")
	s.Eventually("it is acknowledged too", func() bool { return s.Acks() == 4 })
	require.Len(t, s.Deliveries(), 3)
}

func TestACommandThatIsNotAcknowledgedTimesOut(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	ws, _ := dial(t, s)
	sent := s.User("lead-1").Types("incident", "/allclear scan")
	id := read(t, ws)["envelope_id"]
	s.Clock().Advance(3 * time.Second)
	d := sent.Done()
	require.Equal(t, slackfake.OperationTimeout, d.Outcome)
	require.Contains(t, d.Words, "operation_timeout")
	require.Equal(t, []slackfake.Kind{slackfake.Unacked}, kinds(s))
	require.NoError(t, ws.WriteJSON(object{"envelope_id": id})) // too late
	s.Eventually("it is counted", func() bool { return s.Acks() == 1 })
	require.Equal(t, slackfake.OperationTimeout, s.Deliveries()[0].Outcome)

	require.NoError(t, ws.WriteMessage(websocket.TextMessage, []byte("nonsense")))
	require.NoError(t, ws.WriteJSON(object{"envelope_id": "11111111-1111-4111-8111-111111111111"}))
	sent = s.User("lead-1").Types("incident", "/allclear scan")
	require.NoError(t, ws.WriteJSON(object{"envelope_id": read(t, ws)["envelope_id"], "payload": object{"text": strings.Repeat("x", 20*1024)}}))
	s.Eventually("all three are complained of", func() bool { return len(kinds(s)) == 4 })
	require.Equal(t, []slackfake.Kind{slackfake.Unacked, slackfake.Malformed, slackfake.StrangeAck, slackfake.StrangeAck}, kinds(s))
	s.Clock().Advance(3 * time.Second)
	require.Equal(t, slackfake.OperationTimeout, sent.Done().Outcome, "what is 20 KB or more was dropped")
	require.ErrorContains(t, s.Close(), "not acknowledged in time: /allclear scan")
}

func TestWithoutAConnectionACommandFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	require.Equal(t, slackfake.DispatchFailed, s.User("lead-1").TypesNow("incident", "/allclear scan").Done().Outcome)
}

func TestEventsAreRetriedAtOnceAfterOneAndAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	ws, _ := dial(t, s)
	s.User("lead-1").Mentions("incident", "@allclear scan")
	var ids []any
	event := read(t, ws)
	for i, wait := range []time.Duration{0, time.Minute, 5 * time.Minute} {
		ids = append(ids, event["envelope_id"])
		require.EqualValues(t, i, event["retry_attempt"])
		require.Equal(t, false, event["accepts_response_payload"])
		s.Clock().Advance(3 * time.Second)
		s.Eventually("Slack gave up waiting", func() bool { return s.Deliveries()[i].Outcome == slackfake.OperationTimeout })
		s.Clock().Advance(wait)
		next := read(t, ws)
		require.Equal(t, event["payload"].(object)["event_id"], next["payload"].(object)["event_id"])
		require.Equal(t, "timeout", next["retry_reason"])
		require.NotContains(t, ids, next["envelope_id"])
		event = next
	}
	require.NoError(t, ws.WriteJSON(object{"envelope_id": event["envelope_id"]}))
	s.Eventually("the last was acknowledged", func() bool { return s.Deliveries()[3].Outcome == slackfake.OK })
	s.Clock().Advance(time.Hour)
	require.Len(t, s.Deliveries(), 4)
}

func TestTheLibraryLivesThroughEveryDisconnect(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{PingEvery: 50 * time.Millisecond})
	s.Allow(slackfake.Unacked)
	app(t, s, acks)
	for _, cut := range []func(){
		s.CutConnections,
		func() { s.Disconnect(slackfake.DisconnectWarning) },
		func() { s.Disconnect(slackfake.DisconnectRefresh) },
	} {
		before := len(s.Calls("apps.connections.open"))
		cut()
		s.Eventually("it connects again", func() bool { return len(s.Calls("apps.connections.open")) > before && s.Connections() == 1 })
		require.Equal(t, slackfake.OK, s.User("lead-1").Types("incident", "/allclear status").Done().Outcome)
	}
	s.SendFrame("{")
	s.SendFrame(`{"type":"unheard_of"}`)
	s.SendBinary([]byte{0, 1})
	s.Eventually("it still works, or connects again", func() bool { return s.Connections() == 1 })
	require.Equal(t, slackfake.OK, s.User("lead-1").Types("incident", "/allclear status").Done().Outcome)
}

func TestALibraryThatHearsNoPingsConnectsAgain(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{PingEvery: 10 * time.Millisecond})
	c := socketmode.New(client(s), socketmode.OptionPingInterval(100*time.Millisecond))
	go func() { _ = c.RunContext(t.Context()) }()
	go func() {
		for {
			select {
			case <-c.Events:
			case <-t.Context().Done():
				return
			}
		}
	}()
	s.AwaitConnections(1)
	s.StopPings()
	s.Eventually("it opened another", func() bool { return len(s.Calls("apps.connections.open")) > 1 })
	s.CutConnections()
}

func TestEventsArriveAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Subscriptions: append(slackfake.DefaultEvents(), "message.channels", "message.groups")})
	got := make(chan any, 50)
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		acks(c, e)
		if ev, ok := e.Data.(slackevents.EventsAPIEvent); ok {
			got <- ev.InnerEvent.Data
		}
	})
	lead := s.User("lead-1")
	lead.Mentions("incident", "@allclear scan sp1.acme.example & @responder").Done()
	m, ok := (<-got).(*slackevents.MessageEvent)
	require.True(t, ok)
	require.Equal(t, "channel", m.ChannelType)
	mention, ok := (<-got).(*slackevents.AppMentionEvent)
	require.True(t, ok)
	require.Equal(t, "<@U0ALLCLEAR1> scan <http://sp1.acme.example|sp1.acme.example> &amp; <@U0RESPOND01>", mention.Text)
	require.Equal(t, slackfake.Lead1, mention.User)

	lead.OpensHome()
	require.Equal(t, "home", (<-got).(*slackevents.AppHomeOpenedEvent).Tab)
	lead.Messages("hello")
	require.Equal(t, "im", (<-got).(*slackevents.MessageEvent).ChannelType)
	s.In("general").InviteBot()
	require.Equal(t, slackfake.BotUser, (<-got).(*slackevents.MemberJoinedChannelEvent).User)
	lead.Joins("incident")
	require.Equal(t, slackfake.Lead1, (<-got).(*slackevents.MemberJoinedChannelEvent).User)
	s.In("general").KickBot()
	require.Equal(t, slackfake.General, (<-got).(*slackevents.ChannelLeftEvent).Channel)
	s.In("secret").KickBot()
	require.Equal(t, slackfake.Secret, (<-got).(*slackevents.GroupLeftEvent).Channel)
	s.In("incident").ShareWith(slackfake.OtherTeam)
	require.Equal(t, slackfake.OtherTeam, (<-got).(*slackevents.ChannelSharedEvent).ConnectedTeamID)
	s.SetGroup(slackfake.SPTeam, slackfake.Lead1)
	require.Equal(t, []string{slackfake.Lead1}, (<-got).(*slackevents.SubteamUpdatedEvent).Subteam.Users)
	s.In("incident").Archive()
	require.Equal(t, slackfake.Incident, (<-got).(*slackevents.ChannelArchiveEvent).Channel)
	s.In("incident").Unarchive()
	<-got
	_ = say(t, s, slackfake.Incident, "the bot hears itself")
	require.Equal(t, slackfake.BotID, (<-got).(*slackevents.MessageEvent).BotID)
	sent := lead.Says("incident", "tpyo")
	<-got
	lead.Edits(sent, "incident", "typo")
	require.Equal(t, "message_changed", (<-got).(*slackevents.MessageEvent).SubType)
	lead.Deletes(sent, "incident")
	require.Equal(t, "message_deleted", (<-got).(*slackevents.MessageEvent).SubType)
	s.User("lead-1").Says("hidden", "the bot is not here")
	s.Event(map[string]any{"type": "tokens_revoked", "tokens": object{"bot": []string{slackfake.BotUser}}})
	require.IsType(t, &slackevents.TokensRevokedEvent{}, <-got)
	s.User("stranger").Mentions("shared", "@allclear hi")
	require.Equal(t, slackfake.OtherTeam, (<-got).(*slackevents.MessageEvent).UserTeam)
}

func TestAFailingAppLosesItsSubscriptions(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{DisableAfter: 4, Retries: []time.Duration{}})
	for range 4 {
		require.False(t, s.Unsubscribed())
		s.Event(map[string]any{"type": "channel_archive", "channel": slackfake.Incident}) // nobody is connected
	}
	require.True(t, s.Unsubscribed())
	s.Event(map[string]any{"type": "channel_archive", "channel": slackfake.Incident})
	require.Len(t, s.Deliveries(), 4)
}

func TestTooManyEventsAreReplacedByOneWord(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{EventsPerHour: 2, Retries: []time.Duration{}})
	for range 5 {
		s.Event(map[string]any{"type": "channel_archive", "channel": slackfake.Incident})
	}
	all := s.Deliveries()
	require.Len(t, all, 3)
	require.Equal(t, "app_rate_limited", all[2].Payload["type"])
	s.Clock().Advance(61 * time.Minute)
	s.Event(map[string]any{"type": "channel_archive", "channel": slackfake.Incident})
	require.Equal(t, "event_callback", s.Deliveries()[3].Payload["type"])
}
