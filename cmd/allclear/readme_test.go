package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/commands"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	return string(b)
}

// block is the first part of a text between two marks.
func block(t *testing.T, text, begin, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, "no %q", begin)
	inside, _, ok := strings.Cut(rest, end)
	require.True(t, ok, "no %q after %q", end, begin)
	return inside
}

func TestTheEvidenceInTheReadmeIsAcceptedAsItStands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "finance.json")
	require.NoError(t, os.WriteFile(file, []byte(block(t, readme(t), "```json\n", "```")), 0o600))
	for _, line := range [][]string{
		{"do", "incident", "open", "toolshell-1"},
		{"do", "server", "add", "sp-fin-01", "--farm", "finance"},
		{"evidence", "add", file},
	} {
		sys, out, errs := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(dir, "store"))
		require.Zero(t, run(t.Context(), line, sys), "%v: %s%s", line, out, errs)
		if line[0] == "evidence" {
			require.Contains(t, out.String(), "12 observations of farm finance recorded")
		}
	}
}

func TestTheInventoryInTheReadmeIsAcceptedAsItStands(t *testing.T) {
	t.Parallel()
	lines := strings.Split("name,url"+block(t, readme(t), "    name,url", "\n\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	servers, err := commands.ParseInventory([]byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	require.Len(t, servers, 2)
	require.Equal(t, "web", servers[0].Tags["role"])
}

func TestTheConfigurationInTheReadmeIsAcceptedAsItStands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(block(t, readme(t), "\n```yaml\n", "```")), 0o600))
	sys, _, _ := piped(t, "")
	c, err := loadConfig(file, sys)
	require.NoError(t, err)
	require.Len(t, c.People, 3)
	require.Len(t, c.Slack.Roles, 1)
}

func TestEveryVariableIsInTheReadme(t *testing.T) {
	t.Parallel()
	text := readme(t)
	for name := range variables() {
		require.Contains(t, text, name)
	}
}
