package discord

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot/chat"
)

// draft is a message as Discord takes it. All of it is always said: an edit leaves nothing
// of what was there before.
type draft struct {
	Content     string                       `json:"content"`
	Embeds      []*discordgo.MessageEmbed    `json:"embeds"`
	Components  []discordgo.MessageComponent `json:"components"`
	Mentions    mentions                     `json:"allowed_mentions"`
	Attachments []enclosed                   `json:"attachments"`
	Flags       int                          `json:"flags,omitempty"`
	Nonce       string                       `json:"nonce,omitempty"`
	Enforce     bool                         `json:"enforce_nonce,omitempty"`
	Reply       *discordgo.MessageReference  `json:"message_reference,omitempty"`
}

// mentions are whom a message may notify: nobody whom it does not list.
type mentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

// enclosed is a file of a message.
type enclosed struct {
	ID    int    `json:"id"`
	Name  string `json:"filename"`
	About string `json:"description,omitempty"`
}

// setting is all that rendering depends on besides the message.
type setting struct {
	command string // the root of the commands
	// calls are whom the message notifies: users and roles, and names of those whom nobody
	// has here.
	users, roles, names []string
}

// rendered is a message as Discord shows it.
type rendered struct {
	draft
	files []enclosure
}

// Limits of what goes with a message (docs.discord.com/developers/reference#uploading-files,
// docs.discord.com/developers/components/reference).
const (
	maxFiles      = 10
	maxUpload     = 10 << 20 // bytes of one file
	maxAllUploads = 24 << 20 // bytes of all
	maxAlt        = 1000
	maxButtons    = 25
	maxPerRow     = 5
	maxButton     = 80
	maxEmbeds     = 10
)

// wholeFile is the name of the file that holds what is longer than a message.
const wholeFile = "message.txt"

// render makes a message what Discord shows. It is pure, and withholds nothing: that was
// done before. Text is data, and escaped; hash is that of the key of the message, "" without
// one.
func render(m chat.Message, s setting, hash string) rendered {
	r := &renderer{setting: s, note: note{Key: hash, Presses: map[int]press{}}}
	for i, part := range m.Parts {
		mark := ""
		if i == 0 {
			mark = markOf(m.Tone)
		}
		r.part(part, mark)
	}
	return r.bind(m.Tone)
}

type renderer struct {
	setting
	blocks   []block
	files    []enclosure
	weight   int // bytes of the files
	pictures []string
	buttons  []discordgo.Button
	note     note
}

func (r *renderer) part(part chat.Part, mark string) {
	switch part := part.(type) {
	case chat.Heading:
		t := set(part.Text)
		for i := range t {
			if t[i].style != chat.Code {
				t[i].style = chat.Strong
			}
		}
		r.strip(prose, marked(mark, t))
	case chat.Para:
		r.strip(prose, marked(mark, set(part.Text)))
	case chat.Note:
		r.strip(small, set(part.Text))
	case chat.List:
		var items [][]stretch
		for _, i := range part.Items {
			items = append(items, set(i))
		}
		r.strip(bullets, items...)
		r.more(part.More)
	case chat.Fields:
		var lines [][]stretch
		for _, f := range part.Fields {
			lines = append(lines, named(f.Name, set(f.Value)))
		}
		r.strip(prose, lines...)
	case chat.Table:
		r.table(part)
	case chat.Progress:
		r.progress(part)
	case chat.CodeBlock:
		r.blocks = append(r.blocks, block{kind: preformatted, lines: codeLines(part.Text)})
	case chat.Picture:
		if name, ok := r.enclose(enclosure{name: part.Name, alt: part.Alt, kind: "image/png", data: part.PNG}, "picture"); ok {
			r.pictures = append(r.pictures, name)
		}
	case chat.Attachment:
		if name, ok := r.enclose(enclosure{name: part.Name, kind: "application/octet-stream", data: part.Data}, "file"); ok {
			r.strip(small, []stretch{{text: "attached: "}, {text: name, style: chat.Code}, {text: ", " + chat.FileSize(len(part.Data))}})
		}
	case chat.Buttons:
		r.row(part.Buttons)
	}
}

// strip adds lines.
func (r *renderer) strip(k kind, lines ...[]stretch) {
	for _, l := range lines {
		if strings.TrimSpace(said(l)) != "" {
			r.blocks = append(r.blocks, block{kind: k, lines: [][]stretch{l}})
		}
	}
}

// markOf is a spot of colour: it says nothing that the text does not.
func markOf(t chat.Tone) string {
	switch t {
	case chat.ToneGood:
		return "🟢 "
	case chat.ToneWarn:
		return "🟡 "
	case chat.ToneBad:
		return "🔴 "
	}
	return ""
}

// colour is the edge of the embed.
func colour(t chat.Tone) int {
	switch t {
	case chat.ToneGood:
		return 0x2e7d32
	case chat.ToneWarn:
		return 0xf9a825
	case chat.ToneBad:
		return 0xc62828
	}
	return 0
}

func marked(mark string, t []stretch) []stretch {
	if mark == "" || len(t) == 0 {
		return t
	}
	return append([]stretch{{text: mark}}, t...)
}

func named(name string, value []stretch) []stretch {
	if name = chat.Clean(name); name == "" {
		return value
	}
	return append([]stretch{{text: name + ":", style: chat.Strong}, {text: " "}}, value...)
}

// more says how many are not shown.
func (r *renderer) more(n int) {
	if n > 0 {
		r.strip(small, []stretch{{text: fmt.Sprintf("and %d more; ", n)}, {text: "/" + r.command + " help", style: chat.Code}, {text: " says how to list them"}})
	}
}

// mostBar is how many columns a progress bar has.
const mostBar = 20

// progress is a bar made of text, full only when everything is done.
func (r *renderer) progress(p chat.Progress) {
	total, full := max(p.Total, 0), 0
	if total > 0 {
		full = int(int64(min(max(p.Done, 0), total)) * mostBar / int64(total))
	}
	bar := strings.Repeat("█", full) + strings.Repeat("░", mostBar-full) + fmt.Sprintf(" %d/%d", p.Done, p.Total)
	t := []stretch{{text: bar}}
	if len(p.Legend) > 0 {
		t = append(append(t, stretch{text: "  "}), set(p.Legend)...)
	}
	r.strip(prose, t)
}

// enclose adds a file. One that Discord does not take is told of.
func (r *renderer) enclose(e enclosure, what string) (name string, ok bool) {
	why := ""
	switch {
	case len(e.data) == 0:
		why = "it is empty"
	case len(e.data) > maxUpload, r.weight+len(e.data) > maxAllUploads:
		why = "it is too large for Discord: " + chat.FileSize(len(e.data))
	case len(r.files) >= maxFiles-1: // one is kept for the whole of a long message
		why = "there are too many files"
	}
	if why != "" {
		r.strip(prose, []stretch{{text: "The " + what + " "}, {text: chat.Clean(e.name), style: chat.Code}, {text: " is not shown: " + why + ". " + chat.Clean(e.alt)}})
		return "", false
	}
	e.name = r.called(e.name)
	r.files, r.weight = append(r.files, e), r.weight+len(e.data)
	return e.name, true
}

var odd = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// called is a name of a file that Discord leaves alone, and that no other has.
func (r *renderer) called(name string) string {
	name = strings.Trim(odd.ReplaceAllString(path.Base(strings.ReplaceAll(name, `\`, "/")), "_"), "._-")
	if name == "" {
		name = "file"
	}
	if len(name) > maxFileName {
		name = name[len(name)-maxFileName:]
	}
	for _, f := range r.files {
		if f.name == name {
			return fmt.Sprintf("%d-%s", len(r.files)+1, name)
		}
	}
	return name
}

// row adds buttons. One for which there is no room is a line to type.
func (r *renderer) row(buttons []chat.Button) {
	for _, b := range buttons {
		p, n := pressOf(b), len(r.buttons)+1
		id, noted := p.id(n)
		room := n <= maxButtons && strings.TrimSpace(b.Line) != ""
		if room && noted {
			r.note.Presses[n] = p
			if _, fits := r.note.address(); !fits {
				delete(r.note.Presses, n)
				room = false
			}
		}
		if !room {
			r.strip(prose, append(named(b.Label, nil), stretch{text: "/" + r.command + " " + anyLine + " " + lineArg + ":" + chat.Clean(b.Line), style: chat.Code}))
			continue
		}
		style := discordgo.SecondaryButton
		if b.Danger {
			style = discordgo.DangerButton
		}
		r.buttons = append(r.buttons, discordgo.Button{Label: fitted(b.Label, maxButton), Style: style, CustomID: id})
	}
}

// bind puts all together. What is too long is its beginning, and a file.
func (r *renderer) bind(tone chat.Tone) rendered {
	if len(r.blocks) == 0 && len(r.pictures) == 0 {
		r.strip(prose, []stretch{{text: "–"}})
	}
	texts, fits := flow(r.blocks, maxTexts)
	if !fits {
		end := block{kind: small, lines: [][]stretch{{{text: "This is the beginning. All of it is in "}, {text: wholeFile, style: chat.Code}, {text: "."}}}}
		texts, _ = flow(r.blocks, maxTexts-leastRest)
		last, _ := flow([]block{end}, leastRest)
		texts = append(texts, last...)
		r.files = append(r.files, enclosure{name: r.called(wholeFile), kind: "text/plain; charset=utf-8", data: []byte(whole(r.blocks))})
	}
	out := rendered{files: r.files, draft: draft{Components: r.rows(), Mentions: mentions{Parse: []string{}, Users: r.users, Roles: r.roles}, Attachments: []enclosed{}}}
	for _, t := range texts {
		out.Embeds = append(out.Embeds, &discordgo.MessageEmbed{Description: t, Color: colour(tone)})
	}
	for _, name := range r.pictures {
		if len(out.Embeds) < maxEmbeds {
			out.Embeds = append(out.Embeds, &discordgo.MessageEmbed{Color: colour(tone), Image: &discordgo.MessageEmbedImage{URL: "attachment://" + name}})
		}
	}
	if r.note.Key != "" || len(r.note.Presses) > 0 {
		out.Embeds[0].URL, _ = r.note.address()
	}
	for i, f := range r.files {
		out.Attachments = append(out.Attachments, enclosed{i, f.name, chat.Cut(chat.Clean(f.alt), maxAlt)})
	}
	out.Content = r.callLine()
	return out
}

// rows are the buttons, side by side.
func (r *renderer) rows() []discordgo.MessageComponent {
	out := []discordgo.MessageComponent{}
	for i := 0; i < len(r.buttons); i += maxPerRow {
		row := discordgo.ActionsRow{}
		for _, b := range r.buttons[i:min(i+maxPerRow, len(r.buttons))] {
			row.Components = append(row.Components, b)
		}
		out = append(out, row)
	}
	return out
}

// callLine is whom the message calls.
func (r *renderer) callLine() string {
	var out []string
	for _, id := range r.users {
		out = append(out, "<@"+id+">")
	}
	for _, id := range r.roles {
		out = append(out, "<@&"+id+">")
	}
	for _, name := range r.names {
		out = append(out, escape(chat.Clean(name)))
	}
	return strings.Join(out, " ")
}
