package chat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func TestAFileIsCalledWhatCanBeShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"report.csv": "report.csv", "../../etc/passwd": "passwd", `C:\logs\u_ex.log`: "u_ex.log", "": "file", "..": "file", "/": "file",
		"a\nb\x1b[31m.csv": `a\nb\x1b[31m.csv`, strings.Repeat("ü", 200): strings.Repeat("ü", 99) + "…", "\u202egnp.exe": `\u{202e}gnp.exe`,
	} {
		require.Equal(t, want, chat.FileName(in), "%q", in)
	}
}

func TestLogsInAZipCanBeHandedIn(t *testing.T) {
	t.Parallel()
	require.Empty(t, chat.Unreadable([]byte("PK\x03\x04\x14\x00\x00\x00rest")))
	require.NotEmpty(t, chat.Unreadable([]byte("MZ\x90\x00\x03")))
}
