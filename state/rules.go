package state

import (
	"fmt"
	"slices"
	"time"
)

// Rules is a playbook at one revision, as far as the domain needs it: which
// builds are fixed, which steps must be proved, in which order, by what.
type Rules struct {
	Playbook string    `json:"playbook"`
	Revision int       `json:"revision"`
	Title    string    `json:"title"`
	CVEs     []string  `json:"cves,omitempty"`
	Products []Product `json:"products"`
	Steps    []Step    `json:"steps"` // in the order of work
	Signs    []Sign    `json:"signs,omitempty"`
	// Window is when exploitation is known to have begun: a hunt must cover from here.
	Window time.Time `json:"window"`
	// Due is the earliest date by which an authority wants this done; zero: none known.
	Due time.Time `json:"due,omitzero"`
	// Item names what an item of a farm is, in the singular ("web application").
	Item string `json:"item,omitempty"`
}

// Product is one product line with its branches of builds.
type Product struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Branches []Branch `json:"branches"`
	// Note goes into the reason of a verdict that the product alone decides.
	Note string `json:"note,omitempty"`
	// Affected is false for products that answer alike but are not in this campaign.
	Affected bool `json:"affected"`
}

// Branch is a range of builds that shares a fix line.
type Branch struct {
	From  Version `json:"from"`            // inclusive
	Below Version `json:"below"`           // exclusive
	Fixed Version `json:"fixed,omitzero"`  // first fixed build; zero: no fix exists
	Known []Build `json:"known,omitempty"` // published builds, ascending
	// Gaps: builds are missing from Known, so that it never decides what a prefix of
	// the fix line stands for.
	Gaps bool `json:"gaps,omitempty"`
}

// Build is one published build of a branch.
type Build struct {
	Version  Version `json:"version"`
	Released string  `json:"released,omitempty"` // as the vendor's table dates it: 2025-07-21 or 2025-07
	KB       string  `json:"kb,omitempty"`
	Partial  bool    `json:"partial,omitempty"` // fixes an earlier CVE of the campaign only
}

// Step is one part of the remediation.
type Step struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Scope  Scope  `json:"scope"`
	Advice string `json:"advice"` // the next action, in the imperative
	// Products limits the step to these product ids; empty: all. A server whose
	// product is not known must prove it all the same.
	Products []string `json:"products,omitempty"`
	// After names earlier steps that must be complete before the time that counts
	// for this one: on the same subject where they have the same scope, else on
	// every subject of the farm.
	After []string `json:"after,omitempty"`
	// Fix marks the steps that together make a server's verdict "fixed".
	Fix bool `json:"fix,omitempty"`
	// Need says when the step is asked for.
	Need  Need    `json:"need,omitempty"`
	Proof []Proof `json:"proof"` // any one of them proves the step
}

// Proof is one kind of evidence that proves a step.
type Proof struct {
	Kind Kind     `json:"kind"`
	Good []string `json:"good,omitempty"` // values that prove it
	Bad  []string `json:"bad,omitempty"`  // values that contradict it; any other value is unknown
	// FixLine: the value is a build; at or above the product's fix line is good, below is bad.
	FixLine bool     `json:"fixLine,omitempty"`
	Sources []Source `json:"sources"` // accepted sources
	// Dated: the evidence is about an event and must say when it happened; a dated event does not age.
	Dated bool `json:"dated,omitempty"`
	// Covers: the evidence must cover from Rules.Window to the completion of the
	// server's Fix steps and of any eviction.
	Covers bool `json:"covers,omitempty"`
	// MaxAge is how long good evidence counts after it was observed; 0: it does not age.
	MaxAge time.Duration `json:"maxAge,omitempty"`
}

// Sign is evidence that an attacker was there.
type Sign struct {
	Kind   Kind     `json:"kind"`
	Values []string `json:"values"`
	// Proves: it is proof of compromise; otherwise it raises suspicion.
	Proves bool `json:"proves"`
}

// Need says when a step is asked for.
type Need uint8

// NeedAlways steps must be proved by every subject; NeedCompromised steps by
// servers with a sign of compromise; NeedNever steps are advised, and never block.
const (
	NeedAlways Need = iota
	NeedCompromised
	NeedNever
)

var needNames = []string{"always", "compromised", "never"}

func (n Need) String() string { return nameOf(needNames, int(n)) }

// MarshalText makes a need its word in JSON.
func (n Need) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the word.
func (n *Need) UnmarshalText(b []byte) error {
	i, err := indexOf(needNames, "need", string(b))
	*n = Need(i)
	return err
}

// Step returns the step with this id.
func (r Rules) Step(id string) (Step, bool) {
	i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return r.Steps[i], true
}

// Product returns the product line that v belongs to. A prefix belongs to a
// product only if all builds that it stands for do.
func (r Rules) Product(v Version) (Product, bool) {
	p, _, ok := r.branch(v)
	return p, ok
}

func (r Rules) branch(v Version) (Product, Branch, bool) {
	for _, p := range r.Products {
		for _, b := range p.Branches {
			if b.contains(v) {
				return p, b, true
			}
		}
	}
	return Product{}, Branch{}, false
}

func (b Branch) contains(v Version) bool {
	if v.IsZero() || v.Len() < b.Below.Len() && b.Below.HasPrefix(v) || b.From.HasPrefix(v) && !b.From.opens(v) {
		return false // too short to tell on which side of an end it lies
	}
	return v.Compare(b.From.Prefix(v.Len())) >= 0 && v.Compare(b.Below) < 0
}

// released is when a fixed build was published, as far as the table tells: no
// server can have had it before. Zero: not known.
func (b Branch) released(v Version) time.Time {
	var at time.Time
	for _, k := range b.Known {
		if k.Version.Compare(b.Fixed) < 0 || k.Version.Compare(v) > 0 {
			continue
		}
		for _, layout := range []string{time.DateOnly, "2006-01"} {
			if t, err := time.Parse(layout, k.Released); err == nil {
				at = t
			}
		}
	}
	return at
}

// Judge says what a build means against the fix line. It compares by branch, so
// it is right for builds newer than the table; the table of published builds
// only decides what a prefix can stand for.
func (r Rules) Judge(v Version) Judgement {
	p, b, ok := r.branch(v)
	switch {
	case v.IsZero():
		return Judgement{Reason: "no build was read"}
	case !ok:
		return Judgement{Reason: fmt.Sprintf("build %s belongs to no product of this playbook", v)}
	case !p.Affected:
		return Judgement{Product: p.ID, Reason: fmt.Sprintf("build %s looks like %s. %s", v, p.Name, p.Note)}
	case b.Fixed.IsZero():
		return Judgement{
			Product: p.ID, Verdict: VerdictVulnerable,
			Reason: fmt.Sprintf("%s has no fix. %s", p.Name, p.Note), Settle: "disconnect and replace it",
		}
	}
	return b.judge(p, v)
}

func (b Branch) judge(p Product, v Version) Judgement {
	j := Judgement{Product: p.ID}
	line := b.Fixed.Prefix(v.Len())
	switch c := v.Compare(line); {
	case c < 0:
		j.Verdict = VerdictVulnerable
		j.Reason = fmt.Sprintf("%s %s is below the fix line %s%s", p.Name, v, b.Fixed, b.aside(v))
	case c > 0 || v.Len() >= b.Fixed.Len():
		j.Verdict = VerdictFixed
		j.Reason = fmt.Sprintf("%s %s is at or above the fix line %s", p.Name, v, b.Fixed)
	default:
		return b.judgePrefix(p, v)
	}
	return j
}

// aside names what is worth knowing about a build below the line.
func (b Branch) aside(v Version) string {
	if len(b.Known) > 0 && !b.Gaps && v.Compare(b.Known[0].Version.Prefix(v.Len())) < 0 {
		return "; older than any published build that we know"
	}
	for _, k := range b.Known {
		if k.Partial && k.Version.HasPrefix(v) {
			return fmt.Sprintf("; %s of %s fixes the earlier CVEs only", k.KB, k.Released)
		}
	}
	return ""
}

// judgePrefix decides a prefix of the fix line by the builds that it can stand for.
func (b Branch) judgePrefix(p Product, v Version) Judgement {
	j := Judgement{Product: p.ID, Settle: "inside evidence: run the collector on the server"}
	var below, above int
	for _, k := range b.Known {
		if k.Version.HasPrefix(v) {
			if k.Version.Compare(b.Fixed) < 0 {
				below++
			} else {
				above++
			}
		}
	}
	if below == 0 && above > 0 && !b.Gaps {
		j.Verdict, j.Settle = VerdictFixed, ""
		j.Reason = fmt.Sprintf("every published build of %s %s is at or above the fix line %s", p.Name, v, b.Fixed)
		return j
	}
	if b.Gaps {
		j.Reason = fmt.Sprintf("%s %s is not the whole build: whether it has the fix %s cannot be told", p.Name, v, b.Fixed)
		return j
	}
	j.Reason = fmt.Sprintf("%s %s carries no revision: %d published builds of it lack the fix %s, %d have it", p.Name, v, below, b.Fixed, above)
	return j
}
