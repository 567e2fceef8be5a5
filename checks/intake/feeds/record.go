package feeds

import (
	"strings"
	"time"
	"unicode"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Record is what one source says about one vulnerability. Its texts are one line
// each and bounded; they are hostile all the same.
type Record struct {
	CVE    string `json:"cve"`
	Source string `json:"source"` // "cve", "kev", or the id of a CSAF document
	Title  string `json:"title,omitempty"`
	// Rejected: the CVE was withdrawn.
	Rejected bool      `json:"rejected,omitempty"`
	Products []Product `json:"products,omitempty"`
	// More counts products and ranges that there was no room for.
	More int  `json:"more,omitempty"`
	KEV  *KEV `json:"kev,omitempty"` // nil: the source does not say that it is exploited
	// TLP is the marking of the source; Marked is false when it carries none, and then
	// nothing of it may go anywhere.
	TLP        state.TLP `json:"tlp"`
	Marked     bool      `json:"marked"`
	References []string  `json:"references,omitempty"`
	// Revision and Updated are the source's own.
	Revision string    `json:"revision"`
	Updated  time.Time `json:"updated,omitzero"`
}

// Product is what is said of one product.
type Product struct {
	Vendor string  `json:"vendor,omitempty"`
	Name   string  `json:"name"`
	Ranges []Range `json:"ranges,omitempty"`
	// Fixed are builds that are called fixed, and Remedies what to do, as published.
	Fixed    []string `json:"fixed,omitempty"`
	Remedies []string `json:"remedies,omitempty"`
}

// Range is a range of versions, as published.
type Range struct {
	Status  string `json:"status"`            // "affected", "unaffected", "unknown"
	From    string `json:"from,omitempty"`    // inclusive
	Below   string `json:"below,omitempty"`   // exclusive
	Through string `json:"through,omitempty"` // inclusive
	Type    string `json:"type,omitempty"`    // how versions are compared
}

func (r Range) String() string {
	s := strings.TrimSpace(r.Status + " " + r.From)
	if r.Below != "" {
		s += " to below " + r.Below
	}
	if r.Through != "" {
		s += " through " + r.Through
	}
	return s
}

// KEV is what an authority says about exploitation. Dates that are not given are zero.
type KEV struct {
	Added  time.Time `json:"added,omitzero"`
	Due    time.Time `json:"due,omitzero"`
	Action string    `json:"action,omitempty"`
	// Ransomware is "Known", "Unknown" or "".
	Ransomware string `json:"ransomware,omitempty"`
}

// Bounds of what is kept of one record.
const (
	maxText       = 2000
	maxTitle      = 300
	maxVersion    = 120
	maxProducts   = 2000
	maxRanges     = 2000
	maxReferences = 50
	maxRemedies   = 20
)

func text(s string, limit int) string {
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	return checks.Clean(s, limit)
}

// reference is a link that may be shown, "" when it is none.
func reference(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1000 || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") ||
		strings.ContainsFunc(s, func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune("<>\"'`\\|", r) || unicode.IsControl(r)
		}) {
		return ""
	}
	return s
}

func (r *Record) refer(urls ...string) {
	for _, u := range urls {
		u = reference(u)
		if u == "" || contains(r.References, u) {
			continue
		}
		if len(r.References) == maxReferences {
			r.More++
			continue
		}
		r.References = append(r.References, u)
	}
}

func contains(list []string, s string) bool {
	for _, o := range list {
		if o == s {
			return true
		}
	}
	return false
}

// isCVE reports whether s is a CVE id.
func isCVE(s string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(s, "CVE-"), "-")
	return strings.HasPrefix(s, "CVE-") && ok && len(year) == 4 && len(number) >= 4 && len(number) <= 10 && digits(year) && digits(number)
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// day reads a date, moment a time; zero when there is none that can be read.
func day(s string) time.Time {
	t, _ := time.Parse(time.DateOnly, s)
	return t
}

func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, _ = time.Parse("2006-01-02T15:04:05", s) // older CVE records carry no zone, and mean UTC
	}
	return t.UTC()
}
