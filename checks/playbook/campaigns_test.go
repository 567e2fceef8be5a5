package playbook

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

func campaign(t testing.TB, name string) Playbook {
	t.Helper()
	p, err := Builtin(name)
	require.NoError(t, err)
	return p
}

func TestTheCampaignsThatShip(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"citrixbleed2", "proxynotshell", "sharepoint-2026-50522", "toolshell"}, Builtins())
	for _, name := range Builtins() {
		p := campaign(t, name)
		golden(t, name+".golden", p.Text())
		require.Empty(t, Diff(p, p))
		require.LessOrEqual(t, requests(p), maxRequests)
		for _, c := range p.CVEs {
			if !c.KEVDue.IsZero() {
				require.False(t, p.Rules().Due.After(c.KEVDue), "the earliest date counts")
			}
		}
	}
}

// judged is a build and what must be said of it.
type judged struct {
	build, product string
	verdict        state.Verdict
	why            string
}

func requireJudged(t *testing.T, name string, cases []judged) {
	t.Helper()
	rules := campaign(t, name).Rules()
	for _, c := range cases {
		j := rules.Judge(version(t, c.build))
		require.Equal(t, c.verdict, j.Verdict, "%s: %s", c.build, j.Reason)
		require.Equal(t, c.product, j.Product, c.build)
		require.Contains(t, j.Reason, c.why, c.build)
	}
}

func TestCitrixBleed2JudgesEachBranchByItsOwnLine(t *testing.T) {
	t.Parallel()
	requireJudged(t, "citrixbleed2", []judged{
		{"14.1-43.56", "ns14.1", state.VerdictFixed, "at or above the fix line 14.1.43.56"},
		{"14.1-43.55", "ns14.1", state.VerdictVulnerable, "below the fix line"},
		{"14.1-4.42", "ns14.1", state.VerdictVulnerable, "below"}, // numbers, not decimals
		{"14.1-47.46", "ns14.1", state.VerdictFixed, ""},
		{"14.1-43.99", "ns14.1", state.VerdictFixed, ""},
		{"14.1-43.100", "", state.VerdictUnknown, "no product"}, // a special build, which may be older
		{"14.1-43.109", "", state.VerdictUnknown, "no product"},
		{"14.1-44", "ns14.1", state.VerdictFixed, "at or above the fix line 14.1.43.56"},
		{"14.1-42", "ns14.1", state.VerdictVulnerable, ""},
		{"14.1-43", "", state.VerdictUnknown, "no product"}, // below, above, or special
		{"14.1", "", state.VerdictUnknown, "no product"},
		{"13.1-58.32", "ns13.1", state.VerdictFixed, ""},
		{"13.1-58.31", "ns13.1", state.VerdictVulnerable, ""},
		{"13.1-36.99", "ns13.1", state.VerdictVulnerable, "below the fix line 13.1.58.32"},
		{"13.1-38.1", "ns13.1", state.VerdictVulnerable, "below the fix line 13.1.58.32"},
		{"13.1-37.235", "ns13.1-fips", state.VerdictFixed, "at or above the fix line 13.1.37.235"},
		{"13.1-37.234", "ns13.1-fips", state.VerdictVulnerable, ""},
		{"13.1-37.38", "ns13.1-fips", state.VerdictVulnerable, ""},
		{"13.1-37", "ns13.1-fips", state.VerdictUnknown, ""},
		{"13.1", "", state.VerdictUnknown, "no product"}, // FIPS or not
		{"12.1-55.328", "ns12.1-fips", state.VerdictFixed, ""},
		{"12.1-55.327", "ns12.1-fips", state.VerdictVulnerable, ""},
		{"12.1-55.13", "ns12.1-fips", state.VerdictVulnerable, ""},
		{"12.1-65.39", "ns-eol", state.VerdictVulnerable, "no fix"},
		{"12.1-50.28", "ns-eol", state.VerdictVulnerable, "no fix"},
		{"12.1", "", state.VerdictUnknown, "no product"},
		{"13.0-92.31", "ns-eol", state.VerdictVulnerable, "no fix"},
		{"12.0-63.21", "", state.VerdictUnknown, "no product"}, // no source says
		{"43.56", "", state.VerdictUnknown, "no product"},
		{"15.1-1.1", "", state.VerdictUnknown, "no product"},
	})
}

func TestTheStampsOfCitrixBleed2TellWhatFoxITTells(t *testing.T) {
	t.Parallel()
	p := campaign(t, "citrixbleed2")
	require.Len(t, p.Observers, 1)
	o := p.Observers[0]
	require.Equal(t, checks.ExtractStamp, o.Reads())
	require.Equal(t, "rdx_en.json", o.Stamps.Name)
	require.Len(t, o.Stamps.Builds, 212)
	for _, s := range o.Stamps.Builds {
		j := p.Rules().Judge(s.Build)
		if s.Build == version(t, "14.1-43.109") {
			require.Equal(t, state.VerdictUnknown, j.Verdict, "a higher number than the fix, and packed two months before it")
			continue
		}
		require.NotEmpty(t, j.Product, "%s lies in a branch", s.Build)
		require.NotEqual(t, state.VerdictUnknown, j.Verdict, "%s is decided", s.Build)
		made := time.Unix(int64(s.Seconds), 0).UTC()
		if j.Verdict == state.VerdictFixed { // 14.1-47 had it before it was brought back to 14.1-43
			require.True(t, made.After(time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)), "%s has the fix and was made %s", s.Build, made)
		}
	}
	first, second := o.Stamps.Build(1749304395), o.Stamps.Build(1749552827)
	require.Equal(t, "14.1.47.46 14.1.43.56", first.String()+" "+second.String(), "stamps do not ascend with builds")
	require.Equal(t, o.Stamps.Build(1749564145), o.Stamps.Build(1750134083), "a build whose file was packed twice")
	require.True(t, o.Stamps.Build(1749552828).IsZero())
	require.True(t, o.Stamps.Build(0).IsZero())
}

func TestProxyNotShellJudgesEachCumulativeUpdateByItsOwnLine(t *testing.T) {
	t.Parallel()
	requireJudged(t, "proxynotshell", []judged{
		{"15.0.1497.44", "ex2013", state.VerdictFixed, ""},
		{"15.0.1497.42", "ex2013", state.VerdictVulnerable, ""},
		{"15.0.1497", "ex2013", state.VerdictUnknown, "carries no revision"},
		{"15.0.1473.6", "ex2013", state.VerdictVulnerable, "below the fix line 15.0.1497.44"},
		{"15.0.1473", "ex2013", state.VerdictVulnerable, ""},
		{"15.1.2375.37", "ex2016", state.VerdictFixed, ""},
		{"15.1.2375.32", "ex2016", state.VerdictVulnerable, ""},
		{"15.1.2507.16", "ex2016", state.VerdictFixed, ""},
		{"15.1.2507.13", "ex2016", state.VerdictVulnerable, "below the fix line 15.1.2507.16"},
		{"15.01.2507.016", "ex2016", state.VerdictFixed, ""},
		{"15.1.2507", "ex2016", state.VerdictUnknown, "carries no revision"},
		{"15.1.2308.27", "ex2016", state.VerdictVulnerable, ""},
		{"15.1.2308", "ex2016", state.VerdictVulnerable, ""},
		{"15.1.2400.1", "", state.VerdictUnknown, "no product"}, // never published
		{"15.2.986.36", "ex2019", state.VerdictFixed, ""},
		{"15.2.986.30", "ex2019", state.VerdictVulnerable, ""},
		{"15.2.1118.20", "ex2019", state.VerdictFixed, ""},
		{"15.2.1118.15", "ex2019", state.VerdictVulnerable, "below the fix line 15.2.1118.20"},
		{"15.2.1118", "ex2019", state.VerdictUnknown, "carries no revision"},
		{"15.2.1258.12", "ex2019", state.VerdictFixed, ""},
		{"15.2.1258", "ex2019", state.VerdictFixed, "every published build"},
		{"15.2.1748.36", "ex2019", state.VerdictFixed, ""},
		{"15.2.2562", "ex2019", state.VerdictFixed, ""},
		{"15.2.1000.1", "", state.VerdictUnknown, "no product"},
		{"15.2", "", state.VerdictUnknown, "no product"},
		{"15.20.5632.18", "", state.VerdictUnknown, "no product"}, // Exchange Online
		{"14.3.513.0", "", state.VerdictUnknown, "no product"},
	})
}

func TestTheLinesOfTheCampaignsAreThoseOfTheRecords(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]string{
		"proxynotshell": {"CVE-2022-41040", "CVE-2022-41082"}, "sharepoint-2026-50522": {"CVE-2026-50522"}, "toolshell": {"CVE-2025-53770", "CVE-2025-53771"}, "citrixbleed2": {"CVE-2025-5777"},
	} {
		p := campaign(t, name)
		lines := map[state.Version]bool{}
		for _, q := range p.Rules().Products {
			for _, b := range q.Branches {
				lines[b.Fixed] = true
			}
		}
		for _, id := range ids {
			for _, a := range record(t, id).affected {
				for _, v := range a.Versions {
					line := v.line()
					require.Empty(t, line.ask, "%s %s", id, a.Product)
					require.True(t, lines[version(t, line.value)], "%s of %s in %s", line.value, id, name)
				}
			}
		}
		kev := catalogue(t)
		for _, c := range p.CVEs {
			if e, ok := kev.entries[c.ID]; ok {
				require.Equal(t, []time.Time{e.added, e.due}, []time.Time{c.KEVAdded, c.KEVDue}, c.ID)
			}
		}
	}
}

func TestTheSharePointOf2026IsNotFixedByTheUpdatesOf2025(t *testing.T) {
	t.Parallel()
	requireJudged(t, "sharepoint-2026-50522", []judged{
		{"16.0.5561.1001", "sp2016", state.VerdictFixed, ""},
		{"16.0.5561", "sp2016", state.VerdictUnknown, "is not the whole build"}, // the list of builds has gaps
		{"16.0.5552.1002", "sp2016", state.VerdictVulnerable, ""},
		{"16.0.5513.1001", "sp2016", state.VerdictVulnerable, ""}, // fixed for ToolShell
		{"16.0.10417.20175", "sp2019", state.VerdictFixed, ""},
		{"16.0.10417.20037", "sp2019", state.VerdictVulnerable, ""}, // fixed for ToolShell
		{"16.0.10417", "sp2019", state.VerdictUnknown, ""},
		{"16.0.19725.20434", "spse", state.VerdictFixed, ""},
		{"16.0.19725.20384", "spse", state.VerdictVulnerable, ""},
		{"16.0.19725", "spse", state.VerdictUnknown, ""},
		{"16.0.19127", "spse", state.VerdictVulnerable, ""},
		{"16.0.27612", "spo", state.VerdictUnknown, "inference"},
		{"15.0.5545.1000", "", state.VerdictUnknown, "no product"}, // the record does not say
	})
}

// deeds are events on a farm, hour by hour.
type deeds struct {
	now      time.Time
	from     time.Time // what a hunt covers
	evidence []state.Evidence
}

func (d *deeds) add(sub state.Subject, k state.Kind, value string, src state.Source) {
	d.now = d.now.Add(time.Hour)
	e := state.Evidence{Subject: sub, Kind: k, Value: value, Source: src, At: d.now, Observed: d.now, Recorded: d.now, By: "p1", Second: "p2"}
	if k == state.KindHunt {
		e.From, e.To = d.from, d.now
	}
	e.ID = e.NewID()
	d.evidence = append(d.evidence, e)
}

func pair() state.Farm {
	return state.Farm{Name: "gw", Servers: []state.Server{{Name: "ns1", Farm: "gw"}, {Name: "ns2", Farm: "gw"}}}
}

func TestSessionsThatEndedBeforeTheLastNodeWasUpdatedAreNotEnded(t *testing.T) {
	t.Parallel()
	rules := campaign(t, "citrixbleed2").Rules()
	start := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	ns1, ns2, farm := state.Subject{Server: "ns1"}, state.Subject{Server: "ns2"}, state.Subject{}
	done := func(order ...func(*deeds)) map[string]state.Status {
		d := &deeds{now: start, from: start.AddDate(0, -2, 0)}
		for _, do := range order {
			do(d)
		}
		return statuses(rules, pair(), d.evidence, d.now.Add(time.Hour))
	}
	update := func(on state.Subject) func(*deeds) {
		return func(d *deeds) { d.add(on, "firmware", "14.1-43.56", state.SourceCollector) }
	}
	kill := func(d *deeds) {
		d.add(farm, "sessions.ica", "killed", state.SourceCollector)
		d.add(farm, "sessions.pcoip", "killed", state.SourceAttestation)
	}
	hunt := func(d *deeds) {
		d.add(ns1, state.KindHunt, "clean", state.SourceHunt)
		d.add(ns2, state.KindHunt, "clean", state.SourceHunt)
	}
	ready := map[string]state.Status{"ns1": state.StatusReady, "ns2": state.StatusReady}
	working := map[string]state.Status{"ns1": state.StatusInProgress, "ns2": state.StatusInProgress}

	require.Equal(t, ready, done(update(ns1), update(ns2), kill, hunt))
	require.Equal(t, working, done(update(ns1), kill, update(ns2), hunt), "the second node still handed out sessions")
	require.Equal(t, working, done(update(ns1), update(ns2), hunt, kill), "nobody looked after the sessions were ended")
	require.Equal(t, working, done(update(ns1), update(ns2), hunt))
	require.Equal(t, ready, done(update(ns1), kill, update(ns2), kill, hunt), "ended again, it counts")
	require.Equal(t, map[string]state.Status{"ns1": state.StatusInProgress, "ns2": state.StatusUnknown}, done(update(ns1), kill, hunt))
	require.Equal(t, working, done(update(ns1), update(ns2), func(d *deeds) { d.add(farm, "sessions.ica", "killed", state.SourceCollector) }, hunt), "PCoIP sessions go on")
}

func TestABuildOfAnotherBranchOrAPrefixProvesNothing(t *testing.T) {
	t.Parallel()
	rules := campaign(t, "citrixbleed2").Rules()
	for _, build := range []string{"14.1", "14.1-43", "43.56", "13.0-92.31", "13.1-58.31", "12.1-65.39", "13.1-37.234", "NS14.1 43.56", "2025-06-10"} {
		d := &deeds{now: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)}
		d.add(state.Subject{Server: "ns1"}, "firmware", build, state.SourceCollector)
		s, _ := state.Assess(rules, pair(), d.evidence, d.now.Add(time.Hour)).Server("ns1")
		require.NotEqual(t, state.VerdictFixed, s.Verdict, build)
	}
}

func TestAMitigationIsNoFix(t *testing.T) {
	t.Parallel()
	rules := campaign(t, "proxynotshell").Rules()
	ex := state.Subject{Server: "ex1"}
	farm := state.Farm{Name: "ex1", Servers: []state.Server{{Name: "ex1", Farm: "ex1"}}}
	d := &deeds{now: time.Date(2022, 11, 9, 0, 0, 0, 0, time.UTC), from: time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)}
	d.add(ex, "mitigation", "applied", state.SourceCollector)
	d.add(ex, state.KindHunt, "clean", state.SourceHunt)
	d.add(ex, "package", "15.2.1118.15", state.SourceCollector)
	require.Equal(t, map[string]state.Status{"ex1": state.StatusExposed}, statuses(rules, farm, d.evidence, d.now.Add(time.Hour)))
	d.add(ex, "package", "15.2.1118.20", state.SourceCollector)
	require.Equal(t, map[string]state.Status{"ex1": state.StatusInProgress}, statuses(rules, farm, d.evidence, d.now.Add(time.Hour)), "the hunt ended before the fix")
	d.add(ex, state.KindHunt, "clean", state.SourceHunt)
	require.Equal(t, map[string]state.Status{"ex1": state.StatusReady}, statuses(rules, farm, d.evidence, d.now.Add(time.Hour)))
	d.add(ex, "mitigation", "missing", state.SourceCollector)
	require.Equal(t, map[string]state.Status{"ex1": state.StatusReady}, statuses(rules, farm, d.evidence, d.now.Add(time.Hour)), "and its end is no loss")
}

func TestNoServerOfACampaignIsReadyByWhatWasSeenFromOutside(t *testing.T) {
	t.Parallel()
	for _, name := range Builtins() {
		rules := campaign(t, name).Rules()
		now := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
		var all []state.Evidence
		for _, st := range rules.Steps {
			for _, p := range st.Proof {
				for _, src := range []state.Source{state.SourceProbe, state.SourceImport} {
					value := "16.0.19725.20434"
					if len(p.Good) > 0 {
						value = p.Good[0]
					}
					for _, sub := range []state.Subject{{Server: "a"}, {}, {Item: "i"}} {
						all = append(all, state.Evidence{Subject: sub, Kind: p.Kind, Value: value, Source: src, At: now, Observed: now, From: now.AddDate(-9, 0, 0), To: now, By: "p1", Second: "p2"})
					}
				}
			}
		}
		all = append(all, state.Evidence{Kind: state.KindItems, Value: "i", Source: state.SourceCollector, Observed: now})
		got := statuses(rules, state.Farm{Name: "a", Servers: []state.Server{{Name: "a", Farm: "a"}}}, all, now.Add(time.Hour))
		require.NotContains(t, []state.Status{state.StatusReady, state.StatusConfirmed, state.StatusInProgress}, got["a"], name)
	}
}

func TestEveryFactOfACampaignNamesItsSource(t *testing.T) {
	t.Parallel()
	for _, name := range Builtins() {
		data, err := os.ReadFile("builtin/" + name + ".yaml")
		require.NoError(t, err)
		p := campaign(t, name)
		require.NotEmpty(t, p.Sources)
		if name == "toolshell" {
			continue // its facts are graded one by one
		}
		require.Contains(t, string(data), "# Left out", "what no source says is said to be left out")
		for _, s := range p.Sources {
			require.True(t, strings.HasPrefix(s.At, "https://") || strings.HasPrefix(s.At, "not linked"), s.At)
		}
	}
}
