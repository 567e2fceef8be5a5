package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestAnIncidentIsOpenedWithWhatItDemandsAndBindsItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.run(t, "lead-1", `incident open toolshell-1 --title "Summer" --cadence 30m --drill`)
	require.Contains(t, words(m), "DRILL · Incident toolshell-1 is open: Summer")
	require.Contains(t, words(m), "SharePoint Server 2019: 16.0.10417.20037")
	require.Contains(t, words(m), "every 30 min")
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Equal(t, 2, inc.Rules.Revision)
	require.True(t, inc.Drill)
	require.Equal(t, []state.Place{{Platform: "console", Channel: "war-room", Ceiling: state.TLPAmberStrict}}, inc.Places)
	require.Equal(t, state.PersonID("lead-1"), inc.OpenedBy)
}

func TestARequestThatIsRunAgainOpensOneIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, call := w.call(t, "lead-1", "incident open toolshell-1")
	first, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	again, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Contains(t, w.refuse(t, "lead-1", "incident open toolshell-1"), "There already is an incident toolshell-1.")
}

func TestWhatCannotBeOpenedIsToldWithWhatWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for line, want := range map[string]string{
		"incident open Tool_Shell":               "Try: incident open tool-shell",
		"incident open x --cadence 1s":           "Between 5m and 7d.",
		"incident open x --playbook toolshel":    `did you mean "toolshell"? Nothing was changed.`,
		"incident open x --playbook toolshell@9": "no such playbook",
		"incident open x --title \"a\u202eb\"":   "cannot be seen",
		"incident open @":                        "cannot name an incident",
	} {
		require.Contains(t, w.refuse(t, "lead-1", line), want, line)
	}
	require.Contains(t, words(w.run(t, "guest", "incident list")), "There is no incident.")
}

func TestIncidentsAreListedOpenOnesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(t, "lead-1", "incident open toolshell-1")
	w.run(t, "lead-1", "incident open old-1")
	w.run(t, "lead-1", "incident close --incident old-1 it was a mistake")
	text := words(w.run(t, "guest", "incident list"))
	require.Contains(t, text, "# 2 incidents, 1 open\n- toolshell-1 ToolShell · toolshell · not clear · open since 09:00\n- old-1")
	require.Contains(t, text, "closed 09:00, not declared clear")
}

func TestAnIncidentShowsItsRulesCountsAndWhatWaits(t *testing.T) {
	t.Parallel()
	w := opened(t, 1, "name,farm,owner\nsp-fin-01,fin,alice\nsp-fin-02,fin,alice\n")
	w.run(t, "alice", `server retire sp-fin-02 --reason "switched off"`)
	m := w.run(t, "guest", "incident show")
	text := words(m)
	for _, want := range []string{
		"Not clear: 2 of 2 servers are open.", "2 servers: 2 unknown.", "Not seen: 2 not looked at.",
		"In force: toolshell revision 1.", "SharePoint Server 2019: 16.0.10417.20027", "by Ada", "Places: console war-room",
		"retire sp-fin-02, asked for by Alice just now", "[Approve r-sp-fin-02-",
	} {
		require.Contains(t, text, want)
	}
}

func TestClosingNeedsAReasonUnlessItIsClear(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name\na\n")
	require.Contains(t, w.refuse(t, "lead-1", "incident close"), "not declared clear")
	text := words(w.run(t, "lead-1", "incident close given up"))
	require.Contains(t, text, "It is not clear. Reason: given up")
	require.Contains(t, text, "As it stood: 1 unknown.")
	require.Contains(t, w.refuse(t, "alice", "scan"), "is closed; nothing is scanned")
	require.Contains(t, w.refuse(t, "lead-1", "server add b"), "was closed")
	require.Contains(t, w.refuse(t, "lead-1", "server import https://b.example"), "is closed")
	_, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
}

func TestEveryCommandOfThisHalfTellsItsRoleAndAnExample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	roles := map[string]state.Role{
		"incident open": state.RoleLead, "incident list": state.RoleViewer, "incident show": state.RoleViewer, "incident clear": state.RoleLead,
		"incident close": state.RoleLead, "playbook revise": state.RoleResponder, "server add": state.RoleLead, "server import": state.RoleLead,
		"server show": state.RoleViewer, "server list": state.RoleViewer, "server retire": state.RoleResponder, "server assign": state.RoleResponder,
		"scan": state.RoleResponder, "scan show": state.RoleViewer, "verify": state.RoleResponder, "incident bind": state.RoleLead, "incident unbind": state.RoleLead,
	}
	require.Len(t, w.specs, len(roles))
	for _, s := range w.specs {
		require.Equal(t, roles[s.Path], s.Role, s.Path)
		require.NotEmpty(t, s.Examples, s.Path)
		for _, e := range s.Examples {
			found, rest, err := chat.Find(w.specs, e.Line)
			require.NoError(t, err, e.Line)
			require.Equal(t, s.Path, found.Path)
			_, err = chat.Parse(s, rest, []chat.File{})
			require.NoError(t, err, e.Line)
		}
	}
}

func TestTheNameOfAnIncidentIsNoReasonToCloseAnother(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name\nsp-1\n")
	w.run(t, "lead-1", "incident open other-1 --playbook toolshell")
	refusal := w.refuse(t, "lead-1", "incident close --incident toolshell-1 other-1")
	require.Contains(t, refusal, "This would close toolshell-1")
	require.Contains(t, refusal, "incident close --incident other-1")
	w.run(t, "lead-1", "incident close --incident other-1 it was a mistake")
}
