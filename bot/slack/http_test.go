package slack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// door is a running platform behind HTTP, to be knocked at by hand.
type door struct {
	*stage
	desk *notebook
	url  string
	nano atomic.Int64
}

func (d *door) now() time.Time { return time.Unix(0, d.nano.Load()) }

func (d *door) waits(t time.Duration) { d.nano.Add(int64(t)) }

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{desk: &notebook{}}
	d.nano.Store(1_700_000_000_000_000_000)
	d.stage = newStage(t, true, slackfake.Options{}, func(o *Options) { o.Now = d.now })
	server := httptest.NewServer(d.p.Handler())
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// knock sends a request, signed, and changed afterwards.
func (d *door) knock(t *testing.T, path, kind, body string, change func(*http.Request)) (status int, said string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = signed(secret, body, d.now())
	req.Header.Set("Content-Type", kind)
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func typedForm(text, trigger string) string {
	return url.Values{
		"command": {"/allclear"}, "text": {text}, "team_id": {slackfake.TeamID}, "channel_id": {slackfake.Incident}, "user_id": {slackfake.Responder},
		"response_url": {"https://hooks.slack.com/commands/x"}, "trigger_id": {trigger},
	}.Encode()
}

func TestOnlyWhatSlackSignedIsTaken(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.runs(t, d.desk)
	form := typedForm("scan", "1.2.3")
	for name, change := range map[string]func(*http.Request){
		"no signature": func(r *http.Request) { r.Header.Del(signatureHeader) },
		"no time":      func(r *http.Request) { r.Header.Del(timestampHeader) },
		"another signature": func(r *http.Request) {
			r.Header = signed("guess", form, d.now())
			r.Header.Set("Content-Type", formType)
		},
		"another body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(form + "&text=incident+close"))
			r.ContentLength = -1
		},
		"another time": func(r *http.Request) { r.Header.Set(timestampHeader, "1700000001") },
		"six minutes ago": func(r *http.Request) {
			r.Header = signed(secret, form, d.now().Add(-6*time.Minute))
			r.Header.Set("Content-Type", formType)
		},
		"in six minutes": func(r *http.Request) {
			r.Header = signed(secret, form, d.now().Add(6*time.Minute))
			r.Header.Set("Content-Type", formType)
		},
		"a signature as v1": func(r *http.Request) { r.Header.Set(signatureHeader, "v1="+r.Header.Get(signatureHeader)[3:]) },
	} {
		status, said := d.knock(t, "/slack/commands", formType, form, change)
		require.Equal(t, http.StatusUnauthorized, status, name)
		require.Equal(t, "this is not a request of Slack's\n", said, "it does not say what is wrong")
	}
	require.Equal(t, 6, d.counts.Of("signature wrong"))
	require.Equal(t, 2, d.counts.Of("signature time"))
	require.Empty(t, d.desk.requests())
	status, said := d.knock(t, "/slack/commands", formType, form, nil)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, said)
	require.Len(t, d.desk.requests(), 1)
	require.NotContains(t, d.log.String(), secret)
}

func TestARequestThatWasHereIsRefusedWhileItsSignatureCounts(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.runs(t, d.desk)
	form := typedForm("scan", "1.2.3")
	first := signed(secret, form, d.now())
	replay := func(r *http.Request) { r.Header = first.Clone(); r.Header.Set("Content-Type", formType) }
	status, _ := d.knock(t, "/slack/commands", formType, form, replay)
	require.Equal(t, http.StatusOK, status)
	for _, later := range []time.Duration{0, time.Second, 3 * time.Minute} {
		d.waits(later)
		status, _ = d.knock(t, "/slack/commands", formType, form, replay)
		require.Equal(t, http.StatusUnauthorized, status)
	}
	require.Equal(t, 3, d.counts.Of("replay"))
	require.Len(t, d.desk.requests(), 1)
	require.Zero(t, d.counts.Of("duplicate"), "it did not come as far as the desk")
}

func TestWhatWasNotTakenMayComeAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	form := typedForm("scan", "1.2.3")
	status, said := d.knock(t, "/slack/commands", formType, form, nil)
	require.Equal(t, http.StatusServiceUnavailable, status, "it does not run yet")
	require.Contains(t, said, "send it again")
	d.runs(t, d.desk)
	d.desk.says(func(chat.Request) (bot.Ack, error) { panic("oh") })
	status, _ = d.knock(t, "/slack/commands", formType, form, nil)
	require.Equal(t, http.StatusServiceUnavailable, status)
	d.desk.says(nil)
	status, _ = d.knock(t, "/slack/commands", formType, form, nil)
	require.Equal(t, http.StatusOK, status, "the same request, with the same signature")
	require.Len(t, d.desk.requests(), 1)
}

func TestRequestsOfTheWrongKindAreToldSo(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.runs(t, d.desk)
	form := typedForm("scan", "1.2.3")
	status, _ := d.knock(t, "/slack/commands", formType, form, func(r *http.Request) { r.Method = http.MethodGet; r.Body = nil; r.ContentLength = 0 })
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, _ = d.knock(t, "/slack/commands", jsonType, form, nil)
	require.Equal(t, http.StatusUnsupportedMediaType, status)
	status, _ = d.knock(t, "/slack/events", formType, form, nil)
	require.Equal(t, http.StatusUnsupportedMediaType, status)
	status, _ = d.knock(t, "/slack/other", formType, form, nil)
	require.Equal(t, http.StatusNotFound, status)
	large := typedForm(strings.Repeat("a", maxBody), "1.2.3")
	status, _ = d.knock(t, "/slack/commands", formType, large, nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Equal(t, 1, d.counts.Of("too large"))
	for path, body := range map[string]string{
		"/slack/commands":     "command=%2Fallclear&text=scan",
		"/slack/interactions": "payload=nonsense",
		"/slack/events":       `{"type":"event_callback","event_id":"Ev1"}`,
	} {
		kind := formType
		if path == "/slack/events" {
			kind = jsonType
		}
		status, said := d.knock(t, path, kind, body, nil)
		require.Equal(t, http.StatusBadRequest, status, path)
		require.NotContains(t, said, "nonsense")
	}
	require.Empty(t, d.desk.requests())
}

func TestTheAddressForEventsIsVerifiedAndTheCertificateLookedAt(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.nano.Store(time.Now().UnixNano())
	require.NoError(t, d.VerifyURL(t.Context()), "also before it runs")
	d.runs(t, d.desk)
	status, said := d.knock(t, "/slack/events", jsonType+"; charset=utf-8", `{"token":"x","challenge":"abc","type":"url_verification"}`, nil)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"challenge":"abc"}`, said)
	status, _ = d.knock(t, "/slack/commands", formType, "ssl_check=1&token=x", nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = d.knock(t, "/slack/commands?ssl_check=1", formType, "", func(r *http.Request) { r.Method, r.Header = http.MethodGet, http.Header{} })
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, d.desk.requests())
}

func TestAnEventThatIsDeliveredAgainIsTakenOnce(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.runs(t, d.desk)
	event := `{"type":"event_callback","team_id":"T0ACME0001","event_id":"Ev1","event":{"type":"app_mention","user":"U0RESPOND01","text":"<@U0ALLCLEAR1> scan","ts":"1700000000.000100","channel":"C0INCIDENT1","team":"T0ACME0001"}}`
	for i := range 3 {
		d.waits(time.Duration(i) * time.Minute)
		status, _ := d.knock(t, "/slack/events", jsonType, event, func(r *http.Request) {
			if i > 0 {
				r.Header.Set("X-Slack-Retry-Num", "1")
				r.Header.Set("X-Slack-Retry-Reason", "http_timeout")
			}
		})
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, "scan", d.desk.only(t).Text)
	require.Equal(t, 2, d.counts.Of("redelivered"))
	require.Equal(t, 2, d.counts.Of("duplicate"))
}

func TestAnEventThatCannotBeTakenIsDeliveredAgainBySlack(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, true, slackfake.Options{}, nil), &notebook{}
	desk.says(func(chat.Request) (bot.Ack, error) {
		desk.says(nil)
		panic("oh")
	})
	st.runs(t, desk)
	st.User("responder").Mentions("incident", "@allclear scan")
	require.Equal(t, "scan", desk.only(t).Text, "Slack's first retry comes at once")
}

func TestTheRequestEndsWhateverItsSenderDoes(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	d.desk.says(func(chat.Request) (bot.Ack, error) {
		close(arrived)
		<-goOn
		return bot.Ack{Accepted: true}, nil
	})
	d.runs(t, d.desk)
	ctx, cancel := context.WithCancel(t.Context())
	body := typedForm("scan", "1.2.3")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/slack/commands", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header = signed(secret, body, d.now())
	req.Header.Set("Content-Type", formType)
	sent := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = errors.Join(errors.New("it was answered"), resp.Body.Close())
		}
		sent <- err
	}()
	<-arrived
	cancel()
	require.ErrorIs(t, <-sent, context.Canceled)
	close(goOn)
	require.Equal(t, "scan", d.desk.only(t).Text, "what was begun is not cut off")
}

func FuzzPayloadsNeverPanic(f *testing.F) {
	for _, s := range []string{
		"", "null", "[]", "{}", `{"type":"event_callback","event_id":"E","event":{"type":"message","text":"<@U>"}}`,
		`{"type":"block_actions","user":{"id":"U"},"actions":[{"value":"{\"l\":\"scan\",\"a\":[\"x?\"]}"}],"container":{"channel_id":"C"}}`,
		`{"type":"view_submission","user":{"id":"U"},"view":{"callback_id":"form","private_metadata":"{\"p\":{\"l\":\"except sp\",\"a\":[\"reason\"]}}","state":{"values":{"reason":{"answer":{"value":"x"}}}}}}`,
		`{"type":"disconnect","reason":"warning"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func([]byte) (delivery, error){readSlash, readInteraction, readEvent} {
			d, err := read(raw)
			if err != nil {
				require.NotEmpty(t, err.Error())
				continue
			}
			if d.act != nil {
				for _, a := range d.act.Actions {
					a.press()
				}
				formErrors(d.act.View, notice("no", ""))
				form, err := chat.FormOf((&notebook{}).Specs(), chat.Button{Line: "except sp-01", Ask: []string{"reason", "until?"}})
				require.NoError(t, err)
				fill(form, d.act.View)
			}
		}
		_, _ = readEnvelope(raw)
		form, err := url.ParseQuery(string(raw))
		if err == nil {
			_, _ = readSlashForm(form)
		}
	})
}
