package intake

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Says is what kind of statement a finding is. The zero value says the least.
type Says uint8

// The statements.
const (
	SaysSeen       Says = iota // something answers there
	SaysBuild                  // a build was read
	SaysVulnerable             // it has a hole
	SaysIndicator              // an attacker was there
	SaysClean                  // it is called fixed, or not vulnerable: that proves nothing
)

func (s Says) String() string {
	return [...]string{"seen", "build", "vulnerable", "indicator", "clean"}[s]
}

// Finding is one thing that a tool said about one place. Its texts are bounded,
// one line each, and hold no secret; they are hostile all the same.
type Finding struct {
	Tool    string // "nuclei"
	Rule    string // the template, plugin, script or report, as it calls itself
	Version string // of the rule, where it has one
	Says    Says
	// Shows: the rule is known not to guess. Reason says how that is known, or why not.
	Shows  bool
	Reason string
	CVEs   []string // in capitals
	// Bears: it bears on whatever incident it is handed in for, without naming a CVE.
	Bears bool
	Where Where
	// Build is what SaysBuild read. Product is a word of the product's name, "" when
	// an observer of the playbook read it.
	Build   state.Version
	Product string
	// Reached: the tool had an answer from there.
	Reached  bool
	Observed time.Time
	Excerpt  string
	Digest   string // SHA-256 of the raw row, hex
	Line     int    // where it begins, from 1; 0: not known
	Record   int    // which row, from 1
}

// Source names the tool and the rule, with its version where it has one.
func (f Finding) Source() string {
	s := f.Tool + "/" + f.Rule
	if f.Version != "" {
		s += "@" + f.Version
	}
	return s
}

// Where is the place that a finding is about.
type Where struct {
	// Names are those that it was asked by; Hints are those that others give to the
	// address: reverse DNS. All in lower case.
	Names, Hints []string
	Address      netip.Addr
	Port         uint16 // 0: not known
}

func (w Where) String() string {
	name := ""
	switch {
	case len(w.Names) > 0:
		name = w.Names[0]
	case w.Address.IsValid():
		name = w.Address.String()
	case len(w.Hints) > 0:
		name = w.Hints[0]
	}
	if w.Port != 0 {
		return fmt.Sprintf("%s port %d", name, w.Port)
	}
	return name
}

// known reports whether there is anything to match with an inventory.
func (w Where) known() bool {
	return len(w.Names) > 0 || len(w.Hints) > 0 || w.Address.IsValid()
}
