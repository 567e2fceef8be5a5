package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// draft is a playbook as far as CVE records tell it.
type draft struct {
	name     string
	records  []CVERecord
	kev      KEV
	products []draftProduct
	spared   []string // products that a record lists as not affected
}

// draftProduct is one product, with the names that it goes by.
type draftProduct struct {
	id       string
	word     string // what the id is made of
	names    []string
	branches []draftBranch
	asks     []string // what is open about it as a whole
	remarks  []string
}

// Draft writes a playbook from CVE records, and says how many places are left to a
// person. Each of them begins with "FILL IN", with the reason and the likely
// answer; [Parse] refuses the file until they are gone. With no name it is called
// after the first CVE. Nothing is made up: where a record leaves a line open, so does the draft.
func Draft(name string, records []CVERecord, kev KEV) (text string, open int, err error) {
	if len(records) == 0 {
		return "", 0, fmt.Errorf("%w: none was given", ErrRecord)
	}
	if name == "" {
		name = strings.ToLower(records[0].ID)
	}
	if !wordForm.MatchString(name) {
		return "", 0, fmt.Errorf("%.60q cannot name a playbook: want lower-case letters, digits, dots and dashes", name)
	}
	d := draft{name: name, records: records, kev: kev}
	for i, rec := range records {
		if slices.ContainsFunc(records[:i], func(o CVERecord) bool { return o.ID == rec.ID }) {
			return "", 0, fmt.Errorf("%s was given twice", rec.ID)
		}
		for _, a := range rec.affected {
			d.add(a)
		}
	}
	d.join()
	d.separate()
	d.label()
	if why := d.tooLarge(); why != "" {
		return "", 0, fmt.Errorf("%w: %s", ErrRecord, why)
	}
	w := &draftPage{}
	w.write(d)
	return w.String(), w.open, nil
}

// tooLarge says which limit of a playbook the records exceed.
func (d *draft) tooLarge() string {
	if len(d.records) > maxCVEs || len(d.products) > maxProducts {
		return fmt.Sprintf("%d CVEs and %d products; a playbook has at most %d and %d", len(d.records), len(d.products), maxCVEs, maxProducts)
	}
	for _, p := range d.products {
		if len(p.branches) > maxBranches {
			return fmt.Sprintf("%d ranges of %s; a product has at most %d branches", len(p.branches), p.names[0], maxBranches)
		}
	}
	return ""
}

// add takes in one entry of a record.
func (d *draft) add(a affected) {
	p := draftProduct{word: cmpOr(a.Product, a.Vendor), names: []string{productName(a)}}
	p.word = strings.TrimPrefix(strings.ToLower(p.word), strings.ToLower(a.Vendor)+" ")
	var not []string
	var ranges []draftBranch
	for _, v := range a.Versions {
		switch status := strings.ToLower(v.Status); {
		case status == "affected":
			ranges = append(ranges, v.branch())
		case status == "unaffected" && a.affectedByDefault():
			p.branches = append(p.branches, v.unaffectedLine())
		case status == "unaffected":
			not = append(not, v.Version)
		default:
			p.asks = append(p.asks, fmt.Sprintf("whether versions from %s on are affected; the record says %s", quoted(v.Version), quoted(v.Status)))
		}
	}
	if len(p.branches) == 0 {
		p.branches = ranges
		if a.affectedByDefault() && len(ranges) > 0 {
			p.asks = append(p.asks, "whether versions outside of these ranges are affected; the record says that they are by default")
		}
	}
	switch {
	case len(p.branches) > 0:
	case a.affectedByDefault():
		p.branches = append(p.branches, openBranch("that every version is affected"))
	case len(p.asks) > 0:
		p.branches = append(p.branches, openBranch("nothing that is sure"))
	default:
		d.spared = append(d.spared, p.names[0])
		return
	}
	if len(not) > 0 {
		p.remarks = append(p.remarks, "not affected, says the record: "+strings.Join(not, ", "))
	}
	d.merge(p)
}

func (a affected) affectedByDefault() bool { return strings.EqualFold(a.DefaultStatus, "affected") }

// productName is what a record calls a product, with its vendor before it, once.
func productName(a affected) string {
	vendor, product := checks.Clean(a.Vendor, 40), checks.Clean(a.Product, 80)
	switch {
	case product == "" || product == "n/a":
		return cmpOr(vendor, "a product without a name")
	case vendor == "" || vendor == "n/a" || strings.HasPrefix(strings.ToLower(product), strings.ToLower(vendor)):
		return product
	}
	return vendor + " " + product
}

func cmpOr(a, b string) string {
	if a != "" && a != "n/a" {
		return a
	}
	return b
}

// merge puts a product together with what another record says of it by the same name.
func (d *draft) merge(p draftProduct) {
	i := slices.IndexFunc(d.products, func(q draftProduct) bool { return strings.EqualFold(q.names[0], p.names[0]) })
	if i < 0 {
		d.products = append(d.products, p)
		return
	}
	q := &d.products[i]
	q.asks, q.remarks = union(q.asks, p.asks), union(q.remarks, p.remarks)
	for _, b := range p.branches {
		if k := slices.IndexFunc(q.branches, func(o draftBranch) bool { return b.from.ask == "" && o.from == b.from }); k >= 0 {
			q.branches[k] = q.branches[k].higher(b)
		} else if !slices.ContainsFunc(q.branches, b.same) {
			q.branches = append(q.branches, b)
		}
	}
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

func (b draftBranch) same(o draftBranch) bool {
	return b.from == o.from && b.below == o.below && b.fixed == o.fixed && slices.Equal(b.partial, o.partial)
}

// higher is a branch that is fixed for both CVEs: at the higher of two lines.
func (b draftBranch) higher(o draftBranch) draftBranch {
	bv, bErr := b.fixed.version()
	ov, oErr := o.fixed.version()
	switch {
	case bErr != nil: // one asks: so does the whole
		return b
	case oErr != nil:
		return o
	case bv == ov:
		return b
	case bv.Compare(ov) < 0:
		b, o = o, b
	}
	for _, line := range append(slices.Clone(o.partial), o.fixed.value) {
		if v, err := state.ParseVersion(line); err == nil && v.Len() == bv.Len() && v.Len() == ov.Len() {
			b.partial = union(slices.Clone(b.partial), []string{line}) // of the same form
		}
	}
	return b
}

// join makes one product of those whose branches another one has too: they are one
// product under several names, and no build could tell them apart.
func (d *draft) join() {
	for i := 0; i < len(d.products); i++ {
		for k := 0; k < len(d.products); k++ {
			p, q := &d.products[i], d.products[k]
			if i == k || len(q.branches) == 0 || !p.has(q) {
				continue
			}
			p.names, p.asks, p.remarks = union(p.names, q.names), union(p.asks, q.asks), union(p.remarks, q.remarks)
			d.products = slices.Delete(d.products, k, k+1)
			i = -1 // look at all of them again
			break
		}
	}
}

// has reports whether a product has all branches of another.
func (p draftProduct) has(q draftProduct) bool {
	return !slices.ContainsFunc(q.branches, func(b draftBranch) bool { return !slices.ContainsFunc(p.branches, b.same) })
}

// separate asks where branches begin that a record lets overlap: it often begins all
// products of a family at the same number.
func (d *draft) separate() {
	type spot struct{ product, branch int }
	var overlap []spot
	for i, p := range d.products {
		for k, b := range p.branches {
			for l, q := range d.products {
				for m, o := range q.branches {
					if (i != l || k != m) && b.overlaps(o) {
						overlap = append(overlap, spot{i, k})
					}
				}
			}
		}
	}
	for _, s := range overlap {
		b := &d.products[s.product].branches[s.branch]
		if b.from.ask == "" {
			b.from = asked("where this branch begins (included); the record says %s, and lets another branch begin or lie there too", quoted(b.from.value))
			b.below = asked(askBelow)
		}
	}
}

// overlaps reports whether the ranges up to the fix lines share builds. What is open
// is held against nothing.
func (b draftBranch) overlaps(o draftBranch) bool {
	bFrom, e1 := b.from.version()
	oFrom, e2 := o.from.version()
	if e1 != nil || e2 != nil {
		return false
	}
	if bFrom == oFrom {
		return true
	}
	bEnd, e1 := b.end()
	oEnd, e2 := o.end()
	return e1 == nil && e2 == nil && bFrom.Compare(oEnd) < 0 && oFrom.Compare(bEnd) < 0
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// label gives each product an id of its own.
func (d *draft) label() {
	var taken []string
	for i := range d.products {
		p := &d.products[i]
		id := strings.Trim(notWord.ReplaceAllString(p.word, "-"), "-")
		if len(id) > 36 {
			id = strings.Trim(id[:36], "-")
		}
		if id == "" {
			id = "product"
		}
		p.id = id
		for n := 2; slices.Contains(taken, p.id); n++ {
			p.id = fmt.Sprintf("%s-%d", id, n)
		}
		taken = append(taken, p.id)
	}
}
