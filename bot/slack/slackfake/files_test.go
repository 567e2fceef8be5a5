package slackfake_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestAFileIsUploadedInThreeSteps(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	api := client(s)
	root := say(t, s, slackfake.Incident, "digest")
	up, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{
		Channel: slackfake.Incident, ThreadTimestamp: root, Filename: "servers.csv", Title: "Servers", FileSize: 4, Reader: strings.NewReader("a,b\n"),
		InitialComment: "all of them", AltTxt: "a table",
	})
	require.NoError(t, err)
	m := s.In("incident").Sees("all of them")
	require.Equal(t, root, m.ThreadTS)
	require.Contains(t, m.Text, "(file: servers.csv)")
	require.Equal(t, "a,b\n", string(m.Files[0].Data))
	require.Equal(t, "a table", m.Files[0].Alt)

	info, _, _, err := api.GetFileInfoContext(t.Context(), up.ID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, m.TS, info.Shares.Public[slackfake.Incident][0].Ts, "where it was shared is known afterwards")
	var got bytes.Buffer
	require.NoError(t, api.GetFileContext(t.Context(), info.URLPrivateDownload, &got))
	require.Equal(t, "a,b\n", got.String())
	require.NoError(t, api.DeleteFileContext(t.Context(), up.ID))
	_, _, _, err = api.GetFileInfoContext(t.Context(), up.ID, 0, 0)
	require.EqualError(t, err, "file_not_found")
}

func TestUploadsAreRefusedStepByStep(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), MaxFile: 10})
	s.Allow(slackfake.Malformed, slackfake.Deprecated)
	want := func(n string) object {
		return form(t, s, "files.getUploadURLExternal", map[string]string{"filename": "a.csv", "length": n})
	}
	refused(t, "invalid_arguments", want("0"))
	refused(t, "file_upload_size_restricted", want("11"))
	refused(t, "missing_argument", form(t, s, "files.getUploadURLExternal", map[string]string{"length": "1"}))
	send := func(url any, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url.(string), bytes.NewBufferString(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/octet-stream")
		return do(t, req).status
	}
	complete := func(id any, more object) object {
		return post(t, s, "files.completeUploadExternal", mix(object{"files": []any{object{"id": id}}}, more))
	}
	first := done(t, want("3"))
	refused(t, "file_not_found", complete(first["file_id"], nil))
	require.Equal(t, 400, send(first["upload_url"], "four"))
	require.Equal(t, 200, send(first["upload_url"], "thr"))
	require.Equal(t, 404, send(first["upload_url"], "thr"), "an address works once")
	refused(t, "not_in_channel", complete(first["file_id"], object{"channel_id": slackfake.General}))
	refused(t, "channel_not_found", complete(first["file_id"], object{"channel_id": "C0NOWHERE01"}))
	done(t, complete(first["file_id"], object{"channel_id": slackfake.Incident}))
	refused(t, "file_not_found", complete(first["file_id"], object{"channel_id": slackfake.Incident}))
	s.In("incident").Sees("(file: a.csv)")
	refused(t, "method_deprecated", form(t, s, "files.upload", map[string]string{"channels": slackfake.Incident}))
}

func TestPrivateAddressesDemandTheToken(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	app(t, s, acks)
	s.User("lead-1").Uploads("incident", "servers.csv", []byte("a,b\n"), "take", "this").Done()
	m := s.In("incident").Sees("take this")
	info := done(t, form(t, s, "files.info", map[string]string{"file": m.Files[0].ID}))["file"].(object)
	get := func(token string) raw {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, info["url_private_download"].(string), nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		return do(t, req)
	}
	require.Equal(t, "a,b\n", get(s.BotToken()).text)
	wrong := get("xoxb-wrong")
	require.Equal(t, 200, wrong.status, "the page where people sign in looks like success")
	require.Contains(t, wrong.text, "Sign in")
	require.Contains(t, get(s.AddBotToken("chat:write")).text, "Sign in")
	s.NextCalls("download", 1, slackfake.Fault{Slow: time.Millisecond})
	require.Equal(t, "a,b\n", get(s.BotToken()).text)

	hidden := s.User("lead-1").Uploads("hidden", "secret.csv", []byte("x"))
	require.NotEmpty(t, hidden.TS)
	refused(t, "file_not_found", form(t, s, "files.info", map[string]string{"file": s.In("hidden").Last().Files[0].ID}))
}

func TestUploadsOfPeopleReachTheApp(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	got := make(chan any, 10)
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		acks(c, e)
		got <- e.Data.(slackevents.EventsAPIEvent).InnerEvent.Data
	})
	s.User("lead-1").Uploads("incident", "servers.csv", []byte("a"), "@allclear import")
	shared := (<-got).(*slackevents.FileSharedEvent)
	require.Equal(t, slackfake.Incident, shared.ChannelID)
	mention := (<-got).(*slackevents.AppMentionEvent)
	require.Equal(t, shared.FileID, mention.Files[0].ID)
	require.NotEmpty(t, mention.Files[0].URLPrivateDownload)
	s.User("stranger").Uploads("shared", "servers.csv", []byte("a"), "@allclear import")
	<-got
	mention = (<-got).(*slackevents.AppMentionEvent)
	require.Equal(t, "check_file_info", mention.Files[0].FileAccess, "in a shared channel it must be asked for")
	require.Empty(t, mention.Files[0].URLPrivateDownload)
}
