package slackfake_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

type object = map[string]any

// raw is an answer as it came.
type raw struct {
	status int
	header http.Header
	body   object
	text   string
}

// do sends a request as it is.
func do(t *testing.T, req *http.Request) raw {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	out := raw{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.body)
	return out
}

// post calls a method with JSON and the bot's token.
func post(t *testing.T, s *slackfake.Slack, method string, args object) object {
	t.Helper()
	return postAs(t, s, s.BotToken(), method, args).body
}

func postAs(t *testing.T, s *slackfake.Slack, token, method string, args object) raw {
	t.Helper()
	body, err := json.Marshal(args)
	require.NoError(t, err)
	if args == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+method, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, req)
}

// form calls a method with a form and the bot's token in it.
func form(t *testing.T, s *slackfake.Slack, method string, args map[string]string) object {
	t.Helper()
	values := url.Values{"token": {s.BotToken()}}
	for k, v := range args {
		values.Set(k, v)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+method, bytes.NewBufferString(values.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, req).body
}

// say posts a text and returns its ts.
func say(t *testing.T, s *slackfake.Slack, channel, text string) string {
	t.Helper()
	out := post(t, s, "chat.postMessage", object{"channel": channel, "text": text})
	require.Equal(t, true, out["ok"], out)
	return out["ts"].(string)
}

func refused(t *testing.T, word string, out object) {
	t.Helper()
	require.Equal(t, false, out["ok"], out)
	require.Equal(t, word, out["error"], out)
}

func done(t *testing.T, out object) object {
	t.Helper()
	require.Equal(t, true, out["ok"], out)
	return out
}

// start starts a fake without a test to fail, so that its complaints can be seen.
func start(t *testing.T, o slackfake.Options) *slackfake.Slack {
	t.Helper()
	s, err := slackfake.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// kinds are the kinds of the complaints so far.
func kinds(s *slackfake.Slack) []slackfake.Kind {
	var out []slackfake.Kind
	for _, c := range s.Complaints() {
		out = append(out, c.Kind)
	}
	return out
}
