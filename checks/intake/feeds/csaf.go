package feeds

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gocsaf/csaf/v3/csaf"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// CSAF is one CSAF document: a record for each vulnerability that has a CVE.
type CSAF struct {
	ID       string
	Title    string
	Category string // "csaf_security_advisory", "csaf_vex"
	Status   string // "draft", "interim", "final"
	Records  []Record
	// Unnamed counts vulnerabilities without a CVE: nothing can be matched with them.
	Unnamed int
}

// ReadCSAF reads a CSAF 2.0 document. Of its markings WHITE is CLEAR, and GREEN,
// AMBER and RED are as they are; any other is refused, for it could not be kept.
func ReadCSAF(r io.Reader) (CSAF, error) {
	data, err := document(r, "the CSAF document", MaxCSAF)
	if err != nil {
		return CSAF{}, err
	}
	if hasNull(data) {
		return CSAF{}, fmt.Errorf("the CSAF document has a null in it, which CSAF does not know")
	}
	var adv csaf.Advisory
	if err := decode(data, "the CSAF document", &adv); err != nil {
		return CSAF{}, err
	}
	if err := adv.Validate(); err != nil {
		return CSAF{}, fmt.Errorf("the CSAF document is not valid: %s", checks.Clean(err.Error(), 200))
	}
	doc := adv.Document
	tlp, marked, err := marking(doc.Distribution)
	if err != nil {
		return CSAF{}, err
	}
	out := CSAF{ID: text(str(doc.Tracking.ID), 100), Title: text(str(doc.Title), maxTitle), Category: text(str(doc.Category), 60), Status: text(str(doc.Tracking.Status), 20)}
	base := Record{
		Source: out.ID, Title: out.Title, TLP: tlp, Marked: marked,
		Revision: text(str(doc.Tracking.Version), 40), Updated: moment(str(doc.Tracking.CurrentReleaseDate)),
	}
	names := catalogue(adv.ProductTree)
	for _, v := range adv.Vulnerabilities {
		if v.CVE == nil {
			out.Unnamed++
			continue
		}
		rec := base
		rec.CVE = string(*v.CVE)
		if v.Title != nil {
			rec.Title = text(*v.Title, maxTitle)
		}
		rec.vulnerability(v, names)
		for _, refs := range []csaf.References{v.References, doc.References} {
			for _, ref := range refs {
				rec.refer(str(ref.URL))
			}
		}
		out.Records = append(out.Records, rec)
	}
	return out, nil
}

// marking maps the marking of a document.
func marking(d *csaf.DocumentDistribution) (tlp state.TLP, marked bool, err error) {
	if d == nil || d.TLP == nil || d.TLP.DocumentTLPLabel == nil {
		return state.TLPRed, false, nil
	}
	label := string(*d.TLP.DocumentTLPLabel)
	tlp, ok := map[string]state.TLP{"WHITE": state.TLPClear, "GREEN": state.TLPGreen, "AMBER": state.TLPAmber, "RED": state.TLPRed}[label]
	if !ok {
		return state.TLPRed, false, fmt.Errorf("the CSAF document is marked %q, which cannot be kept: WHITE, GREEN, AMBER or RED", checks.Clean(label, 40))
	}
	return tlp, true, nil
}

func str[S ~string](s *S) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

// named is a product of a document.
type named struct{ vendor, name, version string }

// catalogue is the product tree, by product id.
func catalogue(t *csaf.ProductTree) map[string]named {
	out := map[string]named{}
	if t == nil {
		return out
	}
	branches(out, t.Branches, named{})
	if t.FullProductNames != nil {
		for _, p := range *t.FullProductNames {
			out[str(p.ProductID)] = named{name: str(p.Name)}
		}
	}
	if t.RelationShips != nil {
		for _, r := range *t.RelationShips {
			if p := r.FullProductName; p != nil { // the library does not ask for it
				out[str(p.ProductID)] = named{name: str(p.Name)}
			}
		}
	}
	return out
}

func branches(out map[string]named, bs csaf.Branches, in named) {
	for _, b := range bs {
		n := in
		switch str(b.Category) {
		case "vendor":
			n.vendor = str(b.Name)
		case "product_version", "product_version_range", "patch_level", "service_pack":
			n.version = strings.TrimSpace(n.version + " " + str(b.Name))
		case "product_name", "product_family":
			n.name = str(b.Name)
		}
		if b.Product != nil {
			full := n
			if full.name == "" {
				full.name = str(b.Product.Name)
			}
			out[str(b.Product.ProductID)] = full
		}
		branches(out, b.Branches, n)
	}
}

// vulnerability takes the status of products and what to do about it.
func (r *Record) vulnerability(v *csaf.Vulnerability, names map[string]named) {
	at := map[named]int{}
	product := func(id *csaf.ProductID) *Product {
		n := names[str(id)]
		if n == (named{}) {
			n.name = str(id)
		}
		key := named{vendor: n.vendor, name: n.name}
		i, ok := at[key]
		if !ok {
			if len(r.Products) == maxProducts {
				r.More++
				return nil
			}
			i = len(r.Products)
			at[key] = i
			r.Products = append(r.Products, Product{Vendor: text(n.vendor, maxTitle), Name: text(n.name, maxTitle)})
		}
		return &r.Products[i]
	}
	if s := v.ProductStatus; s != nil {
		for _, list := range []struct {
			ids    *csaf.Products
			status string
		}{
			{s.KnownAffected, "affected"},
			{s.FirstAffected, "affected from"},
			{s.LastAffected, "affected until"},
			{s.KnownNotAffected, "unaffected"},
			{s.UnderInvestigation, "unknown"},
			{s.Fixed, "fixed"},
			{s.FirstFixed, "fixed"},
			{s.Recommended, "fixed"},
		} {
			r.status(list.ids, list.status, names, product)
		}
	}
	for _, rem := range v.Remediations {
		if rem.ProductIds != nil {
			r.remedy(rem, product)
		}
	}
	for i := range r.Products {
		slices.Sort(r.Products[i].Fixed)
	}
}

func (r *Record) status(ids *csaf.Products, status string, names map[string]named, product func(*csaf.ProductID) *Product) {
	if ids == nil {
		return
	}
	for _, id := range *ids {
		p := product(id)
		version := text(names[str(id)].version, maxVersion)
		switch {
		case p == nil:
		case len(p.Ranges) >= maxRanges:
			r.More++
		case status == "fixed":
			if version == "" {
				version = "as released"
			}
			p.fix(version)
		default:
			p.Ranges = append(p.Ranges, Range{Status: status, From: version})
		}
	}
}

// remedy takes what a remediation says for each of its products.
func (r *Record) remedy(rem *csaf.Remediation, product func(*csaf.ProductID) *Product) {
	said := text(str(rem.Category)+": "+str(rem.Details), maxText)
	for _, id := range *rem.ProductIds {
		p := product(id)
		switch {
		case p == nil || contains(p.Remedies, said):
		case len(p.Remedies) == maxRemedies:
			r.More++
		default:
			p.Remedies = append(p.Remedies, said)
		}
	}
	if rem.URL != nil {
		r.refer(*rem.URL)
	}
}

// links are the addresses in a list that is separated by ';'.
func links(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ";") {
		if i := strings.Index(part, "http"); i >= 0 {
			out = append(out, strings.TrimSpace(part[i:]))
		}
	}
	return out
}
