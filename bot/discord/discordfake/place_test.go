package discordfake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func TestThreadsOfMessages(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	id := r.post("responders", object{"content": "scan 42"})
	start := r.messages("responders") + "/" + id + "/threads"
	r.bad("name", "BASE_TYPE_BAD_LENGTH", "POST", start, object{"name": strings.Repeat("n", 101)})
	r.bad("auto_archive_duration", "BASE_TYPE_CHOICES", "POST", start, object{"name": "log", "auto_archive_duration": 61})
	thread := r.call(201, "POST", start, object{"name": "log", "auto_archive_duration": 60})
	require.Equal(t, id, thread.object["id"], "it has the id of its message")
	r.refuses(160004, "POST", start, object{"name": "log"})
	log := r.messages("log")
	m := r.post("log", object{"content": "SP-01 verified"})
	r.d.In("responders").Thread("log").SeesOnce("SP-01 verified")

	require.NoError(t, r.d.Archive("log", false))
	r.refuses(50083, "PATCH", log+"/"+m, object{"content": "x", "allowed_mentions": none})
	r.refuses(50083, "DELETE", log+"/"+m, nil)
	require.Contains(t, string(r.call(200, "GET", "/channels/"+r.channel("responders")+"/threads/archived/public", nil).body), `"log"`)
	r.post("log", object{"content": "opens it again"})
	r.call(200, "PATCH", log+"/"+m, object{"content": "edited", "allowed_mentions": none})

	require.NoError(t, r.d.Archive("log", true))
	require.NoError(t, r.d.Permit("responders", 0, fake.ManageThreads))
	r.refuses(160005, "POST", log, object{"content": "x", "allowed_mentions": none})
	r.refuses(50013, "PATCH", "/channels/"+id, object{"archived": false})
	require.NoError(t, r.d.Permit("responders", 0, 0))
	r.call(200, "PATCH", "/channels/"+id, object{"archived": false, "locked": false, "name": "log 2"})
	r.call(204, "PUT", "/channels/"+id+"/thread-members/@me", nil)
	r.call(204, "DELETE", "/channels/"+id+"/thread-members/@me", nil)
	r.call(200, "GET", "/channels/"+id+"/thread-members", nil)
}

func TestAThreadHas1000Members(t *testing.T) {
	t.Parallel()
	opt := free
	world := fake.Guild{Name: "g", Channels: []fake.Channel{{Name: "c"}}}
	for i := range 1000 {
		world.Members = append(world.Members, fake.Member{ID: fmt.Sprint(1000 + i), Name: fmt.Sprint("p", i)})
	}
	opt.Guilds = []fake.Guild{world}
	r := newRaw(t, opt)
	id, _ := r.call(201, "POST", "/channels/"+r.channel("c")+"/threads", object{"name": "all", "type": 11}).object["id"].(string)
	for i := range 999 { // and the bot
		r.call(204, "PUT", "/channels/"+id+"/thread-members/"+fmt.Sprint(1000+i), nil)
	}
	r.refuses(30033, "PUT", "/channels/"+id+"/thread-members/1999", nil)
}

func TestForumPosts(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Guilds = []fake.Guild{{Name: "g", Channels: []fake.Channel{
		{Name: "forum", Kind: fake.Forum, NeedsTag: true, Tags: []fake.Tag{{ID: "11", Name: "a"}, {ID: "12", Name: "b"}, {ID: "13", Name: "c"}, {ID: "14", Name: "d"}, {ID: "15", Name: "e"}, {ID: "16", Name: "f"}}},
	}}}
	r := newRaw(t, opt)
	at := "/channels/" + r.channel("forum") + "/threads"
	first := object{"content": "v1", "allowed_mentions": none}
	r.bad("message", "BASE_TYPE_REQUIRED", "POST", at, object{"name": "x", "applied_tags": []string{"11"}})
	r.refuses(40067, "POST", at, object{"name": "x", "message": first})
	r.bad("applied_tags", "BASE_TYPE_MAX_LENGTH", "POST", at, object{"name": "x", "message": first, "applied_tags": []string{"11", "12", "13", "14", "15", "16"}})
	r.bad("applied_tags", "UNKNOWN_TAG", "POST", at, object{"name": "x", "message": first, "applied_tags": []string{"99"}})
	r.bad("message.content", "BASE_TYPE_MAX_LENGTH", "POST", at, object{"name": "x", "message": object{"content": strings.Repeat("x", 2001)}, "applied_tags": []string{"11"}})
	require.Empty(t, r.d.Posts("forum"))
	out := r.call(201, "POST", at, object{"name": "CVE", "message": first, "applied_tags": []string{"12", "11"}})
	require.Equal(t, out.object["id"], out.object["message"].(object)["id"])
	require.Equal(t, []string{"a", "b"}, r.d.In("forum").Post("CVE").Tags)
	id, _ := out.object["id"].(string)
	r.call(200, "PATCH", "/channels/"+id, object{"applied_tags": []string{"13"}, "archived": true})
	post := r.d.Posts("forum")[0]
	require.Equal(t, []string{"c"}, post.Tags)
	require.True(t, post.Archived)

	first["nonce"], first["enforce_nonce"] = "k", true
	r.call(201, "POST", at, object{"name": "twice", "message": first, "applied_tags": []string{"11"}})
	r.call(201, "POST", at, object{"name": "twice", "message": first, "applied_tags": []string{"11"}})
	require.Len(t, r.d.Posts("forum"), 3, "a nonce does nothing here")
	r.d.Offends(fake.FutileNonce)
}

func TestAForumHas20TagsOf20Characters(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Guilds = []fake.Guild{{Name: "g", Bot: fake.BotDefault | fake.ManageChannels, Channels: []fake.Channel{{Name: "forum", Kind: fake.Forum}}}}
	r := newRaw(t, opt)
	at := "/channels/" + r.channel("forum")
	tags := func(n int) []object {
		return make2(n, func(i int) object { return object{"name": fmt.Sprint("t", i)} })
	}
	r.bad("available_tags", "BASE_TYPE_MAX_LENGTH", "PATCH", at, object{"available_tags": tags(21)})
	r.bad("available_tags.0.name", "BASE_TYPE_MAX_LENGTH", "PATCH", at, object{"available_tags": []object{{"name": strings.Repeat("n", 21)}}})
	r.call(200, "PATCH", at, object{"available_tags": tags(20)})
	_, err := fake.Start(fake.Options{Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{Name: "f", Kind: fake.Forum, Tags: make([]fake.Tag, 21)}}}}})
	require.ErrorContains(t, err, "20 tags")
}

func TestPublishedMessagesAreCopiedEditedAndMarked(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	id := r.post("advisories", object{"content": "advisory 7", "components": []object{row(button("a"))}})
	at := r.messages("advisories") + "/" + id
	r.refuses(50024, "POST", r.messages("responders")+"/"+r.post("responders", object{"content": "x"})+"/crosspost", nil)
	r.call(200, "POST", at+"/crosspost", nil)
	r.refuses(40033, "POST", at+"/crosspost", nil)
	dup := r.d.In("news").SeesOnce("advisory 7")
	require.Equal(t, "community #advisories", dup.Author)
	require.Empty(t, dup.Buttons)
	require.True(t, r.d.In("advisories").Sees("advisory 7").Published)
	for i := range 3 {
		r.call(200, "PATCH", at, object{"content": fmt.Sprint("advisory 7 v", i+2), "allowed_mentions": none})
	}
	r.d.In("news").SeesOnce("advisory 7 v4")
	out := r.refuses(20022, "PATCH", at, object{"content": "v5", "allowed_mentions": none})
	require.Equal(t, 429, out.status)
	require.NotEmpty(t, out.header.Get("Retry-After"))
	require.Len(t, r.d.Copies(id), 1)
	r.call(204, "DELETE", at, nil)
	gone := r.d.In("news").SeesOnce("[Original Message Deleted]")
	require.True(t, gone.SourceDeleted)
}

func TestTenPublishesAnHour(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	publish := func() string {
		return r.messages("advisories") + "/" + r.post("advisories", object{"content": "x"}) + "/crosspost"
	}
	for range 10 {
		r.call(200, "POST", publish(), nil)
	}
	last := publish()
	require.Equal(t, 429, r.refuses(20028, "POST", last, nil).status)
	r.d.Advance(time.Hour)
	r.call(200, "POST", last, nil)
}

func TestFollowingAndWebhooks(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.call(200, "POST", "/channels/"+r.channel("advisories")+"/followers", object{"webhook_channel_id": r.channel("responders")})
	r.refuses(50024, "POST", "/channels/"+r.channel("news")+"/followers", object{"webhook_channel_id": r.channel("responders")})
	hooks := "/channels/" + r.channel("responders") + "/webhooks"
	h := r.call(200, "POST", hooks, object{"name": "watchdog"}).object
	at := fmt.Sprintf("/webhooks/%v/%v", h["id"], h["token"])
	r.token = ""
	r.call(204, "POST", at, say("bot is silent"))
	out := r.call(200, "POST", at+"?wait=true", say("bot is still silent"))
	require.Equal(t, "watchdog", r.d.In("responders").SeesOnce("still").Author)
	r.call(200, "PATCH", fmt.Sprintf("%s/messages/%v", at, out.object["id"]), say("bot is back"))
	r.refuses(10008, "PATCH", at+"/messages/5", say("x"))
	r.token = r.d.Token()
	for range 14 {
		r.call(200, "POST", hooks, object{"name": "w"})
	}
	r.refuses(30007, "POST", hooks, object{"name": "one more"})
	require.Contains(t, string(r.call(200, "GET", hooks, nil).body), "watchdog")
}

func TestAGuildHas1000Webhooks(t *testing.T) {
	t.Parallel()
	opt := free
	world := fake.Guild{Name: "g"}
	for i := range 68 {
		world.Channels = append(world.Channels, fake.Channel{Name: fmt.Sprint("c", i)})
	}
	opt.Guilds = []fake.Guild{world}
	r := newRaw(t, opt)
	for i := range 1000 {
		r.call(200, "POST", "/channels/"+r.channel(fmt.Sprint("c", i/15))+"/webhooks", object{"name": "w"})
	}
	r.refuses(30058, "POST", "/channels/"+r.channel("c67")+"/webhooks", object{"name": "w"})
}

func TestPermissionsFollowRolesAndOverwrites(t *testing.T) {
	t.Parallel()
	d := fake.New(t, fake.Options{})
	_, err := d.Say("responder", "leads", "x")
	require.ErrorContains(t, err, "does not see")
	d.User("lead-1").Says("leads", "hello")
	d.In("leads").SeesOnce("hello")
	require.NoError(t, d.Kick(""))
	_, err = d.Run("lead-1", "responders", "/allclear")
	require.ErrorContains(t, err, "not in")
}

func TestAnOutageAnswers503(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	require.NoError(t, r.d.Outage("", true))
	r.call(503, "POST", r.messages("responders"), say("x"))
}
