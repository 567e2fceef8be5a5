package slackfake

import (
	"slices"
	"strings"
)

// Message is a message as a person sees it now.
type Message struct {
	Channel, TS, ThreadTS string
	// From is the id of who wrote it.
	From string
	// Text is what is read: of the blocks, when there are any.
	Text string
	// Fallback is what a notification or a screen reader says.
	Fallback string
	// Spans are the parts of Text.
	Spans []Span
	// Pings are whom it notified when it was posted: ids of users and groups,
	// "here", "channel", "everyone". An edit notifies nobody.
	Pings []string
	// Mentions are all whom the message names now, in blocks or in the fallback,
	// whether they were notified or not.
	Mentions []string
	// Private: only For can see it.
	Private bool
	For     string
	// Edits counts how often it was changed.
	Edits     int
	Broadcast bool // a reply that is shown in the channel as well
	Pinned    bool
	Deleted   bool // the rest of a thread's first message that was deleted
	Metadata  map[string]any
	Files     []File
	Reactions map[string][]string
	Blocks    []any
	Username  string
	ClientID  string

	controls []control
}

// Buttons are the labels of what can be pressed.
func (m Message) Buttons() []string {
	var labels []string
	for _, c := range m.controls {
		if c.kind == "button" {
			labels = append(labels, c.label)
		}
	}
	return labels
}

// Links are where clicks lead, by what is read.
func (m Message) Links() map[string]string {
	links := map[string]string{}
	for _, s := range m.Spans {
		if s.Link != "" {
			links[s.Text] = s.Link
		}
	}
	for _, c := range m.controls {
		if u := str(c.element["url"]); u != "" {
			links[c.label] = u
		}
	}
	return links
}

func (s *Slack) userName(id string) (string, bool) {
	if u := s.userByID(id); u != nil {
		return u.Name, true
	}
	return "", false
}

func (s *Slack) channelName(id string) (string, bool) {
	if c := s.channelByID(id); c != nil {
		return c.Name, true
	}
	return "", false
}

func (s *Slack) groupName(id string) (string, bool) {
	if g := s.groupByID(id); g != nil && !g.Disabled {
		return g.Handle, true
	}
	return "", false
}

// show reads a message as a person does. The lock is held.
func (s *Slack) show(c *conversation, m *message) Message {
	p := &page{who: s}
	fallback := readMrkdwn(m.text, s)
	if len(m.blocks) > 0 {
		p.blocks(m.blocks)
	} else {
		p.add(fallback...)
	}
	for _, a := range m.attachments {
		p.attachment(obj(a))
	}
	for _, f := range m.files {
		if len(p.spans) > 0 {
			p.say("\n")
		}
		p.say("(file: " + f.Name + ")")
	}
	shown := Message{
		Channel: c.ID, TS: m.ts, ThreadTS: m.threadTS, From: m.user, Text: flat(p.spans), Fallback: flat(fallback), Spans: p.spans,
		Pings: slices.Clone(m.pings), Mentions: mentions(append(slices.Clone(p.spans), fallback...)),
		Private: m.onlyFor != "", For: m.onlyFor, Edits: m.edits, Broadcast: m.broadcast, Pinned: slices.Contains(c.pins, m.ts),
		Deleted: m.tombstone, Metadata: clone(m.metadata), Reactions: map[string][]string{}, Blocks: clone(m.blocks),
		Username: m.username, ClientID: m.clientID, controls: p.controls,
	}
	for _, f := range m.files {
		shown.Files = append(shown.Files, f.File)
	}
	for _, r := range m.reactions {
		shown.Reactions[r.name] = slices.Clone(r.users)
	}
	if m.tombstone {
		shown.Text = "This message was deleted."
	}
	return shown
}

// attachment reads a legacy attachment: its blocks, or its text.
func (p *page) attachment(a object) {
	if len(p.spans) > 0 {
		p.say("\n")
	}
	if blocks := list(a["blocks"]); len(blocks) > 0 {
		p.blocks(blocks)
		return
	}
	for _, k := range []string{"pretext", "title", "text"} {
		if t := str(a[k]); t != "" {
			p.add(readMrkdwn(t, p.who)...)
			p.say("\n")
		}
	}
	for _, f := range list(a["fields"]) {
		p.add(readMrkdwn(str(obj(f)["title"])+": "+str(obj(f)["value"])+"\n", p.who)...)
	}
	p.add(readPlain(str(a["footer"]))...)
}

func mentions(spans []Span) []string {
	var ids []string
	for _, s := range spans {
		if s.Mention != "" && !slices.Contains(ids, s.Mention) {
			ids = append(ids, s.Mention)
		}
	}
	return ids
}

// pings are whom a new message notifies: whom it mentions and who can see it. What
// is private notifies nobody.
func (s *Slack) pings(c *conversation, m *message) []string {
	if m.onlyFor != "" {
		return nil
	}
	if c.IM != "" {
		return []string{c.IM}
	}
	p := &page{who: s}
	if len(m.blocks) > 0 {
		p.blocks(m.blocks)
	} else {
		p.add(readMrkdwn(m.text, s)...)
	}
	for _, a := range m.attachments {
		p.attachment(obj(a))
	}
	return slices.DeleteFunc(mentions(p.spans), func(id string) bool {
		switch {
		case strings.HasPrefix(id, "S"):
			return !slices.ContainsFunc(s.groupByID(id).Members, func(u string) bool { return s.member(c, u) })
		case userShape.MatchString(id):
			return !s.member(c, id)
		}
		return false
	})
}
