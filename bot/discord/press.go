package discord

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// maxCustomID is how long the id of a control may be, in characters; it is kept in bytes
// (docs.discord.com/developers/components/reference).
const maxCustomID = 100

// press is what a button stands for.
type press struct {
	Line    string   `json:"l"`
	Ask     []string `json:"a,omitempty"`
	Confirm string   `json:"c,omitempty"`
	Label   string   `json:"n,omitempty"`
}

func pressOf(b chat.Button) press {
	return press{Line: b.Line, Ask: b.Ask, Confirm: b.Confirm, Label: b.Label}
}

func (p press) button() chat.Button { return chat.Button{Label: p.Label, Line: p.Line, Ask: p.Ask} }

// The first letter of the id of a button says what follows its number: the line itself, or
// nothing, and then what it stands for is in the note of its message.
const (
	pressRun  = "r"
	pressNote = "n"
)

// id is the id of the button with a number, and whether it needs the note.
func (p press) id(n int) (id string, noted bool) {
	id = pressRun + strconv.Itoa(n) + " " + p.Line
	if len(p.Ask) > 0 || p.Confirm != "" || len(id) > maxCustomID {
		return pressNote + strconv.Itoa(n), true
	}
	return id, false
}

// readPress finds what a button stands for.
func readPress(id string, m *message) (press, bool) {
	head, line, _ := strings.Cut(id, " ")
	if len(id) > maxCustomID || len(head) < 2 {
		return press{}, false
	}
	n, err := strconv.Atoi(head[1:])
	switch {
	case err != nil:
		return press{}, false
	case head[:1] == pressRun:
		return press{Line: line}, strings.TrimSpace(line) != ""
	case head[:1] != pressNote || m == nil:
		return press{}, false
	}
	for _, e := range m.Embeds {
		note, ok := readNote(e.URL)
		if p, known := note.Presses[n]; ok && known {
			return p, strings.TrimSpace(p.Line) != ""
		}
	}
	return press{}, false
}

// noteHost is the address in which a message carries our note: it leads nowhere (RFC 2606).
const noteHost = "allclear.invalid"

// maxNote is how long an address may be, in characters.
const maxNote = 2000

// note is what a message carries for us.
type note struct {
	Key     string        // the hash of the key
	Presses map[int]press // what does not fit into the ids of its buttons
}

// address writes the note. It is false when there is too much in it.
func (n note) address() (string, bool) {
	u := url.URL{Scheme: "https", Host: noteHost, Path: "/" + n.Key}
	if len(n.Presses) > 0 {
		raw, err := json.Marshal(n.Presses)
		if err != nil {
			return "", false
		}
		u.RawQuery = "b=" + base64.RawURLEncoding.EncodeToString(raw)
	}
	s := u.String()
	return s, len(s) <= maxNote
}

// readNote reads the note of an embed, when it is one.
func readNote(address string) (note, bool) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxNote || u.Host != noteHost {
		return note{}, false
	}
	n := note{Key: strings.TrimPrefix(u.Path, "/")}
	raw, err := base64.RawURLEncoding.DecodeString(u.Query().Get("b"))
	if err == nil && len(raw) > 0 && json.Unmarshal(raw, &n.Presses) != nil {
		n.Presses = nil
	}
	return n, true
}

// keyOf is the hash of the key that a message was posted with, "" when it has none.
func (m message) keyOf() string {
	for _, e := range m.Embeds {
		if n, ok := readNote(e.URL); ok {
			return n.Key
		}
	}
	return ""
}

// pressed is a button. What it carries is all that is done.
func (p *Platform) pressed(ctx context.Context, desk bot.Desk, i *interaction) response {
	b, ok := readPress(i.Data.CustomID, i.Message)
	if !ok {
		return p.whisper(i, notice("This button does not work any more.", "Ask for what it was on again."))
	}
	req := p.request(ctx, i, chat.TriggerButton, b.Line)
	switch {
	case len(b.Ask) > 0:
		return p.ask(desk, i, req, b)
	case b.Confirm != "":
		return p.confirm(desk, i, req, b)
	}
	return p.hand(ctx, desk, i, req)
}

// confirm asks once more, the person alone: Discord has no dialogs for that.
func (p *Platform) confirm(desk bot.Desk, i *interaction, req chat.Request, b press) response {
	if m, may := p.mayAsk(desk, i, req); !may {
		return p.whisper(i, m)
	}
	mark := chat.Mark{TLP: req.Place.Ceiling}
	label := b.Label
	if label == "" {
		label = "Do it"
	}
	m := chat.Message{Tone: chat.ToneWarn, Parts: []chat.Part{
		chat.Para{Mark: mark, Text: chat.T(b.Confirm)},
		chat.Buttons{Mark: mark, Buttons: []chat.Button{{Label: label, Line: b.Line, Danger: true}}},
	}}
	return p.whisper(i, m)
}
