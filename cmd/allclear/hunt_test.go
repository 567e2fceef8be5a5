package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/hunt"
)

// fleetLogs are a folder with a zip of logs for each farm of a small fleet, and its inventory.
func fleetLogs(t *testing.T, until time.Time, compromised ...string) (folder, inventory string) {
	t.Helper()
	f, err := fleet.New(fleet.Options{Servers: 9, Seed: 1, CompromisedShare: -1})
	require.NoError(t, err)
	for _, s := range compromised {
		require.NoError(t, f.Compromise(s))
	}
	folder = t.TempDir()
	for _, farm := range f.Farms() {
		var b bytes.Buffer
		require.NoError(t, f.WriteLogs(farm, until, &b))
		require.NoError(t, os.WriteFile(filepath.Join(folder, farm+".zip"), b.Bytes(), 0o600))
	}
	var rows bytes.Buffer
	require.NoError(t, f.WriteInventory(&rows))
	inventory = filepath.Join(t.TempDir(), "servers.csv")
	require.NoError(t, os.WriteFile(inventory, rows.Bytes(), 0o600))
	return folder, inventory
}

func TestHuntSaysWhatLogsShowAndItsExitStatusSaysItToo(t *testing.T) {
	t.Parallel()
	until := time.Date(2025, 7, 20, 0, 0, 0, 0, time.UTC)
	hit, inventory := fleetLogs(t, until, "sp-finance-w1")
	sys, out, errs := piped(t, "")
	require.Equal(t, exitAffected, run(t.Context(), []string{"hunt", hit, "-i", inventory}, sys), errs.String())
	text := out.String()
	require.True(t, strings.HasPrefix(text, "COMPROMISED sp-finance-w1"), text)
	require.Contains(t, text, "shell: GET /_layouts/15/spinstall0.aspx (spinstall-access) 200×1 from 198.51.100.")
	require.Contains(t, text, "Campaigns")
	require.Contains(t, text, "of 9 servers touched")

	quiet, inventory := fleetLogs(t, until)
	sys, out, errs = piped(t, "")
	require.Equal(t, exitOK, run(t.Context(), []string{"hunt", quiet, "-i", inventory}, sys), out.String()+errs.String())
	require.Contains(t, out.String(), "9 servers, 9 logs")

	late, inventory := fleetLogs(t, until)
	require.NoError(t, os.Remove(filepath.Join(late, "hr.zip")))
	sys, out, _ = piped(t, "")
	require.Equal(t, exitUnknown, run(t.Context(), []string{"hunt", late, "-i", inventory}, sys))
	require.Contains(t, out.String(), "No log of their own: sp-hr-w1, sp-hr-w2.")

	for _, args := range [][]string{
		{"hunt"},
		{"hunt", "/does/not/exist"},
		{"hunt", t.TempDir()},
		{"hunt", quiet, "--quiet", "0s"},
		{"hunt", quiet, "--playbook", "citrixbleed2"},
		{"hunt", quiet, "-i", inventory, "--server", "nobody"},
	} {
		sys, _, errs = piped(t, "")
		require.Equal(t, exitUsage, run(t.Context(), args, sys), args)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	}
}

func TestHuntWritesObjectsTablesAndDocumentsThatCanBeHandedIn(t *testing.T) {
	t.Parallel()
	folder, inventory := fleetLogs(t, time.Date(2025, 7, 20, 0, 0, 0, 0, time.UTC), "sp-finance-w1")
	into := t.TempDir()
	sys, out, errs := piped(t, "")
	args := []string{"hunt", folder, "-i", inventory, "--json", "--csv", filepath.Join(into, "t.csv"), "--evidence", filepath.Join(into, "docs")}
	require.Equal(t, exitAffected, run(t.Context(), args, sys), errs.String())
	first, rest, _ := strings.Cut(out.String(), "\n")
	var r hunt.Report
	require.NoError(t, json.Unmarshal([]byte(first), &r))
	require.Equal(t, "sp-finance-a1", r.Server)
	require.Contains(t, rest, `{"cluster":{"id":`)
	table, err := os.ReadFile(filepath.Join(into, "t.csv"))
	require.NoError(t, err)
	require.Contains(t, string(table), "sp-finance-w1,shell,spinstall-access,2025-07-18T18:")

	data := "ALLCLEAR_DATA=" + t.TempDir()
	line := func(args ...string) string {
		sys, out, errs := piped(t, "", data)
		require.Equal(t, exitOK, run(t.Context(), args, sys), errs.String()+out.String())
		return out.String()
	}
	line("do", "incident", "open", "toolshell-1")
	line("do", "server", "import", "@"+inventory)
	require.Contains(t, line("evidence", "add", filepath.Join(into, "docs", "hunt-finance.json")), "✖ sp-finance-w1 compromised (was unknown)")
	require.Contains(t, line("do", "hunt", "show", "sp-finance-w1"), "web shell answered GET /_layouts/15/spinstall0.aspx")
	require.Contains(t, strings.Join(strings.Fields(line("do", "hunt", "clusters")), " "), "1 answered, and not patched: sp-finance-w1")
}
