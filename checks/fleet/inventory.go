package fleet

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Address is the only one that a fleet listens on.
const Address = "127.0.0.1"

// domain is what all names of the fleet end in. It exists nowhere.
const domain = ".fleet.test"

func hostName(name string) string { return name + domain }

// Inventory is the rows of a fleet, in order.
type Inventory []state.Server

// Inventory lists the servers. Before [Fleet.Start] the URLs have the port of
// the options, or none.
func (f *Fleet) Inventory() Inventory {
	rows := make(Inventory, len(f.servers))
	for i, s := range f.servers {
		rows[i] = f.row(s)
	}
	return rows
}

func (f *Fleet) row(s *machine) state.Server {
	r := state.Server{
		Name: s.name, Farm: s.farm.name, Via: s.farm.via, Owner: s.owner, Group: s.group, Exposure: s.exposure,
		Tags: map[string]string{"role": word(s.app, "app", "web")},
	}
	if s.app {
		r.Via = ""
		return r
	}
	r.Addresses = []string{Address}
	r.URL = f.url(s.name)
	if s.farm.via != "" {
		r.URL = f.url(s.farm.via)
	}
	return r
}

// URL is the address under which a server answers for itself, also when the
// inventory only knows its balancer; "" for one that serves nothing.
func (f *Fleet) URL(server string) string {
	if s, ok := f.byName[server]; ok && !s.app {
		return f.url(server)
	}
	return ""
}

// Header of the CSV form of an inventory.
func csvHeader() []string {
	return []string{"name", "url", "addresses", "via", "farm", "owner", "group", "exposure", "tags"}
}

// WriteInventory writes the inventory as CSV.
func (f *Fleet) WriteInventory(w io.Writer) error { return f.Inventory().WriteCSV(w) }

// WriteCSV writes the rows with a header. Several values of one cell are
// separated by ';'; the farm of a server that has none is empty.
func (inv Inventory) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader()); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	for _, r := range inv {
		farm := r.Farm
		if farm == r.Name {
			farm = ""
		}
		row := []string{r.Name, r.URL, strings.Join(r.Addresses, ";"), r.Via, farm, r.Owner, r.Group, r.Exposure.String(), tags(r.Tags)}
		if err := c.Write(row); err != nil {
			return fmt.Errorf("write inventory: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	return nil
}

func tags(m map[string]string) string {
	var cells []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		cells = append(cells, k+"="+m[k])
	}
	return strings.Join(cells, ";")
}
