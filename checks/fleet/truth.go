package fleet

import "fmt"

// Truth is what is really the case with a server, whatever it answers.
type Truth struct {
	Server   string
	Farm     string
	Product  Product
	Build    string
	Language string // build of the language package; "" if the product has none
	Trait    Trait
	// Affected is false for what only looks like a server of the campaign.
	Affected bool
	// Vulnerable: the installed build lacks the fix, or there is none.
	Vulnerable bool
	// Incomplete: not vulnerable by its build, but the second package or
	// PSConfig is missing, so that the fix might not be active.
	Incomplete bool
	// Compromised: an attacker's file or module is there.
	Compromised bool
	// KeysStolen: the attacker holds machine keys that this server still accepts.
	KeysStolen bool
	// KeysMatch: the server has the keys of its farm.
	KeysMatch bool
	// Disconnected: scans cannot reach it.
	Disconnected bool
}

// Remediated tells whether nothing is left to do on the server.
func (t Truth) Remediated() bool {
	return !t.Vulnerable && !t.Incomplete && !t.Compromised && !t.KeysStolen && t.KeysMatch
}

// Truth tells what is really the case with a server.
func (f *Fleet) Truth(server string) (Truth, error) {
	s, ok := f.byName[server]
	if !ok {
		return Truth{}, fmt.Errorf("%w: %q", ErrNoServer, server)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	t := Truth{
		Server: s.name, Farm: s.farm.name, Product: s.line.id, Build: s.build.String(), Language: s.language.String(),
		Trait: s.trait, Affected: s.line.affected, Vulnerable: s.line.vulnerable(s.build), Compromised: s.compromised(),
		KeysStolen: s.keysStolen(), KeysMatch: s.keysMatch(), Disconnected: s.disconnected,
	}
	t.Incomplete = !t.Vulnerable && (!s.configured || s.line.language && s.line.vulnerable(s.language))
	return t, nil
}

func (s *machine) keysStolen() bool {
	for i, it := range s.farm.items {
		if min(s.keys[i], s.active[i]) <= it.stolen {
			return true
		}
	}
	return false
}

func (s *machine) keysMatch() bool {
	for i, it := range s.farm.items {
		if s.keys[i] != it.keys {
			return false
		}
	}
	return true
}
