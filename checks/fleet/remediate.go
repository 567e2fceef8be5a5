package fleet

import (
	"fmt"
	"time"
)

// Remediate does all that the campaign asks for on a farm, in the right order:
// preserve, AMSI, packages, PSConfig, eviction, hunt, then new keys, their
// deployment and the restarts. It asks the clock before each stage; a clock that
// stands still is pushed by a microsecond, so that the order is always told.
//
// What has no fix is disconnected instead, with [ErrNoFix]; what only looks like
// SharePoint is left alone, with [ErrNotAffected].
func (f *Fleet) Remediate(farm string, clock func() time.Time) error {
	fm, ok := f.byFarm[farm]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	line := fm.servers[0].line
	switch {
	case !line.affected:
		return fmt.Errorf("%w: %s", ErrNotAffected, farm)
	case line.fixed.IsZero():
		for _, s := range fm.servers {
			if err := f.Disconnect(s.name); err != nil {
				return err
			}
		}
		return fmt.Errorf("%w: %s was disconnected", ErrNoFix, farm)
	}
	w := worker{f: f, fm: fm, line: line, clock: clock}
	w.each(f.Preserve)
	w.amsi()
	w.each(w.patch)
	if line.language {
		w.each(w.patchLanguage)
	}
	w.each(f.PSConfig)
	w.each(w.evict)
	w.each(w.hunt)
	w.once(func(at time.Time) error { return f.RotateKeys(farm, at) })
	w.once(func(at time.Time) error { return f.DeployKeys(farm, at) })
	w.each(f.RestartIIS)
	if w.err != nil {
		return fmt.Errorf("remediate %s: %w", farm, w.err)
	}
	return nil
}

// worker is somebody who works through a farm, until the first error.
type worker struct {
	f     *Fleet
	fm    *cluster
	line  *line
	clock func() time.Time
	last  time.Time
	err   error
}

// now is the next moment: later than the one before.
func (w *worker) now() time.Time {
	t := w.clock()
	if !t.After(w.last) {
		t = w.last.Add(time.Microsecond)
	}
	w.last = t
	return t
}

func (w *worker) once(do func(at time.Time) error) {
	if w.err == nil {
		w.err = do(w.now())
	}
}

func (w *worker) each(do func(server string, at time.Time) error) {
	for _, s := range w.fm.servers {
		w.once(func(at time.Time) error { return do(s.name, at) })
	}
}

func (w *worker) amsi() {
	mode := "on"
	if w.line.id == ProductSE {
		mode = "full"
	}
	for _, it := range w.fm.items {
		w.once(func(time.Time) error { return w.f.SetAMSI(w.fm.name, it.name, mode) })
	}
}

// patch leaves a server alone that has the fix already.
func (w *worker) patch(server string, at time.Time) error {
	if t, err := w.f.Truth(server); err != nil || !t.Vulnerable {
		return err
	}
	return w.f.Patch(server, w.line.fixed.String(), at)
}

func (w *worker) patchLanguage(server string, at time.Time) error {
	w.f.mu.RLock()
	needed := w.line.vulnerable(w.f.byName[server].language)
	w.f.mu.RUnlock()
	if !needed {
		return nil
	}
	return w.f.PatchLanguage(server, w.line.fixed.String(), at)
}

func (w *worker) evict(server string, at time.Time) error {
	if t, err := w.f.Truth(server); err != nil || !t.Compromised {
		return err
	}
	return w.f.Evict(server, at)
}

func (w *worker) hunt(server string, at time.Time) error {
	clean, err := w.f.Hunt(server, at)
	if err == nil && !clean {
		err = fmt.Errorf("the hunt on %s found something after the eviction", server)
	}
	return err
}

// Ticking is a clock for stories: it begins at start and moves on by step each
// time that it is asked. It is not safe for use by several goroutines.
func Ticking(start time.Time, step time.Duration) func() time.Time {
	next := start.Add(-step)
	return func() time.Time {
		next = next.Add(step)
		return next
	}
}
