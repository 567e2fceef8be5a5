package state

import "fmt"

// Verdict says what an observed build means against the fix line. The zero
// value is unknown, because that is what not looking yields.
type Verdict uint8

// The three verdicts. VerdictFixed means "says it is fixed", never "remediated".
const (
	VerdictUnknown Verdict = iota
	VerdictVulnerable
	VerdictFixed
)

var verdictNames = []string{"unknown", "vulnerable", "fixed"}

func (v Verdict) String() string { return nameOf(verdictNames, int(v)) }

// MarshalText makes a verdict its word in JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word.
func (v *Verdict) UnmarshalText(b []byte) error {
	i, err := indexOf(verdictNames, "verdict", string(b))
	*v = Verdict(i)
	return err
}

// Judgement is a verdict with its ground: what was read, why that decides, and
// what would settle it when it does not.
type Judgement struct {
	Product string  `json:"product,omitempty"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"`
	Settle  string  `json:"settle,omitempty"`
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("(%d)", i)
}

func indexOf(names []string, what, s string) (int, error) {
	for i, n := range names {
		if n == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%.40q is not a %s", s, what)
}
