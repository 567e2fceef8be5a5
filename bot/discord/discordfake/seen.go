package discordfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Seen is a message as a person sees it.
type Seen struct {
	ID, Channel string // ids
	// Where is the name of the channel.
	Where  string
	Author string
	// Text is all that is read: content, then embeds, then text components, with
	// markup interpreted and mentions as names.
	Text string
	// Runs is the content with its styles.
	Runs []Run
	// Raw is the content as it was sent.
	Raw     string
	Buttons []Button
	Menus   []Menu
	Files   []File
	// For is the only person who sees an ephemeral message.
	For string
	// Thinking: it is a deferred response without a text yet.
	Thinking bool
	// Pings are who was notified: "@lead-1", "@on-call" (a role), "@everyone", "@here".
	Pings []string
	// Mentions are who was mentioned, notified or not.
	Mentions []string
	// Silent: it was sent without notifications.
	Silent bool
	Pinned bool
	// Edits counts how often it was changed.
	Edits int
	// Published: it was crossposted. CopyOf is the id of the message that it is the
	// published copy of.
	Published     bool
	CopyOf        string
	SourceDeleted bool
	ReplyTo       string
	Color         int64
	At            time.Time
	Nonce         string
}

// Button is a button of a message.
type Button struct {
	Label, CustomID, URL string
	// Style is primary, secondary, success, danger, link or premium.
	Style    string
	Disabled bool
}

// Menu is a select menu.
type Menu struct {
	CustomID, Hint string
	Options        []string // labels
	Disabled       bool
}

// File is a file of a message.
type File struct {
	Name, Alt, ContentType, URL string
	Data                        []byte
}

// Post is a thread of a forum.
type Post struct {
	ID, Title string
	Tags      []string // names
	Archived  bool
	Locked    bool
	Messages  []Seen
}

// String is the message with everything around it, for the failures of tests.
func (s Seen) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", s.Author, s.Text)
	if s.Thinking {
		b.WriteString("is thinking…")
	}
	for _, x := range s.Buttons {
		fmt.Fprintf(&b, "\n  [%s]", x.Label)
	}
	for _, x := range s.Menus {
		fmt.Fprintf(&b, "\n  (%s: %s)", x.Hint, strings.Join(x.Options, ", "))
	}
	for _, x := range s.Files {
		fmt.Fprintf(&b, "\n  %s (%d bytes) %s", x.Name, len(x.Data), x.Alt)
	}
	if s.For != "" {
		b.WriteString("\n  only " + s.For + " sees this")
	}
	if len(s.Pings) > 0 {
		b.WriteString("\n  notified: " + strings.Join(s.Pings, ", "))
	}
	return b.String()
}

// see makes what a person sees of a message.
func (f *Fake) see(m *message) Seen {
	ch := f.channels[m.channelID]
	s := Seen{
		ID: m.id, Channel: m.channelID, Where: ch.name, Author: m.authorName, Raw: m.content,
		Thinking: m.is(flagLoading), Pings: slices.Clone(m.pings), Mentions: slices.Clone(m.mentions), Silent: m.is(flagSilent),
		Pinned: m.pinned != nil, Edits: m.edits, Published: m.is(flagCrossposted), SourceDeleted: m.is(flagSourceDeleted), At: m.at,
	}
	if m.author != nil && m.webhookID == "" || m.by != nil {
		s.Author = f.nameIn(ch, m.author.id)
	}
	if m.onlyFor != "" {
		s.For = f.nameIn(ch, m.onlyFor)
	}
	if id, _ := m.reference["message_id"].(string); m.is(flagIsCrosspost) {
		s.CopyOf = id
	} else if m.kind == 19 {
		s.ReplyTo = id
	}
	if m.nonce != nil {
		s.Nonce = fmt.Sprintf("%s", m.nonce)
	}
	if m.kind == 6 {
		s.Text = "pinned a message to this channel."
		return s
	}
	read := func(text string) string { return Plain(ReadMarkdown(text, f.namesIn(ch), f.now())) }
	s.Runs = ReadMarkdown(m.content, f.namesIn(ch), f.now())
	lines := []string{Plain(s.Runs)}
	if !m.is(flagSuppressEmbeds) {
		for _, e := range m.embeds {
			lines = append(lines, e.lines(read)...)
			s.Color = e.Color
		}
	}
	for _, c := range m.components {
		c.walk(func(c *component) { lines = append(lines, s.component(c, read)...) })
	}
	for _, a := range m.files {
		s.Files = append(s.Files, File{a.name, a.description, a.contentType, a.url, a.data})
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	s.Text = strings.Join(lines, "\n")
	return s
}

// lines are what is read of an embed. Its title, author and footer have no mentions;
// author and footer no markup either.
func (e embed) lines(read func(string) string) []string {
	var out []string
	if e.Author != nil {
		out = append(out, e.Author.Name)
	}
	out = append(out, read(e.Title), read(e.Description))
	for _, x := range e.Fields {
		out = append(out, read(x.Name)+": "+read(x.Value))
	}
	if e.Footer != nil {
		out = append(out, e.Footer.Text)
	}
	return out
}

// component adds what is seen of a component and returns its text.
func (s *Seen) component(c *component, read func(string) string) []string {
	switch c.Type {
	case typeText:
		return []string{read(c.Text)}
	case typeButton:
		styles := []string{"", "primary", "secondary", "success", "danger", "link", "premium"}
		s.Buttons = append(s.Buttons, Button{c.Label, c.CustomID, c.URL, styles[c.Style], c.Disabled})
	case typeStringSelect, typeUserSelect, typeRoleSelect, typeMentionableSelect, typeChannelSelect:
		menu := Menu{CustomID: c.CustomID, Hint: c.Hint, Disabled: c.Disabled}
		for _, o := range c.Options {
			menu.Options = append(menu.Options, o.Label)
		}
		s.Menus = append(s.Menus, menu)
	}
	return nil
}

// namesIn says what mentions show in a channel.
func (f *Fake) namesIn(ch *channel) Names {
	return func(kind, id string) (string, bool) {
		switch kind {
		case "user":
			if f.users[id] != nil {
				return f.nameIn(ch, id), true
			}
		case "role":
			if g := f.guilds[ch.guildID]; g != nil && g.role(id) != nil {
				return g.role(id).Name, true
			}
		case "channel":
			if c := f.channels[id]; c != nil && !c.gone {
				return c.name, true
			}
		}
		return "", false
	}
}

// Messages are those that stand in a channel or thread, in order. Ephemeral ones are
// not among them.
func (f *Fake) Messages(channelName string) []Seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(channelName)
	if err != nil {
		return nil
	}
	return f.seenIn(ch, func(m *message) bool { return m.onlyFor == "" })
}

// seenIn are the messages of a channel that stand and are wanted.
func (f *Fake) seenIn(ch *channel, want func(*message) bool) []Seen {
	var out []Seen
	for _, m := range ch.messages {
		if !m.deleted && want(m) {
			out = append(out, f.see(m))
		}
	}
	return out
}

// Ephemerals are the messages that only one person sees, in every channel, by age.
func (f *Fake) Ephemerals(userName string) []Seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, err := f.userNamed(userName)
	if err != nil {
		return nil
	}
	return f.ephemerals(u)
}

func (f *Fake) ephemerals(u *user) []Seen {
	var out []Seen
	for _, id := range f.order {
		out = append(out, f.seenIn(f.channels[id], func(m *message) bool { return m.onlyFor == u.id })...)
	}
	slices.SortStableFunc(out, func(a, b Seen) int { return a.At.Compare(b.At) })
	return out
}

// Everything are all messages of all channels, ephemeral ones too, by age.
func (f *Fake) Everything() []Seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.everything()
}

func (f *Fake) everything() []Seen {
	var out []Seen
	for _, id := range f.order {
		out = append(out, f.seenIn(f.channels[id], func(*message) bool { return true })...)
	}
	slices.SortStableFunc(out, func(a, b Seen) int {
		if idLess(a.ID, b.ID) {
			return -1
		}
		return 1
	})
	return out
}

// Posts are the threads of a forum, in order.
func (f *Fake) Posts(forumName string) []Post {
	f.mu.Lock()
	defer f.mu.Unlock()
	forum, err := f.channelNamed(forumName)
	if err != nil {
		return nil
	}
	var out []Post
	for _, id := range f.order {
		if ch := f.channels[id]; ch.parent == forum.id && ch.thread != nil && !ch.gone {
			p := Post{ID: ch.id, Title: ch.name, Archived: ch.thread.archived, Locked: ch.thread.locked}
			for _, tag := range forum.tags {
				if slices.Contains(ch.thread.tags, tag.ID) {
					p.Tags = append(p.Tags, tag.Name)
				}
			}
			p.Messages = f.seenIn(ch, func(m *message) bool { return m.onlyFor == "" })
			out = append(out, p)
		}
	}
	return out
}

// Copies are the published copies of a message, in every channel that follows.
func (f *Fake) Copies(id string) []Seen {
	var out []Seen
	for _, s := range f.Everything() {
		if s.CopyOf == id {
			out = append(out, s)
		}
	}
	return out
}
