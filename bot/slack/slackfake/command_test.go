package slackfake_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// responseTo sends a body to a response_url.
func responseTo(t *testing.T, url any, body string) raw {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url.(string), bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	return do(t, req)
}

func TestAnAcknowledgementMayAnswerToOneOrToAll(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		cmd := e.Data.(slack.SlashCommand)
		_ = c.Ack(*e.Request, map[string]any{"text": "answer to " + cmd.Text, "response_type": map[string]string{"all": "in_channel"}[cmd.Text]})
	})
	lead := s.User("lead-1")
	lead.Types("general", "/allclear me").Done()
	require.True(t, lead.Sees("answer to me").Private)
	s.In("general").Never("/allclear me")
	lead.Types("general", "/allclear all").Done()
	require.False(t, s.In("general").Sees("answer to all").Private)
	require.Equal(t, slackfake.Lead1, s.In("general").Sees("/allclear all").From, "then all see what was typed")

	require.Contains(t, lead.Types("incident", "/other thing").Words, "not a valid command")
	require.Contains(t, lead.Replies(s.In("general").Last(), "/allclear scan").Words, "not supported in threads")
	require.Len(t, s.Deliveries(), 2)
}

func TestCommandTextIsEscapedWhenTheManifestSaysSo(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Commands: []slackfake.Command{{Name: "/raw"}, {Name: "/esc", Escape: true}}, EnterpriseID: "E0ACME00001"})
	app(t, s, acks)
	const text = `own @lead-1, #incident @sp-team @nobody https://a.example/x?a=1&b=2 sp1.acme.example 16.0.0.10417 <b> "q"`
	d := s.User("lead-2").Types("secret", "/raw "+text).Done()
	require.Equal(t, text, d.Payload["text"])
	require.Equal(t, "privategroup", d.Payload["channel_name"])
	require.Equal(t, "E0ACME00001", d.Payload["enterprise_id"])
	d = s.User("lead-2").Types("secret", "/esc "+text).Done()
	require.Equal(t, `own <@U0LEAD00001|lead-1>, <#C0INCIDENT1|incident> <!subteam^S0SPTEAM001|@sp-team> @nobody `+
		`<https://a.example/x?a=1&amp;b=2> <http://sp1.acme.example|sp1.acme.example> 16.0.0.10417 &lt;b&gt; "q"`, d.Payload["text"])
}

func TestAResponseURLWorksFiveTimesInThirtyMinutes(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	s.Allow(slackfake.BadBlocks)
	app(t, s, acks)
	lead := s.User("lead-1")
	url := lead.Types("general", "/allclear status").Done().Payload["response_url"]
	require.Equal(t, "ok", responseTo(t, url, `{"text":"first"}`).text)
	require.True(t, lead.Sees("first").Private)
	require.Equal(t, "ok", responseTo(t, url, `{"text":"second","replace_original":true}`).text)
	require.Len(t, s.Ephemerals("lead-1"), 1)
	require.Equal(t, 200, responseTo(t, url, `{"text":"to all","response_type":"in_channel"}`).status)
	s.In("general").Sees("to all")
	require.Equal(t, 200, responseTo(t, url, `{"delete_original":true}`).status)
	require.Empty(t, s.Ephemerals("lead-1"))
	bad := responseTo(t, url, `{"text":"x","blocks":[{"type":"x"}]}`)
	require.Equal(t, 400, bad.status)
	refused(t, "invalid_blocks", bad.body)
	used := responseTo(t, url, `{"text":"sixth"}`)
	require.Equal(t, 404, used.status)
	refused(t, "used_url", used.body)

	url = lead.Types("general", "/allclear status").Done().Payload["response_url"]
	_, _, err := client(s).PostMessageContext(t.Context(), "", slack.MsgOptionText("by the library", false), slack.MsgOptionResponseURL(url.(string), slack.ResponseTypeEphemeral))
	require.NoError(t, err)
	lead.Sees("by the library")
	s.Clock().Advance(31 * time.Minute)
	refused(t, "expired_url", responseTo(t, url, `{"text":"late"}`).body)
	s.Allow(slackfake.Malformed)
	require.Equal(t, 400, responseTo(t, url, `{"text":"late"`).status)
}
