package slackfake

import (
	"fmt"
	"strings"
)

// page is what blocks or a text show to a person.
type page struct {
	spans    []Span
	controls []control
	who      names
}

// control is something to press or fill in.
type control struct {
	kind, label, blockID, actionID, value string
	element                               object
}

func (p *page) say(text string)   { p.spans = append(p.spans, Span{Text: text}) }
func (p *page) add(spans ...Span) { p.spans = append(p.spans, spans...) }

// text reads a text object.
func (p *page) text(v any) []Span {
	o := obj(v)
	if str(o["type"]) == "mrkdwn" {
		return readMrkdwn(str(o["text"]), p.who)
	}
	return readPlain(str(o["text"]))
}

// blocks reads blocks, one under the other.
func (p *page) blocks(blocks []any) {
	for i, b := range blocks {
		if i > 0 {
			p.say("\n")
		}
		p.block(obj(b))
	}
}

func (p *page) block(b object) {
	id := str(b["block_id"])
	switch str(b["type"]) {
	case "header":
		for _, s := range p.text(b["text"]) {
			s.Bold = true
			p.add(s)
		}
	case "section":
		p.section(b, id)
	case "context":
		p.row(b, "  ", id)
	case "actions", "context_actions":
		p.row(b, " ", id)
	case "divider":
		p.say("---")
	case "image":
		p.image(b)
	case "input":
		p.add(p.text(b["label"])...)
		p.say(": ")
		p.element(obj(b["element"]), id, flat(p.text(b["label"])))
	case "rich_text":
		p.rich(list(b["elements"]))
	case "markdown":
		p.markdown(str(b["text"]))
	case "table", "data_table":
		p.table(b)
	case "data_visualization":
		p.chart(b)
	case "container":
		p.add(p.text(b["title"])...)
		p.say("\n")
		p.blocks(list(b["child_blocks"]))
	default:
		p.loose(b)
	}
}

func (p *page) section(b object, id string) {
	said := false
	if b["text"] != nil {
		p.add(p.text(b["text"])...)
		said = true
	}
	for _, f := range list(b["fields"]) {
		if said {
			p.say("\n")
		}
		p.add(p.text(f)...)
		said = true
	}
	if e := obj(b["accessory"]); e != nil {
		p.say(" ")
		p.element(e, id, "")
	}
}

func (p *page) row(b object, between, id string) {
	for i, e := range list(b["elements"]) {
		if i > 0 {
			p.say(between)
		}
		e := obj(e)
		if t := str(e["type"]); t == "mrkdwn" || t == "plain_text" {
			p.add(p.text(e)...)
			continue
		}
		p.element(e, id, "")
	}
}

func (p *page) image(b object) {
	p.say("(image: " + str(b["alt_text"]) + ")")
}

// element shows something interactive and keeps it to be used.
func (p *page) element(e object, block, label string) {
	kind := str(e["type"])
	if kind == "image" {
		p.image(e)
		return
	}
	c := control{kind: kind, label: label, blockID: block, actionID: str(e["action_id"]), value: str(e["value"]), element: e}
	shown := p.face(e)
	if c.label == "" {
		c.label = or(flat(p.text(e["text"])), flat(p.text(e["placeholder"])))
	}
	p.controls = append(p.controls, c)
	p.say("[" + shown + "]")
}

// face is what is written on something interactive: its label, what was chosen at
// first, or what can be chosen.
func (p *page) face(e object) string {
	for _, k := range []string{"initial_value", "initial_date", "initial_time"} {
		if v := str(e[k]); v != "" {
			return v
		}
	}
	if o := obj(e["initial_option"]); o != nil {
		return flat(p.text(o["text"]))
	}
	switch str(e["type"]) {
	case "overflow":
		return "…"
	case "datetimepicker":
		if e["initial_date_time"] != nil {
			return fmt.Sprint(e["initial_date_time"])
		}
	case "checkboxes", "radio_buttons":
		var words []string
		for _, o := range list(e["options"]) {
			words = append(words, flat(p.text(obj(o)["text"])))
		}
		return strings.Join(words, "] [")
	}
	return or(flat(p.text(e["text"])), flat(p.text(e["placeholder"])))
}

// rich reads rich text: its text is data.
func (p *page) rich(elements []any) {
	for i, e := range elements {
		if i > 0 && !strings.HasSuffix(flat(p.spans), "\n") {
			p.say("\n")
		}
		e := obj(e)
		switch str(e["type"]) {
		case "rich_text_list":
			p.richList(e)
		case "rich_text_preformatted":
			p.richLine(list(e["elements"]), Span{Code: true})
		case "rich_text_quote":
			p.richLine(list(e["elements"]), Span{Quote: true})
		default:
			p.richLine(list(e["elements"]), Span{})
		}
	}
}

func (p *page) richList(e object) {
	for i, item := range list(e["elements"]) {
		if i > 0 {
			p.say("\n")
		}
		if str(e["style"]) == "ordered" {
			p.say(fmt.Sprintf("%d. ", i+1))
		} else {
			p.say("• ")
		}
		p.richLine(list(obj(item)["elements"]), Span{})
	}
}

func (p *page) richLine(elements []any, style Span) {
	for _, e := range elements {
		e := obj(e)
		s, look := style, obj(e["style"])
		s.Bold, s.Italic, s.Strike = truth(look["bold"]), truth(look["italic"]), truth(look["strike"])
		s.Code = s.Code || truth(look["code"])
		switch str(e["type"]) {
		case "text":
			s.Text = str(e["text"])
		case "link":
			s.Text, s.Link = str(e["text"]), str(e["url"])
			if s.Text == "" {
				s.Text = s.Link
			}
		case "user":
			s.Text = "@unknown-user"
			if name, known := p.who.userName(str(e["user_id"])); known {
				s.Text, s.Mention = "@"+name, str(e["user_id"])
			}
		case "usergroup":
			s.Text = "@unknown-group"
			if name, known := p.who.groupName(str(e["usergroup_id"])); known {
				s.Text, s.Mention = "@"+name, str(e["usergroup_id"])
			}
		case "broadcast":
			s.Text, s.Mention = "@"+str(e["range"]), str(e["range"])
		case "channel":
			s.Text = "#unknown-channel"
			if name, known := p.who.channelName(str(e["channel_id"])); known {
				s.Text = "#" + name
			}
		case "emoji":
			s.Text = ":" + str(e["name"]) + ":"
		case "date":
			s.Text = str(e["fallback"])
		default:
			s.Text = str(e["value"])
		}
		p.add(s)
	}
}

func (p *page) table(b object) {
	p.say(str(b["caption"]))
	for i, row := range list(b["rows"]) {
		if i > 0 || str(b["caption"]) != "" {
			p.say("\n")
		}
		for j, c := range list(row) {
			if j > 0 {
				p.say(" | ")
			}
			p.tableCell(obj(c), str(b["block_id"]))
		}
	}
}

func (p *page) tableCell(c object, block string) {
	switch str(c["type"]) {
	case "rich_text":
		p.rich(list(c["elements"]))
	case "action_cell":
		p.element(obj(c["element"]), block, "")
	default:
		if t := str(c["text"]); t != "" {
			p.say(t)
		} else if c["value"] != nil {
			p.say(fmt.Sprint(c["value"]))
		}
	}
}

func (p *page) chart(b object) {
	p.say("(chart: " + str(b["title"]) + ")")
	body := obj(b["chart"])
	for _, s := range list(body["segments"]) {
		p.say(fmt.Sprintf("\n%s %v", str(obj(s)["label"]), obj(s)["value"]))
	}
	for _, s := range list(body["series"]) {
		p.say("\n" + str(obj(s)["name"]) + ":")
		for _, d := range list(obj(s)["data"]) {
			p.say(fmt.Sprintf(" %s %v", str(obj(d)["label"]), obj(d)["value"]))
		}
	}
}

// loose shows whatever text is in a block that is seldom used.
func (p *page) loose(b object) {
	for _, k := range []string{"title", "subtitle", "body", "subtext", "text", "description"} {
		if s, ok := b[k].(string); ok {
			p.say(s + "\n")
		} else if b[k] != nil {
			p.add(p.text(b[k])...)
			p.say("\n")
		}
	}
	for _, e := range append(list(b["actions"]), append(list(b["elements"]), list(b["tasks"])...)...) {
		if o := obj(e); o["action_id"] != nil {
			p.element(o, str(b["block_id"]), "")
		} else {
			p.block(o)
		}
	}
}

// markdown shows a markdown block as it was written. Whom it names is notified.
func (p *page) markdown(text string) { p.add(literal(lex(text, p.who), Span{})...) }
