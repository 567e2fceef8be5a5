package discordfake

import (
	"slices"
	"strings"
)

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
