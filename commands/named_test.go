package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

// complete has all commands, as a process has them.
func complete(t *testing.T, inventory string) *world {
	t.Helper()
	w := opened(t, 2, inventory)
	w.specs = nil
	for _, c := range All(w.parts) {
		w.specs = append(w.specs, c.Spec())
		w.cmds[c.Spec().Path] = c
	}
	return w
}

func TestAnIncidentThatIsNotThereIsToldWithThoseThatAre(t *testing.T) {
	t.Parallel()
	w := complete(t, "name\nsp-1\n")
	ask := func(path, name string) error {
		c, call := w.call(t, "lead-1", path)
		call.Incident, call.Values = name, call.Values.With("incident", name)
		_, err := c.Run(t.Context(), call)
		return err
	}
	for _, path := range []string{"status", "scan", "server list", "proposals", "digest"} {
		require.EqualError(t, ask(path, "nope"), `There is no incident "nope". Open: toolshell-1`, path)
		require.EqualError(t, ask(path, "toolshel-1"), `There is no incident "toolshel-1". Did you mean: toolshell-1`, path)
	}
	require.NoError(t, ask("proposals", "toolshell-1"))
	w.run(t, "lead-1", "incident close drill over")
	require.EqualError(t, ask("status", "nope"), `There is no incident "nope". None is open. Closed: toolshell-1`)
}

func TestALimitSurvivesTheWrapping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := map[string]time.Duration{}
	for _, c := range All(w.parts) {
		if l, ok := c.(interface{ TimeLimit() time.Duration }); ok {
			limits[c.Spec().Path] = l.TimeLimit()
		}
	}
	require.Equal(t, scanLimit, limits["scan"])
	require.Equal(t, time.Hour, limits["server import"])
	require.Zero(t, limits["status"])
}

func TestHelpShowsTheFormatOfEvidenceAndTheFormatIsTaken(t *testing.T) {
	t.Parallel()
	w := complete(t, "name,farm\nsp-fin-01,finance\n")
	text := words(w.run(t, "guest", "help evidence add"))
	require.Contains(t, text, evidenceExample)
	m := w.run(t, "alice", "evidence add", chat.File{Name: "x.json", Data: []byte(evidenceExample)})
	require.Contains(t, words(m), "12 observations of farm finance recorded.")
	require.Contains(t, words(m), "sp-fin-01 ready", "it proves all")
}

func TestHelpListsWhatCanBeVouchedForByThePlaybookOfTheIncident(t *testing.T) {
	t.Parallel()
	w := complete(t, "name\nsp-1\n")
	text := words(w.run(t, "guest", "help attest"))
	require.Contains(t, text, "Kinds by the playbook toolshell revision 2:")
	require.Contains(t, text, "- rotation (about an item): rotated, with --at\n")
	require.Contains(t, text, "- contained (about a server): no or yes\n")
	require.Contains(t, text, "- package (about a server): a build, like 16.0.10417.20037\n")
	require.Contains(t, w.refuse(t, "lead-1", "attest sp-1 frobbed yes --ref C"), `"frobbed" here; one of amsi, contained, deployment, `)
	require.Contains(t, w.refuse(t, "lead-1", "attest sp-1 --ref C"), "What can be vouched for, and how: help attest")
}

func TestWrongNamesAreToldWithRightOnes(t *testing.T) {
	t.Parallel()
	w := complete(t, "name,url,addresses,farm,owner\nsp-1,http://127.0.0.1:1,127.0.0.1,fin,alice\nsp-2,,,hr,bob\n")
	for line, want := range map[string]string{
		"status --farm zebra":    `There is no farm "zebra". There are: fin, hr`,
		"server show zebra":      `There is no server "zebra". There are: sp-1, sp-2`,
		"server list --after -1": "--after cannot be -1. It is how many servers to leave out from the top.",
		"server list --limit 0":  "--limit cannot be 0. It goes from 1 to 100.",
		"server import name,url": "Nothing was imported: the inventory has no servers.",
		"evidence add nonsense":  "this is not JSON: a document begins with {",
	} {
		require.Contains(t, w.refuse(t, "lead-1", line), want, line)
	}
	require.Equal(t, 1, strings.Count(words(w.run(t, "alice", "verify sp-1")), "not reached"), "once")
}
