package intake

// A fact is something that a row tells about how it came to its finding.
type fact string

const (
	factVerified fact = "verified"        // Shodan tried it
	factLocal    fact = "local"           // the check ran on the host, with credentials
	factVersion  fact = "by version"      // it says itself that it only compared a version that the software reports
	factLikely   fact = "likely"          // it says itself that it may be wrong
	factNoTarget fact = "nothing matched" // it names no place where it matched
)

// Rule is what is known of how a rule of a tool comes to its findings.
type Rule struct {
	Tool string
	// ID is its id; "" stands for every rule of the tool that has no entry of its own.
	ID string
	// Facts are those that a row must tell for this entry to hold.
	Facts []fact
	// Shows: what it reports, it has seen. Otherwise it infers, and may be wrong.
	Shows bool
	// Why it is so, and where that can be read.
	Why, Source string
}

// unlisted is what is said of a rule that is on no list.
const unlisted = "it is not on the list of rules that are known not to guess"

// Rules are the rules of which it is known whether they guess. What is on no list
// guesses. Of entries that hold, the first one counts.
func Rules() []Rule {
	const (
		shadowserver = "github.com/The-Shadowserver-Foundation/report_schema, reports.json and severity.md of 2026-03-24"
		templates    = "github.com/projectdiscovery/nuclei-templates, http/cves/2025"
		nsedoc       = "nmap.org/nsedoc/lib/vulns.html"
		shodan       = "help.shodan.io/mastery/vulnerability-assessment"
		tenable      = "texts of Tenable's plugins, for instance 235840 and 235849"
	)
	return []Rule{
		{
			Tool: toolShadowserver, ID: "compromised_website", Shows: true, Source: shadowserver,
			Why: "the report lists sites on which signs of an attacker were seen (classified system-compromise, critical)",
		},
		{
			Tool: toolShadowserver, ID: "scan_post_exploitation_framework", Shows: true, Source: shadowserver,
			Why: "the report carries the configuration that the attacker's tool itself handed out (classified infected-system)",
		},
		{
			Tool: toolShadowserver, ID: "scan_http_vulnerable", Source: shadowserver,
			Why: "the schema does not tell which of its tags come from a check and which from a version",
		},
		{
			Tool: toolShadowserver, ID: "scan_badsecrets", Source: shadowserver,
			Why: "a known machine key is a way in, but no sign that anybody used it",
		},
		{
			Tool: toolShadowserver, ID: "event4_honeypot_http_scan", Source: shadowserver,
			Why: "an address that attacks others may be a proxy or shared",
		},

		{Tool: toolShodan, Facts: []fact{factVerified}, Shows: true, Source: shodan, Why: "Shodan tried it (verified)"},
		{Tool: toolShodan, Source: shodan, Why: "Shodan infers it from the software's version (not verified)"},

		{
			Tool: toolNuclei, Facts: []fact{factNoTarget}, Source: "github.com/projectdiscovery/nuclei, pkg/output/output.go",
			Why: "the result says itself that its matcher did not match",
		},
		{Tool: toolNuclei, ID: "CVE-2025-53770", Shows: true, Source: templates + "/CVE-2025-53770.yaml", Why: "the template matches only what its own code made the server answer"},
		{Tool: toolNuclei, ID: "CVE-2025-53771", Shows: true, Source: templates + "/CVE-2025-53771.yaml", Why: "the template matches only what its own code made the server answer"},
		{Tool: toolNuclei, ID: "CVE-2025-49706", Source: templates + "/CVE-2025-49706.yaml", Why: "the template infers it from status codes, which a filter can send too"},

		{Tool: toolNessus, Facts: []fact{factVersion}, Source: tenable, Why: "the plugin says itself that it relied only on a version that the software reports"},
		{Tool: toolNessus, Facts: []fact{factLocal}, Shows: true, Source: tenable, Why: "a local patch check, which reads the installed files with credentials"},
		{Tool: toolNessus, Source: tenable, Why: "a remote check, of which it is not known whether it tried or read a banner"},

		{Tool: toolNmap, Facts: []fact{factLikely}, Source: nsedoc, Why: "the script calls it likely: the state for version comparisons"},
		{Tool: toolNmap, ID: "vulners", Source: "github.com/vulnersCom/nmap-vulners", Why: "the script looks a version up in a list"},
		{Tool: toolNmap, ID: "vulscan", Source: "github.com/scipag/vulscan", Why: "the script looks a version up in a list"},
		{
			Tool: toolNmap, ID: "ms-sharepoint-version", Source: "github.com/righel/ms-sharepoint-version-nse",
			Why: "the script lists every build that a header without a revision can stand for",
		},
		{Tool: toolNmap, Source: nsedoc, Why: "a script's state is the word of whoever wrote it, and this one is on no list"},
	}
}

// rulebook finds rules.
type rulebook map[string][]Rule // by tool

func newRulebook() rulebook {
	b := rulebook{}
	for _, r := range Rules() {
		b[r.Tool] = append(b[r.Tool], r)
	}
	return b
}

// judge tells whether a rule shows what it reports, and how that is known.
func (b rulebook) judge(tool, id string, facts ...fact) (shows bool, why string) {
	for _, r := range b[tool] {
		if (r.ID == "" || r.ID == id) && holds(r.Facts, facts) {
			return r.Shows, r.Why
		}
	}
	return false, unlisted
}

func holds(need, have []fact) bool {
	for _, n := range need {
		found := false
		for _, h := range have {
			found = found || h == n
		}
		if !found {
			return false
		}
	}
	return true
}

// The tools, as evidence names them.
const (
	toolShadowserver = "shadowserver"
	toolShodan       = "shodan"
	toolNuclei       = "nuclei"
	toolNmap         = "nmap"
	toolNessus       = "nessus"
)
