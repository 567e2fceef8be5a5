package fleet

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Inventory lists the servers, in order. Before Start the URLs have the port of the
// options, or none. What is behind a shared address is asked there.
func (e *Estate) Inventory() Inventory {
	rows := make(Inventory, len(e.boxes))
	for i, b := range e.boxes {
		rows[i] = state.Server{
			Name: b.name, Farm: b.camp.name, Via: b.camp.via, Owner: b.owner, Group: b.group, Exposure: b.exposure,
			Addresses: []string{Address}, URL: e.url(b.name), Tags: map[string]string{"role": "node"},
		}
		if b.camp.via != "" {
			rows[i].URL = e.url(b.camp.via)
		}
	}
	return rows
}

// on runs an operation on a server, alone.
func (e *Estate) on(server string, do func(*box) error) error {
	b, ok := e.byName[server]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoServer, server)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return do(b)
}

// Fix is the build to update a server to: the first fixed one of its branch, or of
// the next branch that has one.
func (e *Estate) Fix(server string) (string, error) {
	b, ok := e.byName[server]
	if !ok {
		return "", fmt.Errorf("%w: %q", ErrNoServer, server)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	ed, ok := e.breed.edition(b.build)
	if !ok {
		return "", fmt.Errorf("%w: %s", ErrNoFix, server)
	}
	return ed.fix, nil
}

// Update installs a published build.
func (e *Estate) Update(server, build string, at time.Time) error {
	return e.on(server, func(b *box) error {
		v, err := state.ParseVersion(build)
		if err != nil {
			return fmt.Errorf("update %s: %w", server, err)
		}
		ed, ok := b.breed.edition(v)
		if !ok {
			return fmt.Errorf("update %s: %s is not a build that was published here", server, build)
		}
		if v.Compare(b.build) < 0 {
			return fmt.Errorf("update %s: %s is older than %s", server, build, b.build)
		}
		return b.install(ed, at)
	})
}

// Compromise lets an attacker in.
func (e *Estate) Compromise(server string) error {
	return e.on(server, func(b *box) error {
		b.compromised, b.camp.robbed = true, true
		return nil
	})
}

// Evict throws the attacker out. Who signs for it is not the estate's business.
func (e *Estate) Evict(server string, at time.Time) error {
	return e.on(server, func(b *box) error {
		b.compromised, b.evicted = false, at
		return nil
	})
}

// Disconnect takes a server off the network that scans come from; Reconnect puts it back.
func (e *Estate) Disconnect(server string) error {
	return e.on(server, func(b *box) error { b.disconnected = true; return nil })
}

// Reconnect puts a server back that was disconnected.
func (e *Estate) Reconnect(server string) error {
	return e.on(server, func(b *box) error { b.disconnected = false; return nil })
}

// Hunt sweeps a server from a day on, and tells whether it found nothing.
func (e *Estate) Hunt(server string, from, at time.Time) (clean bool, err error) {
	err = e.on(server, func(b *box) error {
		clean = !b.compromised
		b.deeds = append(b.deeds, deed{kind: state.KindHunt, value: word(clean, "clean", "hit"), at: at, from: from})
		return nil
	})
	return clean, err
}

// Do notes that something was done: on a server, on an item of a farm, or on the
// farm as a whole. What it changes follows from the campaign: sessions that end
// after the last update are gone, those that end before it are not.
func (e *Estate) Do(farm string, on state.Subject, kind state.Kind, value string, at time.Time) error {
	c, ok := e.byCamp[farm]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	if on.Item != "" && !slices.Contains(e.breed.items, on.Item) {
		return fmt.Errorf("%w: %q", ErrNoItem, on.Item)
	}
	d := deed{item: on.Item, kind: kind, value: value, at: at}
	if on.Server == "" {
		e.mu.Lock()
		defer e.mu.Unlock()
		c.deeds = append(c.deeds, d)
		return nil
	}
	if b, ok := e.byName[on.Server]; !ok || b.camp != c {
		return fmt.Errorf("%w: %q in %s", ErrNoServer, on.Server, farm)
	}
	return e.on(on.Server, func(b *box) error { b.deeds = append(b.deeds, d); return nil })
}

// last is when something was last done, with this value; zero: never.
func last(deeds []deed, item string, kind state.Kind, value string) (at time.Time) {
	for _, d := range deeds {
		if d.item == item && d.kind == kind && d.value == value && d.at.After(at) {
			at = d.at
		}
	}
	return at
}

// safeSince is when the last server of a farm got the fix and was rid of its
// attacker; false while one is not.
func (c *camp) safeSince() (at time.Time, ok bool) {
	for _, b := range c.boxes {
		if b.vulnerable() || b.compromised {
			return at, false
		}
		for _, t := range []time.Time{b.safe, b.evicted} {
			if t.After(at) {
				at = t
			}
		}
	}
	return at, true
}

// Collect is what an administrator's collector shows for a farm from inside at a
// time. It has no ID, time of recording or person: whoever records it adds those.
func (e *Estate) Collect(farm string, at time.Time) ([]state.Evidence, error) {
	c, ok := e.byCamp[farm]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := collection{farm: farm, at: at}
	if len(e.breed.items) > 0 {
		out.add(state.Subject{}, state.KindItems, strings.Join(e.breed.items, "\n"))
	}
	for _, d := range newest(c.deeds) {
		out.dated(state.Subject{Item: d.item}, d.kind, d.value, d.at)
	}
	for _, b := range c.boxes {
		on := state.Subject{Server: b.name}
		out.dated(on, e.breed.kind, b.build.String(), b.installed)
		if e.breed.second != "" {
			out.dated(on, e.breed.second, b.build.String(), b.installed)
		}
		for _, d := range newest(b.deeds) {
			if d.kind != state.KindHunt {
				out.dated(on, d.kind, d.value, d.at)
				continue
			}
			out.put(state.Evidence{
				Subject: on, Kind: d.kind, Value: d.value, Source: state.SourceHunt, Tool: huntTool, From: d.from, To: d.at, Observed: d.at,
			})
		}
	}
	return out.out, nil
}

// newest keeps the last deed of each kind on each item.
func newest(deeds []deed) []deed {
	var out []deed
	for _, d := range slices.Backward(deeds) {
		if !slices.ContainsFunc(out, func(o deed) bool { return o.item == d.item && o.kind == d.kind }) {
			out = append(out, d)
		}
	}
	slices.Reverse(out)
	return out
}

// Remediate does on a farm what rules ask for, in their order, one thing every tick,
// and returns when it was through. What only two persons' word proves is left out:
// on a farm with an attacker it stops short of that.
func (e *Estate) Remediate(rules state.Rules, farm string, at time.Time, tick time.Duration) (time.Time, error) {
	for _, st := range rules.Steps {
		if st.Need != state.NeedAlways || len(st.Proof) == 0 {
			continue
		}
		for _, on := range e.concerned(st, farm) {
			at = at.Add(tick)
			if err := e.perform(st.Proof[0], rules.Window, farm, on, at); err != nil {
				return at, fmt.Errorf("%s on %s: %w", st.ID, on, err)
			}
		}
	}
	return at, nil
}

func (e *Estate) concerned(st state.Step, farm string) []state.Subject {
	var out []state.Subject
	switch st.Scope {
	case state.ScopeFarm:
		out = append(out, state.Subject{})
	case state.ScopeItem:
		for _, i := range e.breed.items {
			out = append(out, state.Subject{Item: i})
		}
	default:
		for _, s := range e.Members(farm) {
			out = append(out, state.Subject{Server: s})
		}
	}
	return out
}

// perform does what one kind of evidence shows.
func (e *Estate) perform(p state.Proof, window time.Time, farm string, on state.Subject, at time.Time) error {
	switch {
	case p.FixLine:
		build, err := e.Fix(on.Server)
		if err != nil {
			return err
		}
		if now, err := e.Truth(on.Server); err != nil || p.Kind != e.breed.kind || !now.Vulnerable {
			return err // the second package comes with the first, and what is fixed stays
		}
		return e.Update(on.Server, build, at)
	case p.Kind == state.KindHunt:
		_, err := e.Hunt(on.Server, window, at)
		return err
	case len(p.Good) == 0:
		return nil
	}
	return e.Do(farm, on, p.Kind, p.Good[0], at)
}

// RemediateCarelessly does the same in an order that many chose: the last server of
// the farm gets its update when all others are through with everything.
func (e *Estate) RemediateCarelessly(rules state.Rules, farm string, at time.Time, tick time.Duration) (time.Time, error) {
	members := e.Members(farm)
	if len(members) == 0 {
		return at, fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	late := state.Subject{Server: members[len(members)-1]}
	for _, last := range []bool{false, true} {
		for _, st := range rules.Steps {
			if st.Need != state.NeedAlways || len(st.Proof) == 0 {
				continue
			}
			for _, on := range e.concerned(st, farm) {
				if (on == late && st.Fix) != last {
					continue
				}
				at = at.Add(tick)
				if err := e.perform(st.Proof[0], rules.Window, farm, on, at); err != nil {
					return at, fmt.Errorf("%s on %s: %w", st.ID, on, err)
				}
			}
		}
	}
	return at, nil
}

// Recover throws the attacker out of a farm, does what rules ask for on a server on which
// somebody was, and then all that they ask for once more. It returns when each eviction
// was, by server, and when it was through; no eviction: nobody was there.
func (e *Estate) Recover(rules state.Rules, farm string, at time.Time, tick time.Duration) (evicted map[string]time.Time, _ time.Time, _ error) {
	evicted = map[string]time.Time{}
	for _, name := range e.Members(farm) {
		now, err := e.Truth(name)
		if err != nil {
			return nil, at, err
		}
		if now.Compromised {
			at = at.Add(tick)
			if err := e.Evict(name, at); err != nil {
				return nil, at, err
			}
			evicted[name] = at
		}
	}
	if len(evicted) == 0 {
		return evicted, at, nil
	}
	for _, st := range rules.Steps {
		if st.Need != state.NeedCompromised || len(st.Proof) == 0 || st.Proof[0].Kind == state.KindEviction {
			continue
		}
		for _, on := range e.concerned(st, farm) {
			if _, robbed := evicted[on.Server]; on.Server != "" && !robbed {
				continue
			}
			at = at.Add(tick)
			if err := e.perform(st.Proof[0], rules.Window, farm, on, at); err != nil {
				return evicted, at, fmt.Errorf("%s on %s: %w", st.ID, on, err)
			}
		}
	}
	at, err := e.Remediate(rules, farm, at, tick)
	return evicted, at, err
}

// WriteInventory writes the inventory as CSV.
func (e *Estate) WriteInventory(w io.Writer) error { return e.Inventory().WriteCSV(w) }
