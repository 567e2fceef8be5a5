package slack

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// callable knows two names.
func callable(o *Options) {
	o.Mention = func(_ context.Context, name string) (string, bool) {
		link, ok := map[string]string{
			"person:lead-1": Link(slackfake.TeamID, slackfake.Lead1), "group:sp": Link(slackfake.TeamID, slackfake.SPTeam), "person:odd": "discord:1:2",
		}[name]
		return link, ok
	}
}

func incidentPlace() state.Place { return at(slackfake.Incident) }

func TestAMessageIsPostedWithItsKeyAndNotEvenALinkInItIsLookedAt(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	m := chat.Say(chat.P("see https://evil.example and @here <!channel>"))
	m.About = chat.About{Incident: "ts-1", Server: "sp-01"}
	id, err := st.p.Post(t.Context(), incidentPlace(), m, "answer r-1 @ slack")
	require.NoError(t, err)

	shown := st.In("incident").Last()
	require.Equal(t, id, shown.TS)
	require.Equal(t, "see https://evil.example and @here <!channel>", shown.Text)
	require.Empty(t, shown.Pings)
	require.Empty(t, shown.Mentions)
	require.Empty(t, shown.Links())
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), shown.ClientID)
	require.Equal(t, map[string]any{
		"event_type": "allclear_message", "event_payload": map[string]any{"key": hashOf("answer r-1 @ slack"), "incident": "ts-1", "server": "sp-01"},
	}, plainJSON(t, shown.Metadata))

	args := st.called(t, 1, "chat.postMessage")[0].Args
	for name, want := range map[string]string{"unfurl_links": "false", "unfurl_media": "false", "parse": "none", "link_names": "false", "mrkdwn": "false"} {
		require.Equal(t, want, args[name], name)
	}
	require.NotContains(t, text(args), "answer r-1", "a key may hold names")
}

// called are the calls of a method, when there are so many: Slack answers before it
// writes a call down.
func (st *stage) called(t *testing.T, n int, method string) []slackfake.Call {
	t.Helper()
	st.Eventually("it is called", func() bool { return len(st.Calls(method)) >= n })
	return st.Calls(method)
}

// plainJSON is a value of JSON as Go reads it.
func plainJSON(t *testing.T, v any) (out map[string]any) {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func text(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

func TestAnEditReplacesTheMessageAndLeavesItsKey(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, callable)
	m := chat.Say(chat.P("first"))
	m.Notify = []string{"person:lead-1"}
	id, err := st.p.Post(t.Context(), incidentPlace(), m, "k-1")
	require.NoError(t, err)
	require.NoError(t, st.p.Edit(t.Context(), incidentPlace(), id, chat.Say(chat.P("second")), "k-2"))
	all := st.Messages("incident")
	require.Len(t, all, 1)
	require.Equal(t, "second", all[0].Text)
	found, ok, err := st.p.Find(t.Context(), incidentPlace(), "k-1")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, id, found)
	args := st.called(t, 1, "chat.update")[0].Args
	require.Equal(t, "none", args["parse"], "chat.update would look for names by default")
	require.Len(t, st.called(t, 1, "conversations.replies"), 1, "what belongs to it is looked for when it says that there is something")
}

func TestAMessageThatIsGoneIsPostedAnew(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	for name, reply := range map[string]bool{"alone": false, "with a thread": true} {
		id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("first")), name)
		require.NoError(t, err)
		if reply {
			place := incidentPlace()
			place.Thread = id
			_, err = st.p.Post(t.Context(), place, chat.Say(chat.P("reply")), "reply")
			require.NoError(t, err)
		}
		_, _, err = st.p.api.DeleteMessageContext(t.Context(), slackfake.Incident, id)
		require.NoError(t, err)
		require.True(t, isPermanent(st.p.Edit(t.Context(), incidentPlace(), id, chat.Say(chat.P("second")), "k-2")), name)
	}
}

func TestWithoutTheScopeToLookMessagesAreEditedAllTheSame(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{Scopes: []string{"chat:write"}}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("first")), "k")
	require.NoError(t, err)
	require.NoError(t, st.p.Edit(t.Context(), incidentPlace(), id, chat.Say(chat.P("second")), "k-2"))
	require.Equal(t, "second", st.In("incident").Last().Text)
	_, _, err = st.p.Find(t.Context(), incidentPlace(), "k")
	require.ErrorIs(t, err, chat.ErrCannotLook)
	require.Contains(t, st.log.String(), "channels:history", "it says what is missing")
}

func TestWhomNotifyNamesIsCalledInOneLineAndNobodyElse(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, callable)
	m := chat.Say(chat.P("<@U0LEAD00002> look"))
	m.Notify = []string{"person:lead-1", "group:sp", "person:lead-1", "owner:<!here>", "person:odd"}
	_, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
	require.NoError(t, err)
	shown := st.In("incident").Last()
	require.ElementsMatch(t, []string{slackfake.Lead1, slackfake.SPTeam}, shown.Pings)
	require.Equal(t, "@lead-1 @sp-team <!here> odd\n<@U0LEAD00002> look", shown.Text)

	place := incidentPlace()
	place.Person = Link(slackfake.TeamID, slackfake.Responder)
	_, err = st.p.Post(t.Context(), place, m, "k-2")
	require.NoError(t, err)
	require.Empty(t, st.Ephemerals("responder")[0].Mentions)
	require.Equal(t, "<@U0LEAD00002> look", st.Ephemerals("responder")[0].Text)
}

func TestManyNamesAreNotAllCalled(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Mention = func(_ context.Context, name string) (string, bool) {
			return Link(slackfake.TeamID, slackfake.Lead1), true
		}
	})
	m := chat.Say(chat.P("all of you"))
	for i := range 80 {
		m.Notify = append(m.Notify, "person:"+number(i))
	}
	_, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
	require.NoError(t, err)
	require.Contains(t, st.In("incident").Last().Text, "and 30 more, who are not notified")
}

func TestAThreadIsKeptAndLoudOnesAreShownInTheChannelAsWell(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	head, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("card")), "card")
	require.NoError(t, err)
	place := incidentPlace()
	place.Thread = head
	quiet, loud := chat.Say(chat.P("quiet")), chat.Say(chat.P("loud"))
	loud.Broadcast = true
	for key, m := range map[string]chat.Message{"quiet": quiet, "loud": loud} {
		id, err := st.p.Post(t.Context(), place, m, key)
		require.NoError(t, err)
		found, ok, err := st.p.Find(t.Context(), place, key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, id, found)
	}
	for _, m := range st.Thread("incident", head)[1:] {
		require.Equal(t, head, m.ThreadTS)
		require.Equal(t, m.Text == "loud", m.Broadcast)
	}
	place.Thread = "reply 0123" // not a name of Slack's: the head was answered without one
	_, err = st.p.Post(t.Context(), place, chat.Say(chat.P("no thread")), "none")
	require.NoError(t, err)
	require.Empty(t, st.In("incident").Last().ThreadTS)
}

func TestOnePersonIsWrittenToDirectly(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	place := state.Place{Platform: Name, Workspace: slackfake.TeamID, Person: Link(slackfake.TeamID, slackfake.Manager)}
	id, err := st.p.Post(t.Context(), place, chat.Say(chat.P("for you")), "k")
	require.NoError(t, err)
	require.Equal(t, "for you", st.DM("manager").Last().Text)
	found, ok, err := st.p.Find(t.Context(), place, "k")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, id, found)
	require.NoError(t, st.p.Edit(t.Context(), place, id, chat.Say(chat.P("for you, again")), "k-2"))
	require.Equal(t, "for you, again", st.DM("manager").Last().Text)
	require.Len(t, st.called(t, 1, "conversations.open"), 1, "it is opened once")

	direct := at(st.DM("manager").Last().Channel)
	direct.Person = place.Person
	_, err = st.p.Post(t.Context(), direct, chat.Say(chat.P("and here")), "k-3")
	require.NoError(t, err)
	require.Equal(t, "and here", st.DM("manager").Last().Text, "nobody else reads a direct conversation")
	require.Empty(t, st.Ephemerals("manager"))

	for person, want := range map[string]string{Link(slackfake.TeamID, slackfake.Gone): "user_disabled", Link(slackfake.TeamID, "U0NOBODY001"): "user_not_found", "discord:1:2": "nobody of Slack"} {
		place.Person = person
		_, err = st.p.Post(t.Context(), place, chat.Say(chat.P("x")), "k-4")
		require.ErrorAs(t, err, new(*chat.Permanent))
		require.ErrorContains(t, err, want)
	}
}

func TestAHomeIsPublishedAndPublishedAgain(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	place := state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: homeChannel, Person: Link(slackfake.TeamID, slackfake.Lead1)}
	id, err := st.p.Post(t.Context(), place, everyPart("home <!channel>"), "k")
	require.NoError(t, err)
	require.Equal(t, "home", id)
	home, ok := st.Home("lead-1")
	require.True(t, ok)
	require.Contains(t, home.Text, "home <!channel>")
	require.NoError(t, st.p.Edit(t.Context(), place, id, chat.Say(chat.P("changed")), "k-2"))
	home, _ = st.Home("lead-1")
	require.Equal(t, "changed", home.Text)
	_, ok, err = st.p.Find(t.Context(), place, "k")
	require.NoError(t, err)
	require.False(t, ok, "it is published again, which doubles nothing")
	_, err = st.p.Post(t.Context(), state.Place{Platform: Name, Channel: homeChannel}, chat.Say(chat.P("x")), "k")
	require.ErrorAs(t, err, new(*chat.Permanent))
}

func TestAChartIsDrawnWhereTheWorkspaceDrawsThemAndIsAPictureElsewhere(t *testing.T) {
	t.Parallel()
	m := chat.Say(chat.H("Digest"), picture())
	st := newStage(t, false, slackfake.Options{}, nil)
	_, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
	require.NoError(t, err)
	require.Contains(t, st.In("incident").Last().Text, "(chart: Servers not confirmed)")
	require.Contains(t, st.In("incident").Last().Text, "Open servers fell")

	st = newStage(t, false, slackfake.Options{NoCharts: true}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
	require.NoError(t, err)
	st.Eventually("the picture is in the thread", func() bool { return len(st.Thread("incident", id)) == 2 })
	file := st.Thread("incident", id)[1].Files[0]
	require.Equal(t, "burn-down.png", file.Title)
	require.Equal(t, "Open servers fell from 61 to 17.", file.Alt)
	require.Equal(t, picture().PNG, file.Data)
	st.called(t, 2, "chat.postMessage")
	_, err = st.p.Post(t.Context(), incidentPlace(), m, "k-2")
	require.NoError(t, err)
	require.Len(t, st.called(t, 3, "chat.postMessage"), 3, "that charts are refused is remembered")
	require.NoError(t, st.p.Edit(t.Context(), incidentPlace(), id, m, "k-3"))
	require.Len(t, st.Thread("incident", id), 2, "the picture is there already")
}

func TestNothingIsPostedWithoutAnEnd(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("*", -1, slackfake.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := st.p.Post(ctx, incidentPlace(), chat.Say(chat.P("x")), "k")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, classifiedAs(err))
	_, _, err = st.p.Find(ctx, incidentPlace(), "k")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestHostileMessagesNotifyNobodyAsSlackReadsThem(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	hostile := strings.Join([]string{
		"<!channel> <!here> <!everyone> @channel @here", "<@" + slackfake.Lead1 + ">", "<!subteam^" + slackfake.SPTeam + ">", "<#" + slackfake.Incident + ">", "@lead-1 @sp-team",
		"https://evil.example <https://evil.example|good>", "*b* _i_ ~s~ `c` > q",
	}, " ")
	for i, place := range []state.Place{incidentPlace(), at(slackfake.Lead1)} {
		_, err := st.p.Post(t.Context(), place, everyPart(hostile), "k"+number(i))
		require.NoError(t, err)
	}
	for _, m := range st.All() {
		require.Empty(t, m.Mentions, m.Text)
		require.Empty(t, m.Links(), m.Text)
	}
	require.Empty(t, st.In("incident").Messages()[0].Pings)
}
