package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/checks"
)

// ErrCatalogue is wrapped by errors that say why a file is not CISA's catalogue.
var ErrCatalogue = errors.New("not CISA's catalogue of known exploited vulnerabilities")

// KEV is CISA's catalogue, as far as a draft needs it. The zero value is no catalogue.
type KEV struct {
	// Version is the catalogue's own, which is its day; "" for no catalogue.
	Version string

	entries map[string]kevEntry
}

type kevEntry struct{ added, due time.Time }

// ReadKEV reads the catalogue in JSON.
func ReadKEV(data []byte) (KEV, error) {
	if len(data) > MaxRecord {
		return KEV{}, fmt.Errorf("%w: larger than %d bytes", ErrCatalogue, MaxRecord)
	}
	var raw struct {
		Version         string `json:"catalogVersion"`
		Vulnerabilities []struct {
			ID    string `json:"cveID"`
			Added string `json:"dateAdded"`
			Due   string `json:"dueDate"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return KEV{}, fmt.Errorf("%w: %s", ErrCatalogue, checks.Clean(err.Error(), 200))
	}
	if raw.Version == "" || len(raw.Vulnerabilities) == 0 {
		return KEV{}, fmt.Errorf("%w: it has no version or no vulnerability", ErrCatalogue)
	}
	k := KEV{Version: checks.Clean(raw.Version, 40), entries: map[string]kevEntry{}}
	for _, v := range raw.Vulnerabilities {
		added, due := dayOf(v.Added), dayOf(v.Due)
		if !cveForm.MatchString(v.ID) || added.IsZero() || due.IsZero() { // some were due before they were added
			return KEV{}, fmt.Errorf("%w: the entry %s has no date of addition and due date", ErrCatalogue, checks.Excerpt(v.ID, 40))
		}
		k.entries[v.ID] = kevEntry{added, due}
	}
	return k, nil
}
