package probe

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// FuzzGzipStamp holds the reader of gzip headers against the standard library's:
// what we read of a header is what it reads.
func FuzzGzipStamp(f *testing.F) {
	var named bytes.Buffer
	w := gzip.NewWriter(&named)
	w.Name, w.Comment, w.Extra = "rdx_en.json", "a comment", []byte{1, 2, 3}
	_ = w.Close()
	for _, b := range [][]byte{
		nil,
		{0x1f, 0x8b},
		named.Bytes(), named.Bytes()[:14], []byte("<html>"),
		append([]byte{0x1f, 0x8b, 8, 8, 1, 2, 3, 4, 0, 3}, "a\x00"...),
		append([]byte{0x1f, 0x8b, 8, 0xff, 1, 2, 3, 4, 0, 3}, "a\x00"...),
		append([]byte{0x1f, 0x8b, 8, 12, 1, 2, 3, 4, 0, 3, 0xff, 0xff}, "a\x00"...),
	} {
		f.Add(b)
	}
	o := checks.Observer{ID: "s", Path: "/f.gz", Read: checks.ExtractStamp, Stamps: checks.Stamps{Name: "rdx_en.json"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		seconds, name, err := gzipStamp(b)
		if err != nil {
			require.Empty(t, name)
		} else {
			require.NotEmpty(t, name)
			require.LessOrEqual(t, len(name), maxGzipName)
		}
		if r, stdErr := gzip.NewReader(bytes.NewReader(b)); err == nil && stdErr == nil {
			require.Equal(t, []rune(r.Name), latin1(name))
			if !r.ModTime.IsZero() {
				require.Equal(t, int64(seconds), r.ModTime.Unix())
			}
		}
		found, odd := readStamp(o, checks.Answer{Status: http.StatusOK, Body: b})
		require.NotEqual(t, odd == "", len(found) == 0, "either a build was read or it is said why not")
		require.Equal(t, odd, checks.Clean(odd, 300))
		for _, r := range found {
			require.Equal(t, 3, r.version.Len(), "a date")
			require.Equal(t, r.detail, checks.Clean(r.detail, 300))
		}
	})
}

// latin1 is how the name in a gzip header is spelled, RFC 1952.
func latin1(s string) []rune {
	out := make([]rune, 0, len(s))
	for i := range len(s) {
		out = append(out, rune(s[i]))
	}
	return out
}

// FuzzLinks holds whatever a page or a redirect says against what is remembered of it.
func FuzzLinks(f *testing.F) {
	links := checks.Observer{ID: "l", Path: "/p", Read: checks.ExtractLinks, Pattern: regexp.MustCompile(`^/v([0-9.]+)/`), Precision: 3}
	to := checks.Observer{ID: "r", Path: "/p", Read: checks.ExtractRedirect, Pattern: regexp.MustCompile(`/v([0-9.]+)/`)}
	for _, s := range []string{
		"", `<a href="/v1.2.3/x">`, `<a href='/v1.2.3/x'>`, `url(/v1.2.3/x)`, `<a href=//h/v1.2.3/x>`, `<a href="/v1.2/x"><a href="/v1.2.4/x">`,
		`<a href="/v9999999999.1.1/">`, "<a href=\"/v1.2.3/\x1b[2J\">", "/v1.2.3/", "https://h/v1.2.3/", "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := checks.Answer{Status: http.StatusOK, Body: []byte(s)}
		moved := checks.Answer{Status: http.StatusFound, Header: http.Header{"Location": {s}}}
		for o, a := range map[*checks.Observer]checks.Answer{&links: a, &to: moved} {
			found, odd := extract(*o, a)
			require.LessOrEqual(t, len(found), maxReadings)
			require.Equal(t, odd, checks.Clean(odd, 300))
			for _, r := range found {
				require.Equal(t, r.detail, checks.Clean(r.detail, 300))
				require.NotEqual(t, state.Version{}, r.version)
				require.True(t, o.Precision == 0 || r.version.Len() == o.Precision)
			}
			if o == &links && !strings.Contains(s, "/v") {
				require.Empty(t, found)
			}
		}
	})
}
