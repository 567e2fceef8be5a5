package fleet

import (
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// on runs an operation on a server, alone.
func (f *Fleet) on(server string, do func(*machine) error) error {
	s, ok := f.byName[server]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoServer, server)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return do(s)
}

// onFarm runs an operation on a farm, alone.
func (f *Fleet) onFarm(name string, do func(*cluster) error) error {
	fm, ok := f.byFarm[name]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoFarm, name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return do(fm)
}

// Fix is the first build that fixes a server, the one to patch it to.
func (f *Fleet) Fix(server string) (string, error) {
	s, ok := f.byName[server]
	switch {
	case !ok:
		return "", fmt.Errorf("%w: %q", ErrNoServer, server)
	case !s.line.affected:
		return "", fmt.Errorf("%w: %s", ErrNotAffected, server)
	case s.line.fixed.IsZero():
		return "", fmt.Errorf("%w: %s", ErrNoFix, server)
	}
	return s.line.fixed.String(), nil
}

// Patch installs the package with this build. PSConfig has to run after it.
func (f *Fleet) Patch(server, build string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		v, err := s.upgrade(s.build, build)
		if err != nil {
			return err
		}
		s.build, s.installed, s.configured = v, at, false
		return nil
	})
}

// PatchLanguage installs the language dependent package, which SharePoint 2016
// and 2019 need also without language packs. PSConfig has to run after it.
func (f *Fleet) PatchLanguage(server, build string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		if !s.line.language {
			return fmt.Errorf("%s has no language package: its product is one package", s.name)
		}
		v, err := s.upgrade(s.language, build)
		if err != nil {
			return err
		}
		s.language, s.languageAt, s.configured = v, at, false
		return nil
	})
}

// upgrade reads a build that can follow another on this server.
func (s *machine) upgrade(from state.Version, build string) (state.Version, error) {
	v, err := state.ParseVersion(build)
	if err != nil {
		return v, fmt.Errorf("patch %s: %w", s.name, err)
	}
	if !s.line.accepts(v) {
		return v, fmt.Errorf("patch %s: %s is not a build of %s", s.name, build, s.line.id)
	}
	if v.Compare(from) < 0 {
		return v, fmt.Errorf("patch %s: %s is older than %s; only a restored snapshot goes back", s.name, build, from)
	}
	return v, nil
}

// PSConfig runs the configuration wizard: the installed packages come into
// force, and IIS is given the header.
func (f *Fleet) PSConfig(server string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		s.configured, s.configuredAt, s.file = true, at, s.build
		if s.trait != TraitStaleHeader {
			s.header = s.build
		}
		return nil
	})
}

// Preserve secures the evidence of a server before anything is changed.
func (f *Fleet) Preserve(server string, at time.Time) error {
	return f.on(server, func(s *machine) error { s.preserved = at; return nil })
}

// Compromise lets an attacker in: files appear at indicator paths, and the
// machine keys of the farm are read.
func (f *Fleet) Compromise(server string) error {
	return f.on(server, func(s *machine) error { s.plant(true); return nil })
}

// InstallModule adds a malicious IIS module, which outlives the files.
func (f *Fleet) InstallModule(server string) error {
	return f.on(server, func(s *machine) error {
		s.module = true
		s.farm.steal()
		return nil
	})
}

// plant leaves harmless files where the attackers of the campaign left theirs.
func (s *machine) plant(more bool) {
	s.files = []string{"spinstall0.aspx"}
	if more {
		s.files = append(s.files, "debug_dev.js")
	}
	s.leftFiles = slices.Clone(s.files)
	s.farm.steal()
}

func (s *machine) compromised() bool { return len(s.files) > 0 || s.module }

// Evict removes the files of the attacker, and the IIS module with them.
func (f *Fleet) Evict(server string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		s.files, s.module, s.evicted = nil, false, at
		return nil
	})
}

// RemoveFiles removes only the files: a module that is there stays, and what
// looks like an eviction is none.
func (f *Fleet) RemoveFiles(server string) error {
	return f.on(server, func(s *machine) error { s.files = nil; return nil })
}

// Hunt sweeps a server for what an attacker left, from the beginning of the
// campaign to at, and tells whether it found nothing.
func (f *Fleet) Hunt(server string, at time.Time) (clean bool, err error) {
	err = f.on(server, func(s *machine) error {
		clean = !s.compromised()
		s.hunted = &sweep{from: campaignBegan(), to: at, clean: clean}
		return nil
	})
	return clean, err
}

// campaignBegan is the day of the earliest known exploitation.
func campaignBegan() time.Time { return time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC) }

// SetAMSI sets the scan mode of an item: full, balanced, on or off.
func (f *Fleet) SetAMSI(farm, item, mode string) error {
	if !slices.Contains([]string{"full", "balanced", "on", "off"}, mode) {
		return fmt.Errorf("AMSI mode %q: want full, balanced, on or off", mode)
	}
	return f.onFarm(farm, func(fm *cluster) error {
		chosen, err := fm.choose([]string{item})
		if err != nil {
			return err
		}
		chosen[0].amsi = mode
		return nil
	})
}

// Disconnect takes a server off the network that scans come from. People can
// still work on it.
func (f *Fleet) Disconnect(server string) error {
	return f.on(server, func(s *machine) error {
		s.disconnected, s.wasDisconnected = true, true
		return nil
	})
}

// Reconnect puts it back.
func (f *Fleet) Reconnect(server string) error {
	return f.on(server, func(s *machine) error { s.disconnected = false; return nil })
}

// Snapshot remembers a server as it is, in place of an earlier snapshot.
func (f *Fleet) Snapshot(server string) error {
	return f.on(server, func(s *machine) error {
		c := s.clone()
		s.snapshot = &c
		return nil
	})
}

// Restore brings the snapshot back: its build, header and keys, and whatever the
// attacker had left in it. The server starts at that time.
func (f *Fleet) Restore(server string, at time.Time) error {
	return f.on(server, func(s *machine) error {
		if s.snapshot == nil {
			return fmt.Errorf("%w: %s", ErrNoSnapshot, server)
		}
		s.inner = s.snapshot.clone()
		s.restarted, s.active = at, slices.Clone(s.keys)
		return nil
	})
}

func (in *inner) clone() inner {
	c := *in
	c.files, c.keys, c.active = slices.Clone(in.files), slices.Clone(in.keys), slices.Clone(in.active)
	return c
}
