package chat

import (
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Tone colours a message where a platform can. It never carries meaning alone.
type Tone uint8

// The tones.
const (
	ToneNeutral Tone = iota
	ToneGood
	ToneWarn
	ToneBad
)

// Message is a document to be shown somewhere.
type Message struct {
	Tone  Tone
	Parts []Part
	// Notify names who is mentioned, and nobody else is: "person:lead-1", "owner:…", "group:…".
	Notify []string
	// About is what the message is about, for whoever acts on it later.
	About About
	// Broadcast: what is said in a thread is shown in its channel as well.
	Broadcast bool
	// Topic is what a place of posts calls the message, and finds it by.
	Topic Topic
	// Named: whom this answers was named as a reader of what is marked TLP:RED in it.
	// It is for that person alone.
	Named bool
}

// Topic is the title of a post and its tags, marked like any part. The zero value
// is none.
type Topic struct {
	TLP   state.TLP `json:"tlp"`
	Title string    `json:"title"`
	Tags  []string  `json:"tags,omitempty"`
}

// About names an incident, or a server of it. It is shown to nobody, and yet it
// leaves with the message: it is marked like the names that it holds.
type About struct {
	Incident string `json:"incident,omitempty"`
	Server   string `json:"server,omitempty"`
}

// Part is one block of a message. The types below are all there are.
type Part interface {
	// Marking says how far the part may go.
	Marking() state.TLP
	part()
}

// Mark is embedded in every part: its TLP marking. The zero value goes nowhere;
// the constructors below mark as AMBER+STRICT, for the names of servers are in
// nearly everything that allclear says.
type Mark struct {
	TLP state.TLP `json:"tlp"`
}

// Marking returns the marking.
func (m Mark) Marking() state.TLP { return m.TLP }
func (Mark) part()                {}

// Style is how a span is set.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Strong
	Code // for names and values, and for whatever a stranger wrote
	Dim
)

// Span is a stretch of text. It is data: renderers escape it.
type Span struct {
	Text  string `json:"t"`
	Style Style  `json:"s,omitempty"`
	// At is the moment that Text tells. A platform that knows the reader's clock tells it
	// by that one. Zero: Text tells none.
	At time.Time `json:"at,omitzero"`
}

// Text is a line of spans.
type Text []Span

type (
	// Heading is the first line of a message or section.
	Heading struct {
		Mark
		Text Text
	}
	// Para is a paragraph.
	Para struct {
		Mark
		Text Text
	}
	// List is one line an item. More counts items that are not listed.
	List struct {
		Mark
		Items []Text
		More  int
	}
	// Fields are names with values.
	Fields struct {
		Mark
		Fields []Field
	}
	// Table has a row an entry. More counts rows that are not shown.
	Table struct {
		Mark
		Columns []string
		Rows    [][]Text
		More    int
	}
	// Progress is a bar: Done of Total, with a legend.
	Progress struct {
		Mark
		Done, Total int
		Legend      Text
	}
	// CodeBlock is text to be shown as it is.
	CodeBlock struct {
		Mark
		Text string
	}
	// Picture is a PNG with its alternative text, and with the numbers behind it
	// where a platform could draw them itself.
	Picture struct {
		Mark
		Name string
		Alt  string
		PNG  []byte
		Plot *Plot
	}
	// Attachment is a file.
	Attachment struct {
		Mark
		Name string
		Data []byte
	}
	// Buttons are command lines that can be pressed.
	Buttons struct {
		Mark
		Buttons []Button
	}
	// Note is small print.
	Note struct {
		Mark
		Text Text
	}
)

// Field is a name with a value.
type Field struct {
	Name  string
	Value Text
}

// Plot is the numbers of a picture: lines over the same labels, in their order.
type Plot struct {
	Title  string
	Labels []string
	Series []Series
}

// Series is one line of a plot: a value for each label.
type Series struct {
	Name   string
	Values []float64
}

// Button runs a command line when pressed. It names all that it acts on; nothing
// is inferred from where it is pressed.
type Button struct {
	Label   string
	Line    string
	Confirm string // asked before it runs, when not empty
	Danger  bool
	// Ask names arguments of the command that are asked for first, in a form. What
	// is marked with "?" at its end may be left empty.
	Ask []string
}

// internal is the marking of what the constructors make.
var internal = Mark{TLP: state.TLPAmberStrict}

// T makes a line: strings are plain text, Spans are taken as they are, and
// anything else is shown as code.
func T(parts ...any) Text {
	var t Text
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			t = append(t, Span{Text: p})
		case Span:
			t = append(t, p)
		case Text:
			t = append(t, p...)
		default:
			t = append(t, Span{Text: fmt.Sprint(p), Style: Code})
		}
	}
	return t
}

// B is strong, C is code (names, values, whatever a stranger wrote), D is dim.
func B(s string) Span { return Span{Text: s, Style: Strong} }

// C is a name or a value; see B.
func C(s string) Span { return Span{Text: s, Style: Code} }

// D is small print within a line; see B.
func D(s string) Span { return Span{Text: s, Style: Dim} }

// At is a moment, to the minute, and how it is told where nobody knows the reader's clock:
// with its zone.
func At(t time.Time, text string) Span { return Span{Text: text, At: t.UTC().Truncate(time.Minute)} }

// H makes a heading from the parts of a line.
func H(parts ...any) Heading { return Heading{internal, T(parts...)} }

// P makes a paragraph.
func P(parts ...any) Para { return Para{internal, T(parts...)} }

// N makes a note.
func N(parts ...any) Note { return Note{internal, T(parts...)} }

// L makes a list.
func L(items ...Text) List { return List{Mark: internal, Items: items} }

// F makes fields.
func F(fields ...Field) Fields { return Fields{internal, fields} }

// Tab makes a table.
func Tab(columns ...string) Table { return Table{Mark: internal, Columns: columns} }

// Bar makes a progress bar.
func Bar(done, total int, legend ...any) Progress {
	return Progress{internal, done, total, T(legend...)}
}

// Block makes a block of code.
func Block(text string) CodeBlock { return CodeBlock{internal, text} }

// Row makes a row of buttons.
func Row(b ...Button) Buttons { return Buttons{internal, b} }

// Say makes a message from parts.
func Say(parts ...Part) Message { return Message{Parts: parts} }

// With sets the tone.
func (m Message) With(t Tone) Message {
	m.Tone = t
	return m
}

// Add appends parts.
func (m *Message) Add(parts ...Part) { m.Parts = append(m.Parts, parts...) }

// Withhold drops the parts that may not go to a place with this ceiling, and
// says how many it dropped. Then nobody is mentioned either: a name is marked like
// what was dropped.
func (m Message) Withhold(ceiling state.TLP) (Message, int) {
	return m.WithholdAt(state.Place{Ceiling: ceiling})
}

// WithholdAt is Withhold for a place as a whole: what is announced, and who is named.
func (m Message) WithholdAt(place state.Place) (Message, int) {
	out := m
	out.Parts = nil
	if !place.Sees(state.TLPAmberStrict) {
		out.About = About{}
	}
	if !place.Sees(m.Topic.TLP) {
		out.Topic = Topic{}
	}
	for _, p := range m.Parts {
		if place.Sees(p.Marking()) {
			out.Parts = append(out.Parts, p)
		}
	}
	n := len(m.Parts) - len(out.Parts)
	if n > 0 {
		out.Notify, out.Tone = nil, ToneNeutral // a colour tells, too
		out.Parts = append(out.Parts, Withheld(n, place.Top()))
	}
	return out, n
}

// Withheld says that parts are not shown in a place with this ceiling.
func Withheld(n int, ceiling state.TLP) Note {
	what := "parts are"
	if n == 1 {
		what = "part is"
	}
	return Note{Mark{state.TLPClear}, T(fmt.Sprintf("%d %s withheld: this place may see %s.", n, what, ceiling))}
}

// Plain is the text of a line without style.
func (t Text) Plain() string {
	s := ""
	for _, sp := range t {
		s += sp.Text
	}
	return s
}
