package intake

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// inventory is two farms with a balancer, shared addresses and virtual hosts.
func inventory() []state.Server {
	gone := &state.Retirement{Reason: "gone", At: time.Date(2025, 7, 20, 0, 0, 0, 0, time.UTC)}
	return []state.Server{
		{Name: "SP-FIN-01", Farm: "fin", URL: "https://fin.example.com/", Addresses: []string{"192.0.2.11"}},
		{Name: "SP-FIN-02", Farm: "fin", Addresses: []string{"192.0.2.12", "2001:db8::12"}},
		{Name: "sp-hr-01", Farm: "hr", URL: "https://hr.example.com", Via: "lb01", Addresses: []string{"192.0.2.20"}},
		{Name: "sp-hr-02", Farm: "hr", URL: "https://hr.example.com", Via: "lb01"},
		{Name: "vh-a", URL: "https://a.example.com:8443", Addresses: []string{"192.0.2.30"}},
		{Name: "vh-b", URL: "https://b.example.com", Addresses: []string{"192.0.2.30"}},
		{Name: "multi", URL: "https://192.0.2.40/"},
		{Name: "old", URL: "https://old.example.com", Addresses: []string{"192.0.2.50"}, Retired: gone},
		{Name: "dmz-1", Farm: "dmz", URL: "https://dmz.example.com:8443", Addresses: []string{"192.0.2.60"}},
		{Name: "dmz-2", Farm: "dmz", URL: "https://dmz.example.com:9443", Addresses: []string{"192.0.2.60"}},
	}
}

func TestPlacesAreMatchedWithTheInventory(t *testing.T) {
	t.Parallel()
	x := NewIndex(inventory())
	at := func(a string, port uint16, names ...string) Where {
		w := Where{Port: port, Names: names}
		w.Address, _ = netip.ParseAddr(a)
		return w
	}
	hint := func(w Where, h string) Where { w.Hints = []string{h}; return w }
	for _, c := range []struct {
		why   string
		where Where
		kind  Matched
		what  string
	}{
		{"nothing is said", Where{}, MatchNone, ""},
		{"foreign", at("203.0.113.1", 443, "else.example.com"), MatchNone, ""},
		{"by name, whatever the case", at("", 0, "sp-fin-01"), MatchServer, "SP-FIN-01"},
		{"by the host of its URL", at("", 443, "fin.example.com"), MatchServer, "SP-FIN-01"},
		{"by address", at("192.0.2.12", 445), MatchServer, "SP-FIN-02"},
		{"by another address", at("2001:db8::12", 445), MatchServer, "SP-FIN-02"},
		{"by an address in a URL", at("192.0.2.40", 443), MatchServer, "multi"},
		{"an unknown name at a known address", at("192.0.2.11", 443, "portal.example.com"), MatchServer, "SP-FIN-01"},
		{"a known name at an unknown address", at("203.0.113.1", 443, "fin.example.com"), MatchServer, "SP-FIN-01"},
		{"behind a balancer", at("", 443, "hr.example.com"), MatchFarm, "[hr]"},
		{"the balancer's address", at("192.0.2.20", 443), MatchFarm, "[hr]"},
		{"one server behind it by its name", at("", 0, "sp-hr-02"), MatchFarm, "[hr]"},
		{"an address of two farms", at("192.0.2.30", 22), MatchAmbiguous, "[vh-a vh-b]"},
		{"one virtual host of it", at("192.0.2.30", 443, "b.example.com"), MatchServer, "vh-b"},
		{"one port of it", at("192.0.2.30", 8443), MatchServer, "vh-a"},
		{"the reverse name of it decides nothing", hint(at("192.0.2.30", 22), "a.example.com"), MatchAmbiguous, "[vh-a vh-b]"},
		{"a reverse name alone", hint(at("203.0.113.1", 443), "fin.example.com"), MatchServer, "SP-FIN-01"},
		{"a reverse name against the address", hint(at("192.0.2.12", 443), "fin.example.com"), MatchServer, "SP-FIN-02"},
		{"a name against an address", at("192.0.2.12", 443, "b.example.com"), MatchAmbiguous, "[fin vh-b]"},
		{"within a farm, a name against an address", at("192.0.2.12", 443, "fin.example.com"), MatchFarm, "[fin]"},
		{"two names of one server", at("", 445, "sp-fin-01", "fin.example.com"), MatchServer, "SP-FIN-01"},
		{"two names of two servers of a farm", at("", 445, "sp-fin-01", "sp-fin-02"), MatchFarm, "[fin]"},
		{"two names of two farms", at("", 445, "sp-fin-01", "vh-b"), MatchAmbiguous, "[fin vh-b]"},
		{"retired", at("", 443, "old.example.com"), MatchRetired, "old"},
		{"two servers at one address, told apart by the port", at("192.0.2.60", 9443), MatchServer, "dmz-2"},
		{"two servers at one address", at("192.0.2.60", 22), MatchFarm, "[dmz]"},
	} {
		m := x.Find(c.where)
		require.Equal(t, c.kind, m.Kind, "%s: %+v", c.why, m)
		switch c.kind {
		case MatchServer, MatchRetired:
			require.Equal(t, c.what, m.Server, c.why)
		case MatchFarm, MatchAmbiguous:
			require.Equal(t, c.what, fmt.Sprint(m.Farms), c.why)
			require.Empty(t, m.Server, "a shared address is never about one server")
		}
	}
}

func rules(t testing.TB) state.Rules {
	t.Helper()
	p, err := playbook.BuiltinRevision("toolshell", 2)
	require.NoError(t, err)
	return p.Rules()
}

func taken(t testing.TB, name string) *Take {
	t.Helper()
	take := NewTake(NewIndex(inventory()), rules(t))
	o := options()
	p, err := playbook.BuiltinRevision("toolshell", 2)
	require.NoError(t, err)
	o.Observers = p.Plan().Observers
	for f, err := range Read(t.Context(), strings.NewReader(string(sample(t, name))), o) {
		if err == nil {
			take.Add(f)
		}
	}
	return take.Done()
}

// evidence is what a take holds, a line each.
func evidence(take *Take) []string {
	var out []string
	for _, farm := range []string{"fin", "hr", "vh-a", "vh-b", "dmz", "multi"} {
		for _, e := range take.Farms[farm] {
			out = append(out, fmt.Sprintf("%s/%s %s=%s by %s", farm, e.Subject, e.Kind, e.Value, e.Tool))
		}
	}
	return out
}

func TestWhatAReportComesTo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"compromised_website.csv": {"fin/SP-FIN-01 reported=compromised by shadowserver/compromised_website"},
		"scan_http_vulnerable.csv": {
			"fin/SP-FIN-01 reported=question by shadowserver/scan_http_vulnerable", // the other server's CVE is not of this incident
		},
		"scan_badsecrets.csv":           {"fin/SP-FIN-01 reported=question by shadowserver/scan_badsecrets"},
		"event4_honeypot_http_scan.csv": {"fin/SP-FIN-02 reported=question by shadowserver/event"},
		"scan_exchange.csv":             nil, // 15.2 is not SharePoint 2013
		"shodan_banners.jsonl": {
			"fin/SP-FIN-01 build=16.0.10416 by shodan/header",
			"fin/SP-FIN-01 reported=vulnerable by shodan/vulns verified", "fin/SP-FIN-01 reported=question by shodan/vulns",
		},
		"nuclei.jsonl": {
			"fin/SP-FIN-01 reported=vulnerable by nuclei/CVE-2025-53770", "fin/SP-FIN-01 reported=question by nuclei/CVE-2025-49706",
			"hr/farm build=16.0.5508 by nuclei/header",
		},
		"nmap.xml": {
			"fin/SP-FIN-01 build=16.0.10416 by nmap/header",
			"fin/SP-FIN-01 reported=question by nmap/http-vuln-cve2025-53770", "fin/SP-FIN-01 reported=question by nmap/vulners",
		},
		"nessus.nessus": {
			"fin/SP-FIN-01 reported=vulnerable by nessus/900001@1.4", "fin/SP-FIN-01 reported=question by nessus/900002@1.1",
		},
	} {
		take := taken(t, name)
		require.ElementsMatch(t, want, evidence(take), name)
		for _, es := range take.Farms {
			for _, e := range es {
				require.Equal(t, state.SourceImport, e.Source)
				require.Len(t, e.Digest, 64)
				require.NotEmpty(t, e.Detail)
				require.NotContains(t, e.Detail+e.Value, "topsecret")
				require.NotContains(t, e.Detail+e.Value, "hunter2")
			}
		}
	}
}

func TestWhatDoesNotMatchIsCountedAndListed(t *testing.T) {
	t.Parallel()
	take := taken(t, "scan_http_vulnerable.csv")
	require.Equal(t, 2, take.Matched)
	require.Equal(t, 1, take.Unrelated)
	require.Equal(t, Listed{Findings: 1, Names: []string{"203.0.113.7 port 443"}, Count: 1, seen: take.Foreign.seen}, take.Foreign)
	require.Equal(t, []string{"SP-FIN-01", "SP-FIN-02"}, take.Servers)
	require.Equal(t, []string{"shadowserver/scan_http_vulnerable: the schema does not tell which of its tags come from a check and which from a version"}, take.Guesses)
	require.Equal(t, time.Date(2025, 7, 22, 10, 0, 0, 0, time.UTC), take.Newest())

	take = taken(t, "nuclei.jsonl")
	require.Equal(t, 1, take.Clean, "not vulnerable is counted, and nothing else")
	require.Equal(t, []string{"hr"}, take.WholeFarms)
	require.Len(t, take.Reached["fin"], 1)
	require.Empty(t, take.Reached["hr"], "who answers behind a balancer is not known")
	require.Equal(t, state.KindReach, take.Reached["fin"][0].Kind)
}

func TestWhatMayBeAboutSeveralFarmsIsAQuestionToEach(t *testing.T) {
	t.Parallel()
	take := NewTake(NewIndex(inventory()), rules(t))
	seen := time.Date(2025, 7, 22, 0, 0, 0, 0, time.UTC)
	build, err := state.ParseVersion("16.0.10416")
	require.NoError(t, err)
	shared := Where{Address: netip.MustParseAddr("192.0.2.30"), Port: 22}
	take.Add(Finding{Tool: "shadowserver", Rule: "compromised_website", Says: SaysIndicator, Shows: true, Where: shared, Observed: seen})
	take.Add(Finding{Tool: "shodan", Rule: "header", Says: SaysBuild, Build: build, Where: shared, Observed: seen})
	take.Add(Finding{Tool: "x", Rule: "ok", Says: SaysClean, Bears: true, Where: shared, Observed: seen})
	require.ElementsMatch(t, []string{
		"vh-a/farm reported=question by shadowserver/compromised_website", "vh-b/farm reported=question by shadowserver/compromised_website",
		"vh-a/farm reported=question by shodan/header", "vh-b/farm reported=question by shodan/header",
	}, evidence(take.Done()))
	require.Equal(t, 3, take.Ambiguous.Findings)
	require.Equal(t, []string{"192.0.2.30 port 22"}, take.Ambiguous.Names)
	require.Contains(t, take.Farms["vh-a"][0].Detail, "it is not known which farm it is about")
}

func TestRepeatsAreOneAndTheNewestCounts(t *testing.T) {
	t.Parallel()
	take := NewTake(NewIndex(inventory()), rules(t))
	at := time.Date(2025, 7, 22, 0, 0, 0, 0, time.UTC)
	for _, hour := range []int{1, 3, 2, 3} {
		take.Add(Finding{
			Tool: "nuclei", Rule: "CVE-2025-53770", Says: SaysVulnerable, Shows: true, CVEs: []string{"CVE-2025-53770"},
			Where: Where{Names: []string{"fin.example.com"}}, Observed: at.Add(time.Duration(hour) * time.Hour),
		})
	}
	require.Len(t, take.Farms["fin"], 1)
	require.Equal(t, at.Add(3*time.Hour), take.Farms["fin"][0].Observed)
	require.Equal(t, 3, take.Repeated)
}

func TestWhatIsTooMuchAboutOneServerIsCounted(t *testing.T) {
	t.Parallel()
	take := NewTake(NewIndex(inventory()), rules(t))
	f := Finding{Tool: "x", Says: SaysVulnerable, CVEs: []string{"CVE-2025-53770"}, Where: Where{Names: []string{"fin.example.com"}}, Observed: time.Unix(1753178460, 0)}
	for i := range 3000 {
		f.Rule = fmt.Sprint("guess-", i)
		take.Add(f)
	}
	f.Rule, f.Shows = "shown", true
	take.Add(f)
	require.Len(t, take.Farms["fin"], maxQuestions+1, "questions never crowd out what opens work")
	require.Equal(t, 3000-maxQuestions, take.Crowded)
	require.Len(t, take.Done().Guesses, maxListed)
	for i := range 2 * maxForeign {
		take.Add(Finding{Where: Where{Names: []string{fmt.Sprint("foreign-", i)}}})
	}
	require.True(t, take.Foreign.More)
	require.Equal(t, maxForeign, take.Foreign.Count)
	require.Len(t, take.Foreign.Names, maxListed)
}

func TestEveryRuleSaysWhyAndWhereThatIsKnown(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rules() {
		require.NotEmpty(t, r.Why)
		require.NotEmpty(t, r.Source)
		key := fmt.Sprint(r.Tool, r.ID, r.Facts)
		require.False(t, seen[key], key)
		seen[key] = true
	}
	book := newRulebook()
	for _, c := range []struct {
		tool, id string
		facts    []fact
		shows    bool
	}{
		{toolNuclei, "CVE-2025-53770", nil, true},
		{toolNuclei, "CVE-2025-53770", []fact{factNoTarget}, false},
		{toolNuclei, "CVE-2025-49706", nil, false},
		{toolNuclei, "CVE-2099-1", nil, false},
		{toolShodan, "vulns", nil, false},
		{toolShodan, "vulns", []fact{factVerified}, true},
		{toolNessus, "1", nil, false},
		{toolNessus, "1", []fact{factLocal}, true},
		{toolNessus, "1", []fact{factLocal, factVersion}, false},
		{toolNmap, "any", nil, false},
		{"csv nuclei", "CVE-2025-53770", nil, false},
	} {
		shows, why := book.judge(c.tool, c.id, c.facts...)
		require.Equal(t, c.shows, shows, "%s/%s %v: %s", c.tool, c.id, c.facts, why)
		require.NotEmpty(t, why)
	}
}
