package discordfake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

const agent = "DiscordBot (https://example.org, 1)"

type object = map[string]any

// none is allowed_mentions that notify nobody.
var none = object{"parse": []string{}}

// raw is a client without a library.
type raw struct {
	t *testing.T
	d *fake.Test
	c *http.Client
	// token is left out when empty.
	token string
}

func newRaw(t *testing.T, opt fake.Options) *raw {
	t.Helper()
	d := fake.New(t, opt)
	return &raw{t, d, d.Client(), d.Token()}
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
	object object
	code   int
}

func (r *raw) request(method, path, kind string, body []byte) (reply, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), method, "https://discord.com/api/v10"+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("User-Agent", agent)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bot "+r.token)
	}
	resp, err := r.c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	out := reply{status: resp.StatusCode, header: resp.Header}
	out.body, err = io.ReadAll(resp.Body)
	_ = json.Unmarshal(out.body, &out.object)
	if code, ok := out.object["code"].(float64); ok {
		out.code = int(code)
	}
	return out, err
}

// call sends JSON and wants a status; a body of nil is none.
func (r *raw) call(want int, method, path string, body any) reply {
	r.t.Helper()
	kind, text := "", []byte(nil)
	if body != nil {
		kind = "application/json"
		text, _ = json.Marshal(body)
	}
	out, err := r.request(method, path, kind, text)
	require.NoError(r.t, err)
	require.Equal(r.t, want, out.status, "%s %s: %s", method, path, out.body)
	return out
}

// refuses wants an error code.
func (r *raw) refuses(code int, method, path string, body any) reply {
	r.t.Helper()
	kind, text := "", []byte(nil)
	if body != nil {
		kind = "application/json"
		text, _ = json.Marshal(body)
	}
	out, err := r.request(method, path, kind, text)
	require.NoError(r.t, err)
	require.GreaterOrEqual(r.t, out.status, 400, "%s %s is not refused: %s", method, path, out.body)
	require.Equal(r.t, code, out.code, "%s %s: %s", method, path, out.body)
	return out
}

// bad wants Invalid Form Body with an error of a kind at a path: "embeds.0.title".
func (r *raw) bad(path, kind, method, route string, body any) {
	r.t.Helper()
	out := r.refuses(50035, method, route, body)
	at, _ := out.object["errors"].(object)
	for _, name := range strings.Split(path, ".") {
		if name == "" {
			continue
		}
		next, ok := at[name].(object)
		require.True(r.t, ok, "an error at %s: %s", path, out.body)
		at = next
	}
	list, _ := json.Marshal(at["_errors"])
	require.Contains(r.t, string(list), kind, "at %s: %s", path, out.body)
}

func (r *raw) channel(name string) string {
	r.t.Helper()
	return r.d.In(name).ID()
}

func (r *raw) messages(name string) string { return "/channels/" + r.channel(name) + "/messages" }

// post posts a message that notifies nobody, and returns its id.
func (r *raw) post(channel string, body object) string {
	r.t.Helper()
	if body["allowed_mentions"] == nil {
		body["allowed_mentions"] = none
	}
	out := r.call(200, "POST", r.messages(channel), body)
	id, ok := out.object["id"].(string)
	require.True(r.t, ok, "ids are strings: %s", out.body)
	return id
}

type upload struct {
	field, name, kind string
	data              []byte
}

// form makes a multipart body.
func form(t *testing.T, payload any, files ...upload) (string, []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if payload != nil {
		text, err := json.Marshal(payload)
		require.NoError(t, err)
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}})
		require.NoError(t, err)
		_, _ = p.Write(text)
	}
	for _, f := range files {
		p, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, f.field, f.name)}, "Content-Type": {f.kind},
		})
		require.NoError(t, err)
		_, _ = p.Write(f.data)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

// socket is a gateway client without a library.
type socket struct {
	t  *testing.T
	d  *fake.Test
	ws *websocket.Conn
	// seq is the last sequence number.
	seq     int
	session string
}

type frame struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  *int            `json:"s"`
	T  string          `json:"t"`
}

func dial(t *testing.T, d *fake.Test) *socket {
	t.Helper()
	s := &socket{t: t, d: d}
	s.redial()
	return s
}

func (s *socket) redial() {
	s.t.Helper()
	ws, resp, err := s.d.Dialer().DialContext(s.t.Context(), "wss://gateway.discord.gg/?v=10&encoding=json", nil)
	require.NoError(s.t, err)
	_ = resp.Body.Close()
	s.ws = ws
	s.t.Cleanup(func() { _ = ws.Close() })
	require.Equal(s.t, 10, s.next().Op)
}

func (s *socket) send(op int, d any) {
	s.t.Helper()
	require.NoError(s.t, s.ws.WriteJSON(object{"op": op, "d": d}))
}

func (s *socket) next() frame {
	s.t.Helper()
	_ = s.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	var f frame
	require.NoError(s.t, s.ws.ReadJSON(&f))
	if f.S != nil {
		s.seq = *f.S
	}
	return f
}

// event reads until an event of a name comes.
func (s *socket) event(name string) object {
	s.t.Helper()
	for {
		if f := s.next(); f.T == name {
			var d object
			require.NoError(s.t, json.Unmarshal(f.D, &d))
			return d
		}
	}
}

// closes wants to be closed with a code.
func (s *socket) closes(code int) {
	s.t.Helper()
	_ = s.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		_, _, err := s.ws.ReadMessage()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		require.ErrorAs(s.t, err, &closed)
		require.Equal(s.t, code, closed.Code)
		return
	}
}

// guildIntents are GUILDS, GUILD_MESSAGES and DIRECT_MESSAGES.
const guildIntents = 1 | 1<<9 | 1<<12

func (s *socket) identify(intents int) {
	s.t.Helper()
	s.send(2, object{"token": s.d.Token(), "intents": intents, "properties": object{"os": "linux"}})
}

// ready identifies and waits for READY.
func (s *socket) ready() *socket {
	s.t.Helper()
	s.identify(guildIntents)
	s.session, _ = s.event("READY")["session_id"].(string)
	return s
}

func (s *socket) resume(seq int) {
	s.t.Helper()
	s.send(6, object{"token": s.d.Token(), "session_id": s.session, "seq": seq})
}

// register registers commands of the guild.
func (r *raw) register(commands ...object) {
	r.t.Helper()
	guild, err := r.d.GuildID("")
	require.NoError(r.t, err)
	r.call(200, "PUT", "/applications/"+r.d.AppID()+"/guilds/"+guild+"/commands", commands)
}

// command is a slash command with options.
func command(name string, options ...object) object {
	return object{"name": name, "description": "does it", "options": options}
}

func param(kind int, name string, more object) object {
	o := object{"type": kind, "name": name, "description": "what it is"}
	for k, v := range more {
		o[k] = v
	}
	return o
}
