package intake

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// What is kept of a report; what is more is counted.
const (
	maxListed    = 50     // names in a list
	maxForeign   = 10_000 // places that are told apart
	maxQuestions = 20     // of one subject
	maxBuilds    = 30     // of one subject
	maxReports   = 200    // of one subject, that open work
	maxGuesses   = 1000   // rules
	maxEvidence  = 500_000
	maxFarms     = 8 // that one ambiguous finding is a question to
)

// Take is what a report comes to for an incident: evidence by farm, and how much
// came to nothing, and why.
type Take struct {
	// Farms is the evidence, by farm. None of it says that anything is well.
	Farms map[string][]state.Evidence
	// Reached are looks that others had an answer from, newest of each server, by farm.
	Reached map[string][]state.Evidence
	// Servers and WholeFarms are what the report was about.
	Servers, WholeFarms []string

	Matched    int      // findings about the inventory
	Foreign    Listed   // places that are not in it
	Ambiguous  Listed   // places that may be several things in it
	Retired    Listed   // servers that are retired
	Unrelated  int      // about the inventory, but not about this incident
	Clean      int      // called fixed or not vulnerable: proves nothing
	Seen       int      // only seen
	OtherBuild int      // builds of no product of the playbook
	Repeated   int      // said before in the same report
	Crowded    int      // left out, for there is too much about one server
	Guesses    []string // rules that raised a question, with the reason

	index    *Index
	rules    state.Rules
	sayings  map[saying]int // place in its farm's list
	count    map[tallied]int
	reach    map[string]int
	servers  map[string]bool
	farms    map[string]bool
	guesses  map[string]string
	evidence int
}

// Listed counts names, and lists the first ones of them.
type Listed struct {
	Findings int
	Names    []string
	Count    int  // different names
	More     bool // Count is a lower bound
	seen     map[string]bool
}

func (l *Listed) add(name string) {
	l.Findings++
	switch {
	case l.seen[name]:
	case l.Count >= maxForeign:
		l.More = true
	default:
		if l.seen == nil {
			l.seen = map[string]bool{}
		}
		l.seen[name] = true
		if l.Count++; len(l.Names) < maxListed {
			l.Names = append(l.Names, name)
		}
	}
}

type subject struct {
	farm, server string
}

type saying struct {
	subject
	kind        state.Kind
	tool, value string
}

// tallied is what there may be too much of.
type tallied struct {
	subject
	kind  state.Kind
	value string
}

// NewTake begins a take for an inventory and the rules in force.
func NewTake(x *Index, r state.Rules) *Take {
	return &Take{
		Farms: map[string][]state.Evidence{}, Reached: map[string][]state.Evidence{},
		index: x, rules: r, sayings: map[saying]int{}, count: map[tallied]int{}, reach: map[string]int{},
		servers: map[string]bool{}, farms: map[string]bool{}, guesses: map[string]string{},
	}
}

// Add takes one finding.
func (t *Take) Add(f Finding) {
	m := t.index.Find(f.Where)
	switch m.Kind {
	case MatchNone:
		t.Foreign.add(checks.Excerpt(f.Where.String(), 80))
		return
	case MatchRetired:
		t.Retired.add(m.Server)
		return
	case MatchAmbiguous:
		t.Ambiguous.add(checks.Excerpt(f.Where.String(), 80))
	case MatchServer:
		t.servers[m.Server] = true
	default:
		t.farms[m.Farms[0]] = true
	}
	t.Matched++
	if f.Reached && m.Kind == MatchServer {
		t.reached(m, f)
	}
	kind, value := t.means(f)
	if kind == "" {
		return
	}
	if m.Kind == MatchAmbiguous {
		t.ask(m, f, kind)
		return
	}
	t.put(subject{m.Farms[0], m.Server}, t.evidenceOf(f, m.Server, kind, value))
}

// means is what kind of evidence a finding is, "" when it is none.
func (t *Take) means(f Finding) (state.Kind, string) {
	related := f.Bears || f.Says == SaysIndicator || slices.ContainsFunc(f.CVEs, func(c string) bool { return slices.Contains(t.rules.CVEs, c) })
	switch {
	case f.Says == SaysSeen:
		t.Seen++
	case f.Says == SaysBuild:
		if t.ofPlaybook(f) {
			return state.KindBuild, f.Build.String()
		}
		t.OtherBuild++
	case !related:
		t.Unrelated++
	case f.Says == SaysClean:
		t.Clean++
	case !f.Shows:
		t.guess(f)
		return state.KindReported, state.ReportedQuestion
	case f.Says == SaysIndicator:
		return state.KindReported, state.ReportedCompromised
	default:
		return state.KindReported, state.ReportedVulnerable
	}
	return "", ""
}

func (t *Take) guess(f Finding) {
	if rule := f.Source(); len(t.guesses) < maxGuesses {
		t.guesses[rule] = f.Reason
	}
}

// ofPlaybook reports whether a build is one of a product of the campaign, and the
// tool knew which product it looked at.
func (t *Take) ofPlaybook(f Finding) bool {
	p, ok := t.rules.Product(f.Build)
	return ok && p.Affected && (f.Product == "" || containsFold(p.Name, f.Product))
}

// ask makes a question to each farm of what may be about any of them.
func (t *Take) ask(m Match, f Finding, kind state.Kind) {
	if kind == state.KindBuild && t.rules.Judge(f.Build).Verdict != state.VerdictVulnerable {
		return
	}
	f.Reason = "it is not known which farm it is about"
	t.guess(f)
	for _, farm := range m.Farms[:min(len(m.Farms), maxFarms)] {
		t.put(subject{farm: farm}, t.evidenceOf(f, "", state.KindReported, state.ReportedQuestion))
	}
}

func (t *Take) evidenceOf(f Finding, server string, kind state.Kind, value string) state.Evidence {
	e := state.Evidence{
		Subject: state.Subject{Server: server}, Kind: kind, Value: value, Source: state.SourceImport,
		Tool: f.Source(), Observed: f.Observed, Digest: f.Digest, Detail: detail(f, value == state.ReportedQuestion),
	}
	if kind == state.KindBuild {
		e.Tool = f.Tool + "/" + f.Rule // an observer keeps its name, so that a newer reading takes over
	}
	return e
}

// detail is what people see of a finding.
func detail(f Finding, question bool) string {
	parts := []string{few(f.CVEs, 3), "at " + f.Where.String(), f.Excerpt}
	if question {
		parts = append(parts, "("+f.Reason+")")
	}
	return checks.Excerpt(joined(parts), maxExcerpt)
}

// put keeps a piece of evidence; of the same saying the newest one.
func (t *Take) put(sub subject, e state.Evidence) {
	key := saying{sub, e.Kind, e.Tool, e.Value}
	if i, ok := t.sayings[key]; ok {
		t.Repeated++
		if e.Observed.After(t.Farms[sub.farm][i].Observed) {
			t.Farms[sub.farm][i] = e
		}
		return
	}
	n, most := tallied{sub, e.Kind, ""}, maxBuilds
	if e.Kind == state.KindReported {
		n.value, most = e.Value, maxReports
	}
	if e.Value == state.ReportedQuestion {
		most = maxQuestions
	}
	if t.count[n] >= most || t.evidence >= maxEvidence {
		t.Crowded++
		return
	}
	t.count[n]++
	t.evidence++
	t.sayings[key] = len(t.Farms[sub.farm])
	t.Farms[sub.farm] = append(t.Farms[sub.farm], e)
}

// reached keeps the newest answer of a server.
func (t *Take) reached(m Match, f Finding) {
	farm := m.Farms[0]
	e := state.Evidence{
		Subject: state.Subject{Server: m.Server}, Kind: state.KindReach, Value: state.ReachAnswered, Source: state.SourceImport,
		Tool: f.Tool + "/" + f.Rule, Observed: f.Observed, Digest: f.Digest, Detail: detail(f, false),
	}
	i, ok := t.reach[m.Server]
	switch {
	case !ok:
		t.reach[m.Server] = len(t.Reached[farm])
		t.Reached[farm] = append(t.Reached[farm], e)
	case e.Observed.After(t.Reached[farm][i].Observed):
		t.Reached[farm][i] = e
	}
}

// Done ends the take: its lists are in order.
func (t *Take) Done() *Take {
	t.Servers, t.WholeFarms = slices.Sorted(maps.Keys(t.servers)), slices.Sorted(maps.Keys(t.farms))
	t.Guesses = nil
	for _, rule := range slices.Sorted(maps.Keys(t.guesses)) {
		if len(t.Guesses) < maxListed {
			t.Guesses = append(t.Guesses, rule+": "+t.guesses[rule])
		}
	}
	for _, es := range t.Farms {
		slices.SortStableFunc(es, func(a, b state.Evidence) int {
			return cmp.Or(a.Observed.Compare(b.Observed), cmp.Compare(a.NewID(), b.NewID()))
		})
	}
	return t
}

// Newest is when the newest of the evidence was observed; zero: there is none.
func (t *Take) Newest() time.Time {
	var at time.Time
	for _, es := range t.Farms {
		for _, e := range es {
			if e.Observed.After(at) {
				at = e.Observed
			}
		}
	}
	return at
}
