package fleet

import (
	"fmt"
	"slices"
	"time"
)

// RotateKeys makes new machine keys for all items of a farm, or for those that
// are named. They are not in use before [Fleet.DeployKeys] and [Fleet.RestartIIS].
// An attacker who is still there reads them too.
func (f *Fleet) RotateKeys(farm string, at time.Time, items ...string) error {
	return f.onFarm(farm, func(fm *cluster) error {
		chosen, err := fm.choose(items)
		if err != nil {
			return err
		}
		for _, it := range chosen {
			it.keys++
			it.rotated = at
			if fm.watched() {
				it.stolen = it.keys
			}
		}
		return nil
	})
}

func (fm *cluster) choose(names []string) ([]*item, error) {
	if len(names) == 0 {
		return fm.items, nil
	}
	var chosen []*item
	for _, name := range names {
		i := slices.IndexFunc(fm.items, func(it *item) bool { return it.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q of %s", ErrNoItem, name, fm.name)
		}
		chosen = append(chosen, fm.items[i])
	}
	return chosen, nil
}

// DeployKeys gives the keys of a farm to all its servers, or to those that are
// named; only the former counts as a deployment.
func (f *Fleet) DeployKeys(farm string, at time.Time, servers ...string) error {
	return f.onFarm(farm, func(fm *cluster) error {
		for _, name := range servers {
			if s, ok := f.byName[name]; !ok || s.farm != fm {
				return fmt.Errorf("%w: %q of %s", ErrNoServer, name, farm)
			}
		}
		for _, s := range fm.servers {
			if len(servers) == 0 || slices.Contains(servers, s.name) {
				s.keys = fm.generations()
			}
		}
		for _, it := range fm.items {
			if len(servers) == 0 {
				it.deployed = at
			}
		}
		return nil
	})
}

func (fm *cluster) generations() []int {
	keys := make([]int, len(fm.items))
	for i, it := range fm.items {
		keys[i] = it.keys
	}
	return keys
}

// RestartIIS restarts a server's IIS: the deployed keys come into use.
func (f *Fleet) RestartIIS(server string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		s.restarted, s.active = at, slices.Clone(s.keys)
		return nil
	})
}

// steal lets the attacker read the machine keys as they are now.
func (fm *cluster) steal() {
	for _, it := range fm.items {
		it.stolen = it.keys
	}
}

// watched tells whether an attacker can read what is changed in the farm.
func (fm *cluster) watched() bool {
	return slices.ContainsFunc(fm.servers, func(s *machine) bool { return s.compromised() })
}
