package discordfake

import (
	"slices"
	"strings"
	"time"
)

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
