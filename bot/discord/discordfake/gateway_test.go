package discordfake_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func TestASessionBeginsWithReadyAndTheGuilds(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d)
	s.identify(guildIntents)
	ready := s.event("READY")
	require.Equal(t, "allclear", ready["user"].(object)["username"])
	require.NotEmpty(t, ready["resume_gateway_url"])
	guild := s.event("GUILD_CREATE")
	require.Equal(t, "community", guild["name"])
	require.Len(t, guild["channels"], 5)
	s.send(1, s.seq)
	require.Equal(t, 11, s.next().Op)
	require.Equal(t, 1, d.Connected())
}

func TestTheGatewayClosesWithTheCodesOfDiscord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code int
		do   func(*socket)
	}{
		{"an unknown opcode", 4001, func(s *socket) { s.ready().send(99, nil) }},
		{"no JSON", 4002, func(s *socket) { _ = s.ws.WriteMessage(websocket.TextMessage, []byte("{")) }},
		{"more than 4096 bytes", 4002, func(s *socket) { s.send(1, strings.Repeat("x", 4096)) }},
		{"before identifying", 4003, func(s *socket) { s.send(3, object{}) }},
		{"a wrong token", 4004, func(s *socket) {
			s.send(2, object{"token": "wrong", "intents": 1, "properties": object{}})
		}},
		{"a second identify", 4005, func(s *socket) { s.ready().identify(1) }},
		{"a wrong sequence", 4007, func(s *socket) {
			s.ready()
			_ = s.ws.Close()
			s.redial()
			s.resume(1000)
		}},
		{"a wrong shard", 4010, func(s *socket) {
			s.send(2, object{"token": s.d.Token(), "intents": 1, "properties": object{}, "shard": []int{2, 2}})
		}},
		{"intents that there are not", 4013, func(s *socket) { s.identify(1 << 19) }},
		{"a privileged intent", 4014, func(s *socket) { s.identify(1 << 15) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := dial(t, fake.New(t, fake.Options{}))
			c.do(s)
			s.closes(c.code)
		})
	}
}

func TestAnUnknownVersionIsRefused(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	ws, resp, err := d.Dialer().DialContext(t.Context(), "wss://gateway.discord.gg/?v=5", nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	defer func() { _ = ws.Close() }()
	(&socket{t: t, d: d, ws: ws}).closes(4012)
}

func TestMoreThan2500GuildsNeedShards(t *testing.T) {
	t.Parallel()
	opt := fake.Options{}
	for range 2501 {
		opt.Guilds = append(opt.Guilds, fake.Guild{Name: "g"})
	}
	s := dial(t, fake.New(t, opt))
	s.identify(1)
	s.closes(4011)
}

func TestAGrantedPrivilegedIntentBringsContent(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{App: fake.App{Privileged: fake.IntentMessageContent}})
	with, without := dial(t, d), dial(t, d).ready()
	with.identify(guildIntents | 1<<15)
	with.event("READY")
	d.User("responder").Says("responders", "hello")
	require.Equal(t, "hello", with.event("MESSAGE_CREATE")["content"])
	require.Empty(t, without.event("MESSAGE_CREATE")["content"])
	d.User("responder").Says("responders", "hello <@"+d.AppID()+">")
	require.Contains(t, without.event("MESSAGE_CREATE")["content"], "hello", "who is mentioned reads")
}

func TestResumeBringsWhatWasMissed(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	s.event("GUILD_CREATE")
	_ = s.ws.Close()
	d.Online(0)
	d.User("responder").Says("responders", "one")
	d.User("responder").Says("responders", "two")
	s.redial()
	s.resume(s.seq)
	require.Equal(t, "MESSAGE_CREATE", s.next().T)
	require.Equal(t, "MESSAGE_CREATE", s.next().T)
	require.Equal(t, "RESUMED", s.next().T)
	require.Equal(t, 1, d.Identifies())
}

func TestASessionThatWasClosedOrIsOldIsNotResumed(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*socket){
		"closed with 1000": func(s *socket) {
			_ = s.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
			s.closes(1000)
		},
		"too long away": func(s *socket) {
			_ = s.ws.Close()
			s.d.Online(0)
			s.d.Advance(6 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dial(t, fake.New(t, fake.Options{})).ready()
			leave(s)
			s.d.Online(0)
			s.redial()
			s.resume(s.seq)
			f := s.next()
			require.Equal(t, 9, f.Op)
			require.JSONEq(t, "false", string(f.D))
			s.ready()
		})
	}
}

func TestReconnectAndInvalidSession(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	s.event("GUILD_CREATE")
	d.AskReconnect()
	require.Equal(t, 7, s.next().Op)
	d.AskHeartbeat()
	require.Equal(t, 1, s.next().Op)
	d.InvalidateSessions(true)
	require.Equal(t, 9, s.next().Op)
	s.resume(s.seq)
	require.Equal(t, "RESUMED", s.next().T)
	d.InvalidateSessions(false)
	require.Equal(t, 9, s.next().Op)
	s.ready()
	d.CloseGateway(4000, "unknown error")
	s.closes(4000)
}

func TestAZombieConnectionIsSilent(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	s.event("GUILD_CREATE")
	d.Zombie()
	s.send(1, s.seq)
	d.User("responder").Says("responders", "hello")
	_ = s.ws.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, _, err := s.ws.ReadMessage()
	require.ErrorContains(t, err, "timeout")
	_ = s.ws.Close()
	s.redial()
	s.resume(s.seq)
	require.Equal(t, "hello", s.d.In("responders").Sees("hello").Text)
	s.event("MESSAGE_CREATE")
}

func TestIdentifyingThoughTheSessionCouldBeResumedIsAnOffence(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	_ = s.ws.Close()
	d.Online(0)
	s.redial()
	s.ready()
	d.Offends(fake.Reidentified)
}

func TestAStormOfIdentifiesIsAnOffence(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	for range 4 {
		dial(t, d).ready()
	}
	require.Empty(t, d.Offences())
	dial(t, d).ready()
	d.Offends(fake.Reidentified)
}

func TestAThousandIdentifiesResetTheToken(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{Limits: fake.Limits{Identifies: fake.Rate{N: 2, Per: 24 * time.Hour}}})
	one := dial(t, r.d).ready()
	dial(t, r.d).ready()
	three := dial(t, r.d)
	three.identify(1)
	three.closes(4004)
	one.closes(4004)
	r.d.Offends(fake.TokenReset)
	r.call(401, "GET", "/users/@me", nil)
}

func TestIdentifiesTooCloseToEachOtherAreInvalid(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{Limits: fake.Limits{IdentifyEvery: 5 * time.Second}})
	dial(t, d).ready()
	s := dial(t, d)
	s.identify(1)
	require.Equal(t, 9, s.next().Op)
	d.Advance(5 * time.Second)
	s.ready()
}

func Test120SendsAMinute(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	for range 119 { // and the IDENTIFY
		s.send(3, object{})
	}
	s.send(3, object{})
	s.closes(4008)
	d.Offends(fake.Flooded)
}

func TestWhoSendsNoHeartbeatIsCutOff(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{Heartbeat: 10 * time.Millisecond})
	dial(t, d).ready()
	d.Online(1)
	d.Online(0)
}

func TestLargeEventsAreCompressedWhenAskedFor(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d)
	s.send(2, object{"token": "Bot " + d.Token(), "intents": 1, "properties": object{}, "compress": true})
	kinds := map[int]bool{}
	for range 2 {
		kind, _, err := s.ws.ReadMessage()
		require.NoError(t, err)
		kinds[kind] = true
	}
	require.True(t, kinds[websocket.BinaryMessage])
}

func TestWhatHappensToTheGuildIsTold(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	s.event("GUILD_CREATE")
	require.NoError(t, d.Outage("", true))
	require.Equal(t, true, s.event("GUILD_DELETE")["unavailable"])
	require.NoError(t, d.Outage("", false))
	s.event("GUILD_CREATE")
	id := d.In("leads").ID()
	require.NoError(t, d.DeleteChannel("leads"))
	require.Equal(t, id, s.event("CHANNEL_DELETE")["id"])
	require.NoError(t, d.Kick(""))
	require.NotContains(t, s.event("GUILD_DELETE"), "unavailable")
	require.NoError(t, d.Invite(""))
	s.event("GUILD_CREATE")
}

func TestGatewayBotSaysHowManyIdentifiesAreLeft(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{})
	dial(t, r.d).ready()
	var limit struct {
		Limit struct{ Total, Remaining int } `json:"session_start_limit"`
	}
	require.NoError(t, json.Unmarshal(r.call(200, "GET", "/gateway/bot", nil).body, &limit))
	require.Equal(t, 1000, limit.Limit.Total)
	require.Equal(t, 999, limit.Limit.Remaining)
}
