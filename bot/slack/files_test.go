package slack

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// handed shares a file and fetches it.
func (st *stage) handed(t *testing.T, name string, data []byte) (chat.File, error) {
	t.Helper()
	st.User("responder").Uploads("incident", name, data)
	files := st.In("incident").Last().Files
	require.Len(t, files, 1)
	return st.p.Fetch(t.Context(), at(slackfake.Incident), chat.File{Ref: files[0].ID, Name: "x"})
}

func zipped(t *testing.T, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestAFileOfTextIsReadAndNothingElse(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, slackfake.Options{}, func(o *Options) { o.MaxFile = 1000 })
	st.runs(t, &notebook{})
	for name, data := range map[string][]byte{
		"servers.csv":  []byte("name,owner\nsp-01,team\n"),
		"report.json":  []byte(`{"a":1}`),
		"u_ex25.log":   []byte("#Software: IIS\n2025-07-21 \xe4\xf6\xfc\n"),
		"u_ex25.gz":    zipped(t, "#Software: IIS\n"),
		"windows.txt":  []byte("\xff\xfea\x00,\x00"),
		"no-extension": bytes.Repeat([]byte("x"), 1000),
	} {
		got, err := st.handed(t, name, data)
		require.NoError(t, err, name)
		require.Equal(t, data, got.Data)
		require.Equal(t, name, got.Name)
	}
	for name, c := range map[string]struct {
		data []byte
		what string
	}{
		"large.csv":   {bytes.Repeat([]byte("x"), 1001), "is larger than 1000 B"},
		"empty.csv":   {nil, "is empty"},
		"shot.png":    {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "is no text (image)"},
		"shot.csv":    {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "is a picture"},
		"logs.rar":    {[]byte("Rar!rest"), "is an archive that is no zip"},
		"page.log":    {[]byte("\n <!DOCTYPE HTML><title>Sign in</title>"), "is a web page"},
		"program.txt": {[]byte("MZ\x90\x00\x03"), "is no text"},
	} {
		_, err := st.handed(t, name, c.data)
		var p *chat.Problem
		require.ErrorAs(t, err, &p, name)
		require.Contains(t, p.What, c.what)
		require.Contains(t, p.What, name)
	}
}

func TestAFileThatIsNotThereOrNotOursIsAProblemOfThePerson(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, slackfake.Options{}, nil)
	st.runs(t, &notebook{})
	fetch := func(id string) error {
		_, err := st.p.Fetch(t.Context(), at(slackfake.Incident), chat.File{Ref: id})
		return err
	}
	var p *chat.Problem
	require.ErrorAs(t, fetch("F0NOTHERE01"), &p)
	require.Contains(t, p.What, "not there any more")

	_, err := st.p.Fetch(t.Context(), state.Place{Platform: "discord"}, chat.File{Ref: "F1"})
	require.Error(t, err)
	_, err = st.p.Fetch(t.Context(), at(slackfake.Incident), chat.File{Data: []byte("x")})
	require.Error(t, err)

	st.Grant("chat:write") // without files:read
	err = fetch("F0NOTHERE01")
	require.ErrorContains(t, err, "missing_scope")
	require.NotContains(t, err.Error(), st.BotToken())
}

func TestASlackThatWantsUsToWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, slackfake.Options{}, nil)
	st.runs(t, &notebook{})
	st.NextCalls("files.info", 1, slackfake.ServerError())
	got, err := st.handed(t, "a.csv", []byte("a,b\n"))
	require.NoError(t, err)
	require.Equal(t, "a,b\n", string(got.Data))
}

func TestOurTokenGoesToSlackAndNowhereElse(t *testing.T) {
	t.Parallel()
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header.Get("Authorization")) }))
	t.Cleanup(elsewhere.Close)
	st := newStage(t, true, slackfake.Options{}, nil)
	p := st.p
	for raw, may := range map[string]bool{
		"https://files.slack.com/files-pri/T1-F1/a.csv": true,
		"https://FILES.Slack.com/x":                     true,
		"https://files.slack-gov.com/x":                 true,
		"http://files.slack.com/x":                      false,
		"https://slack.com.evil.example/x":              false,
		"https://evilslack.com/x":                       false,
		"https://files.slack.com@evil.example/x":        false,
		"https://evil.example/files.slack.com":          false,
		"file:///etc/passwd":                            false,
		elsewhere.URL:                                   false,
		st.URL() + "/files-pri/x":                       true,
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, may, p.slackHost(u), raw)
	}
	for _, f := range []slackgo.File{
		{Name: "a.csv", IsExternal: true, URLPrivate: elsewhere.URL}, {Name: "a.csv", Mode: "external"}, {Name: "a.csv", URLPrivateDownload: elsewhere.URL + "/a.csv"}, {Name: "a.csv"},
	} {
		_, err := p.fileAddress("a.csv", &f)
		var wrong *chat.Problem
		require.ErrorAs(t, err, &wrong)
		require.Contains(t, wrong.What, "not kept by Slack")
	}
	// Slack's own host leads elsewhere.
	astray := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }))
	t.Cleanup(astray.Close)
	o := st.opt
	o.API = astray.URL + "/api/"
	u, err := url.Parse(astray.URL + "/a.csv")
	require.NoError(t, err)
	_, err = st.platform(t, o).download(t.Context(), "a.csv", u)
	var wrong *chat.Problem
	require.ErrorAs(t, err, &wrong)
	require.Empty(t, seen, "nobody else is asked at all")
}

func TestAFileIsNotReadBeyondItsLimitWhateverIsSaidOfIt(t *testing.T) {
	t.Parallel()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 4096)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(endless.Close)
	st := newStage(t, true, slackfake.Options{}, nil)
	o := st.opt
	o.API, o.MaxFile = endless.URL+"/api/", 10_000
	u, err := url.Parse(endless.URL + "/a.csv")
	require.NoError(t, err)
	_, err = st.platform(t, o).download(t.Context(), "a.csv", u)
	require.ErrorContains(t, err, "is larger than 9.8 kB")
}
