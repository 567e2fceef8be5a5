package statetest

import (
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Epoch is when the tests' world begins.
var Epoch = time.Date(2025, 7, 20, 8, 0, 0, 0, time.UTC)

// Kinds of evidence that Rules asks for.
const (
	KindPatch    state.Kind = "patch"
	KindRotation state.Kind = "rotation"
	KindRestart  state.Kind = "restart"
)

// PatchAge is how long proof of the patch counts.
const PatchAge = 48 * time.Hour

// Fixed and Vulnerable are builds on both sides of the fix line of revision 1. Revision 2 moves it above Fixed.
const (
	Vulnerable = "16.0.5000.1000"
	Fixed      = "16.0.5513.1001"
	FixedToo   = "16.0.6000.1000"
)

// Rules is a small playbook: patch each server, then rotate the farm's keys, then restart each server.
func Rules(revision int) state.Rules {
	line := Fixed
	if revision > 1 {
		line = FixedToo
	}
	return state.Rules{
		Playbook: "toy", Revision: revision, Title: "Toy campaign", Item: "web application",
		Window: Epoch.Add(-14 * 24 * time.Hour),
		Products: []state.Product{{
			ID: "p", Name: "Product", Affected: true,
			Branches: []state.Branch{{From: version("16.0.4000.1000"), Below: version("16.0.9000.0"), Fixed: version(line)}},
		}},
		Steps: []state.Step{
			{
				ID: "patch", Title: "Patch", Advice: "Install the update.", Fix: true,
				Proof: []state.Proof{{Kind: KindPatch, FixLine: true, Sources: []state.Source{state.SourceCollector}, MaxAge: PatchAge}},
			},
			{
				ID: "rotate", Title: "Rotate keys", Advice: "Rotate the keys.", Scope: state.ScopeFarm, After: []string{"patch"},
				Proof: []state.Proof{{Kind: KindRotation, Good: []string{"done"}, Sources: []state.Source{state.SourceCollector}, Dated: true}},
			},
			{
				ID: "restart", Title: "Restart", Advice: "Restart it.", After: []string{"rotate"},
				Proof: []state.Proof{{Kind: KindRestart, Good: []string{"done"}, Sources: []state.Source{state.SourceCollector}, Dated: true}},
			},
		},
		Signs: []state.Sign{{Kind: state.KindIndicator, Values: []string{"found"}, Proves: true}},
	}
}

func version(s string) state.Version {
	v, err := state.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

// Incident is an incident by these rules, that speaks in two places.
func Incident(id string) state.Incident {
	return state.Incident{
		ID: id, Title: "Incident " + id, Rules: Rules(1), Cadence: time.Hour,
		Places: []state.Place{
			{Platform: "console", Channel: "war-room", Ceiling: state.TLPAmber},
			{Platform: "console", Channel: "owners", Ceiling: state.TLPGreen},
		},
	}
}

// Server is the n-th server of the world: of farm n/perFarm (no farm when perFarm is 1), of one of ten owners and three groups.
func Server(n, perFarm int) state.Server {
	s := state.Server{
		Name: fmt.Sprintf("SP-%05d", n), URL: fmt.Sprintf("https://sp-%05d.example", n),
		Owner: fmt.Sprintf("owner-%d", n%10), Group: fmt.Sprintf("group-%d", n%3), Exposure: state.Exposure(n % 3),
	}
	if perFarm > 1 {
		s.Farm = FarmName(n / perFarm)
	} else {
		s.Farm = s.Name
	}
	return s
}

// FarmName names the n-th farm.
func FarmName(n int) string { return fmt.Sprintf("farm-%04d", n) }

// Patched is proof of a build on a server.
func Patched(server, build string, at time.Time) state.Evidence {
	return state.Evidence{Subject: state.Subject{Server: server}, Kind: KindPatch, Value: build, Source: state.SourceCollector, Tool: "collector 1", Observed: at}
}

// Rotated is proof that the keys of a farm were rotated.
func Rotated(at time.Time) state.Evidence {
	return state.Evidence{Kind: KindRotation, Value: "done", Source: state.SourceCollector, Tool: "collector 1", At: at, Observed: at}
}

// Restarted is proof that a server was restarted.
func Restarted(server string, at time.Time) state.Evidence {
	return state.Evidence{Subject: state.Subject{Server: server}, Kind: KindRestart, Value: "done", Source: state.SourceCollector, Tool: "collector 1", At: at, Observed: at}
}

// Probed is what a look from outside read.
func Probed(server, build string, at time.Time) state.Evidence {
	return state.Evidence{Subject: state.Subject{Server: server}, Kind: state.KindBuild, Value: build, Source: state.SourceProbe, Tool: "probe 1", Observed: at}
}

// Looked is whether a look reached the server.
func Looked(server string, reached bool, at time.Time) state.Evidence {
	value := state.ReachNo
	if reached {
		value = state.ReachAnswered
	}
	return state.Evidence{Subject: state.Subject{Server: server}, Kind: state.KindReach, Value: value, Source: state.SourceProbe, Tool: "probe 1", Observed: at}
}

// Found is a proof of compromise.
func Found(server string, at time.Time) state.Evidence {
	return state.Evidence{Subject: state.Subject{Server: server}, Kind: state.KindIndicator, Value: "found", Source: state.SourceProbe, Tool: "shell", Observed: at}
}

// Proved is all the evidence that makes the servers of a farm ready, from one moment on.
func Proved(servers []string, at time.Time) []state.Evidence {
	var out []state.Evidence
	for _, s := range servers {
		out = append(out, Patched(s, Fixed, at))
	}
	out = append(out, Rotated(at.Add(time.Minute)))
	for _, s := range servers {
		out = append(out, Restarted(s, at.Add(2*time.Minute)))
	}
	return out
}

// Work is a change by somebody at a moment.
func Work(request string, by state.PersonID, at time.Time) state.Work {
	return state.Work{Request: request, Step: "1", By: by, Via: "console:" + string(by), At: at}
}

// Letter is a letter for a place of the console.
func Letter(id, channel string, at time.Time) state.Letter {
	p := state.Place{Platform: "console", Channel: channel, Ceiling: state.TLPAmber}
	return state.Letter{
		ID: id, Place: p, Due: at, Created: at,
		Notice: state.Notice{Key: id, Kind: "test", At: at, Facts: map[string]string{"text": "hello " + id}},
	}
}
