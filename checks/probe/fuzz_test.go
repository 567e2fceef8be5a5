package probe

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
)

func FuzzExtract(f *testing.F) {
	header := checks.Observer{ID: "h", Header: "X", Pattern: regexp.MustCompile(`^(\d+\.\d+\.\d+\.\d+)$`), Parts: []int{0, 1, 3}}
	body := checks.Observer{ID: "b", Path: "/p", Pattern: regexp.MustCompile(`v:SR\|([^\r\n]+)`), Lookalikes: []checks.Lookalike{{Pattern: regexp.MustCompile(`Alfresco`), Name: "Alfresco"}}}
	for _, s := range []string{"", "16.0.0.5508", "v:SR|16.0.5508.1000", "16.0.0.1,16.0.0.2", "v:SR|\x1b[2J", "v:SR|1.2.3.4.5.6.7", "Alfresco", "v:SR|-1.-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := checks.Answer{Status: 200, Header: http.Header{"X": {s}}, Body: []byte(s)}
		for _, o := range []checks.Observer{header, body} {
			found, odd := extract(o, a)
			require.LessOrEqual(t, len(found), maxReadings)
			require.Equal(t, odd, checks.Clean(odd, 300))
			for _, r := range found {
				require.Equal(t, r.detail, checks.Clean(r.detail, 300))
				require.Equal(t, r.version.IsZero(), r.like != "")
				require.Len(t, r.digest, 64)
			}
			decide(found)
		}
	})
}

func TestPartsThatAreLeftOutMustBeZero(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in    string
		parts []int
		want  string
	}{
		{"16.0.0.10417", []int{0, 1, 3}, "16.0.10417"},
		{"16.0.10417.20037", []int{0, 1, 3}, ""},
		{"16.0.10417.20037", nil, "16.0.10417.20037"},
		{"16.0.10417", []int{0, 1, 3}, ""},
		{"16.0.0.10417.5", []int{0, 1, 3}, ""},
		{"16.0.0.10417", []int{0, 1, 9}, ""},
		{"", nil, ""},
		{"16..0.1", nil, ""},
	} {
		v, err := build(tc.in, tc.parts)
		require.Equal(t, tc.want, v.String(), tc.in)
		require.Equal(t, tc.want == "", err != nil)
	}
}
