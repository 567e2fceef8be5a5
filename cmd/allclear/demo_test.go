package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// piped is a system without a terminal, with its output.
func piped(t *testing.T, in string, env ...string) (system, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, errs bytes.Buffer
	return system{
		In: strings.NewReader(in), Out: &out, Err: &errs,
		Getenv: func(k string) string {
			for _, kv := range env {
				if n, v, _ := strings.Cut(kv, "="); n == k {
					return v
				}
			}
			return ""
		},
		Environ:  func() []string { return env },
		Terminal: func(any) (int, bool) { return 0, false },
	}, &out, &errs
}

func TestTheDemoTellsTheWholeResponseAndReachesAllClear(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	sys, out, errs := piped(t, "")
	code := run(t.Context(), []string{"demo", "--save", dir, "--log", log}, sys)
	require.Zero(t, code, "%s\n%s", errs, tail(out.String(), 4000))
	require.Empty(t, errs.String())

	told := out.String()
	for _, line := range []string{
		"Incident toolshell is open",
		"with a new sign of an attacker",
		"carries no revision",
		"A claim proves nothing",
		"do it again", // the rotation in the wrong order
		"You asked for this yourself",
		"4 re-opened",         // the fix line
		"was confirmed until", // to the owner, with the reason
		"2 servers re-opened", // the snapshot
		"is contained now",
		"Not clear: 60 of 60 servers are open",
		"ALL CLEAR: toolshell",
		"The record is whole",
		"0 of them writes, 0 for a forbidden path",
	} {
		require.Contains(t, told, line)
	}
	require.NotContains(t, told, "\x1b", "no colour in a pipe")
	require.NotContains(t, told, "CLEAR WITH")
	require.Equal(t, 1, strings.Count(told, "ALL CLEAR: toolshell"), "declared once")

	png, err := os.ReadFile(filepath.Join(dir, "burn-down.png"))
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(png, []byte("\x89PNG")))
	requireCalmLog(t, log)
}

// requireCalmLog fails on any line of a log that is an error, or that has text of
// a message in it.
func requireCalmLog(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		var l map[string]any
		require.NoError(t, json.Unmarshal(s.Bytes(), &l), s.Text())
		require.NotEqual(t, "ERROR", l["level"], s.Text())
		require.NotContains(t, s.Text(), "installed over lunch", "a log never holds what people wrote")
	}
	require.Positive(t, lines)
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

func TestTheDemoRefusesAFleetTooSmallForTheStory(t *testing.T) {
	t.Parallel()
	sys, _, errs := piped(t, "")
	require.Equal(t, exitUsage, run(t.Context(), []string{"demo", "--servers", "3"}, sys))
	require.Contains(t, errs.String(), "30 to 100000")
}
