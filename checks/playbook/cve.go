package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
)

// MaxRecord is the largest CVE record or catalogue that is read, in bytes.
const MaxRecord = 16 << 20

// Limits on what is taken of a CVE record.
const (
	maxAffected   = 100
	maxVersions   = 500
	maxReferences = 40
)

// ErrRecord is wrapped by errors that say why a file is no CVE record to work with.
var ErrRecord = errors.New("no CVE record to work with")

// CVERecord is what a draft takes of a CVE record, JSON 5.x. Its texts are those of
// the record: whoever shows them cleans them.
type CVERecord struct {
	ID        string
	Title     string
	Published time.Time
	// KEVAdded is when the record says that the CVE went into CISA's catalogue.
	KEVAdded   time.Time
	References []string

	affected []affected
}

// affected is one entry of the record's list of products.
type affected struct {
	Vendor        string         `json:"vendor"`
	Product       string         `json:"product"`
	DefaultStatus string         `json:"defaultStatus"`
	Versions      []versionRange `json:"versions"`
}

// versionRange is one range of versions, as the record has it.
type versionRange struct {
	Version         string `json:"version"`
	LessThan        string `json:"lessThan"`
	LessThanOrEqual string `json:"lessThanOrEqual"`
	Status          string `json:"status"`
	Type            string `json:"versionType"`
	Changes         []struct {
		At     string `json:"at"`
		Status string `json:"status"`
	} `json:"changes"`
}

// rawRecord is the JSON of a record, as far as it is read.
type rawRecord struct {
	DataType    string `json:"dataType"`
	DataVersion string `json:"dataVersion"`
	OldVersion  string `json:"data_version"`
	Meta        struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA struct {
			Title      string     `json:"title"`
			Affected   []affected `json:"affected"`
			References []struct {
				URL string `json:"url"`
			} `json:"references"`
		} `json:"cna"`
		ADP []struct {
			Metrics []struct {
				Other struct {
					Type    string `json:"type"`
					Content struct {
						Added string `json:"dateAdded"`
					} `json:"content"`
				} `json:"other"`
			} `json:"metrics"`
		} `json:"adp"`
	} `json:"containers"`
}

// ReadCVE reads a CVE record. What is read are the vendor's own statements; those
// that others added count only for the entry in CISA's catalogue.
func ReadCVE(data []byte) (CVERecord, error) {
	if len(data) > MaxRecord {
		return CVERecord{}, fmt.Errorf("%w: larger than %d bytes", ErrRecord, MaxRecord)
	}
	var raw rawRecord
	if err := json.Unmarshal(data, &raw); err != nil {
		return CVERecord{}, fmt.Errorf("%w: %s", ErrRecord, checks.Clean(err.Error(), 200))
	}
	if why := raw.refused(); why != "" {
		return CVERecord{}, fmt.Errorf("%w: %s", ErrRecord, checks.Clean(why, 200))
	}
	rec := CVERecord{ID: raw.Meta.ID, Title: raw.Containers.CNA.Title, Published: dayOf(raw.Meta.Published), affected: raw.Containers.CNA.Affected}
	for _, r := range raw.Containers.CNA.References {
		if len(rec.References) < maxReferences {
			rec.References = append(rec.References, r.URL)
		}
	}
	for _, a := range raw.Containers.ADP {
		for _, m := range a.Metrics {
			if m.Other.Type == "kev" {
				rec.KEVAdded = dayOf(m.Other.Content.Added)
			}
		}
	}
	return rec, nil
}

// refused says why a record cannot be worked with; "" when it can.
func (raw rawRecord) refused() string {
	versions := 0
	for _, a := range raw.Containers.CNA.Affected {
		versions += len(a.Versions)
	}
	switch n := len(raw.Containers.CNA.Affected); {
	case raw.OldVersion != "" && raw.DataVersion == "":
		return "it is of the old format " + raw.OldVersion + "; get the record in JSON 5"
	case raw.DataType != "CVE_RECORD":
		return fmt.Sprintf("its dataType is %q, not \"CVE_RECORD\"", raw.DataType)
	case !strings.HasPrefix(raw.DataVersion, "5."):
		return fmt.Sprintf("its format is %q, and 5.x is understood", raw.DataVersion)
	case !cveForm.MatchString(raw.Meta.ID):
		return fmt.Sprintf("%q is not an id like CVE-2025-53770", raw.Meta.ID)
	case raw.Meta.State != "PUBLISHED":
		return fmt.Sprintf("%s is %q, not PUBLISHED", raw.Meta.ID, raw.Meta.State)
	case n == 0:
		return raw.Meta.ID + " names no affected product"
	case n > maxAffected || versions > maxVersions:
		return fmt.Sprintf("%s names %d products with %d ranges; at most %d with %d are read", raw.Meta.ID, n, versions, maxAffected, maxVersions)
	}
	return ""
}

// dayOf is the day of a time as records write it; zero when it is none.
func dayOf(s string) time.Time {
	if len(s) < len(time.DateOnly) {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	if err != nil {
		return time.Time{}
	}
	return t
}
