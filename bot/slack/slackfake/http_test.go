package slackfake_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

// endpoint is an app behind HTTP that checks signatures with the library.
func endpoint(t *testing.T, handle func(http.ResponseWriter, *http.Request, []byte)) *slackfake.HTTP {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verifier, err := slack.NewSecretsVerifier(r.Header, secret)
		if err == nil {
			_, _ = verifier.Write(body)
			err = verifier.Ensure()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handle(w, r, body)
	}))
	t.Cleanup(server.Close)
	return &slackfake.HTTP{
		Commands: server.URL + "/commands", Interactivity: server.URL + "/interactivity", Options: server.URL + "/options", Events: server.URL + "/events",
		SigningSecret: secret,
	}
}

func TestRequestsAreSigned(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), HTTP: endpoint(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		switch r.URL.Path {
		case "/commands":
			cmd, _ := slack.SlashCommandParse(r)
			_, _ = io.WriteString(w, "typed "+cmd.Text+" in "+cmd.ChannelName)
		case "/interactivity":
			call, _ := slack.InteractionCallbackParse(r)
			w.Header().Set("Content-Type", "application/json")
			if call.Type == slack.InteractionTypeViewSubmission {
				_, _ = io.WriteString(w, `{"response_action":"clear"}`)
			}
		case "/options":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"options":[{"text":{"type":"plain_text","text":"SP-1"},"value":"sp-1"}]}`)
		case "/events":
			var o object
			_ = json.Unmarshal(body, &o)
			_, _ = io.WriteString(w, o["challenge"].(string))
		}
	})})
	require.NoError(t, s.VerifyURL(t.Context()))
	lead := s.User("lead-1")
	d := lead.Types("incident", "/allclear scan & go").Done()
	require.Equal(t, slackfake.OK, d.Outcome)
	lead.Sees("typed scan & go in incident")
	done(t, post(t, s, "views.open", object{"trigger_id": d.Payload["trigger_id"], "view": modal(nil)}))
	require.Equal(t, []string{"SP-1"}, lead.Searches("Server", ""))
	lead.Fills(map[string]string{"Reason": "x", "Server": "SP-1"}).Submits().Done()
	_, open := s.Modal("lead-1")
	require.False(t, open)
	s.Again()
	s.Eventually("the same request came twice", func() bool { return s.Acks() == 4 })

	s.SkewSignatures(-6 * time.Minute)
	require.Equal(t, slackfake.DispatchFailed, lead.Types("incident", "/allclear scan").Done().Outcome, "an old signature is refused")
}

func TestEventsAreRetriedWithTheirReason(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	seen := make(chan string, 10)
	s := slackfake.New(t, slackfake.Options{HTTP: endpoint(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		seen <- r.Header.Get("X-Slack-Retry-Num") + " " + r.Header.Get("X-Slack-Retry-Reason")
		if n.Add(1) < 3 {
			http.Error(w, "no", http.StatusInternalServerError)
		}
	})})
	s.User("lead-1").Mentions("incident", "@allclear scan")
	require.Equal(t, " ", <-seen)
	require.Equal(t, "1 http_error", <-seen)
	s.Eventually("the second failed too", func() bool { return len(s.Deliveries()) == 2 && s.Deliveries()[1].Outcome != "" })
	s.Clock().Advance(time.Minute)
	require.Equal(t, "2 http_error", <-seen)
	s.Eventually("the third is fine", func() bool { return s.Acks() == 1 })
	s.Clock().Advance(time.Hour)
	require.Len(t, s.Deliveries(), 3)
}

func TestAnAppMayRefuseRetries(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{HTTP: endpoint(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("X-Slack-No-Retry", "1")
		http.Error(w, "no", http.StatusTeapot)
	})})
	sent := s.User("lead-1").Mentions("incident", "@allclear scan")
	require.Equal(t, slackfake.DispatchFailed, sent.Done().Outcome)
	s.Clock().Advance(time.Hour)
	require.Len(t, s.Deliveries(), 1)
}

func TestASlowAnswerIsNone(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{AckWithin: 50 * time.Millisecond, HTTP: endpoint(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) {
		<-r.Context().Done()
	})})
	require.Equal(t, slackfake.OperationTimeout, s.User("lead-1").Types("incident", "/allclear scan").Done().Outcome)
	require.Equal(t, []slackfake.Kind{slackfake.Unacked}, kinds(s))
}
