package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
)

// seat is somebody at a terminal, at which serve runs.
type seat struct {
	keyboard  *io.PipeWriter
	out, errs *tape
	code      chan int
}

func sit(ctx context.Context, t *testing.T, args ...string) *seat {
	t.Helper()
	in, keyboard := io.Pipe()
	s := &seat{keyboard: keyboard, out: &tape{}, errs: &tape{}, code: make(chan int, 1)}
	sys, _, _ := piped(t, "")
	sys.In, sys.Out, sys.Err = in, s.out, s.errs
	sys.Terminal = func(any) (int, bool) { return 100, true }
	sys.Getenv = func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
	go func() { s.code <- run(ctx, append([]string{"serve"}, args...), sys) }()
	return s
}

func (s *seat) types(t *testing.T, line, answer string) {
	t.Helper()
	_, err := io.WriteString(s.keyboard, line+"\n")
	require.NoError(t, err)
	s.sees(t, answer)
}

func (s *seat) sees(t *testing.T, text string) {
	t.Helper()
	if !eventually(soon, func() bool { return strings.Contains(s.out.String(), text) }) {
		require.Fail(t, "not seen: "+text, "%s\n%s", s.out, s.errs)
	}
}

func (s *seat) leaves(t *testing.T) int {
	t.Helper()
	select {
	case code := <-s.code:
		return code
	case <-time.After(inShutdown):
		require.Fail(t, "it does not end", "%s\n%s", s.out, s.errs)
	}
	return -1
}

func TestATerminalIsToldWhatRunsAndHowToEndIt(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	s := sit(t.Context(), t, "--data", dir)
	s.sees(t, fmt.Sprintf("allclear %s · you are lead-1 (lead) · store: %s\nNo incident is open. Open one: incident open NAME\n"+
		"\"help\" lists the commands, \"quit\" ends this.\n", stamped(), dir))
	s.types(t, "incident open ts-1", "Incident ts-1 is open")
	_, err := io.WriteString(s.keyboard, "quit\n")
	require.NoError(t, err)
	require.Zero(t, s.leaves(t))
	require.NotContains(t, s.out.String(), "Stopping", "there was nothing to wait for")
	require.Empty(t, s.errs.String())

	again := sit(t.Context(), t, "--data", dir)
	again.sees(t, "Open: ts-1\n")
	require.NoError(t, again.keyboard.Close()) // Ctrl-D
	require.Zero(t, again.leaves(t))
}

func TestAPipeIsToldNothingButAnswers(t *testing.T) {
	t.Parallel()
	sys, out, errs := piped(t, "queue\nquit\nstatus\n", "ALLCLEAR_DATA="+filepath.Join(t.TempDir(), "store"), "ALLCLEAR_LEVEL=warn")
	require.Zero(t, run(t.Context(), []string{"serve"}, sys), errs)
	require.True(t, strings.HasPrefix(out.String(), "allclear  "), out)
	require.NotContains(t, out.String(), "you are")
	require.NotContains(t, out.String(), "No incident", "what stands behind quit is not read")
}

func TestCtrlCSaysWhatBecomesOfTheWorkAndPrintsItsAnswer(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	s := sit(ctx, t, "--data", shortDir(t))
	s.types(t, "incident open ts-1", "Incident ts-1 is open")
	s.types(t, "server add sp-1 --url "+g.URL, "sp-1 is in the inventory")
	s.types(t, "scan", "Scan s")
	g.awaitRequest(t)
	interrupt()
	s.sees(t, "Stopping: finishing what runs (at most 15 s); press Ctrl-C again to stop at once. What is not\nfinished is resumed at the next start.\n")
	require.NotContains(t, s.out.String(), "1 of 1 looked at")
	g.release()
	require.Zero(t, s.leaves(t))
	require.Contains(t, s.out.String(), "1 of 1 looked at", "what was finished is answered")
	require.NotContains(t, s.errs.String(), "replica")
}

func TestASecondCtrlCEndsItAtOnce(t *testing.T) {
	t.Parallel()
	g := newTarget(t)
	c := startChild(t, "serve", "--data", shortDir(t))
	c.ask(t, "incident open ts-1", "Incident ts-1 is open")
	c.ask(t, "server add sp-1 --url "+g.URL, "sp-1 is in the inventory")
	c.typed(t, "scan")
	g.awaitRequest(t)
	c.interrupt(t)
	if !eventually(soon, func() bool { return strings.Contains(c.errs.String(), "waiting for work to end") }) {
		require.Fail(t, "it does not go down", c.errs.String())
	}
	begun := time.Now()
	c.interrupt(t)
	require.NotZero(t, c.status(t, soon))
	require.Less(t, time.Since(begun), shutdown/2)
}

func TestPicturesAreSavedWhereThatIsAskedAndNeverOverAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, pictures := "ALLCLEAR_DATA="+filepath.Join(dir, "store"), filepath.Join(dir, "new", "pictures")
	do := func(args ...string) string {
		sys, out, errs := piped(t, "", data)
		require.Zero(t, run(t.Context(), append([]string{"do"}, args...), sys), errs)
		return out.String()
	}
	do("incident", "open", "ts-1")
	do("server", "add", "sp-1")
	require.Contains(t, do("digest"), "\n"+unsaved+"\n")
	require.NotContains(t, do("status"), unsaved)
	for _, name := range []string{"burn-down.png", "burn-down-1.png"} {
		path := filepath.Join(pictures, name)
		require.Contains(t, do("--save", pictures, "digest"), "saved as "+path)
		png, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(png, []byte("\x89PNG")))
		require.NotZero(t, binary.BigEndian.Uint32(png[16:20]), "it has a width")
	}
	sys, _, errs := piped(t, "", data, "ALLCLEAR_SAVE="+filepath.Join(dir, "store", "CURRENT", "x"))
	require.NotZero(t, run(t.Context(), []string{"serve", "--save", "/dev/null/x"}, sys))
	require.Contains(t, errs.String(), "--save: ")
}

func TestDoTellsDoneFromNotDoneFromWrongUsage(t *testing.T) {
	t.Parallel()
	data := "ALLCLEAR_DATA=" + filepath.Join(t.TempDir(), "store")
	for _, c := range []struct {
		line string
		code int
	}{
		{"incident open ts-1", exitOK},
		{"incident open ts-1", exitFailure},
		{"server add sp-1 --farm f", exitOK},
		{"frobnicate", exitUsage},
		{"status --frob", exitUsage},
		{"status --farm", exitUsage},
		{"server list --status happy", exitUsage},
		{"server list --limit many", exitUsage},
		{"status nobody", exitFailure},
	} {
		sys, out, errs := piped(t, "", data)
		require.Equal(t, c.code, run(t.Context(), append([]string{"do"}, strings.Fields(c.line)...), sys), "%s: %s%s", c.line, out, errs)
	}
}

func TestAStoreThatWasEmptiedIsToldOnce(t *testing.T) {
	t.Parallel()
	m := console.Render(lostStore(0, 7), console.Options{})
	require.Contains(t, m, "The store is empty, and it was not before")
	require.Contains(t, strings.Join(strings.Fields(m), " "), "bring back the last copy (allclear import FILE")
	require.Contains(t, console.Render(lostStore(1, 7), console.Options{}), "The record of the store had 7 entries, and has 1 entry now.")
}

func TestWhereARedisIsIsToldWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://user:hunter2@db.example:6379/3?read_timeout=1s": "Redis at db.example:6379/3",
		"rediss://db.example":              "Redis at db.example",
		"hunter2@%zz":                      "Redis",
		"unix:///run/redis.sock?pass=hunt": "Redis",
	} {
		require.Equal(t, want, redisAt(secret(url)))
	}
}

func TestWhoMayOnlyLookIsToldSo(t *testing.T) {
	t.Parallel()
	sys, _, _ := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(t.TempDir(), "store"))
	c, err := loadConfig("", sys)
	require.NoError(t, err)
	o, err := openStore(t.Context(), c, false, newLog(c, sys))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	a, err := lineApp(o.Store, c, newLog(c, sys))
	require.NoError(t, err)
	text, err := banner(t.Context(), a, state.People{{ID: "lead-9", Role: state.RoleLead, Links: []string{"console:uid-x"}}}, o.where)
	require.NoError(t, err)
	require.Contains(t, text, "nobody linked you ("+consoleLink()+") to a person: you may only look")
}

func TestACorruptJournalIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	for _, line := range [][]string{{"do", "incident", "open", "ts-1"}, {"do", "server", "add", "sp-1"}} {
		sys, _, errs := piped(t, "", "ALLCLEAR_DATA="+dir)
		require.Zero(t, run(t.Context(), line, sys), errs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && len(data) > 2000 {
			data[len(data)/2] ^= 0xff
			require.NoError(t, os.WriteFile(f, data, 0o600))
		}
	}
	sys, _, errs := piped(t, "", "ALLCLEAR_DATA="+dir)
	require.Equal(t, exitFailure, run(t.Context(), []string{"do", "status"}, sys))
	require.Contains(t, errs.String(), "is corrupt at offset")
	require.Contains(t, errs.String(), "(allclear import --data NEW-DIRECTORY EXPORT-FILE)")
	require.Contains(t, errs.String(), dir)
}
