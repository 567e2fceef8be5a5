package discordfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
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

// Place is a channel or a thread with assertions.
type Place struct {
	d  *Test
	id string
}

// In is a channel or thread, by its name or id.
func (d *Test) In(name string) *Place {
	d.t.Helper()
	id, err := d.ChannelID(name)
	d.must(err)
	return &Place{d, id}
}

// ID is the id of the channel.
func (p *Place) ID() string { return p.id }

func (p *Place) messages() []Seen {
	ch := p.d.channels[p.id]
	if ch.gone {
		return nil
	}
	return p.d.seenIn(ch, func(m *message) bool { return m.onlyFor == "" })
}

// Shows are the messages that stand there now.
func (p *Place) Shows() []Seen {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	return p.messages()
}

func with(list []Seen, text string) []Seen {
	return slices.DeleteFunc(list, func(s Seen) bool { return !strings.Contains(s.Text, text) })
}

// Sees waits until a message with the text stands there, and returns the latest.
func (p *Place) Sees(text string) Seen {
	p.d.t.Helper()
	var found []Seen
	p.d.wait(func() bool {
		found = with(p.messages(), text)
		return len(found) > 0
	}, "#%s sees %q", p.name(), text)
	return found[len(found)-1]
}

// SeesOnce is Sees, and there is only one such message.
func (p *Place) SeesOnce(text string) Seen {
	p.d.t.Helper()
	s := p.Sees(text)
	if n := len(with(p.Shows(), text)); n != 1 {
		p.d.fail("#%s sees %q %d times, not once", p.name(), text, n)
	}
	return s
}

// SeesNothing fails when a message with the text stands there now. Wait for
// something that comes later first.
func (p *Place) SeesNothing(text string) {
	p.d.t.Helper()
	if found := with(p.Shows(), text); len(found) > 0 {
		p.d.fail("#%s must not see %q, and sees:\n%s", p.name(), text, found[0])
	}
}

// NoLonger waits until no message with the text stands there.
func (p *Place) NoLonger(text string) {
	p.d.t.Helper()
	p.d.wait(func() bool { return len(with(p.messages(), text)) == 0 }, "#%s no longer sees %q", p.name(), text)
}

// Count waits until exactly so many messages stand there.
func (p *Place) Count(n int) []Seen {
	p.d.t.Helper()
	p.d.wait(func() bool { return len(p.messages()) == n }, "#%s has %d messages", p.name(), n)
	return p.Shows()
}

// Pinned waits until a pinned message has the text.
func (p *Place) Pinned(text string) Seen {
	p.d.t.Helper()
	var found Seen
	p.d.wait(func() bool {
		for _, s := range with(p.messages(), text) {
			if s.Pinned {
				found = s
				return true
			}
		}
		return false
	}, "#%s pins %q", p.name(), text)
	return found
}

// Post waits until a forum has a post with the title.
func (p *Place) Post(title string) Post {
	p.d.t.Helper()
	var id string
	p.d.wait(func() bool {
		for _, t := range p.d.order {
			if ch := p.d.channels[t]; ch.parent == p.id && ch.name == title && !ch.gone {
				id = t
				return true
			}
		}
		return false
	}, "the forum #%s has a post %q", p.name(), title)
	for _, post := range p.d.Posts(p.id) {
		if post.ID == id {
			return post
		}
	}
	return Post{}
}

// Thread waits until the channel has a thread of the name, and is that thread.
func (p *Place) Thread(name string) *Place {
	p.d.t.Helper()
	return &Place{p.d, p.Post(name).ID}
}

func (p *Place) name() string {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	return p.d.channels[p.id].name
}

func (d *Test) fail(format string, args ...any) {
	d.t.Helper()
	d.mu.Lock()
	recap := d.recap()
	d.mu.Unlock()
	d.t.Fatalf("%s.%s", fmt.Sprintf(format, args...), recap)
}

// Person is somebody with assertions.
type Person struct {
	d    *Test
	name string
}

// User is a person, by name or id.
func (d *Test) User(name string) *Person {
	d.t.Helper()
	id, err := d.UserID(name)
	d.must(err)
	return &Person{d, id}
}

// ID is the id of the person.
func (p *Person) ID() string { return p.name }

// Runs runs a slash command; see Fake.Run.
func (p *Person) Runs(channel, line string, values ...Value) *Exchange {
	p.d.t.Helper()
	return p.exchange(p.d.Run(p.name, channel, line, values...))
}

// Types types the beginning of a value for an option; see Fake.Complete.
func (p *Person) Types(channel, line, option, prefix string, values ...Value) *Exchange {
	p.d.t.Helper()
	return p.exchange(p.d.Complete(p.name, channel, line, option, prefix, values...))
}

// Presses presses a button of a message; see Fake.Press.
func (p *Person) Presses(message Seen, button string) *Exchange {
	p.d.t.Helper()
	return p.exchange(p.d.Press(p.name, message.ID, button))
}

// Picks picks values of a menu; see Fake.Pick.
func (p *Person) Picks(message Seen, menu string, values ...string) *Exchange {
	p.d.t.Helper()
	return p.exchange(p.d.Pick(p.name, message.ID, menu, values...))
}

// Fills fills in the modal that something opened; see Fake.Fill.
func (p *Person) Fills(opened *Exchange, values map[string]string) *Exchange {
	p.d.t.Helper()
	opened.Opens("")
	return p.exchange(p.d.Fill(opened.Asked, values))
}

// Says posts a message, and returns its id.
func (p *Person) Says(channel, text string) string {
	p.d.t.Helper()
	id, err := p.d.Say(p.name, channel, text)
	p.d.must(err)
	return id
}

// Sees waits until a message that only this person sees has the text.
func (p *Person) Sees(text string) Seen {
	p.d.t.Helper()
	var found []Seen
	p.d.wait(func() bool {
		found = with(p.d.ephemerals(p.d.users[p.name]), text)
		return len(found) > 0
	}, "%s alone sees %q", p.shown(), text)
	return found[len(found)-1]
}

func (p *Person) shown() string {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	return p.d.users[p.name].name
}

func (p *Person) exchange(a *Asked, err error) *Exchange {
	p.d.t.Helper()
	p.d.must(err)
	return p.d.Exchange(a)
}

// Exchange is something that a person did, with assertions on how it goes on.
type Exchange struct {
	*Asked
	d *Test
}

// Exchange gives something that a person did to the test.
func (d *Test) Exchange(a *Asked) *Exchange { return &Exchange{Asked: a, d: d} }

// Answered waits for the first response.
func (x *Exchange) Answered() Outcome {
	x.d.t.Helper()
	x.d.wait(func() bool { return x.outcome().Answered }, "%s is answered", x.i.about())
	return x.Outcome()
}

// Fails waits until the person reads "The application did not respond".
func (x *Exchange) Fails() {
	x.d.t.Helper()
	x.d.wait(func() bool { return x.outcome().Failed }, "%s fails", x.i.about())
}

// Gets waits until the response or a follow-up has the text.
func (x *Exchange) Gets(text string) Seen {
	x.d.t.Helper()
	var found []Seen
	x.d.wait(func() bool {
		found = slices.DeleteFunc(with(x.outcome().Messages, text), func(s Seen) bool { return s.Thinking })
		return len(found) > 0
	}, "%s gets %q", x.i.about(), text)
	return found[len(found)-1]
}

// GetsPrivately is Gets, and nobody else sees it.
func (x *Exchange) GetsPrivately(text string) Seen {
	x.d.t.Helper()
	s := x.Gets(text)
	if s.For == "" {
		x.d.fail("%s gets %q where everybody sees it", x.i.about(), text)
	}
	return s
}

// GetsPublicly is Gets, and everybody sees it.
func (x *Exchange) GetsPublicly(text string) Seen {
	x.d.t.Helper()
	s := x.Gets(text)
	if s.For != "" {
		x.d.fail("%s gets %q where nobody else sees it", x.i.about(), text)
	}
	return s
}

// Thinks waits until the response is deferred and has no text yet.
func (x *Exchange) Thinks() Outcome {
	x.d.t.Helper()
	x.d.wait(func() bool { return x.i.original != nil && x.i.original.is(flagLoading) }, "%s is thought about", x.i.about())
	return x.Outcome()
}

// Offers waits for the choices of an autocomplete, and returns their names.
func (x *Exchange) Offers() []string {
	x.d.t.Helper()
	x.Answered()
	names := []string{}
	for _, c := range x.Outcome().Choices {
		names = append(names, c.Name)
	}
	return names
}

// Opens waits until a modal is opened whose title has the text.
func (x *Exchange) Opens(title string) Outcome {
	x.d.t.Helper()
	x.d.wait(func() bool { return x.i.modal != nil && strings.Contains(x.i.modal.title, title) }, "%s opens the modal %q", x.i.about(), title)
	return x.Outcome()
}

// Within fails when the first response took longer.
func (x *Exchange) Within(most time.Duration) *Exchange {
	x.d.t.Helper()
	if o := x.Answered(); o.After > most {
		x.d.fail("%s was answered after %s, not within %s", x.i.about(), o.After, most)
	}
	return x
}
