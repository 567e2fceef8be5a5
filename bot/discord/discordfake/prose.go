package discordfake

import (
	"fmt"
	"slices"
	"strings"
)

// T is what the assertions need of a test; testing.TB has it.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// Test is a fake with assertions that read like prose. They fail the test, and must
// be called in its goroutine.
type Test struct {
	*Fake
	t T
}

// New starts a fake for a test. It is closed when the test ends, and every breach
// of a rule that the test did not allow fails the test.
func New(t T, opt Options) *Test {
	t.Helper()
	f, err := Start(opt)
	if err != nil {
		t.Fatalf("start the fake of Discord: %v", err)
	}
	d := f.For(t)
	t.Cleanup(d.strict)
	return d
}

func (d *Test) strict() {
	d.t.Helper()
	if d.Close() == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.standing() {
		d.t.Errorf("Discord would punish this: %s", o)
	}
}

// For gives the fake to a test, without closing it.
func (f *Fake) For(t T) *Test { return &Test{Fake: f, t: t} }

// must fails the test on an error.
func (d *Test) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%v", err)
	}
}

// recap is what happened last, for the failures of tests.
func (f *Fake) recap() string {
	all, calls := f.everything(), f.calls
	var b strings.Builder
	b.WriteString("\nThe last messages:")
	for _, s := range all[max(0, len(all)-8):] {
		fmt.Fprintf(&b, "\n#%s  %s", s.Where, strings.ReplaceAll(clip(s.String(), 800), "\n", "\n    "))
	}
	b.WriteString("\nThe last calls:")
	for _, c := range calls[max(0, len(calls)-8):] {
		b.WriteString("\n  " + c.String())
	}
	for _, o := range f.offences {
		b.WriteString("\nOffence: " + o.Error())
	}
	return b.String()
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// wait waits for a condition, which is asked under the lock, and fails the test with
// what happened last.
func (d *Test) wait(condition func() bool, format string, args ...any) {
	d.t.Helper()
	if d.await(d.opt.Patience, condition) {
		return
	}
	d.mu.Lock()
	recap := d.recap()
	d.mu.Unlock()
	d.t.Fatalf("%s, within %s.%s", fmt.Sprintf(format, args...), d.opt.Patience, recap)
}

// Online waits until so many connections have a session.
func (d *Test) Online(n int) {
	d.t.Helper()
	d.wait(func() bool { return d.connected() == n }, "%d sessions are online", n)
}

// NextCalls is Fake.NextCalls; a route that there is not fails the test.
func (d *Test) NextCalls(route string, n int, fault Fault) {
	d.t.Helper()
	d.must(d.Fake.NextCalls(route, n, fault))
}

// Called waits until a route was called so often, and returns the calls.
func (d *Test) Called(route string, times int) []Call {
	d.t.Helper()
	want := parameter.ReplaceAllString(route, "{}")
	d.wait(func() bool {
		n := 0
		for _, c := range d.calls {
			if parameter.ReplaceAllString(c.Route, "{}") == want {
				n++
			}
		}
		return n >= times
	}, "%s is called %d times", route, times)
	return d.Calls(route)
}

// Offends waits until a rule is broken, and allows it.
func (d *Test) Offends(rule Rule) Offence {
	d.t.Helper()
	d.Allow(rule)
	var found Offence
	d.wait(func() bool {
		d.expire()
		i := slices.IndexFunc(d.offences, func(o Offence) bool { return o.Rule == rule })
		if i >= 0 {
			found = d.offences[i]
		}
		return i >= 0
	}, "the rule %q is broken", rule)
	return found
}

func (d *Test) fail(format string, args ...any) {
	d.t.Helper()
	d.mu.Lock()
	recap := d.recap()
	d.mu.Unlock()
	d.t.Fatalf("%s.%s", fmt.Sprintf(format, args...), recap)
}
