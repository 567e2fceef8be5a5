package discordfake_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func TestGuildsAndTheirPeopleAreRead(t *testing.T) {
	t.Parallel()
	opt := free
	opt.App.Privileged = fake.IntentMembers
	r := newRaw(t, opt)
	guild, err := r.d.GuildID("")
	require.NoError(t, err)
	at := "/guilds/" + guild
	require.Equal(t, "community", r.call(200, "GET", at, nil).object["name"])
	require.Equal(t, 5, strings.Count(string(r.call(200, "GET", at+"/members?limit=100", nil).body), `"username"`))
	require.Equal(t, 2, strings.Count(string(r.call(200, "GET", at+"/members/search?query=LEAD&limit=5", nil).body), `"username"`))
	lead := r.d.User("lead-1").ID()
	require.Equal(t, "lead-1", r.call(200, "GET", "/users/"+lead, nil).object["username"])
	r.refuses(10013, "GET", "/users/123456789012345678", nil)
	r.refuses(10004, "GET", "/guilds/123456789012345678", nil)
	r.refuses(50033, "POST", "/users/@me/channels", object{"recipient_id": "123456789012345678"})
	r.refuses(50013, "DELETE", "/channels/"+r.channel("leads"), nil)
	id := r.post("responders", object{"content": "x"})
	r.call(201, "POST", r.messages("responders")+"/"+id+"/threads", object{"name": "log"})
	require.Contains(t, string(r.call(200, "GET", at+"/threads/active", nil).body), `"log"`)
	r.call(200, "DELETE", "/channels/"+id, nil)
	r.refuses(10003, "GET", "/channels/"+id, nil)

	r = newRaw(t, free)
	guild, err = r.d.GuildID("")
	require.NoError(t, err)
	r.refuses(50001, "GET", "/guilds/"+guild+"/members", nil)
}

func TestRepliesNotifyWhoIsRepliedToWhenAsked(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	id := r.d.User("responder").Says("responders", "who has SP-01?")
	reply := func(text string, rules object) fake.Seen {
		r.call(200, "POST", r.messages("responders"), object{"content": text, "message_reference": object{"message_id": id}, "allowed_mentions": rules})
		return r.d.In("responders").SeesOnce(text)
	}
	quiet := reply("lead-2 has", none)
	require.Equal(t, id, quiet.ReplyTo)
	require.Empty(t, quiet.Pings)
	require.Equal(t, []string{"@responder"}, reply("and pings", object{"replied_user": true}).Pings)
}

func TestAnEditKeepsTheFilesThatItLists(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	kind, body := form(t, say("two"), upload{"files[0]", "a.csv", "text/csv", []byte("a")}, upload{"files[1]", "b.csv", "text/csv", []byte("b")})
	out, err := r.request("POST", r.messages("responders"), kind, body)
	require.NoError(t, err)
	files, _ := out.object["attachments"].([]any)
	require.Len(t, files, 2)
	id, _ := out.object["id"].(string)
	at := r.messages("responders") + "/" + id
	first := files[0].(object)["id"]
	kind, body = form(t, object{"attachments": []object{{"id": first}, {"id": 0, "filename": "c.csv"}}, "allowed_mentions": none}, upload{"files[0]", "x", "text/csv", []byte("c")})
	out, err = r.request("PATCH", at, kind, body)
	require.NoError(t, err)
	require.Equal(t, 200, out.status, "%s", out.body)
	s := r.d.In("responders").Sees("two")
	require.Equal(t, "a.csv", s.Files[0].Name)
	require.Equal(t, "c.csv", s.Files[1].Name)
	r.call(200, "PATCH", at, object{"attachments": []object{}, "allowed_mentions": none})
	require.Empty(t, r.d.In("responders").Sees("two").Files)
	r.bad("attachments.0", "NOT_FOUND", "PATCH", at, object{"attachments": []object{{"id": "99"}}})
}

func TestAModalWithEveryKindOfInput(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	label := func(name string, inner object) object {
		inner["custom_id"] = name
		return object{"type": 18, "label": name, "component": inner}
	}
	two := []object{{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}}
	b.call(204, "POST", i.callback(), object{"type": 9, "data": object{"custom_id": "m", "title": "All", "components": []object{
		label("menu", object{"type": 3, "options": two, "max_values": 2}),
		label("boxes", object{"type": 22, "options": two, "required": false}),
		label("box", object{"type": 23}),
		label("who", object{"type": 5}),
		text("what to do"),
	}}})
	b.d.User("lead-1").Fills(x, map[string]string{"menu": "One,Two", "box": "true", "who": "lead-2"})
	i = b.take()
	parts, _ := i.object["data"].(object)["components"].([]any)
	require.Equal(t, []any{"1", "2"}, parts[0].(object)["component"].(object)["values"])
	require.Equal(t, []any{}, parts[1].(object)["component"].(object)["values"])
	require.Equal(t, true, parts[2].(object)["component"].(object)["value"])
	require.Len(t, parts[3].(object)["component"].(object)["values"], 1)
	require.NotEmpty(t, x.ID())
	b.answer(i, 4, say("ok"))
}

func TestAShardGetsTheEventsOfItsGuilds(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Guilds = []fake.Guild{ // the shard is (id >> 22) % 2
		{ID: "4194304", Name: "one", Members: []fake.Member{{Name: "p"}}, Channels: []fake.Channel{{Name: "in-one"}}},
		{ID: "8388608", Name: "two", Members: []fake.Member{{Name: "p"}}, Channels: []fake.Channel{{Name: "in-two"}}},
	}
	d := fake.New(t, opt)
	join := func(number int) *socket {
		s := dial(t, d)
		s.send(2, object{"token": d.Token(), "intents": guildIntents, "properties": object{}, "shard": []int{number, 2}})
		return s
	}
	zero, one := join(0), join(1)
	require.Equal(t, "two", zero.event("GUILD_CREATE")["name"])
	require.Equal(t, "one", one.event("GUILD_CREATE")["name"])
	d.User("p").Says("in-one", "x")
	d.User("p").Says("in-two", "y")
	require.Equal(t, d.In("in-one").ID(), one.event("MESSAGE_CREATE")["channel_id"])
	require.Equal(t, d.In("in-two").ID(), zero.event("MESSAGE_CREATE")["channel_id"])
}

func TestHeartbeatsAreAcknowledgedUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	s := dial(t, d).ready()
	s.event("GUILD_CREATE")
	d.Acknowledge(false)
	s.send(1, s.seq)
	d.User("responder").Says("responders", "x")
	require.Equal(t, "MESSAGE_CREATE", s.next().T)
	d.Acknowledge(true)
	s.send(1, s.seq)
	require.Equal(t, 11, s.next().Op)
}

func TestWhereACommandMayBeUsed(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	at := "/applications/" + r.d.AppID() + "/commands"
	r.bad("default_member_permissions", "NUMBER_TYPE_COERCE", "POST", at, object{"name": "x", "description": "d", "default_member_permissions": "all"})
	r.bad("contexts.0", "BASE_TYPE_CHOICES", "POST", at, object{"name": "x", "description": "d", "contexts": []int{3}})
	r.call(201, "POST", at, object{"name": "guild-only", "description": "d", "contexts": []int{0}, "integration_types": []int{0}, "nsfw": false})
	r.call(201, "POST", at, object{"name": "both", "description": "d", "contexts": []int{0, 1}})
	r.call(201, "POST", at, object{"name": "old", "description": "d", "dm_permission": false})
	for name, in := range map[string]bool{"guild-only": false, "both": true, "old": false} {
		_, err := r.d.Run("lead-1", "DM", "/"+name)
		require.Equal(t, in, err == nil, name)
	}
}
