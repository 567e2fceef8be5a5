package slack

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// private is a place for the eyes of the responder.
func private(channel string) state.Place {
	place := at(channel)
	place.Person = Link(slackfake.TeamID, slackfake.Responder)
	return place
}

// askedIn is where a command was typed, with the address for answers.
func askedIn(t *testing.T, st *stage, channel string) state.Place {
	t.Helper()
	desk := &notebook{}
	st.runs(t, desk)
	st.User("responder").Types(channel, "/allclear status")
	place := desk.only(t).Place
	require.NotEmpty(t, place.Reply)
	return place
}

func TestAPrivateAnswerIsSeenByOnePersonInTheirThread(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	head, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("card")), "card")
	require.NoError(t, err)
	place := private(slackfake.Incident)
	place.Thread = head
	id, err := st.p.Post(t.Context(), place, chat.Say(chat.P("for your eyes")), "k")
	require.NoError(t, err)
	shown := st.Ephemerals("responder")
	require.Len(t, shown, 1)
	require.Equal(t, "for your eyes", shown[0].Text)
	require.Equal(t, head, shown[0].ThreadTS)
	_, _, err = st.p.Find(t.Context(), place, "k")
	require.ErrorIs(t, err, chat.ErrCannotLook)
	require.True(t, isPermanent(st.p.Edit(t.Context(), place, id, chat.Say(chat.P("done")), "k-2")), "it is said anew")
	require.NoError(t, st.p.Edit(t.Context(), place, id, chat.Say(chat.Bar(1, 3)), "k-3"), "how far it is need not be said again")
	require.Len(t, st.Ephemerals("responder"), 1)
}

func TestALongPrivateAnswerGoesOnBelowAndItsFilesAreSentDirectly(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	_, err := st.p.Post(t.Context(), private(slackfake.Incident), longMessage(300), "k")
	require.NoError(t, err)
	shown := st.Ephemerals("responder")
	require.Len(t, shown, 2)
	require.Contains(t, shown[0].Text, "1 of 2 · it goes on below")
	require.Contains(t, shown[1].Text, "That was all.")

	_, err = st.p.Post(t.Context(), private(slackfake.Incident), longMessage(900), "k-2")
	require.NoError(t, err)
	require.Contains(t, st.Ephemerals("responder")[2].Text, "All of it is in message.txt, sent to you directly.")
	st.Eventually("the file is there", func() bool { return len(st.DM("responder").Messages()) == 1 })
	file := st.DM("responder").Last().Files[0]
	require.Equal(t, 900, strings.Count(string(file.Data), "nothing is known of it yet"))
	require.Empty(t, st.Messages("incident"), "nobody else sees it")
}

func TestAPrivateAnswerThatBreaksOffIsNotSaidToBeUnsaid(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("chat.postEphemeral", 1, slackfake.Fault{})
	st.NextCalls("chat.postEphemeral", 1, slackfake.RateLimited(time.Minute))
	_, err := st.p.Post(t.Context(), private(slackfake.Incident), longMessage(300), "k")
	require.Error(t, err)
	require.False(t, classifiedAs(err))

	st.NextCalls("chat.postEphemeral", 1, slackfake.RateLimited(time.Minute))
	_, err = st.p.Post(t.Context(), private(slackfake.Secret), chat.Say(chat.P("x")), "k-2")
	require.True(t, isPace(err), "nothing was posted")
}

func TestWhereWeAreNotTheAnswerGoesThroughTheAddressOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, personally := range map[string]bool{"in private": true, "in public": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			place := askedIn(t, st, "general")
			if personally {
				place.Person = Link(slackfake.TeamID, slackfake.Responder)
			}
			id, err := st.p.Post(t.Context(), place, chat.Say(chat.P("the answer <!here> https://evil.example")), "k")
			require.NoError(t, err)
			shown := st.Messages("general")
			if personally {
				require.Empty(t, shown)
				shown = st.Ephemerals("responder")
			}
			require.Len(t, shown, 1)
			require.Equal(t, "the answer <!here> https://evil.example", shown[0].Text)
			require.Empty(t, shown[0].Pings)
			_, _, err = st.p.Find(t.Context(), place, "k")
			require.ErrorIs(t, err, chat.ErrCannotLook)
			require.True(t, isPermanent(st.p.Edit(t.Context(), place, id, chat.Say(chat.P("done")), "k-2")))
			args := st.called(t, 1, "response_url")[0].Args
			require.Equal(t, false, args["replace_original"])
			require.Equal(t, false, args["unfurl_links"])
		})
	}
}

func TestTheAddressForAnswersWorksFiveTimesAndIsNeverTold(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	place := askedIn(t, st, "general")
	for i := range 5 {
		_, err := st.p.Post(t.Context(), place, chat.Say(chat.P("answer")), number(i))
		require.NoError(t, err)
	}
	_, err := st.p.Post(t.Context(), place, chat.Say(chat.P("answer")), "six")
	require.ErrorContains(t, err, "not_in_channel", "what can be mended")
	require.False(t, classifiedAs(err))
	st.NextCalls("response_url", 1, slackfake.Lost())
	_, lost := st.p.Post(t.Context(), place, chat.Say(chat.P("answer")), "seven")
	require.Error(t, lost)
	require.False(t, classifiedAs(lost))
	st.NextCalls("response_url", 1, slackfake.RateLimited(3*time.Second))
	_, busy := st.p.Post(t.Context(), place, chat.Say(chat.P("answer")), "eight")
	var again *chat.RetryAfter
	require.ErrorAs(t, busy, &again)
	require.Equal(t, 3*time.Second, again.After)
	place.Reply = "://" + place.Reply
	_, odd := st.p.Post(t.Context(), place, chat.Say(chat.P("answer")), "nine")
	ticket := place.Reply[strings.LastIndex(place.Reply, "/")+1:]
	for _, err := range []error{err, lost, busy, odd} {
		require.NotContains(t, err.Error(), ticket)
	}
	require.NotContains(t, st.log.String(), ticket)
}

func TestALongPublicAnswerWhereWeAreNotSaysThatItIsNotAll(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	place := askedIn(t, st, "general")
	_, err := st.p.Post(t.Context(), place, longMessage(300), "k")
	require.NoError(t, err)
	require.Len(t, st.Messages("general"), 2)
	_, err = st.p.Post(t.Context(), place, longMessage(900), "k-2")
	require.NoError(t, err)
	require.Contains(t, st.In("general").Last().Text, "there is no room for all of it here")
}

func TestAnswersOfAResponseURLAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"taken":           {200, "ok", ""},
		"taken in JSON":   {200, `{"ok":true}`, ""},
		"refused":         {404, `{"ok":false,"error":"expired_url"}`, "expired_url"},
		"refused with ok": {200, `{"ok":false,"error":"invalid_blocks"}`, "invalid_blocks"},
		"broken":          {500, "<html>", "500"},
	} {
		resp := &http.Response{StatusCode: c.status, Status: http.StatusText(c.status), Body: http.NoBody}
		resp.Body = body(c.body)
		err := replied(resp)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, classified("x", err), c.want, name)
	}
	resp := &http.Response{StatusCode: 200, Body: body("")}
	resp.Body = failing{}
	require.Error(t, replied(resp))
}

type reader struct{ *strings.Reader }

func (reader) Close() error { return nil }

func body(s string) reader { return reader{strings.NewReader(s)} }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut off") }
func (failing) Close() error             { return nil }

func TestAnAddressForAnswersThatIsNotOneOfSlacksIsNotUsed(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	st := newStage(t, false, slackfake.Options{}, nil)
	place := at(slackfake.General)
	for _, address := range []string{elsewhere.URL, "http://hooks.slack.com/commands/x", "https://hooks.slack.com.example/x", "https://hooks.slack.com@" + strings.TrimPrefix(elsewhere.URL, "http://")} {
		place.Reply = address
		_, err := st.p.Post(t.Context(), place, chat.Say(chat.P("x")), "k")
		require.ErrorContains(t, err, "not_in_channel")
	}
	astray := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(astray.Close)
	require.Error(t, st.p.speak(t.Context(), astray.URL, reply{}, sheet{Text: "x"}))
	require.Zero(t, visits.Load())
}
