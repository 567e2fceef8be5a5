package chat_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func TestWhatActsOrHidesIsWrittenOut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"sp-01.example.org":    "sp-01.example.org",
		"a\nb\tc\r":            `a\nb c\r`,
		"\x1b[31mred":          `\x1b[31mred`,
		"\u202egnp.exe":        `\u{202e}gnp.exe`,
		"zero\u200bwidth":      `zero\u{200b}width`,
		"bad \xff":             `bad \xff`,
		"naïve 日本 😀":           "naïve 日本 😀",
		"\u3164filler":         `\u{3164}filler`,
		"no\u00a0break \u2800": `no break \u{2800}`,
	} {
		require.Equal(t, want, chat.Clean(in))
	}
}

func FuzzCleanLeavesNothingThatActs(f *testing.F) {
	for _, s := range []string{"", "a\x00b", "\u202e", "z" + strings.Repeat("\u0301", 9), "\xed\xa0\x80", "👩‍👩‍👧", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := chat.Clean(s)
		require.True(t, utf8.ValidString(got))
		for _, r := range got {
			require.False(t, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp), "%U", r)
		}
		require.Equal(t, got, chat.Clean(got), "it is clean already")
	})
}
