package discordfake_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// free has no limits of routes, for tests of other rules.
var free = fake.Options{Limits: fake.Limits{Off: true}}

func TestMessagesAreCheckedAsDiscordDoes(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ö", n) }
	embed := func(e object) object { return object{"embeds": []object{e}} }
	many := func(n int, make func(int) object) []object {
		list := make2(n, make)
		return list
	}
	field := func(int) object { return object{"name": "n", "value": "v"} }
	for _, c := range []struct {
		name, path, kind string
		body             object
	}{
		{"content of 2001 code points", "content", "BASE_TYPE_MAX_LENGTH", object{"content": long(2001)}},
		{"content that is no text", "content", "STRING_TYPE_CONVERT", object{"content": 5}},
		{"a title of 257", "embeds.0.title", "BASE_TYPE_MAX_LENGTH", embed(object{"title": long(257)})},
		{"a description of 4097", "embeds.0.description", "BASE_TYPE_MAX_LENGTH", embed(object{"description": long(4097)})},
		{"26 fields", "embeds.0.fields", "BASE_TYPE_MAX_LENGTH", embed(object{"fields": many(26, field)})},
		{"a field's name of 257", "embeds.0.fields.0.name", "BASE_TYPE_MAX_LENGTH", embed(object{"fields": []object{{"name": long(257), "value": "v"}}})},
		{"a field's value of 1025", "embeds.0.fields.0.value", "BASE_TYPE_MAX_LENGTH", embed(object{"fields": []object{{"name": "n", "value": long(1025)}}})},
		{"a field without a value", "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED", embed(object{"fields": []object{{"name": "n", "value": " "}}})},
		{"a footer of 2049", "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH", embed(object{"footer": object{"text": long(2049)}})},
		{"an author of 257", "embeds.0.author.name", "BASE_TYPE_BAD_LENGTH", embed(object{"author": object{"name": long(257)}})},
		{"6001 in all embeds", "embeds", "MAX_EMBED_SIZE_EXCEEDED", object{"embeds": []object{{"description": long(4096)}, {"description": long(1905)}}}},
		{"11 embeds", "embeds", "BASE_TYPE_MAX_LENGTH", object{"embeds": many(11, func(int) object { return object{"title": "x"} })}},
		{"an empty embed", "embeds.0.description", "BASE_TYPE_REQUIRED", embed(object{"color": 1})},
		{"a bad colour", "embeds.0.color", "NUMBER_TYPE_MAX", embed(object{"title": "x", "color": 1 << 24})},
		{"a bad address", "embeds.0.url", "URL_TYPE_INVALID_URL", embed(object{"title": "x", "url": "nowhere"})},
		{"a bad scheme", "embeds.0.url", "URL_TYPE_INVALID_SCHEME", embed(object{"title": "x", "url": "ftp://example.org"})},
		{"a bad time", "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE", embed(object{"title": "x", "timestamp": "yesterday"})},
		{"embeds that are no list", "embeds", "LIST_TYPE_CONVERT", object{"embeds": object{"0": 1}}},
		{"an embed that is no object", "embeds.0", "MODEL_TYPE_CONVERT", object{"embeds": []string{"0"}}},
		{"a nonce of 26", "nonce", "BASE_TYPE_MAX_LENGTH", object{"content": "x", "nonce": strings.Repeat("n", 26)}},
		{"a list of users beside parse users", "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", object{"content": "x", "allowed_mentions": object{"parse": []string{"users"}, "users": []string{"1"}}}},
		{"an unknown kind of mention", "allowed_mentions.parse.0", "BASE_TYPE_CHOICES", object{"content": "x", "allowed_mentions": object{"parse": []string{"all"}}}},
		{"101 users", "allowed_mentions.users", "BASE_TYPE_MAX_LENGTH", object{"content": "x", "allowed_mentions": object{"users": ids(101)}}},
		{"an id that is a number", "allowed_mentions.users.0", "NUMBER_TYPE_COERCE", object{"content": "x", "allowed_mentions": object{"users": []int{5}}}},
		{"a reply to nothing", "message_reference", "REPLIES_UNKNOWN_MESSAGE", object{"content": "x", "message_reference": object{"message_id": "1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, free)
			r.d.Allow(fake.Unguarded)
			r.bad(c.path, c.kind, "POST", r.messages("responders"), c.body)
			require.Empty(t, r.d.In("responders").Shows())
		})
	}
}

func make2(n int, make func(int) object) []object {
	var list []object
	for i := range n {
		list = append(list, make(i))
	}
	return list
}

func ids(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i+1))
	}
	return list
}

func TestTheLimitsThemselvesAreAllowed(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.post("responders", object{"content": strings.Repeat("ö", 2000), "nonce": strings.Repeat("n", 25)})
	r.post("responders", object{"embeds": []object{{"description": strings.Repeat("ö", 4096)}, {"description": strings.Repeat("x", 1904)}}})
	r.refuses(50006, "POST", r.messages("responders"), object{"content": "  \n", "allowed_mentions": none})
	r.refuses(50006, "POST", r.messages("responders"), object{"embeds": nil, "components": nil, "sticker_ids": nil, "allowed_mentions": none})
}

func TestWhatIsMissingIsAnsweredWithTheRightCode(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Guilds = []fake.Guild{{
		Name: "g", Members: []fake.Member{{Name: "someone"}},
		Channels: []fake.Channel{
			{Name: "open"},
			{Name: "hidden", BotLacks: fake.ViewChannel},
			{Name: "mute", BotLacks: fake.SendMessages},
			{Name: "plain", BotLacks: fake.EmbedLinks | fake.AttachFiles},
			{Name: "forum", Kind: fake.Forum},
		},
	}}
	r := newRaw(t, opt)
	hello := object{"content": "hello", "allowed_mentions": none}
	r.refuses(10003, "POST", "/channels/123456789012345678/messages", hello)
	r.bad("channel_id", "NUMBER_TYPE_COERCE", "POST", "/channels/general/messages", hello)
	r.refuses(50001, "POST", r.messages("hidden"), hello)
	r.refuses(50013, "POST", r.messages("mute"), hello)
	r.refuses(50013, "POST", r.messages("plain"), object{"embeds": []object{{"title": "x"}}, "allowed_mentions": none})
	r.refuses(50008, "POST", r.messages("forum"), hello)
	r.refuses(10008, "GET", r.messages("open")+"/123456789012345678", nil)
	theirs := r.d.User("someone").Says("open", "mine")
	r.refuses(50005, "PATCH", r.messages("open")+"/"+theirs, object{"content": "yours", "allowed_mentions": none})
	require.Equal(t, 404, r.call(404, "GET", "/nowhere", nil).status)
	r.call(405, "DELETE", "/users/@me", nil)
	r.token = "wrong"
	r.call(401, "GET", "/users/@me", nil)
	require.Positive(t, r.d.InvalidCalls())
}

func TestAClientWithoutAProperUserAgentIsBlocked(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://discord.com/api/v10/gateway", nil)
	require.NoError(t, err)
	resp, err := d.Client().Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, 403, resp.StatusCode)
}

func TestTheClientNeverLeavesTheMachine(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.org/", nil)
	require.NoError(t, err)
	resp, err := d.Client().Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorContains(t, err, "leave the machine")
	_, resp, err = d.Dialer().DialContext(t.Context(), "wss://example.org/", nil)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorContains(t, err, "leave the machine")
}

func TestANonceIsPostedOnceWhileItIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	body := object{"content": "once", "nonce": "key-1", "enforce_nonce": true}
	first := r.post("responders", body)
	require.Equal(t, first, r.post("responders", body))
	require.NotEqual(t, first, r.post("responders", object{"content": "not asked for", "nonce": "key-1"}))
	require.NotEqual(t, first, r.post("leads", body), "a nonce is of one channel")
	r.d.In("responders").Count(2)
	r.d.Advance(6 * time.Minute)
	require.NotEqual(t, first, r.post("responders", body))

	opt := free
	opt.IgnoreNonces = true
	r = newRaw(t, opt)
	require.NotEqual(t, r.post("responders", body), r.post("responders", body))
}

func TestWhoIsNotifiedFollowsAllowedMentions(t *testing.T) {
	t.Parallel()
	opt := free
	world := fake.Small()
	world.Bot = fake.BotDefault | fake.MentionEveryone
	opt.Guilds = []fake.Guild{world}
	r := newRaw(t, opt)
	r.d.Allow(fake.Unguarded)
	lead, err := r.d.UserID("lead-1")
	require.NoError(t, err)
	onCall, err := r.d.RoleID("", "on-call")
	require.NoError(t, err)
	all := fmt.Sprintf("@everyone @here <@%s> <@&%s>", lead, onCall)
	for name, c := range map[string]struct {
		body object
		want []string
	}{
		"nothing said notifies everybody": {object{"content": all}, []string{"@everyone", "@here", "@lead-1", "@on-call"}},
		"parse nothing":                   {object{"content": all, "allowed_mentions": none}, nil},
		"only users":                      {object{"content": all, "allowed_mentions": object{"parse": []string{"users"}}}, []string{"@lead-1"}},
		"a listed role":                   {object{"content": all, "allowed_mentions": object{"roles": []string{onCall}}}, []string{"@on-call"}},
		"a listed user who is not named":  {object{"content": "x", "allowed_mentions": object{"users": []string{lead}}}, nil},
		"in code":                         {object{"content": "`" + all + "`\n```\n" + all + "\n```"}, nil},
		"behind a backslash":              {object{"content": `\@everyone`}, []string{"@everyone"}},
		"in an embed":                     {object{"embeds": []object{{"description": all}}}, nil},
		"in a text component":             {object{"flags": 1 << 15, "components": []object{{"type": 10, "content": all}}}, []string{"@everyone", "@here", "@lead-1", "@on-call"}},
		"silently":                        {object{"content": all, "flags": 1 << 12}, nil},
	} {
		id, _ := r.call(200, "POST", r.messages("responders"), c.body).object["id"].(string)
		for _, s := range r.d.Messages("responders") {
			if s.ID == id {
				require.Equal(t, c.want, s.Pings, name)
			}
		}
	}
	id := r.post("responders", object{"content": "quiet"})
	r.call(200, "PATCH", r.messages("responders")+"/"+id, object{"content": all})
	require.Empty(t, r.d.In("responders").Sees("@everyone").Pings, "an edit notifies nobody")
}

func TestWithoutThePermissionEveryoneIsNotNotified(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	lead, err := r.d.RoleID("", "lead")
	require.NoError(t, err)
	r.call(200, "POST", r.messages("responders"), object{"content": "@everyone <@&" + lead + ">", "allowed_mentions": object{"parse": []string{"everyone", "roles"}}})
	require.Empty(t, r.d.In("responders").Sees("@everyone @lead").Pings)
}

func TestTheEphemeralFlagHidesNoOrdinaryMessage(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.post("responders", object{"content": "meant for one", "flags": 64})
	require.Empty(t, r.d.In("responders").SeesOnce("meant for one").For)
}

func TestEditsKeepWhatTheyDoNotName(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	row := object{"type": 1, "components": []object{{"type": 2, "style": 1, "label": "Scan", "custom_id": "scan"}}}
	id := r.post("responders", object{"content": "first", "embeds": []object{{"title": "Board"}}, "components": []object{row}})
	at := r.messages("responders") + "/" + id
	r.call(200, "PATCH", at, object{"content": "second", "allowed_mentions": none})
	s := r.d.In("responders").SeesOnce("second")
	require.Equal(t, "second\nBoard", s.Text)
	require.Equal(t, "Scan", s.Buttons[0].Label)
	require.Equal(t, 1, s.Edits)
	r.call(200, "PATCH", at, object{"embeds": []object{}, "components": []object{}})
	require.Equal(t, "second", r.d.In("responders").Sees("second").String()[len("allclear: "):])
	r.refuses(50006, "PATCH", at, object{"content": ""})
	r.call(204, "DELETE", at, nil)
	r.refuses(10008, "PATCH", at, object{"content": "third"})
	r.d.In("responders").SeesNothing("second")
}

func TestMessagesOlderThanAnHourAreNotEdited(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Limits.OldEdits = 1
	r := newRaw(t, opt)
	at := r.messages("responders") + "/" + r.post("responders", object{"content": "card"})
	r.d.Advance(59 * time.Minute)
	r.call(200, "PATCH", at, object{"content": "card 2", "allowed_mentions": none})
	r.d.Advance(2 * time.Minute)
	r.call(200, "PATCH", at, object{"content": "card 3", "allowed_mentions": none})
	require.Equal(t, 429, r.refuses(30046, "PATCH", at, object{"content": "card 4", "allowed_mentions": none}).status)
}

func TestMessagesAreListedFromTheNewest(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	var posted []string
	for i := range 5 {
		posted = append(posted, r.post("responders", object{"content": fmt.Sprint("m", i)}))
	}
	list := func(query string) string {
		out := r.call(200, "GET", r.messages("responders")+query, nil)
		return strings.Join(between(string(out.body), `"content":"`, `"`), " ")
	}
	require.Equal(t, "m4 m3 m2 m1 m0", list(""))
	require.Equal(t, "m4 m3", list("?limit=2"))
	require.Equal(t, "m1 m0", list("?before="+posted[2]))
	require.Equal(t, "m2 m1", list("?limit=2&after="+posted[0]))
	require.Equal(t, "m3 m2 m1", list("?limit=3&around="+posted[2]))
	r.bad("limit", "NUMBER_TYPE_MAX", "GET", r.messages("responders")+"?limit=101", nil)
	r.refuses(50035, "GET", r.messages("responders")+"?before=1&after=2", nil)
}

func between(s, left, right string) []string {
	var out []string
	for _, part := range strings.Split(s, left)[1:] {
		inner, _, _ := strings.Cut(part, right)
		out = append(out, inner)
	}
	return out
}

func TestFilesAreUploadedAndDownloaded(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	kind, body := form(t, object{
		"content": "see the list", "allowed_mentions": none,
		"embeds":      []object{{"title": "Chart", "image": object{"url": "attachment://chart.png"}}},
		"attachments": []object{{"id": 1, "filename": "chart.png", "description": "61 of 61"}},
	}, upload{"files[0]", "servers list.csv", "text/csv", []byte("name\nSP-01\n")}, upload{"files[1]", "x.png", "image/png", []byte("png")})
	out, err := r.request("POST", r.messages("responders"), kind, body)
	require.NoError(t, err)
	require.Equal(t, 200, out.status, "%s", out.body)
	s := r.d.In("responders").SeesOnce("see the list")
	require.Equal(t, "servers_list.csv", s.Files[0].Name)
	require.Equal(t, "61 of 61", s.Files[1].Alt)
	require.Contains(t, string(out.body), s.Files[1].URL, "the picture of the embed is the uploaded one")
	download := func(address, token string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		if token != "" {
			req.Header.Set("Authorization", "Bot "+token)
		}
		resp, err := r.c.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	status, text := download(s.Files[0].URL, "")
	require.Equal(t, 200, status)
	require.Equal(t, "name\nSP-01\n", text)
	status, _ = download(strings.Split(s.Files[0].URL, "?")[0], "")
	require.Equal(t, 404, status, "the address is signed")
	download(s.Files[0].URL, r.token)
	r.d.Offends(fake.Leaked)
}

func TestFilesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.d.Allow(fake.Unguarded)
	send := func(payload object, files ...upload) reply {
		kind, body := form(t, payload, files...)
		out, err := r.request("POST", r.messages("responders"), kind, body)
		require.NoError(t, err)
		return out
	}
	require.Equal(t, 413, send(object{}, upload{"files[0]", "a", "text/plain", make([]byte, 10<<20+1)}).status)
	require.Equal(t, 200, send(object{}, upload{"files[0]", "a", "text/plain", make([]byte, 10<<20)}).status)
	var eleven []upload
	for i := range 11 {
		eleven = append(eleven, upload{fmt.Sprintf("files[%d]", i), "a", "text/plain", []byte("x")})
	}
	require.Equal(t, 50035, send(object{"content": "x"}, eleven...).code)
	require.Equal(t, 50035, send(object{"attachments": []object{{"id": 7}}}, eleven[0]).code)
	require.Equal(t, 50035, send(object{}, eleven[0], eleven[0]).code, "each part has a name of its own")
	out, err := r.request("POST", r.messages("responders"), "text/plain", []byte("hello"))
	require.NoError(t, err)
	require.Equal(t, 50035, out.code)
	out, err = r.request("POST", r.messages("responders"), "application/json", []byte("{"))
	require.NoError(t, err)
	require.Equal(t, 50109, out.code)
}

func TestPinsReactionsAndBulkDelete(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	id := r.post("responders", object{"content": "card"})
	at := r.messages("responders")
	r.call(204, "PUT", "/channels/"+r.channel("responders")+"/pins/"+id, nil)
	r.d.In("responders").Pinned("card")
	require.Contains(t, string(r.call(200, "GET", at+"/pins", nil).body), "pinned_at")
	require.Contains(t, string(r.call(200, "GET", "/channels/"+r.channel("responders")+"/pins", nil).body), "card")
	r.call(204, "DELETE", at+"/pins/"+id, nil)
	require.False(t, r.d.In("responders").Sees("card").Pinned)
	r.call(204, "PUT", at+"/"+id+"/reactions/%E2%9C%85/@me", nil)
	r.refuses(10014, "PUT", at+"/"+id+"/reactions/ok/@me", nil)
	require.Contains(t, string(r.call(200, "GET", at+"/"+id, nil).body), "reactions")
	r.call(204, "DELETE", at+"/"+id+"/reactions/%E2%9C%85/@me", nil)
	r.refuses(50016, "POST", at+"/bulk-delete", object{"messages": []string{id}})
	second := r.post("responders", object{"content": "second"})
	r.call(204, "POST", at+"/bulk-delete", object{"messages": []string{id, second}})
	r.d.In("responders").SeesNothing("card")
}

func TestAChannelHas250Pins(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	pin := "/channels/" + r.channel("responders") + "/pins/"
	for i := range 250 {
		r.call(204, "PUT", pin+r.post("responders", object{"content": fmt.Sprint(i)}), nil)
	}
	r.refuses(30003, "PUT", pin+r.post("responders", object{"content": "one more"}), nil)
}
