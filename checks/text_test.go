package checks_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
)

func TestWhatIsTooLongEndsWithAWholeWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"one two three", 13, "one two three"},
		{"one two three", 12, "one two…"},
		{"one two three", 9, "one two…"},
		{"one two three", 8, "one two…"},
		{"one two, (three)", 11, "one two…"},
		{"a-word-that-is-very-long and more", 12, "a-word-that…"},
		{"  one\ttwo\nthree  ", 12, "one two…"},
		{"äöü äöü äöü", 9, "äöü äöü…"},
		{"word", 1, "…"},
		{"word", 0, "…"},
	} {
		got := checks.Clean(c.text, c.limit)
		require.Equal(t, c.want, got, "%q to %d", c.text, c.limit)
		require.LessOrEqual(t, utf8.RuneCountInString(got), max(c.limit, 1))
	}
}

func TestTheGistOfAReasonIsTheSameForManyServers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"10.1.2.3: answers, but shows no build (/: 401, /x: 404); MicrosoftX: nonsense": "answers, but shows no build",
		"[2001:db8::1]:443: answers, but shows no build":                                "answers, but shows no build",
		"build 16.0.26300 looks like SharePoint Online. SharePoint Online is not":       "build 16.0.26300 looks like SharePoint Online",
		"SharePoint Server 2019 16.0.10417 carries no revision: 4 published":            "SharePoint Server 2019 16.0.10417 carries no revision",
		"the time for the scan (1s) was used up":                                        "the time for the scan was used up",
		"says it is fixed (never closed":                                                "says it is fixed",
		"it has no fix.":                                                                "it has no fix",
		"(odd)":                                                                         "(odd)",
		"":                                                                              "",
	} {
		require.Equal(t, want, checks.Gist(given))
	}
}

func FuzzCutTextStaysWithinItsLimit(f *testing.F) {
	f.Add("one two three", 5)
	f.Add("\xff\x00 (", 3)
	f.Add("10.0.0.1: x", 0)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1000)
		got := checks.Clean(s, limit)
		if n := utf8.RuneCountInString(got); n > max(limit, 1) {
			t.Fatalf("%d runes of at most %d: %q", n, limit, got)
		}
		if strings.ContainsAny(checks.Gist(s), "\n\r\x1b") {
			t.Fatalf("the gist of %q can move a terminal", s)
		}
	})
}
