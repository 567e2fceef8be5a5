package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
)

func TestASourceMovesALineOfAPlaybookThatCameFromAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, data []byte, change ...string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(change...).Replace(string(data))), 0o600))
		return path
	}
	own, err := playbook.BuiltinSource("toolshell")
	require.NoError(t, err)
	ours := file("ours.yaml", own, "playbook: toolshell\nrevision: 2\n", "playbook: ours\nrevision: 7\n")
	record, err := os.ReadFile("../../checks/intake/feeds/testdata/CVE-2025-53770.json")
	require.NoError(t, err)
	cve := file("cve.json", record)
	config := file("c.yaml", []byte(fmt.Sprintf("people: [{id: me, role: lead, links: [%q]}]\nfeeds: {sources: [{kind: cve, at: %q}]}\n", consoleLink(), cve)))
	do := func(line ...string) string {
		t.Helper()
		sys, out, errs := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(dir, "store"))
		require.Equal(t, exitOK, run(t.Context(), append([]string{"do", "--config", config}, line...), sys), "%s%s", out, errs)
		return strings.Join(strings.Fields(out.String()), " ")
	}
	do("incident", "open", "one", "--playbook", ours)
	do("server", "add", "sp-1", "--farm", "f")
	do("feeds", "check")
	file("cve.json", record, "16.0.10417.20037", "16.0.10417.20099")
	said := do("feeds", "check")
	require.Contains(t, said, "proposed as F1 for one, below")
	require.Contains(t, said, "fix line of SharePoint Server 2019: 16.0.10417.20037 -> 16.0.10417.20099")
	require.NotContains(t, said, "nil")
	said = do("feeds", "accept", "F1")
	require.Contains(t, said, "Nothing was accepted yet.", "what is shown is accepted, and nothing else")
	shown := regexp.MustCompile(`feeds accept F1 --apply ([0-9a-f]{16})`).FindStringSubmatch(said)
	require.NotNil(t, shown, said)
	said = do("feeds", "accept", "F1", "--apply", shown[1])
	require.Contains(t, said, "F1 was accepted.")
	require.Contains(t, said, "revision 8 is in force")
	require.Contains(t, said, "1 farm assessed anew.")
	said = do("incident", "show", "one")
	require.Contains(t, said, "In force: ours revision 8")
	require.Contains(t, said, "SharePoint Server 2019: 16.0.10417.20099")
	require.Contains(t, do("feeds", "check"), "the same as last time")
}
