package intake

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Index finds servers by name, address and URL. It may be used by many goroutines.
type Index struct {
	servers []indexed
	names   map[string][]int32 // names, and hosts of URLs, in lower case
	address map[netip.Addr][]int32
}

type indexed struct {
	name, farm string
	host       string
	port       uint16
	shared     bool // what answers may be another server of the farm
	retired    bool
}

// NewIndex makes an index of an inventory, with the servers that are retired.
func NewIndex(servers []state.Server) *Index {
	x := &Index{names: make(map[string][]int32, 2*len(servers)), address: make(map[netip.Addr][]int32, len(servers))}
	shared := sharing(servers)
	for i, s := range servers {
		n := indexed{name: s.Name, farm: cmp.Or(s.Farm, s.Name), shared: shared[s.Name], retired: s.Retired != nil}
		n.host, n.port = hostPort(s.URL)
		x.servers = append(x.servers, n)
		x.add(strings.ToLower(s.Name), int32(i))
		x.add(n.host, int32(i))
		for _, a := range s.Addresses {
			x.addAddress(a, int32(i))
		}
	}
	return x
}

// sharing are the servers that do not answer by themselves alone. Retired ones
// share nothing any more.
func sharing(servers []state.Server) map[string]bool {
	active := slices.DeleteFunc(slices.Clone(servers), func(s state.Server) bool { return s.Retired != nil })
	out := map[string]bool{}
	for _, t := range checks.Targets(active) {
		out[t.Server.Name] = t.SpeaksForFarm()
	}
	return out
}

func hostPort(raw string) (string, uint16) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", 0
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), portOf(u)
}

func (x *Index) add(name string, i int32) {
	if a, ok := address(name); ok {
		x.addAddress(a.String(), i)
		return
	}
	if name != "" && !slices.Contains(x.names[name], i) {
		x.names[name] = append(x.names[name], i)
	}
}

func (x *Index) addAddress(s string, i int32) {
	if a, ok := address(s); ok && !slices.Contains(x.address[a], i) {
		x.address[a] = append(x.address[a], i)
	}
}

// Matched says how a place matched.
type Matched uint8

// The ways to match. The zero value: nothing of the inventory is there.
const (
	MatchNone      Matched = iota
	MatchServer            // one server
	MatchFarm              // a farm: several of its servers may answer there
	MatchAmbiguous         // servers of several farms, or a name and an address that contradict
	MatchRetired           // only servers that are retired
)

func (m Matched) String() string {
	return [...]string{"none", "server", "farm", "ambiguous", "retired"}[m]
}

// Match is what a place is in the inventory.
type Match struct {
	Kind   Matched
	Server string   // of MatchServer and MatchRetired
	Farms  []string // one, but for MatchAmbiguous
	By     string   // "name", "address" or "reverse name"
}

// Find looks a place up. Names that it was asked by count most, then its address; a
// name that others give to the address counts only when there is nothing else.
func (x *Index) Find(w Where) Match {
	named, contrary := x.byNames(w.Names, w.Port)
	at := x.narrow(x.address[w.Address], "", w.Port)
	set, by := named, "name"
	switch both := common(named, x.address[w.Address]); {
	case len(both) > 0:
		set = both
	case len(named) > 0 && len(at) > 0:
		set, contrary = union(named, at), true
	case len(named) == 0 && len(at) > 0:
		set, by = at, "address"
	case len(named) == 0:
		set, contrary = x.byNames(w.Hints, w.Port)
		by = "reverse name"
	}
	return x.match(set, by, contrary)
}

// byNames are the servers that all names mean; when there is none, those that any of
// them means, which contradict each other.
func (x *Index) byNames(names []string, port uint16) (set []int32, contrary bool) {
	for _, n := range names {
		found := x.narrow(x.names[n], n, port)
		switch both := common(set, found); {
		case len(found) == 0:
		case len(set) == 0:
			set = found
		case len(both) > 0:
			set = both
		default:
			set, contrary = union(set, found), true
		}
	}
	return set, contrary
}

// narrow leaves those whose URL has this port, if there are any: different ports of
// one host may be different servers.
func (x *Index) narrow(set []int32, host string, port uint16) []int32 {
	if len(set) < 2 || port == 0 {
		return set
	}
	exact := slices.DeleteFunc(slices.Clone(set), func(i int32) bool {
		s := x.servers[i]
		return s.port != port || host != "" && s.host != host
	})
	if len(exact) > 0 {
		return exact
	}
	return set
}

func (x *Index) match(set []int32, by string, contrary bool) Match {
	active := slices.DeleteFunc(slices.Clone(set), func(i int32) bool { return x.servers[i].retired })
	switch {
	case len(set) == 0:
		return Match{}
	case len(active) == 0:
		return Match{Kind: MatchRetired, Server: x.servers[set[0]].name, By: by}
	}
	m := Match{Kind: MatchFarm, By: by}
	for _, i := range active {
		if f := x.servers[i].farm; !slices.Contains(m.Farms, f) {
			m.Farms = append(m.Farms, f)
		}
	}
	slices.Sort(m.Farms)
	switch first := x.servers[active[0]]; {
	case len(m.Farms) > 1:
		m.Kind = MatchAmbiguous
	case len(active) == 1 && !first.shared && !contrary:
		m.Kind, m.Server = MatchServer, first.name
	}
	return m
}

func common(a, b []int32) []int32 {
	var out []int32
	for _, i := range a {
		if slices.Contains(b, i) {
			out = append(out, i)
		}
	}
	return out
}

func union(a, b []int32) []int32 {
	out := slices.Clone(a)
	for _, i := range b {
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}
