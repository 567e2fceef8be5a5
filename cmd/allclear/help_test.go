package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHelpOfTheProgramFindsCommandsOfTheChat(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"feeds --help":           "feeds accept ID [--apply APPLY]: Accept what a source said",
		"help feeds":             "from the command line: allclear do feeds …",
		"feeds check -h":         "- {kind: kev, at: ",
		"do feeds accept --help": "Needs the role lead.",
		"do feeds --help":        "feeds reject ID: ",
		"help schedule":          "schedule add NAME WHEN",
		"hunt --help":            "PATH is a log",
		"help attest":            "Vouch for a fact",
		"do --help":              "Run one command of the chat",
		"help":                   "Available Commands:",
		"--help":                 "Available Commands:",
	} {
		code, out, _ := runLine(t, line)
		require.Equal(t, exitOK, code, line)
		require.Contains(t, out, want, line)
	}
	code, _, said := runLine(t, "help frob")
	require.Equal(t, exitUsage, code)
	require.Contains(t, said, `There is no command "frob"`)
}

// runLine runs one command line of the program without a store of its own.
func runLine(t *testing.T, line string) (code int, out, errs string) {
	t.Helper()
	sys, o, e := piped(t, "", "ALLCLEAR_DATA="+filepath.Join(t.TempDir(), "store"))
	code = run(t.Context(), strings.Fields(line), sys)
	return code, o.String(), e.String()
}
