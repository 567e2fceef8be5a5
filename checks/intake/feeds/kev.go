package feeds

import (
	"fmt"
	"io"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Catalogue is CISA's catalogue of known exploited vulnerabilities at one moment.
type Catalogue struct {
	Version  string
	Released time.Time
	Records  []Record
}

// kevCatalogue is the catalogue as it is published: github.com/cisagov/kev-data.
type kevCatalogue struct {
	Title    string     `json:"title"`
	Version  string     `json:"catalogVersion"`
	Released string     `json:"dateReleased"`
	Count    int        `json:"count"`
	Entries  []kevEntry `json:"vulnerabilities"`
}

type kevEntry struct {
	CVE        string `json:"cveID"`
	Vendor     string `json:"vendorProject"`
	Product    string `json:"product"`
	Name       string `json:"vulnerabilityName"`
	Added      string `json:"dateAdded"`
	Action     string `json:"requiredAction"`
	Due        string `json:"dueDate"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
	Notes      string `json:"notes"`
}

// ReadKEV reads the catalogue whole. One that does not hold as many entries as it
// says is incomplete, and refused: what is missing would look as if it was gone. The
// catalogue is public: TLP:CLEAR.
func ReadKEV(r io.Reader) (Catalogue, error) {
	data, err := document(r, "the catalogue", MaxKEV)
	if err != nil {
		return Catalogue{}, err
	}
	var k kevCatalogue
	if err := decode(data, "the catalogue", &k); err != nil {
		return Catalogue{}, err
	}
	switch {
	case k.Version == "" || k.Entries == nil:
		return Catalogue{}, fmt.Errorf("this is no KEV catalogue: it has no catalogVersion or no vulnerabilities")
	case k.Count != len(k.Entries):
		return Catalogue{}, fmt.Errorf("the catalogue says that it has %d entries, and has %d: it is incomplete", k.Count, len(k.Entries))
	case len(k.Entries) > maxListed:
		return Catalogue{}, fmt.Errorf("the catalogue has more than %d entries", maxListed)
	}
	out := Catalogue{Version: text(k.Version, 40), Released: moment(k.Released)}
	seen := map[string]bool{}
	for i, e := range k.Entries {
		switch {
		case !isCVE(e.CVE):
			return Catalogue{}, fmt.Errorf("entry %d of the catalogue has no CVE id: %q", i+1, checks.Clean(e.CVE, 40))
		case seen[e.CVE]:
			return Catalogue{}, fmt.Errorf("entry %d of the catalogue repeats %s", i+1, e.CVE)
		case day(e.Added).IsZero() || day(e.Due).IsZero():
			return Catalogue{}, fmt.Errorf("entry %d of the catalogue, %s, has no date like 2025-07-22 for when it was added or is due", i+1, e.CVE)
		}
		seen[e.CVE] = true
		out.Records = append(out.Records, e.record(out))
	}
	return out, nil
}

func (e kevEntry) record(c Catalogue) Record {
	r := Record{
		CVE: e.CVE, Source: "kev", Title: text(e.Name, maxTitle), TLP: state.TLPClear, Marked: true, Revision: c.Version, Updated: c.Released,
		Products: []Product{{Vendor: text(e.Vendor, maxTitle), Name: text(e.Product, maxTitle)}},
		KEV:      &KEV{Added: day(e.Added), Due: day(e.Due), Action: text(e.Action, maxText), Ransomware: text(e.Ransomware, 20)},
	}
	r.refer(links(e.Notes)...)
	return r
}
