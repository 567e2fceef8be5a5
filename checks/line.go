package checks

import (
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Line is a result as one flat JSON object, for scripts.
type Line struct {
	Server      string        `json:"server"`
	URL         string        `json:"url"`
	Reached     bool          `json:"reached"`
	Product     string        `json:"product"`
	Observed    string        `json:"observed"`
	Verdict     state.Verdict `json:"verdict"`
	Basis       string        `json:"basis"`
	Reason      string        `json:"reason"`
	Compromised *bool         `json:"compromised"` // null: could not be looked at
	Indicators  []Hit         `json:"indicators"`
	Error       string        `json:"error"`
	TookMS      int64         `json:"took_ms"`
}

// Line flattens a result. Its reason tells all that the other fields leave open.
func (r Result) Line() Line {
	return Line{
		Server: r.Server, URL: r.URL, Reached: r.Reached,
		Product: r.Judgement.Product, Observed: r.Observed, Verdict: r.Judgement.Verdict, Basis: r.Basis, Reason: r.reason(),
		Compromised: r.Compromised, Indicators: append([]Hit{}, r.Indicators...),
		Error: r.Error, TookMS: r.Took.Milliseconds(),
	}
}

func (r Result) reason() string {
	parts := []string{r.Judgement.Reason, r.Contradiction}
	if r.Judgement.Settle != "" {
		parts = append(parts, "to settle it: "+r.Judgement.Settle)
	}
	if r.Doubt != "" {
		parts = append(parts, "compromise not known: "+r.Doubt)
	}
	var said []string
	for _, p := range append(parts, r.Notes...) {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "; ")
}
