package commands

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func july(t *testing.T) *world {
	w := opened(t, 1, "name,farm,owner\nsp-1,fin,alice\nsp-2,hr,bob\nsp-3,lab,bob\n")
	w.remediate(t, "fin", july2019, "sp-1")
	w.confirm(t, "fin", "sp-1")
	w.remediate(t, "hr", fixed2019, "sp-2")
	w.confirm(t, "hr", "sp-2")
	return w
}

func TestARevisionIsShownBeforeItIsPutInForce(t *testing.T) {
	t.Parallel()
	w := july(t)
	m := w.run(t, "alice", "playbook revise toolshell")
	text := words(m)
	for _, want := range []string{
		"# ToolShell revision 2 instead of 1: 1 of 3 servers would change", "What moved:", "fix line of SharePoint Server 2019: 16.0.10417.20027 -> 16.0.10417.20037",
		"▼ 1 re-opened: sp-1 (was confirmed)", "Concerns: alice 1", "Nothing was changed.",
		"[Put it in force](playbook revise --incident toolshell-1 toolshell --apply)",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, state.StatusConfirmed, w.row(t, "sp-1").Status)
	require.Contains(t, w.refuse(t, "alice", "playbook revise toolshell --apply"), "Only a lead")
}

func TestARevisionReopensWhatWasConfirmedAgainstTheOldLineAndTellsWhy(t *testing.T) {
	t.Parallel()
	w := july(t)
	m := w.run(t, "lead-1", "playbook revise toolshell --apply")
	text := words(m)
	require.Contains(t, text, "# ToolShell revision 2 is in force")
	require.Contains(t, text, "3 farms assessed anew.")
	require.Contains(t, text, "▼ 1 re-opened: sp-1 (was confirmed)")
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Equal(t, state.StatusExposed, w.row(t, "sp-1").Status)
	require.Equal(t, state.StatusConfirmed, w.row(t, "sp-2").Status)
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise toolshell --apply"), "not newer")
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise toolshell@1"), "revision 1 is not newer")
	n, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	require.Positive(t, n, "the owner is told")
}

func TestARevisionThatIsRunAgainTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	w := july(t)
	c, call := w.call(t, "lead-1", "playbook revise toolshell --apply")
	_, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	n, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	w.wait(time.Minute)
	_, err = c.Run(t.Context(), call)
	require.NoError(t, err)
	again, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, again)
}

func TestAPlaybookMayBeHandedIn(t *testing.T) {
	t.Parallel()
	w := july(t)
	next := []byte("playbook: toolshell\nrevision: 3\nbase: 2\nbuilds: [16.0.10417.20099 2025-12-01 KB5009999]\nfixed: [16.0.10417.20099]\n")
	text := words(w.run(t, "alice", "playbook revise", chat.File{Name: "next.yaml", Data: next}))
	require.Contains(t, text, "revision 3 instead of 1: 2 of 3 servers would change")
	require.NotContains(t, text, "[Put it in force]", "a button cannot hand a file in again")
	require.Contains(t, w.refuse(t, "alice", "playbook revise", chat.File{Name: "next.yaml", Data: []byte("playbook: [")}), "The playbook is not in order: next.yaml:")

	path := filepath.Join(t.TempDir(), "next.yaml")
	require.NoError(t, os.WriteFile(path, next, 0o600))
	require.Contains(t, w.refuse(t, "alice", "playbook revise "+path), "Only a lead names a file")
	require.Contains(t, words(w.run(t, "lead-1", "playbook revise "+path+" --apply")), "ToolShell revision 3 is in force")
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise nothing"), "no such playbook")
}
