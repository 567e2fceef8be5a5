package feeds_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/intake/feeds"
)

func TestOnlyNamedHostsAreAskedWithinLimits(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("nobody may be asked here") }))
	defer other.Close()
	var agents []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
		switch {
		case r.Method != http.MethodGet:
			t.Error(r.Method)
		case r.URL.Path == "/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case r.URL.Path == "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case r.URL.Path == "/large":
			_, _ = w.Write([]byte(strings.Repeat("x", 100)))
		case r.URL.Path == "/gone":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("If-None-Match") == `"v1"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", `"v1"`)
			_, _ = w.Write([]byte("{}"))
		}
	}))
	defer server.Close()
	f := feeds.NewFetcher([]string{strings.TrimPrefix(server.URL, "http://"), "www.cisa.gov"}, "allclear/test", nil)
	got, err := f.Get(t.Context(), server.URL+"/doc", "", 50)
	require.NoError(t, err)
	require.Equal(t, feeds.Got{Data: []byte("{}"), Mark: `"v1"`}, got)
	got, err = f.Get(t.Context(), server.URL+"/doc", `"v1"`, 50)
	require.NoError(t, err)
	require.True(t, got.Same)
	require.Equal(t, []string{"allclear/test", "allclear/test"}, agents)
	for at, want := range map[string]string{
		server.URL + "/away":               "is not one of those that may be asked",
		server.URL + "/loop":               "redirects too often",
		server.URL + "/large":              "longer than 50 bytes",
		server.URL + "/gone":               "answers 404",
		other.URL:                          "is not one of those that may be asked",
		"http://www.cisa.gov/x":            "https only",
		"https://u:p@www.cisa.gov/x":       "password",
		"ftp://www.cisa.gov/x":             "https only",
		"file:///etc/passwd":               "is not one of those",
		filepath.Join(t.TempDir(), "none"): "no such file",
		t.TempDir():                        "is no file",
	} {
		_, err := f.Get(t.Context(), at, "", 50)
		require.ErrorContains(t, err, want, at)
		require.NotContains(t, err.Error(), "/large?", "no URL is quoted")
	}
	path := filepath.Join(t.TempDir(), "kev.json")
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	got, err = f.Get(t.Context(), path, "", 50)
	require.NoError(t, err)
	again, err := f.Get(t.Context(), path, got.Mark, 50)
	require.NoError(t, err)
	require.True(t, again.Same)
	require.NoError(t, f.Allowed("https://www.cisa.gov/kev"))
	require.Error(t, f.Allowed("https://cisa.gov/kev"))
	require.NoError(t, f.Allowed("kev.json"))
}
