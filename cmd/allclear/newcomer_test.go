package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What new users typed, and what they have to be told.

func typed(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	sys, o, e := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(dir, "store"))
	code = run(t.Context(), args, sys)
	return code, o.String(), e.String()
}

func TestAMistypedDirectoryIsNoWholeStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{{"audit", "verify"}, {"export"}, {"export", "--redis-pipe"}} {
		code, out, errs := typed(t, dir, args...)
		require.Equal(t, exitFailure, code, args)
		require.Empty(t, out)
		require.Contains(t, errs, "there is no store in "+filepath.Join(dir, "store"))
		require.NoDirExists(t, filepath.Join(dir, "store"), "and none is made")
	}
}

func TestADirectoryIsNoExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{{"audit", "verify", dir}, {"import", dir}} {
		code, _, errs := typed(t, dir, args...)
		require.Equal(t, exitFailure, code, args)
		require.Contains(t, errs, dir+" is a directory")
	}
}

func TestAWholeLineInQuotesIsALine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inventory := filepath.Join(dir, "my servers.csv")
	require.NoError(t, os.WriteFile(inventory, []byte("name,farm\nsp-1,f\n"), 0o600))
	for _, line := range []string{"incident open ts-1", `server import "@` + inventory + `"`, "server show sp-1", `evidence add {"schema":"allclear/evidence/1","farm":"f","observed":"2025-07-22T14:55:00Z","servers":{"sp-1":{"modules":"clean"}}}`} {
		code, out, errs := typed(t, dir, "do", line)
		require.Zero(t, code, "%s: %s%s", line, out, errs)
	}
	code, out, _ := typed(t, dir, "do", "server import", "@"+inventory)
	require.Equal(t, exitUsage, code, "two arguments are two words: %s", out)
}

func TestWhereAFlagStandsIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, _, _ = typed(t, dir, "do", "incident", "open", "ts-1")
	code, _, errs := typed(t, dir, "do", "digest", "--save", dir)
	require.Equal(t, exitUsage, code)
	require.Equal(t, "A flag of allclear itself stands before the line: allclear do --save … digest\n", errs)
	_, _, errs = typed(t, dir, "do", "digest", "--frob")
	require.Empty(t, errs)
}

func TestAFileIsAPlaybookWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	require.Equal(t, "toolshell", playbookFile("toolshell"))
	require.Equal(t, "toolshell@1", playbookFile("toolshell@1"))
	require.Equal(t, "nowhere", playbookFile("nowhere"))
	require.Equal(t, "."+string(filepath.Separator)+"main.go", playbookFile("main.go"))
	require.Equal(t, "testdata/bad.yaml", playbookFile("testdata/bad.yaml"))
	code, _, errs := typed(t, t.TempDir(), "playbook", "check", "main.go")
	require.Equal(t, exitFailure, code)
	require.NotContains(t, errs, "no such playbook")
}

func TestWrongWordsAreToldWithTheRightOnes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"import":           "something is missing: allclear import FILE; see allclear import --help",
		"import a b":       `"b" is one word too many, or not understood: allclear import FILE; see`,
		"scan servers.csv": `"servers.csv" is one word too many, or not understood: allclear scan -i FILE; see`,
		"do":               "something is missing: allclear do LINE…; see",
		"playbook frob":    `unknown command "frob" for "allclear playbook"; see`,
		"do digest @nope":  "(a word that begins with @ names one)",
	} {
		code, _, errs := typed(t, t.TempDir(), strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, want, line)
	}
}

func TestAStoreInUseIsToldWithWhatWorksBesideIt(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	s := sit(t.Context(), t, "--data", dir)
	s.sees(t, "No incident is open")
	sys, _, errs := piped(t, "")
	require.Equal(t, exitFailure, run(t.Context(), []string{"serve", "--data", dir}, sys))
	require.Contains(t, errs.String(), `"allclear do LINE" works beside it, or stop it first`)
	require.NoError(t, s.keyboard.Close())
	require.Zero(t, s.leaves(t))
}

func TestALineThatIsInterruptedSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := newTarget(t)
	answers := answering(t, "16.0.0.5495")
	inventory := filepath.Join(dir, "servers.csv")
	require.NoError(t, os.WriteFile(inventory, []byte("name,url\na-vulnerable,"+answers+"\nb-silent,"+g.URL+"\n"), 0o600))
	for _, line := range []string{"incident open ts-1", "server import @" + inventory} {
		code, out, errs := typed(t, dir, "do", line)
		require.Zero(t, code, "%s%s", out, errs)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	sys, out, errs := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(dir, "store"))
	go func() {
		<-g.asked
		interrupt()
	}()
	require.Equal(t, exitFailure, run(ctx, []string{"do", "scan"}, sys))
	require.Contains(t, out.String(), "Interrupted. What was done until then is kept")
	require.Empty(t, errs.String())
}
