package checks

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Targets makes the targets of a scan. It marks as farm scope whatever does not
// tell one server from another: a balancer, or a URL that several servers share
// without addresses of their own. Different names at one address are virtual
// hosts, and not the same.
func Targets(servers []state.Server) []Target {
	places := make(map[string][]string, len(servers))
	for _, s := range servers {
		for _, p := range placesOf(s) {
			places[p] = append(places[p], s.Name)
		}
	}
	out := make([]Target, 0, len(servers))
	for _, s := range servers {
		out = append(out, mark(Target{Server: s}, places))
	}
	return out
}

func mark(t Target, places map[string][]string) Target {
	if t.Server.Via != "" {
		t.Scope, t.Shared = state.ScopeFarm, Clean("a balancer answers ("+t.Server.Via+")", 100)
		return t
	}
	for _, p := range placesOf(t.Server) {
		if strings.HasPrefix(p, "name ") && len(t.Server.Addresses) > 0 {
			continue // others share the name, but this server's addresses are its own
		}
		for _, other := range places[p] {
			if other != t.Server.Name {
				t.Scope, t.Shared = state.ScopeFarm, Clean(fmt.Sprintf("shares its URL or address with %s", other), 100)
				return t
			}
		}
	}
	return t
}

// placesOf names where a server answers: its URL's name, and each address with the name.
func placesOf(s state.Server) []string {
	o, err := parseOrigin(s.URL)
	if err != nil {
		return nil
	}
	name := fmt.Sprintf("%s:%d", o.host, o.port)
	out := []string{"name " + name}
	for _, a := range s.Addresses {
		if ip, err := netip.ParseAddr(strings.TrimSpace(a)); err == nil {
			a = ip.Unmap().String()
		}
		out = append(out, "at "+a+" "+name)
	}
	return out
}

// SpeaksForFarm reports whether what answers may be another server of the farm:
// then no answer is about this server alone.
func (t Target) SpeaksForFarm() bool { return t.Scope == state.ScopeFarm || t.Server.Via != "" }

// Origin is the scheme, host and port that the target is asked at; its URL's path
// does not matter. It fails when there is no URL or none that can be asked.
func (t Target) Origin() (string, error) {
	o, err := parseOrigin(t.Server.URL)
	if err != nil {
		return "", err
	}
	return o.String(), nil
}
