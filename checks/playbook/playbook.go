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
	IOCs       []IOC
	Detections []Detection
	Sources    []Source

	rules state.Rules
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

// LogRule is a pattern of attack traffic in a web server's log.
type LogRule struct {
	ID    string
	Title string
	// Fields are the columns that the rule needs. If one is not in the log, the
	// rule was not evaluated: that is "cannot tell", never "clean".
	Fields []string
	Method string // "": any
	// Stem, Query and Referer match decoded values; nil: any.
	Stem, Query, Referer *regexp.Regexp
	Grade                Grade
	Source               string
	Note                 string
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
