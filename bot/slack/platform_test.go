package slack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// notebook is a desk that takes everything, once, and writes it down.
type notebook struct {
	mu     sync.Mutex
	taken  []chat.Request
	asked  []bot.Question
	answer func(chat.Request) (bot.Ack, error) // nil: it is accepted
	names  func(bot.Question) ([]string, error)
}

func (n *notebook) Handle(_ context.Context, req chat.Request) (bot.Ack, error) {
	n.mu.Lock()
	answer := n.answer
	n.mu.Unlock()
	if answer != nil {
		if ack, err := answer(req); err != nil || !ack.Accepted {
			return ack, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.taken {
		if r.ID == req.ID {
			return bot.Ack{Accepted: true, Duplicate: true}, nil
		}
	}
	n.taken = append(n.taken, req)
	return bot.Ack{Accepted: true}, nil
}

func (n *notebook) Suggest(_ context.Context, q bot.Question) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, q)
	if n.names == nil {
		return nil, nil
	}
	return n.names(q)
}

func (n *notebook) Specs() []chat.Spec {
	return []chat.Spec{
		{Path: "menu", Private: true},
		{Path: "home", Private: true},
		{Path: "scan", Args: []chat.Arg{{Name: "server", Type: chat.Server, Optional: true}}, Role: state.RoleResponder},
		{Path: "status", Args: []chat.Arg{{Name: "server", Type: chat.Server, Optional: true}}, Flags: []chat.Arg{{Name: "incident", Type: chat.Incident}}},
		{Path: "evidence add", Args: []chat.Arg{{Name: "report", Type: chat.Upload, Help: "a report"}}, Role: state.RoleResponder},
		{
			Path: "except", Role: state.RoleLead,
			Args: []chat.Arg{{Name: "server", Type: chat.Server, Help: "the server"}, {Name: "reason", Rest: true, Help: "why"}},
			Flags: []chat.Arg{
				{Name: "for", Type: chat.Duration, Help: "how long"},
				{Name: "until", Type: chat.Time},
				{Name: "kind", Choices: []string{"risk", "retired"}},
				{Name: "now", Type: chat.Switch, Help: "at once"},
				{Name: "owner", Type: chat.Owner},
				{Name: "incident", Type: chat.Incident},
			},
		},
	}
}

func (n *notebook) requests() []chat.Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]chat.Request(nil), n.taken...)
}

func (n *notebook) says(f func(chat.Request) (bot.Ack, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = f
}

// only waits for the one request there is.
func (n *notebook) only(t *testing.T) chat.Request {
	t.Helper()
	require.Eventually(t, func() bool { return len(n.requests()) > 0 }, 10*time.Second, time.Millisecond)
	require.Len(t, n.requests(), 1)
	return n.requests()[0]
}

// refuses makes a desk refuse everything with a message.
func refuses(m chat.Message) func(chat.Request) (bot.Ack, error) {
	return func(chat.Request) (bot.Ack, error) { return bot.Ack{Message: m, Private: true}, nil }
}

// over runs a test over both transports.
func over(t *testing.T, test func(t *testing.T, overHTTP bool)) {
	for name, overHTTP := range map[string]bool{"over Socket Mode": false, "over HTTP": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, overHTTP)
		})
	}
}

func TestACommandBecomesARequest(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		st.runs(t, desk)
		sent := st.User("responder").Types("incident", "/allclear scan sp-01.acme.example --to @lead-1 & <more>")
		require.Equal(t, slackfake.OK, sent.Done().Outcome)
		require.Empty(t, sent.Done().Reply, "the answer comes through the outbox")
		req := desk.only(t)
		require.Equal(t, "scan sp-01.acme.example --to slack:T0ACME0001:U0LEAD00001 & <more>", req.Text)
		require.Equal(t, "slack:T0ACME0001:U0RESPOND01", req.Actor.Link)
		require.Equal(t, chat.TriggerLine, req.Trigger)
		require.False(t, req.Private)
		require.WithinDuration(t, time.Now(), req.At, time.Minute)
		require.NotEmpty(t, req.Place.Reply)
		req.Place.Reply = ""
		require.Equal(t, state.Place{Platform: "slack", Workspace: "T0ACME0001", Channel: "C0INCIDENT1", Ceiling: state.TLPAmberStrict, Threads: true}, req.Place)
	})
}

func TestWhoSaysNothingGetsTheMenu(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Types("incident", "/allclear").Done()
	req := desk.only(t)
	require.Equal(t, "menu", req.Text)
	require.True(t, req.Private)
	st.User("responder").Types("incident", "/allclear /allclear scan").Done()
	require.Equal(t, "scan", desk.requests()[1].Text)
}

func TestACommandIsAcknowledgedWhenItIsTakenAndNotBefore(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		arrived, goOn := make(chan struct{}, 8), make(chan struct{})
		desk.says(func(chat.Request) (bot.Ack, error) {
			arrived <- struct{}{}
			<-goOn
			return bot.Ack{Accepted: true}, nil
		})
		st.runs(t, desk)
		sent := st.User("responder").Types("incident", "/allclear scan")
		<-arrived
		second := st.User("lead-1").Types("incident", "/allclear status") // the first does not hold it up
		<-arrived
		require.Zero(t, st.Acks())
		close(goOn)
		require.Equal(t, slackfake.OK, sent.Done().Outcome)
		require.Equal(t, slackfake.OK, second.Done().Outcome)
		require.Len(t, desk.requests(), 2)
	})
}

func TestARedeliveredCommandIsTheSameRequest(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Types("incident", "/allclear scan").Done()
	st.Again()
	st.Eventually("both are acknowledged", func() bool { return st.Acks() == 2 })
	require.Len(t, desk.requests(), 1)
	require.Equal(t, 1, st.counts.Of("duplicate"))
	st.User("responder").Types("incident", "/allclear scan").Done()
	require.Len(t, desk.requests(), 2, "who types it again asks again")
}

func TestARefusalIsToldToThePersonAlone(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		m := chat.Say(chat.P("2 incidents are open."), chat.Row(chat.Button{Label: "ts-1", Line: "scan --incident ts-1"})).With(chat.ToneWarn)
		desk.says(refuses(m))
		st.runs(t, desk)
		st.User("responder").Types("incident", "/allclear scan")
		seen := st.User("responder").Sees("2 incidents are open.")
		require.True(t, seen.Private)
		desk.says(nil)
		st.User("responder").Presses(seen, "ts-1").Done()
		req := desk.only(t)
		require.Equal(t, "scan --incident ts-1", req.Text)
		require.Equal(t, chat.TriggerButton, req.Trigger)

		desk.says(func(chat.Request) (bot.Ack, error) { return bot.Ack{}, errors.New("the store is away") })
		st.User("responder").Types("incident", "/allclear scan")
		require.True(t, st.User("responder").Sees("Not done: the request could not be taken.").Private)
		require.Empty(t, st.Messages("incident"))
		require.NotContains(t, st.log.String(), "2 incidents", "what is said is not logged")
	})
}

func TestARefusalThatIsTooLongForAnAcknowledgementIsSaidInShort(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	for _, lines := range []int{100, 1000} { // more than an acknowledgement holds, more than a message does
		m := chat.Say(chat.P("There is too much to say."))
		for range lines {
			m.Add(chat.P(strings.Repeat("<wört> 日本 ", 20)))
		}
		desk.says(refuses(m))
		require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
		seen := st.Ephemerals("responder")
		require.Contains(t, seen[len(seen)-1].Text, "There is too much to say.")
		require.Contains(t, seen[len(seen)-1].Text, "<wört> 日本")
	}
	require.Len(t, st.Ephemerals("responder"), 2)
}

func TestALineThatIsNoLineIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Types("incident", "/allclear note "+strings.Repeat("ü", 8000))
	require.True(t, st.User("responder").Sees("The line is longer than 8000 characters.").Private)
	st.User("responder").Types("incident", "/allclear note \x00")
	require.True(t, st.User("responder").Sees("bytes in it that are not text").Private)
	require.Empty(t, desk.requests())
}

func TestWhatComesOnTopIsTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		st.runs(t, desk)
		st.User("responder").Types("incident", "/allclear scan").Done()
		posted, err := st.p.Post(t.Context(), desk.only(t).Place, chat.Say(chat.P("board"), chat.Row(chat.Button{Label: "Scan", Line: "scan"})), "board")
		require.NoError(t, err)
		require.NotEmpty(t, posted)
		leave := st.crowded()
		sent := st.User("responder").Types("incident", "/allclear scan").Done()
		require.Equal(t, slackfake.OK, sent.Outcome)
		require.True(t, st.User("responder").Sees("too much is asked of me").Private)
		st.User("lead-1").Presses(st.In("incident").Last(), "Scan").Done()
		require.True(t, st.User("lead-1").Sees("too much is asked of me").Private)
		require.Len(t, desk.requests(), 1)
		require.Equal(t, 2, st.counts.Of("turned away"))
		leave()
		st.User("responder").Types("incident", "/allclear scan").Done()
		require.Len(t, desk.requests(), 2)
	})
}

func TestAPanicIsOfOneDelivery(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, true, slackfake.Options{}, nil), &notebook{}
	desk.says(func(chat.Request) (bot.Ack, error) { panic("sp-01 is ours") })
	st.runs(t, desk)
	require.Equal(t, slackfake.DispatchFailed, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
	desk.says(nil)
	require.Equal(t, slackfake.OK, st.User("responder").Types("incident", "/allclear scan").Done().Outcome)
	require.Contains(t, st.log.String(), "panicked")
	require.NotContains(t, st.log.String(), "sp-01 is ours", "it may be what somebody wrote")
}

func TestWhatWasDeliveredBeforeTheEndIsStillTaken(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		arrived, goOn := make(chan struct{}), make(chan struct{})
		desk.says(func(chat.Request) (bot.Ack, error) {
			close(arrived)
			<-goOn
			return bot.Ack{Accepted: true}, nil
		})
		stop := st.runs(t, desk)
		sent := st.User("responder").Types("incident", "/allclear scan")
		<-arrived
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		if overHTTP { // nothing more is let in
			require.Eventually(t, func() bool { return st.p.Ready() != nil }, 2*time.Second, time.Millisecond)
		}
		close(goOn)
		require.NoError(t, <-ended)
		require.Equal(t, slackfake.OK, sent.Done().Outcome)
		require.Error(t, st.p.Ready())
	})
}

func TestRunEndsWhenTheAppIsGone(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, event map[string]any) error {
		st := newStage(t, false, slackfake.Options{}, nil)
		done := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { done <- st.p.Run(ctx, &notebook{}) }()
		st.ready(t)
		st.Event(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{"U0LEAD00001"}, "bot": []string{"U0OTHERBOT1"}}})
		st.Eventually("it is acknowledged", func() bool { return st.Acks() == 1 })
		require.NoError(t, st.p.Ready(), "the token of somebody else is no matter of ours")
		st.Event(event)
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("it goes on")
		}
	}
	t.Run("it was removed", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, run(t, map[string]any{"type": "app_uninstalled"}), "removed from the workspace")
	})
	t.Run("its token was taken away", func(t *testing.T) {
		t.Parallel()
		event := map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"bot": []string{slackfake.BotUser}}}
		require.ErrorContains(t, run(t, event), "the bot token was taken away")
	})
}

// away is a desk whose store does not answer.
func away(chat.Request) (bot.Ack, error) { return bot.Ack{}, errors.New("the store is away") }

func TestAMentionThatTheStoreDidNotTakeIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, true, slackfake.Options{}, nil), &notebook{}
	desk.says(func(req chat.Request) (bot.Ack, error) {
		desk.says(nil)
		return away(req)
	})
	st.runs(t, desk)
	st.User("responder").Mentions("incident", "@allclear scan")
	require.Equal(t, "scan", desk.only(t).Text)
	require.Empty(t, st.Ephemerals("responder"), "nobody is told that it was not done")
}

func TestAtTheLastDeliveryWhoMentionedIsTold(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.desk.says(away)
	d.runs(t, d.desk)
	body := `{"type":"event_callback","team_id":"T0ACME0001","event_id":"Ev1","event":{"type":"app_mention","user":"U0RESPOND01","team":"T0ACME0001","channel":"C0INCIDENT1","ts":"1700000000.000100","text":"<@` + slackfake.BotUser + `> scan"}}`
	for retry, want := range map[string]int{"": 503, "2": 503, "3": 200} {
		d.waits(time.Second)
		status, _ := d.knock(t, "/slack/events", jsonType, body, func(r *http.Request) {
			if retry != "" {
				r.Header.Set("X-Slack-Retry-Num", retry)
			}
		})
		require.Equal(t, want, status, retry)
	}
	require.Len(t, d.Ephemerals("responder"), 1)
	require.Contains(t, d.Ephemerals("responder")[0].Text, "could not be taken")
}

func TestAPressThatTheStoreDidNotTakeIsAcknowledgedWhenThePersonIsTold(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, true, slackfake.Options{}, nil), &notebook{}
	desk.says(away)
	st.runs(t, desk)
	_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("board"), chat.Row(chat.Button{Label: "Scan", Line: "scan"})), "board")
	require.NoError(t, err)
	board := st.In("incident").Last()
	require.Equal(t, slackfake.OK, st.User("responder").Presses(board, "Scan").Done().Outcome)
	require.Len(t, st.Ephemerals("responder"), 1, "it was said before")
	st.NextCalls("chat.postEphemeral", -1, slackfake.Fault{Error: "internal_error"})
	require.Equal(t, slackfake.DispatchFailed, st.User("responder").Presses(board, "Scan").Done().Outcome)
}
