package playbook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// walk is evidence that does everything in order, hour by hour, on a farm of a
// 2019 server and a Subscription Edition server with two web applications.
func walk(t *testing.T) (state.Farm, []state.Evidence, time.Time) {
	t.Helper()
	now := time.Date(2025, 7, 22, 0, 0, 0, 0, time.UTC)
	farm := state.Farm{Name: "f", Servers: []state.Server{{Name: "old", Farm: "f"}, {Name: "se", Farm: "f"}}}
	var all []state.Evidence
	add := func(sub state.Subject, k state.Kind, value string, src state.Source) {
		now = now.Add(time.Hour)
		e := state.Evidence{
			Subject: sub, Kind: k, Value: value, Source: src, At: now, Observed: now, Recorded: now, By: "p1", Second: "p2",
		}
		if k == state.KindHunt {
			e.From, e.To = time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC), now
		}
		e.ID = e.NewID()
		all = append(all, e)
	}
	servers := func(k state.Kind, value string) {
		add(state.Subject{Server: "old"}, k, value, state.SourceCollector)
		add(state.Subject{Server: "se"}, k, value, state.SourceCollector)
	}
	items := func(k state.Kind, value string) {
		add(state.Subject{Item: "Central Administration"}, k, value, state.SourceCollector)
		add(state.Subject{Item: "Portal"}, k, value, state.SourceCollector)
	}
	add(state.Subject{}, state.KindItems, "Central Administration\nPortal", state.SourceCollector)
	servers("preserved", "done")
	add(state.Subject{Server: "old"}, state.KindBuild, "16.0.10417", state.SourceProbe)
	add(state.Subject{Server: "se"}, state.KindBuild, "16.0.18526", state.SourceProbe)
	add(state.Subject{Server: "old"}, "package", "16.0.10417.20037", state.SourceCollector)
	add(state.Subject{Server: "se"}, "package", "16.0.18526.20508", state.SourceCollector)
	add(state.Subject{Server: "old"}, "package.language", "16.0.10417.20037", state.SourceCollector)
	servers("psconfig", "done")
	items("amsi", "full")
	servers("hunt", "clean")
	servers("modules", "clean")
	items("rotation", "rotated")
	items("deployment", "deployed")
	servers("restart", "restarted")
	servers("keys.match", "yes")
	return farm, all, now.Add(time.Hour)
}

func statuses(rules state.Rules, farm state.Farm, evidence []state.Evidence, now time.Time) map[string]state.Status {
	out := map[string]state.Status{}
	for _, s := range state.Assess(rules, farm, evidence, now).Servers {
		out[s.Name] = s.Status
	}
	return out
}

func TestAFarmThatDoesEverythingInOrderIsReady(t *testing.T) {
	t.Parallel()
	farm, all, now := walk(t)
	a := state.Assess(toolshell(t).Rules(), farm, all, now)
	for _, s := range a.Servers {
		require.Equal(t, state.StatusReady, s.Status, "%s: %s; missing %+v", s.Name, s.Next, s.Missing())
	}
}

func TestWithoutAnyOneProofNobodyWhoNeedsItIsReady(t *testing.T) {
	t.Parallel()
	farm, all, now := walk(t)
	rules := toolshell(t).Rules()
	for i, e := range all {
		if e.Kind == state.KindBuild {
			continue // what is read from outside proves nothing
		}
		rest := append(append([]state.Evidence{}, all[:i]...), all[i+1:]...)
		got := statuses(rules, farm, rest, now)
		for _, s := range farm.Servers {
			if e.Subject.Server == "" || e.Subject.Server == s.Name {
				require.NotEqual(t, state.StatusReady, got[s.Name], "%s without %s of %s", s.Name, e.Kind, e.Subject)
			}
		}
	}
}

func TestKeysRotatedBeforeTheLastServerIsFixedDoNotCount(t *testing.T) {
	t.Parallel()
	farm, all, now := walk(t)
	early := all[0].Observed
	for i := range all {
		if all[i].Kind == "rotation" {
			all[i].At = early
		}
	}
	for name, status := range statuses(toolshell(t).Rules(), farm, all, now) {
		require.NotEqual(t, state.StatusReady, status, name)
	}
}

func TestValuesThatAreNotEnoughDoNotPass(t *testing.T) {
	t.Parallel()
	rules := toolshell(t).Rules()
	for kind, values := range map[state.Kind][]string{
		"amsi": {"off", "balanced"}, "rotation": {"local"}, "psconfig": {"needed"}, "modules": {"malicious"}, "keys.match": {"no"},
	} {
		for _, value := range values {
			farm, all, now := walk(t)
			for i := range all {
				if all[i].Kind == kind {
					all[i].Value = value
				}
			}
			for name, status := range statuses(rules, farm, all, now) {
				require.NotEqual(t, state.StatusReady, status, "%s with %s %s", name, kind, value)
			}
		}
	}
}

func TestTheSecondRevisionReopensWhatTheFirstCalledFixed(t *testing.T) {
	t.Parallel()
	first, err := Load("toolshell@1")
	require.NoError(t, err)
	farm, all, now := walk(t)
	for i := range all {
		switch all[i].Value {
		case "16.0.10417.20037":
			all[i].Value = "16.0.10417.20027"
		case "16.0.18526.20508":
			all[i].Value = "16.0.18526.20424"
		}
	}
	require.Equal(t, map[string]state.Status{"old": state.StatusReady, "se": state.StatusReady}, statuses(first.Rules(), farm, all, now))
	require.Equal(t, map[string]state.Status{"old": state.StatusExposed, "se": state.StatusExposed}, statuses(toolshell(t).Rules(), farm, all, now))
}
