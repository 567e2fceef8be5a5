package feeds

import (
	"fmt"
	"io"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// cveRecord is what is read of a record: CVE record format 5.x, cveproject.github.io.
type cveRecord struct {
	Type    string `json:"dataType"`
	Version string `json:"dataVersion"`
	Meta    struct {
		ID      string `json:"cveId"`
		State   string `json:"state"`
		Updated string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA container   `json:"cna"`
		ADP []container `json:"adp"`
	} `json:"containers"`
}

type container struct {
	Title      string         `json:"title"`
	Affected   []cveAffected  `json:"affected"`
	References []cveReference `json:"references"`
	Metrics    []struct {
		Other struct {
			Type    string `json:"type"`
			Content struct {
				Added string `json:"dateAdded"`
			} `json:"content"`
		} `json:"other"`
	} `json:"metrics"`
}

type cveReference struct {
	URL string `json:"url"`
}

type cveAffected struct {
	Vendor   string       `json:"vendor"`
	Product  string       `json:"product"`
	Package  string       `json:"packageName"`
	Default  string       `json:"defaultStatus"`
	Versions []cveVersion `json:"versions"`
}

type cveVersion struct {
	Version string      `json:"version"`
	Status  string      `json:"status"`
	Type    string      `json:"versionType"`
	Below   string      `json:"lessThan"`
	Through string      `json:"lessThanOrEqual"`
	Changes []cveChange `json:"changes"`
}

type cveChange struct {
	At     string `json:"at"`
	Status string `json:"status"`
}

// ReadCVE reads one CVE record. Records are public: TLP:CLEAR.
func ReadCVE(r io.Reader) (Record, error) {
	data, err := document(r, "the CVE record", MaxCVE)
	if err != nil {
		return Record{}, err
	}
	var c cveRecord
	if err := decode(data, "the CVE record", &c); err != nil {
		return Record{}, err
	}
	switch {
	case c.Type != "CVE_RECORD":
		return Record{}, fmt.Errorf("this is no CVE record: dataType is %q", checks.Clean(c.Type, 40))
	case !strings.HasPrefix(c.Version, "5."):
		return Record{}, fmt.Errorf("the CVE record is of version %q; known are 5.x", checks.Clean(c.Version, 40))
	case !isCVE(c.Meta.ID):
		return Record{}, fmt.Errorf("the CVE record has no id: %q", checks.Clean(c.Meta.ID, 40))
	case c.Meta.State != "PUBLISHED" && c.Meta.State != "REJECTED":
		return Record{}, fmt.Errorf("%s is in the state %q; known are PUBLISHED and REJECTED", c.Meta.ID, checks.Clean(c.Meta.State, 40))
	}
	out := Record{
		CVE: c.Meta.ID, Source: "cve", Title: text(c.Containers.CNA.Title, maxTitle), Rejected: c.Meta.State == "REJECTED",
		TLP: state.TLPClear, Marked: true, Revision: text(c.Meta.Updated, 40), Updated: moment(c.Meta.Updated),
	}
	out.affected(c.Containers.CNA.Affected)
	out.contain(c.Containers.CNA)
	for _, a := range c.Containers.ADP {
		out.contain(a)
	}
	return out, nil
}

// contain takes references and what is said about exploitation.
func (r *Record) contain(c container) {
	for _, ref := range c.References {
		r.refer(ref.URL)
	}
	for _, m := range c.Metrics {
		if m.Other.Type == "kev" {
			r.KEV = &KEV{Added: day(m.Other.Content.Added)}
		}
	}
}

func (r *Record) affected(all []cveAffected) {
	ranges := 0
	for _, a := range all {
		if len(r.Products) == maxProducts {
			r.More++
			continue
		}
		name := a.Product
		if name == "" {
			name = a.Package
		}
		p := Product{Vendor: text(a.Vendor, maxTitle), Name: text(name, maxTitle)}
		if a.Default == "affected" {
			p.Ranges = append(p.Ranges, Range{Status: "affected", From: "by default"})
		}
		for _, v := range a.Versions {
			if ranges++; ranges > maxRanges {
				r.More++
				continue
			}
			p.version(v)
		}
		r.Products = append(r.Products, p)
	}
}

// version takes one range, and the builds that it names as fixed.
func (p *Product) version(v cveVersion) {
	short := func(s string) string { return text(s, maxVersion) }
	p.Ranges = append(p.Ranges, Range{Status: short(v.Status), From: short(v.Version), Below: short(v.Below), Through: short(v.Through), Type: short(v.Type)})
	if v.Status != "affected" {
		return
	}
	if isBuild(v.Below) {
		fixed := short(v.Below)
		if v.Type == "patch" && !strings.HasPrefix(v.Below, v.Version) {
			fixed = short(v.Version) + "-" + fixed // Citrix: the branch is one member, the build of it another
		}
		p.fix(fixed)
	}
	for _, c := range v.Changes {
		if c.Status == "unaffected" && isBuild(c.At) {
			p.fix(short(c.At))
		}
	}
}

func (p *Product) fix(build string) {
	if build != "" && !contains(p.Fixed, build) && len(p.Fixed) < maxRanges {
		p.Fixed = append(p.Fixed, build)
	}
}

// isBuild reports whether the end of a range is a build: some records say "*", or
// "publication" for what was not known when they were written.
func isBuild(s string) bool { return strings.ContainsAny(s, "0123456789") }
