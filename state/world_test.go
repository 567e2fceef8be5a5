package state_test

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// world is a random history: a farm, and what was seen of it.
type world struct {
	rules    state.Rules
	farm     state.Farm
	evidence []state.Evidence
	now      time.Time
}

func (w world) assess() state.Assessment {
	return state.Assess(w.rules, w.farm, w.evidence, w.now)
}

func (w world) with(es ...state.Evidence) world {
	w.evidence = slices.Concat(w.evidence, es)
	return w
}

// confirm adds confirmations of all servers that are ready.
func (w world) confirm() world {
	w.farm.Confirmations = slices.Clone(w.farm.Confirmations)
	for _, s := range w.assess().Servers {
		if s.Status == state.StatusReady {
			w.farm.Confirmations = append(w.farm.Confirmations, state.Confirmation{Server: s.Name, Hash: s.Hash, By: "p1", Second: "p9", At: w.now})
		}
	}
	return w
}

var (
	names  = []string{"A", "B", "C", "D"}
	people = []state.PersonID{"p1", "p2", "p3", "p4"}
	// tools observe from outside, the last one only what is behind a shared address.
	tools = []string{"header", "service.cnf", "buildversion.cnf"}
	lines = map[string][]string{ // builds: fixed for revision 2, for revision 1 only, for none
		"2016": {"16.0.5513.1001", "16.0.5508.1000", "16.0.5504.1001"},
		"2019": {good, july, "16.0.10417.20018"},
		"SE":   {"16.0.18526.20508", "16.0.18526.20424", "16.0.18526.20080"},
	}
	builds = []string{
		good, july, "16.0.10417.20041", "16.0.18526.20508", "16.0.5513.1001", "16.0.10417", "16.0.10416", "16.0.5508", "16.0.5513",
		"15.0.4505", "16.0.27612", "99.1", "?", "",
	}
)

// genWorld tells a remediation in the right order and then disturbs it.
func genWorld(t *rapid.T, rules map[int]state.Rules) world {
	w := genRemediation(t, rules)
	for range rapid.IntRange(0, 4).Draw(t, "disturbances") {
		w = disturb(t, w)
	}
	return w
}

func genRemediation(t *rapid.T, rules map[int]state.Rules) world {
	w := world{rules: rules[rapid.SampledFrom([]int{2, 2, 1}).Draw(t, "revision")], now: at(30), farm: state.Farm{Name: "F"}}
	line := rapid.SampledFrom([]string{"2019", "2016", "SE"}).Draw(t, "line")
	servers := names[:rapid.IntRange(1, 4).Draw(t, "servers")]
	items := []string{"portal", "mysites", "Central"}[:rapid.SampledFrom([]int{1, 2, 3, 1, 0}).Draw(t, "items")]
	w.note(inside(state.Subject{}, state.KindItems, strings.Join(items, "\n"), at(1)))
	for _, n := range servers {
		w.farm.Servers = append(w.farm.Servers, state.Server{Name: n, Farm: "F"})
		w.note(event(srv(n), "preserved", "done", at(0.2), at(1)))
		w.note(patched(n, 1+genHours(t, 1), lines[line][0])...)
		w.note(genHunt(t, n)...)
		w.note(inside(srv(n), "modules", "clean", at(4)))
		w.note(event(srv(n), "restart", "restarted", at(8), at(9)), inside(srv(n), "keys.match", "yes", at(9)))
	}
	for _, i := range items {
		w.note(event(item(i), "rotation", "rotated", at(6), at(9)), event(item(i), "deployment", "deployed", at(7), at(9)), inside(item(i), "amsi", "on", at(9)))
	}
	return w
}

// genHunt is a clean hunt of a server until hour 4: of one piece, or of logs that were
// handed in in parts, which touch or overlap.
func genHunt(t *rapid.T, n string) []state.Evidence {
	whole := clean(n, at(4))
	if !rapid.Bool().Draw(t, "parts") {
		return []state.Evidence{whole}
	}
	a, b, c := whole, whole, whole
	a.To, b.From, b.To, c.From = at(1), at(rapid.SampledFrom([]float64{0, 1}).Draw(t, "second")), at(2), at(2)
	out := []state.Evidence{a, b, c}
	for i := range out {
		out[i].Tool, out[i].Observed = "hunt/logs", out[i].To
	}
	return out
}

func (w *world) note(es ...state.Evidence) {
	for _, e := range es {
		e.ID = e.NewID()
		w.evidence = append(w.evidence, e)
	}
}

func genHours(t *rapid.T, most int) float64 {
	return float64(rapid.IntRange(0, 4*most).Draw(t, "quarters")) / 4
}

// disturb changes one thing in a world.
func disturb(t *rapid.T, w world) world {
	w.evidence, w.farm.Servers = slices.Clone(w.evidence), slices.Clone(w.farm.Servers)
	i := rapid.IntRange(0, max(0, len(w.evidence)-1)).Draw(t, "which")
	switch rapid.IntRange(0, 11).Draw(t, "disturbance") {
	case 10:
		genIntrusion(t, &w)
	case 11:
		genDispute(t, &w)
	case 0:
		w.evidence = slices.Delete(w.evidence, i, i+1)
	case 1:
		w.evidence[i].Observed = at(genHours(t, 32))
	case 2:
		w.evidence[i].At = at(genHours(t, 32) - 2)
	case 3:
		w.evidence[i].Source = rapid.SampledFrom([]state.Source{0, 1, 2, 2, 3, 4}).Draw(t, "source")
		w.evidence[i].By, w.evidence[i].Second = genPerson(t), genPerson(t)
	case 4:
		w.now = at(rapid.SampledFrom([]float64{0, 5, 9, 30, 24 * 13, 24 * 15, 24 * 29, 24 * 31}).Draw(t, "now"))
	case 5:
		genDecision(t, &w)
	case 6:
		refresh := w.evidence[i]
		refresh.Observed = refresh.Observed.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "later")) * time.Hour)
		w.evidence = append(w.evidence, refresh)
	default:
		w.evidence = append(w.evidence, genEvidence(t, w))
	}
	for i := range w.evidence {
		w.evidence[i].ID = w.evidence[i].NewID()
	}
	return w
}

// genIntrusion is a sign on a server, and an eviction by two persons.
func genIntrusion(t *rapid.T, w *world) {
	sub := srv(genServer(t, *w))
	w.note(state.Evidence{Subject: sub, Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(genHours(t, 10))})
	evicted := at(genHours(t, 10))
	w.note(word(event(sub, state.KindEviction, "evicted", evicted, evicted), "p1", "p2"))
	if rapid.Bool().Draw(t, "again") {
		w.note(state.Evidence{Subject: sub, Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(genHours(t, 10))})
	}
}

// genDispute is bad news, and a later answer from any source.
func genDispute(t *rapid.T, w *world) {
	d := rapid.SampledFrom([]struct {
		kind      state.Kind
		bad, good string
		item      bool
	}{
		{"psconfig", "needed", "done", false}, {"package", july, good, false}, {"keys.match", "no", "yes", false}, {"amsi", "off", "on", true},
	}).Draw(t, "dispute")
	sub := srv(genServer(t, *w))
	if d.item {
		sub = item("portal")
	}
	when := genHours(t, 10)
	for i, value := range []string{d.bad, d.good} {
		e := inside(sub, d.kind, value, at(when+float64(i)/2))
		e.Source = rapid.SampledFrom([]state.Source{3, 2, 4}).Draw(t, "source")
		if e.Source == state.SourceAttestation {
			e.By, e.Second = "p1", "p2"
		}
		w.note(e)
	}
}

func genPerson(t *rapid.T) state.PersonID { return rapid.SampledFrom(people).Draw(t, "person") }

func genServer(t *rapid.T, w world) string {
	return rapid.SampledFrom(w.farm.Servers).Draw(t, "server").Name
}

func genDecision(t *rapid.T, w *world) {
	name := genServer(t, *w)
	when := at(genHours(t, 12))
	switch rapid.IntRange(0, 3).Draw(t, "decision") {
	case 0:
		w.farm.Claims = append(slices.Clone(w.farm.Claims), state.Claim{Server: name, By: genPerson(t), At: when})
	case 1:
		x := state.Exception{ID: "x", Server: name, By: genPerson(t), Second: genPerson(t), At: when, Expires: at(24 + genHours(t, 20)), Reason: "later"}
		x.Steps = rapid.SampledFrom([][]string{nil, {"amsi"}, {"patch", "psconfig"}, {"nonsense"}}).Draw(t, "steps")
		w.farm.Exceptions = append(slices.Clone(w.farm.Exceptions), x)
	case 2:
		i := slices.IndexFunc(w.farm.Servers, func(s state.Server) bool { return s.Name == name })
		w.farm.Servers[i].Retired = &state.Retirement{Reason: "gone", By: "p1", Second: "p2", At: when}
	default:
		forged := state.Confirmation{Server: name, Hash: rapid.SampledFrom([]string{"", "forged"}).Draw(t, "hash"), By: genPerson(t), Second: genPerson(t), At: when}
		w.farm.Confirmations = append(slices.Clone(w.farm.Confirmations), forged)
	}
}

var says = map[state.Kind][]string{
	"psconfig": {"done", "needed", "?"}, "modules": {"clean", "malicious", "?"}, "hunt": {"clean", "clean", "hit", "?"}, "amsi": {"on", "full", "off", "balanced", "?"},
	"rotation": {"rotated", "local"}, "deployment": {"deployed", "?"}, "restart": {"restarted", "?"}, "keys.match": {"yes", "no", "?"}, "preserved": {"done"},
	"eviction": {"evicted", "rebuilt", "failed"}, "contained": {"yes", "no", "?"}, "reach": {"answered", "no"}, "indicator": {"found", "absent", "unclear"},
	"suspicion": {"raised", "?"}, "attack": {"attempt", "contact", "odd", "late", "keys", "answered", "shell"}, "items": {"portal", "portal\nmysites", "other", ""}, "package": builds, "package.language": builds, "build": builds, "stale": builds,
}

// genEvidence is evidence of any kind about anything, from anybody.
func genEvidence(t *rapid.T, w world) state.Evidence {
	kinds := make([]state.Kind, 0, len(says))
	for k := range says {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	k := rapid.SampledFrom(kinds).Draw(t, "kind")
	seen := at(genHours(t, 30))
	e := state.Evidence{Kind: k, Value: rapid.SampledFrom(says[k]).Draw(t, "value"), Observed: seen, Source: state.SourceCollector}
	e.Subject = genSubject(t, w, k)
	switch k {
	case "build", "reach", "indicator":
		e.Source = rapid.SampledFrom([]state.Source{0, 0, 0, 1, 3}).Draw(t, "source")
		e.Tool = rapid.SampledFrom(tools).Draw(t, "tool")
	case "stale", "eviction":
		e.Source = state.SourceAttestation
	default:
		e.Source = rapid.SampledFrom([]state.Source{3, 3, 3, 2, 4, 0}).Draw(t, "source")
	}
	if k == "attack" {
		e.Source, e.Tool = state.SourceHunt, rapid.SampledFrom([]string{"hunt/a/1", "hunt/b/2"}).Draw(t, "rule")
	}
	if e.Source == state.SourceAttestation {
		e.By, e.Second = genPerson(t), genPerson(t)
	}
	if rapid.Bool().Draw(t, "dated") || k == "rotation" || k == "eviction" || k == "restart" {
		e.At = seen.Add(-time.Duration(rapid.IntRange(-2, 40).Draw(t, "quarters ago")) * 15 * time.Minute)
	}
	if k == "hunt" {
		e.From, e.To = exploited.AddDate(0, 0, rapid.SampledFrom([]int{0, 0, -1, 1}).Draw(t, "from")), seen
		if rapid.IntRange(0, 2).Draw(t, "logs") == 0 { // parts of a log, which may touch
			e.Source, e.Tool, e.By, e.Second = state.SourceHunt, "hunt/logs", "", ""
			e.From = rapid.SampledFrom([]time.Time{exploited, at(1), at(2), at(3), at(5)}).Draw(t, "part")
			if e.To.Before(e.From) {
				e.To = e.From
			}
		}
	}
	return e
}

func genSubject(t *rapid.T, w world, k state.Kind) state.Subject {
	switch k {
	case "items":
		return state.Subject{}
	case "amsi", "rotation", "deployment":
		return item(rapid.SampledFrom([]string{"portal", "mysites", "other"}).Draw(t, "item"))
	}
	if rapid.IntRange(0, 9).Draw(t, "shared") == 0 {
		return rapid.SampledFrom([]state.Subject{{}, item("portal")}).Draw(t, "subject")
	}
	return srv(genServer(t, w))
}
