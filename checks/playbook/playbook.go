package playbook

import (
	"regexp"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Playbook is a campaign at one revision, read and validated. It is a value to
// read: its slices are shared, and nobody may change them.
type Playbook struct {
	Name     string
	Revision int
	Title    string
	Summary  string
	CVEs     []CVE
	// Observers are the requests that reveal a build, and Indicators those that
	// reveal an attacker.
	Observers  []checks.Observer
	Indicators []checks.Indicator
	LogRules   []LogRule
	// Logs says what a hunt in logs with these rules is worth.
	Logs       LogScope
	IOCs       []IOC
	Detections []Detection
	Sources    []Source

	rules state.Rules
	bare  bool // no more than the rules is known
}

// Rules is what the domain needs of the playbook.
func (p Playbook) Rules() state.Rules { return p.rules }

// Plan is what a scan asks each server.
func (p Playbook) Plan() checks.Plan {
	return checks.Plan{Rules: p.rules, Observers: p.Observers, Indicators: p.Indicators}
}

// CVE is one vulnerability of the campaign.
type CVE struct {
	ID        string
	Title     string
	Published time.Time
	// KEVAdded and KEVDue are zero for a CVE that is not in CISA's catalogue.
	KEVAdded, KEVDue time.Time
	Grade            Grade
}

// LogScope is what a campaign leaves in logs, and what not.
type LogScope struct {
	// Settles: its attack cannot be made without a request that the rules match, so that
	// logs without gaps and without such a request are a clean hunt. Otherwise they are
	// shown, and prove nothing.
	Settles bool
	// Blind is what logs do not show whatever the rules are.
	Blind string
}

// LogRule is a pattern of attack traffic in a web server's log. A request must match
// all that the rule has.
type LogRule struct {
	ID    string
	Title string
	// Shows is what the request is: an exploit, the use of a web shell, the use of stolen keys.
	Shows Shows
	// Confidence is how sure it is that such a request is an attack.
	Confidence Confidence
	// Fields are the columns that the rule needs. If one is not in the log, the
	// rule was not evaluated: that is "cannot tell", never "clean".
	Fields []string
	// Names are what the decoded path contains, in lower case: at least one of them.
	Names  []string
	Method string // "": any
	// Stem, Query, Referer and Agent match decoded values; nil: any.
	Stem, Query, Referer, Agent *regexp.Regexp
	// Status are the answers that the rule is about; empty: any.
	Status []StatusRange
	// Size bounds a column of bytes, where the log has it.
	Size *SizeRange
	// Known: only requests of addresses that are listed as indicators or were seen attacking.
	Known bool
	// Mistaken names what looks alike and is harmless.
	Mistaken []string
	Grade    Grade
	Source   string
	Note     string
}

// Shows is what a request in a log is the trace of.
type Shows string

// What a log rule can show.
const (
	ShowsExploit Shows = "exploit"
	ShowsShell   Shows = "shell"
	ShowsKeys    Shows = "keys"
)

func (s Shows) String() string { return string(s) }

// Confidence is how sure a rule is. Only a sure one proves anything.
type Confidence string

// The confidences.
const (
	ConfidenceHigh   Confidence = "high"
	ConfidenceMedium Confidence = "medium"
	ConfidenceLow    Confidence = "low"
)

func (c Confidence) String() string { return string(c) }

// StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ From, To int }

// SizeRange bounds a column of bytes, both ends included.
type SizeRange struct {
	Column   string // cs-bytes or sc-bytes
	From, To int64
}

// IOC is one published indicator of compromise.
type IOC struct {
	Type   string // one of ip, domain, sha256, filename, path-regex, user-agent
	Value  string
	Role   string
	Grade  Grade
	Source string
	// Seen is the first day that a source gives; zero: none does. Addresses are
	// rented: match them near this time only.
	Seen time.Time
}

// Detection is a rule that others published. Whoever shows one of its matches
// keeps to its licence (DRL-1.1: name the author).
type Detection struct {
	Kind, ID, Repo, Path, Licence, Note string
}

// Source is where facts of the playbook come from.
type Source struct {
	Title, At, For string
	Grade          Grade
}

// Grade is how well a fact is sourced.
type Grade string

// The grades: A, a primary source and a second one; B, one primary source; C,
// two secondary sources; D, one secondary source; I, a conclusion of the author.
const (
	GradeA Grade = "A"
	GradeB Grade = "B"
	GradeC Grade = "C"
	GradeD Grade = "D"
	GradeI Grade = "I"
)

func (g Grade) String() string { return string(g) }
