package chart

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTextIsCleanedAndMadeDrawable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, clean, drawable string }{
		"plain":       {"Fix line moved", "Fix line moved", "Fix line moved"},
		"white space": {"  a\n\t b\u00a0c ", "a b c", "a b c"},
		"escapes":     {"\x1b[31mred\x07\x00\x7f", "[31mred", "[31mred"},
		"overrides":   {"a\u202eb\u2066c\u200dd\ufeff", "abcd", "abcd"},
		"bad utf-8":   {"a\xff\xfeb", "ab", "ab"},
		"markup":      {"<!channel> *b* </b>", "<!channel> *b* </b>", "<!channel> *b* </b>"},
		"emoji":       {"done 👍🏽 now", "done 👍🏽 now", "done now"},
		"accents":     {"cafe\u0301", "café", "café"},
		"zalgo":       {"a" + strings.Repeat("\u0317", 50) + "b", "a\u0317\u0317b", "ab"},
		"cyrillic":    {"Серверы", "Серверы", "Серверы"},
		"han":         {"ToolShell 漢字", "ToolShell 漢字", "ToolShell □"},
		"hebrew":      {"a שלום עולם, b", "a שלום עולם, b", "a םלוע םולש, b"},
		"empty":       {"", "", ""},
		"nothing":     {"\u200b\u202e\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.clean, clean(c.in, maxText))
			require.Equal(t, c.drawable, drawable(c.in))
		})
	}
}

func TestTextIsCutByRunesAndByWidth(t *testing.T) {
	t.Parallel()
	require.Equal(t, "éé…", clean("ééééé", 3))
	require.Equal(t, "ééé", clean("ééé", 3))
	require.Equal(t, "a…", clean("a bcd", 3))
	require.Equal(t, "short", labelStyle.fit("short", 500))
	cut := labelStyle.fit(strings.Repeat("word ", 40), 200)
	require.True(t, strings.HasSuffix(cut, "word…") || strings.HasSuffix(cut, ellipsis), cut)
	require.LessOrEqual(t, labelStyle.width(cut), 200.0)
}

func FuzzTitles(f *testing.F) {
	for _, seed := range []string{"ToolShell", "\x1b[2J\u202eevil", "👍", strings.Repeat("a\u0301", 500), "\xff", "שלום", "\u2028<!here>"} {
		f.Add(seed)
	}
	style := titleStyle
	f.Fuzz(func(t *testing.T, title string) {
		text := style.fit(drawable(title), 800)
		require.LessOrEqual(t, style.width(text), 800.0)
		for _, r := range text {
			require.True(t, covered(r), "%U", r)
		}
		b := BurnDown{Title: title, Points: []Point{{At: time.Unix(1e9, 0), Unknown: 3}}}
		alt := b.Alt()
		require.True(t, utf8.ValidString(alt))
		require.LessOrEqual(t, utf8.RuneCountInString(alt), 600)
		require.NotContains(t, alt, "\n")
		for _, r := range alt {
			require.False(t, unicode.Is(unicode.C, r), "%U", r)
		}
	})
}
