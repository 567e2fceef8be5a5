package discord

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

func says(text string) chat.Message { return chat.Say(chat.P(text)) }

const posting = "POST /channels/{channel}/messages"

func TestAMessageIsPostedOnceUnderItsKeyWhateverBecomesOfTheReply(t *testing.T) {
	t.Parallel()
	for _, forgotten := range []bool{false, true} {
		st, _ := attended(t, discordfake.Options{IgnoreNonces: forgotten}, nil)
		st.NextCalls(posting, 1, discordfake.DropAfter())
		_, err := st.p.Post(t.Context(), st.here(), says("once"), "key")
		require.Error(t, err)
		require.False(t, errors.As(err, new(*chat.Permanent)) || errors.As(err, new(*chat.RetryAfter)), "it may have arrived")
		id, found, err := st.p.Find(t.Context(), st.here(), "key")
		require.NoError(t, err)
		require.True(t, found)
		if !forgotten {
			again, err := st.p.Post(t.Context(), st.here(), says("once"), "key")
			require.NoError(t, err)
			require.Equal(t, id, again, "Discord knows the nonce")
		}
		require.Equal(t, id, st.In("responders").SeesOnce("once").ID)
	}
}

func TestTheOutboxIsToldToWaitAndNothingIsAskedBefore(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	st.NextCalls(posting, 1, discordfake.TooMany(30*time.Second))
	var again *chat.RetryAfter
	for range 3 {
		_, err := st.p.Post(t.Context(), st.here(), says("later"), "key")
		require.ErrorAs(t, err, &again)
		require.Greater(t, again.After, 25*time.Second)
	}
	require.Len(t, st.Calls(posting), 1, "what is too much is not asked")
	st.NextCalls("GET /channels/{channel}", 1, discordfake.TooManyGlobally(20*time.Second))
	_, err := st.p.Ceiling(t.Context(), state.Place{Platform: Name, Workspace: st.guild, Channel: "99"})
	require.ErrorAs(t, err, &again)
	_, _, err = st.p.Find(t.Context(), st.here(), "key")
	require.ErrorAs(t, err, &again, "a global limit holds for all")
}

func TestTheRatesOfTheHeadersAreKept(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{Limits: discordfake.Limits{Routes: map[string]discordfake.Rate{posting: {N: 2, Per: 100 * time.Millisecond}}}}, nil)
	for i := range 7 {
		_, err := st.p.Post(t.Context(), st.here(), says("x"), string(rune('a'+i)))
		require.NoError(t, err)
	}
	st.In("responders").Count(7)
	require.Zero(t, st.InvalidCalls())
}

func TestOnlyWhomNotifyNamesIsCalled(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	role, err := st.RoleID("", "on-call")
	require.NoError(t, err)
	links := map[string]string{
		"owner:a": Link(st.User("lead-1").ID()), "group:b": RoleLink(st.guild, role), "group:elsewhere": RoleLink("12", role), "person:c": "slack:T1:U1",
	}
	st.p.opt.Mention = func(_ context.Context, name string) (string, bool) { l, ok := links[name]; return l, ok }
	m := says("act now @everyone <@" + st.User("lead-2").ID() + ">")
	m.Notify = []string{"owner:a", "owner:a", "group:b", "group:elsewhere", "person:c", "owner:@everyone", "link:<@&" + role + ">"}
	_, err = st.p.Post(t.Context(), st.here(), m, "key")
	require.NoError(t, err)
	s := st.In("responders").Sees("act now")
	require.ElementsMatch(t, []string{"@lead-1", "@on-call"}, s.Pings)
	require.Contains(t, s.Text, "elsewhere c @everyone")
	for _, call := range st.Calls(posting) {
		require.Contains(t, string(call.Body), `"parse":[]`)
	}
}

func TestACardThatIsTooOldIsPostedAnewAndTheOldOneTakenAway(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	st.p.opt.Now = st.Fake.Now
	id, err := st.p.Post(t.Context(), st.here(), says("board 1"), "a")
	require.NoError(t, err)
	require.NoError(t, st.p.Pin(t.Context(), st.here(), id))
	require.NoError(t, st.p.Pin(t.Context(), st.here(), id))
	require.NoError(t, st.p.Edit(t.Context(), st.here(), id, says("board 2"), "b"))
	st.In("responders").Pinned("board 2")
	st.Advance(2 * time.Hour)
	require.ErrorAs(t, st.p.Edit(t.Context(), st.here(), id, says("board 3"), "c"), new(*chat.Permanent))
	newer, err := st.p.Post(t.Context(), st.here(), says("board 3"), "c")
	require.NoError(t, err)
	require.NoError(t, st.p.Pin(t.Context(), st.here(), newer))
	st.In("responders").NoLonger("board 2")
	st.In("responders").Pinned("board 3")

	topic := says("advisory 7")
	topic.Topic = chat.Topic{TLP: state.TLPClear, Title: "Advisory 7"}
	require.ErrorAs(t, st.p.Edit(t.Context(), st.here(), id, topic, "d"), new(*chat.Permanent), "it is gone")
}

func TestAThreadIsBegunAtItsHeadAndIsQuiet(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	head, err := st.p.Post(t.Context(), st.here(), says("farm *one*"), "head")
	require.NoError(t, err)
	in := st.here()
	in.Thread = head
	_, found, err := st.p.Find(t.Context(), in, "log 1")
	require.NoError(t, err)
	require.False(t, found)
	for _, text := range []string{"log 1", "log 2"} {
		_, err = st.p.Post(t.Context(), in, says(text), text)
		require.NoError(t, err)
	}
	thread := st.In("responders").Thread("farm one")
	require.True(t, thread.SeesOnce("log 1").Silent)
	require.True(t, thread.SeesOnce("log 2").Silent)
	loud := says("regression")
	loud.Broadcast = true
	id, err := st.p.Post(t.Context(), in, loud, "loud")
	require.NoError(t, err)
	s := st.In("responders").SeesOnce("regression")
	require.Equal(t, head, s.ReplyTo)
	require.False(t, s.Silent)
	got, found, err := st.p.Find(t.Context(), in, "loud")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, id, got)
	loud.Parts = says("settled").Parts
	require.NoError(t, st.p.Edit(t.Context(), in, id, loud, "loud 2"))
	st.In("responders").SeesOnce("settled")
}

func TestAForumHasAPostForEachTopic(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	place := state.Place{Platform: Name, Workspace: st.guild, Channel: st.In("reports").ID(), Ceiling: state.TLPClear, Form: state.FormForum}
	m := says("version 1")
	m.Topic = chat.Topic{TLP: state.TLPClear, Title: "Advisory 7", Tags: []string{"Active", "unknown"}}
	id, err := st.p.Post(t.Context(), place, m, "key")
	require.NoError(t, err)
	post := st.In("reports").Post("Advisory 7")
	require.Equal(t, []string{"active"}, post.Tags)
	got, found, err := st.p.Find(t.Context(), place, "key")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, id, got)
	news := says("it is now version 2")
	news.Broadcast = true
	in := place
	in.Thread = id
	_, err = st.p.Post(t.Context(), in, news, "news")
	require.NoError(t, err)
	require.Len(t, st.In("reports").Post("Advisory 7").Messages, 2, "what is for its readers is said in it")
	require.Len(t, st.Posts("reports"), 1)
	m = says("version 2")
	m.Topic = chat.Topic{TLP: state.TLPClear, Title: "Advisory 7: withdrawn", Tags: []string{"patched"}}
	require.NoError(t, st.p.Edit(t.Context(), place, id, m, "key 2"))
	post = st.In("reports").Post("Advisory 7: withdrawn")
	require.Equal(t, []string{"patched"}, post.Tags)
	require.Equal(t, "version 2", post.Messages[0].Text)
	_, found, err = st.p.Find(t.Context(), place, "other")
	require.NoError(t, err)
	require.False(t, found)
}

func TestWhatDiscordRefusedDidNotArrive(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	require.NoError(t, st.Permit("responders", 0, discordfake.SendMessages))
	_, err := st.p.Post(t.Context(), st.here(), says("hello"), "key")
	require.ErrorAs(t, err, new(*chat.Refused))
	st.NextCalls("POST /channels/{channel}/messages", 1, discordfake.ServerError(http.StatusBadGateway))
	_, err = st.p.Post(t.Context(), st.here(), says("hello"), "key")
	require.Error(t, err)
	require.False(t, errors.As(err, new(*chat.Refused)), "it may have arrived")
}

func TestWhatIsAnnouncedIsPublishedAndNotPostedBeforeItCanBe(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	place := state.Place{Platform: Name, Workspace: st.guild, Channel: st.In("advisories").ID(), Ceiling: state.TLPClear}
	ceiling, err := st.p.Ceiling(t.Context(), place)
	require.NoError(t, err)
	require.Equal(t, state.TLPClear, ceiling, "what is announced goes on to others")
	const crosspost = "POST /channels/{channel}/messages/{message}/crosspost"
	id, err := st.p.Post(t.Context(), place, says("advisory 1"), "one")
	require.NoError(t, err)
	require.Equal(t, id, st.In("news").SeesOnce("advisory 1").CopyOf)

	st.NextCalls(crosspost, 1, discordfake.ServerError(http.StatusInternalServerError))
	_, err = st.p.Post(t.Context(), place, says("advisory 2"), "two")
	require.Error(t, err)
	require.False(t, errors.As(err, new(*chat.RetryAfter)) || errors.As(err, new(*chat.Permanent)), "it is there")
	_, found, err := st.p.Find(t.Context(), place, "two")
	require.NoError(t, err)
	require.True(t, found, "and is published when it is found")
	st.In("news").SeesOnce("advisory 2")

	st.NextCalls(crosspost, 1, discordfake.TooMany(time.Hour))
	_, err = st.p.Post(t.Context(), place, says("advisory 3"), "three")
	require.Error(t, err)
	_, err = st.p.Post(t.Context(), place, says("advisory 4"), "four")
	require.ErrorAs(t, err, new(*chat.RetryAfter))
	st.In("advisories").SeesNothing("advisory 4")
}

func TestAnAnswerAfterTheFifteenMinutesIsAMessageOfOurOwn(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	st.p.opt.Now = st.Fake.Now
	public := st.User("lead-1").Runs("responders", "/allclear scan")
	public.Thinks()
	req := d.last(t)
	private := st.User("lead-1").Runs("responders", "/allclear server show", discordfake.With("server", "sp-01"))
	private.Thinks()
	reqPrivate := d.last(t)
	st.Advance(20 * time.Minute)
	_, err := st.p.Post(t.Context(), req.Place, says("late"), "answer "+req.ID)
	require.NoError(t, err)
	require.Empty(t, st.In("responders").SeesOnce("late").For)
	place := reqPrivate.Place
	place.Person = reqPrivate.Actor.Link
	_, err = st.p.Post(t.Context(), place, says("late and private"), "answer "+reqPrivate.ID)
	require.NoError(t, err)
	st.In("responders").SeesNothing("late and private")
	require.Contains(t, st.In("DM with lead-1").SeesOnce("late and private").Where, "DM")
	_, _, err = st.p.Find(t.Context(), place, "answer "+reqPrivate.ID)
	require.ErrorIs(t, err, chat.ErrCannotLook)
}

func TestAnAnswerIsFoundByWhoDidNotGiveIt(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	x := st.User("lead-1").Runs("responders", "/allclear server show", discordfake.With("server", "sp-01"))
	x.Thinks()
	place := d.last(t).Place
	place.Person = d.last(t).Actor.Link
	other := st.platform(t, st.opt) // another replica
	require.NoError(t, other.whoAmI(t.Context()))
	_, found, err := other.Find(t.Context(), place, "key")
	require.NoError(t, err)
	require.False(t, found)
	id, err := other.Post(t.Context(), place, says("first"), "key")
	require.NoError(t, err)
	x.GetsPrivately("first")
	got, found, err := st.p.Find(t.Context(), place, "key")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, id, got)
	again, err := other.Post(t.Context(), place, says("first"), "key")
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.NoError(t, other.Edit(t.Context(), place, id, says("second"), "key 2"))
	x.GetsPrivately("second")
	_, err = other.Post(t.Context(), place, says("and more"), "another key")
	require.NoError(t, err)
	x.GetsPrivately("and more")
	_, _, err = other.Find(t.Context(), place, "another key")
	require.ErrorIs(t, err, chat.ErrCannotLook)
}

func TestAPersonIsWrittenToDirectly(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	place, ok := state.Direct(Link(st.User("responder").ID()))
	require.True(t, ok)
	id, err := st.p.Post(t.Context(), place, says("your servers"), "key")
	require.NoError(t, err)
	require.NoError(t, st.p.Edit(t.Context(), place, id, says("none"), "key 2"))
	st.In("DM with responder").SeesOnce("none")
	got, found, err := st.p.Find(t.Context(), place, "key")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, id, got)
	for _, person := range []string{"slack:T1:U1", "discord:", "discord:x", "discord:1:2"} {
		_, err := st.p.Post(t.Context(), state.Place{Platform: Name, Person: person}, says("x"), "k")
		require.ErrorAs(t, err, new(*chat.Permanent), person)
	}
}

func TestWhatIsWrongIsClassified(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	for _, c := range []struct {
		fault discordfake.Fault
		never bool
	}{
		{discordfake.Answer(404, 10003, "Unknown Channel"), true},
		{discordfake.Answer(400, 50035, "Invalid Form Body"), true},
		{discordfake.Answer(403, 50007, "Cannot send messages to this user"), true},
		{discordfake.Answer(403, 50013, "Missing Permissions"), false},
		{discordfake.Answer(403, 50001, "Missing Access"), false},
		{discordfake.ServerError(502), false},
		{discordfake.Garbage(), false},
		{discordfake.DropBefore(), false},
	} {
		st.NextCalls(posting, 1, c.fault)
		_, err := st.p.Post(t.Context(), st.here(), says("x"), "key "+time.Now().String())
		require.Error(t, err)
		require.Equal(t, c.never, errors.As(err, new(*chat.Permanent)), err.Error())
		require.NotContains(t, err.Error(), "http")
	}
	for _, place := range []state.Place{{}, {Channel: "x"}, {Channel: "../../users/@me"}} {
		_, err := st.p.Post(t.Context(), place, says("x"), "k")
		require.ErrorAs(t, err, new(*chat.Permanent))
		_, _, err = st.p.Find(t.Context(), place, "k")
		require.Error(t, err)
		require.Error(t, st.p.Pin(t.Context(), place, "1"))
	}
	require.NoError(t, st.DeleteChannel("news"))
	soon(t, "it is seen", func() bool { return st.counts.Of("channel deleted") == 1 })
	here := st.here()
	_, err := st.p.Post(t.Context(), here, says("x"), "last")
	require.NoError(t, err)
	require.Empty(t, st.p.Note(), "nobody writes to the one that is gone, and this one is there")
	require.NoError(t, st.DeleteChannel("responders"))
	soon(t, "it is told with readiness", func() bool { return st.p.Note() == "channels that are gone: 1" })
	require.NoError(t, st.p.Ready())
	fresh := st.platform(t, st.opt)
	require.NoError(t, fresh.whoAmI(t.Context()))
	_, err = fresh.Post(t.Context(), here, says("x"), "later")
	require.ErrorAs(t, err, new(*chat.Permanent))
	require.Equal(t, "channels that are gone: 1", fresh.Note(), "who did not see it go")
}
