package probe_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// drill is an estate that serves, its playbook, and what was shown about it.
type drill struct {
	*fleet.Estate
	book     playbook.Playbook
	now      time.Time
	evidence map[string][]state.Evidence // by farm
}

func newDrill(t *testing.T, campaign string, o fleet.Options) *drill {
	t.Helper()
	o.TLS, o.HangFor = true, 300*time.Millisecond
	e, err := fleet.NewEstate(campaign, o)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	book, err := playbook.Builtin(campaign)
	require.NoError(t, err)
	return &drill{Estate: e, book: book, now: e.Epoch(), evidence: map[string][]state.Evidence{}}
}

// scan looks at every server from outside, and remembers what it saw.
func (d *drill) scan(t *testing.T) []checks.Result {
	t.Helper()
	o := options()
	o.Roots, o.Concurrency, o.Now = d.CertPool(), 16, func() time.Time { return d.now }
	o.Connect, o.Answer, o.PerServer = time.Minute, time.Minute, time.Minute // the machine may be busy
	var out []checks.Result
	sum := checks.NewRunner(o).Run(t.Context(), probe.New(d.book.Plan()), checks.Targets(d.Inventory()), func(r checks.Result) {
		out = append(out, r)
		s, err := d.Truth(r.Server)
		require.NoError(t, err)
		d.remember(s.Farm, r.Evidence)
	})
	require.True(t, sum.Complete)
	slices.SortFunc(out, func(a, b checks.Result) int { return strings.Compare(a.Server, b.Server) })
	return out
}

func (d *drill) remember(farm string, es []state.Evidence) {
	for _, e := range es {
		e.ID = e.NewID()
		d.evidence[farm] = append(d.evidence[farm], e)
	}
}

// collect shows every farm from inside.
func (d *drill) collect(t *testing.T) {
	t.Helper()
	for _, farm := range d.Farms() {
		es, err := d.Collect(farm, d.now)
		require.NoError(t, err)
		d.remember(farm, es)
	}
}

func (d *drill) assess(farm string) state.Assessment {
	servers := slices.DeleteFunc(d.Inventory(), func(s state.Server) bool { return s.Farm != farm })
	return state.Assess(d.book.Rules(), state.Farm{Name: farm, Servers: servers}, d.evidence[farm], d.now)
}

// table tells what kind of server that answers for itself was said to be what, and why.
func table(d *drill, results []checks.Result) string {
	seen := map[string]bool{}
	for _, r := range results {
		if r.Scope == state.ScopeFarm {
			continue // which node answered is chance
		}
		s, _ := d.Truth(r.Server)
		really, reason := "fixed", r.Judgement.Reason
		if s.Vulnerable {
			really = "vulnerable"
		}
		if !r.Reached {
			reason = "no answer"
		}
		kind := string(s.Trait)
		if kind == "" {
			kind = "plain"
		}
		seen[fmt.Sprintf("%-14s %s, %s\n    %s %s %s: %s\n", kind, s.Build, really, r.Judgement.Verdict, r.Observed, r.Basis, reason)] = true
	}
	lines := make([]string, 0, len(seen))
	for l := range seen {
		lines = append(lines, l)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestEachCampaignTellsVulnerableServersFromFixedOnes(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		t.Run(campaign, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t, campaign, fleet.Options{Servers: 200})
			results := d.scan(t)
			for _, r := range results {
				s, err := d.Truth(r.Server)
				require.NoError(t, err)
				requireHarmless(t, r.Server, r)
				if r.Scope == state.ScopeServer {
					require.False(t, r.Judgement.Verdict == state.VerdictFixed && s.Vulnerable, "%+v", r)
				}
				if r.Judgement.Verdict == state.VerdictUnknown {
					require.NotEmpty(t, r.Judgement.Reason)
				}
				if s.Trait == fleet.TraitNone && r.Scope == state.ScopeServer {
					require.True(t, version(s.Build).HasPrefix(version(r.Observed)), "%+v", r)
					require.Equal(t, s.Vulnerable, d.book.Rules().Judge(version(s.Build)).Verdict == state.VerdictVulnerable, s.Build)
					require.False(t, r.Judgement.Verdict == state.VerdictVulnerable && !s.Vulnerable, "%+v", r)
				}
			}
			require.Zero(t, d.Asked().Writes+d.Asked().Forbidden+d.Asked().Strangers)
			path := filepath.Join("testdata", campaign+".golden")
			got := table(d, results)
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o700))
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// never requires that nobody is called done who is not, and counts who is.
func (d *drill) never(t *testing.T, why string) (ready int) {
	t.Helper()
	for _, farm := range d.Farms() {
		for _, a := range d.assess(farm).Servers {
			s, err := d.Truth(a.Name)
			require.NoError(t, err)
			if a.Status != state.StatusReady && a.Hash == "" {
				continue
			}
			ready++
			require.True(t, s.Remediated(), "%s: %s, %+v", why, a.Name, s)
		}
	}
	return ready
}

func TestEachCampaignEndsWithProofAndNotBefore(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		t.Run(campaign, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t, campaign, fleet.Options{Servers: 90, Seed: 5, HostileShare: -1, HangingShare: -1})
			d.scan(t)
			require.Zero(t, d.never(t, "only looked at from outside"))
			d.collect(t)
			require.Zero(t, d.never(t, "shown from inside, and not worked on"))

			for _, farm := range d.Farms() {
				_, err := d.Remediate(d.book.Rules(), farm, d.now, time.Minute)
				require.NoError(t, err)
			}
			d.now = d.now.Add(48 * time.Hour)
			d.scan(t)
			d.collect(t)
			require.NotZero(t, d.never(t, "worked on"))
			for _, farm := range d.Farms() {
				for _, a := range d.assess(farm).Servers {
					s, err := d.Truth(a.Name)
					require.NoError(t, err)
					switch {
					case s.Compromised:
						require.Equal(t, state.StatusCompromised, a.Status, a.Name)
					case d.held(t, farm): // some wait for another server, some do not
					default:
						require.Equal(t, state.StatusReady, a.Status, "%s %s: %s %v %+v", a.Name, s.Trait, a.Reason, a.Contradictions, a.Missing())
					}
				}
			}
			require.Zero(t, d.Asked().Writes+d.Asked().Forbidden+d.Asked().Strangers)
		})
	}
}

// held tells whether an attacker is on a server of a farm, or one that still says
// from outside that it is old.
func (d *drill) held(t *testing.T, farm string) bool {
	t.Helper()
	return slices.ContainsFunc(d.Members(farm), func(name string) bool {
		s, err := d.Truth(name)
		require.NoError(t, err)
		return s.Compromised || s.Trait == fleet.TraitStaleHeader
	})
}

// A node without the fix hands out sessions again, whatever was ended before.
func TestSessionsThatEndBeforeTheLastNodeIsFixedDoNotCount(t *testing.T) {
	t.Parallel()
	d := newDrill(t, "citrixbleed2", fleet.Options{Servers: 2, CompromisedShare: -1})
	farm := d.Farms()[0]
	pair := d.Members(farm)
	require.NoError(t, d.Update(pair[0], "14.1-43.56", d.now.Add(time.Minute)))
	end := func(after time.Duration) {
		for _, kind := range []state.Kind{"sessions.ica", "sessions.pcoip"} {
			require.NoError(t, d.Do(farm, state.Subject{}, kind, "killed", d.now.Add(after)))
		}
	}
	hunt := func(after time.Duration) {
		for _, n := range pair {
			clean, err := d.Hunt(n, d.book.Rules().Window, d.now.Add(after))
			require.NoError(t, err)
			require.True(t, clean)
		}
	}
	end(2 * time.Minute)
	require.NoError(t, d.Update(pair[1], "14.1-43.56", d.now.Add(3*time.Minute)))
	hunt(4 * time.Minute)
	d.now = d.now.Add(time.Hour)
	d.scan(t)
	d.collect(t)
	for _, a := range d.assess(farm).Servers {
		require.Equal(t, state.StatusInProgress, a.Status, a.Name)
		require.Equal(t, "End all ICA sessions", a.Missing()[0].Title)
		require.Contains(t, a.Missing()[0].Why, "which is not after 2025-07-12 08:03: do it again")
	}
	end(time.Minute)
	hunt(2 * time.Minute)
	d.now = d.now.Add(time.Hour)
	d.collect(t)
	for _, a := range d.assess(farm).Servers {
		require.Equal(t, state.StatusReady, a.Status, "%+v", a.Missing())
	}
	require.Equal(t, 2, d.never(t, "ended after the last update"))
}

// A rewrite rule keeps the known request out; the hole is still there.
func TestAMitigationOfExchangeIsNoFix(t *testing.T) {
	t.Parallel()
	d := newDrill(t, "proxynotshell", fleet.Options{Servers: 1, CompromisedShare: -1})
	name := d.Members(d.Farms()[0])[0]
	require.NoError(t, d.Do(name, state.Subject{Server: name}, "mitigation", "applied", d.now))
	_, err := d.Hunt(name, d.book.Rules().Window, d.now)
	require.NoError(t, err)
	d.scan(t)
	d.collect(t)
	a := d.assess(name).Servers[0]
	require.Equal(t, state.StatusExposed, a.Status)
	require.Equal(t, state.VerdictVulnerable, a.Verdict)
	require.Contains(t, a.Reason, `Install the security update: collector`)
	require.Zero(t, d.never(t, "mitigated"))
}
