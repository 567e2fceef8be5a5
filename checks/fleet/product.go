package fleet

import (
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Product names what a server runs, in the ids that the playbook uses.
type Product string

// The products of the fleet. The last two answer like SharePoint Server and are not.
const (
	Product2013     Product = "sp2013"
	Product2016     Product = "sp2016"
	Product2019     Product = "sp2019"
	ProductSE       Product = "spse"
	ProductOnline   Product = "spo"
	ProductAlfresco Product = "alfresco"
)

// line is a product with its published builds, ascending.
type line struct {
	id       Product
	fixed    state.Version // zero: no fix
	affected bool
	language bool // needs a second package
	releases []release
}

type release struct {
	build state.Version
	day   time.Time
}

// published is the vendor's table of updates around the campaign: build and day.
func published() map[Product][][2]string {
	return map[Product][][2]string{
		Product2013: {{"15.0.5501.1000", "2022-11-08"}, {"15.0.5545.1000", "2023-04-11"}},
		Product2016: {
			{"16.0.5495.1002", "2025-04-08"},
			{"16.0.5500.1001", "2025-05-13"},
			{"16.0.5504.1001", "2025-06-10"},
			{"16.0.5508.1000", "2025-07-08"},
			{"16.0.5513.1001", "2025-07-21"},
			{"16.0.5513.1002", "2025-08-12"},
			{"16.0.5517.1000", "2025-09-09"},
			{"16.0.5522.1000", "2025-10-14"},
		},
		Product2019: {
			{"16.0.10417.20003", "2025-04-08"},
			{"16.0.10417.20010", "2025-05-13"},
			{"16.0.10417.20018", "2025-06-10"},
			{"16.0.10417.20027", "2025-07-08"},
			{"16.0.10417.20037", "2025-07-21"},
			{"16.0.10417.20041", "2025-08-12"},
			{"16.0.10417.20047", "2025-09-09"},
			{"16.0.10417.20059", "2025-10-14"},
		},
		ProductSE: {
			{"16.0.17928.20396", "2025-02-11"},
			{"16.0.18526.20172", "2025-04-08"},
			{"16.0.18526.20286", "2025-05-13"},
			{"16.0.18526.20396", "2025-06-10"},
			{"16.0.18526.20424", "2025-07-08"},
			{"16.0.18526.20508", "2025-07-21"},
			{"16.0.18526.20518", "2025-08-12"},
			{"16.0.19127.20100", "2025-09-09"},
			{"16.0.19127.20262", "2025-10-14"},
		},
		ProductOnline:   {{"16.0.27612.12004", "2025-06-01"}},
		ProductAlfresco: {{"14.0.0.0", "2015-01-01"}},
	}
}

// lines builds the product table of a fleet.
func lines() (map[Product]*line, error) {
	table := map[Product]*line{
		Product2013:     {affected: true},
		Product2016:     {affected: true, language: true},
		Product2019:     {affected: true, language: true},
		ProductSE:       {affected: true},
		ProductOnline:   {},
		ProductAlfresco: {},
	}
	fixed := map[Product]string{
		Product2016: "16.0.5513.1001",
		Product2019: "16.0.10417.20037",
		ProductSE:   "16.0.18526.20508",
	}
	for id, rows := range published() {
		l := table[id]
		l.id = id
		if err := l.fixed.UnmarshalText([]byte(fixed[id])); err != nil {
			return nil, fmt.Errorf("fix line of %s: %w", id, err)
		}
		for _, row := range rows {
			build, err := state.ParseVersion(row[0])
			if err != nil {
				return nil, fmt.Errorf("build of %s: %w", id, err)
			}
			day, err := time.Parse(time.DateOnly, row[1])
			if err != nil {
				return nil, fmt.Errorf("day of %s %s: %w", id, row[0], err)
			}
			l.releases = append(l.releases, release{build, day})
		}
	}
	return table, nil
}

// vulnerable tells whether a build lacks the fix.
func (l *line) vulnerable(build state.Version) bool {
	return l.affected && (l.fixed.IsZero() || build.Compare(l.fixed) < 0)
}

// by lists the releases that were out at t: at least the first.
func (l *line) by(t time.Time) []release {
	n := 1
	for n < len(l.releases) && l.releases[n].day.Before(t) {
		n++
	}
	return l.releases[:n]
}

// accepts tells whether a build can be installed on this product.
func (l *line) accepts(build state.Version) bool {
	if build.Len() != 4 || !l.affected {
		return false
	}
	return l.id == productOf(build)
}

// productOf tells products apart as people do: by the third number.
func productOf(build state.Version) Product {
	var major, minor, third, revision int
	if _, err := fmt.Sscanf(build.String(), "%d.%d.%d.%d", &major, &minor, &third, &revision); err != nil {
		return ""
	}
	switch {
	case major == 15:
		return Product2013
	case major != 16 || third >= 20000:
		return ""
	case third < 10000:
		return Product2016
	case third < 14000:
		return Product2019
	}
	return ProductSE
}
