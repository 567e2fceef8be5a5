package console

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// printed is a message that is on the terminal.
type printed struct {
	id, key string
	lines   int // with its speaker line
	step    int // of its progress, in quarters
	content string
}

// mostRedrawn is how many lines are printed over; more may have left the screen.
const mostRedrawn = 15

// Post prints a message. One that was printed with the same key is not printed again.
func (p *Platform) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.keys[key]; ok && key != "" {
		return id, nil
	}
	p.count++
	msg := &printed{id: fmt.Sprintf("%s-%d", p.opt.Session, p.count), key: key, step: stepOf(m)}
	if err := p.print(place, m, msg, ""); err != nil {
		return "", err
	}
	p.remember(msg)
	p.heard(key)
	return msg.id, nil
}

// Edit prints over a message when it is still the last one of a terminal, and
// prints it again otherwise; but of progress only each quarter, and nothing that
// is there already.
func (p *Platform) Edit(ctx context.Context, place state.Place, messageID string, m chat.Message, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	msg, ok := p.printed[messageID]
	if !ok {
		return &chat.Permanent{Err: fmt.Errorf("this terminal does not know the message %q", messageID)}
	}
	if err := p.reprint(place, m, msg); err != nil {
		return err
	}
	if key != "" {
		p.keys[key] = messageID
	}
	p.heard(key)
	return nil
}

func (p *Platform) reprint(place state.Place, m chat.Message, msg *printed) error {
	step := stepOf(m)
	if p.opt.TTY && p.last == msg && msg.lines <= mostRedrawn {
		if _, err := fmt.Fprintf(p.out, "\r\x1b[%dA\x1b[J", msg.lines); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		p.last = nil // no empty line in front
		return p.print(place, m, msg, "")
	}
	if step >= 0 && step == msg.step || Render(m, Options{}) == msg.content {
		return nil
	}
	msg.step = step
	return p.print(place, m, msg, "update")
}

// Find knows what this process printed, and nothing of those before it.
func (p *Platform) Find(ctx context.Context, _ state.Place, key string) (string, bool, error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.keys[key]
	return id, ok, nil
}

// stepOf is how many quarters of its work a message reports, -1 when it reports
// none that is under way.
func stepOf(m chat.Message) int {
	for _, part := range m.Parts {
		if bar, ok := part.(chat.Progress); ok && bar.Total > 0 && bar.Done >= 0 && bar.Done < bar.Total {
			return int(int64(bar.Done) * 4 / int64(bar.Total))
		}
	}
	return -1
}

func (p *Platform) remember(m *printed) {
	p.printed[m.id] = m
	p.order = append(p.order, m.id)
	if m.key != "" {
		p.keys[m.key] = m.id
	}
	if len(p.order) > mostKeys {
		p.forget(p.order[0])
		p.order = slices.Delete(p.order, 0, 1)
	}
}

func (p *Platform) forget(id string) {
	delete(p.printed, id)
	for k, v := range p.keys {
		if v == id {
			delete(p.keys, k)
		}
	}
}

// heard notes the answer to a request. The key of a letter begins with that of its
// notice.
func (p *Platform) heard(key string) {
	for id := range p.waiting {
		if key == chat.AnswerKey(id) || strings.HasPrefix(key, chat.AnswerKey(id)+" @ ") {
			p.answeredLocked(id)
		}
	}
}

// say prints what is answered at once, to one person.
func (p *Platform) say(user string, m chat.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := p.Place()
	place.Person = Link(user)
	_ = p.print(place, m, &printed{}, "") // a terminal that cannot be written to ends its reading too
}

// print writes a message: who speaks, and below it, indented, what is said. No
// line of what is said can look like a speaker's, for those are not indented.
func (p *Platform) print(place state.Place, m chat.Message, msg *printed, why string) error {
	body := Render(m, Options{Width: p.opt.width() - len(indent), Colour: p.opt.Colour})
	for _, l := range p.save(m) {
		body += l + "\n"
	}
	var b strings.Builder
	if p.opt.TTY {
		b.WriteString("\r\x1b[K")
	}
	if p.last != nil {
		b.WriteByte('\n')
	}
	b.WriteString(p.header(place, m, why))
	for l := range strings.Lines(body) {
		b.WriteString(strings.TrimRight(indent+l, " \n") + "\n")
	}
	msg.lines = 1 + strings.Count(body, "\n")
	msg.content = Render(m, Options{})
	p.last = msg
	if p.opt.TTY && !p.left {
		b.WriteString(p.opt.Prompt)
	}
	if _, err := io.WriteString(p.out, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

const indent = "  "

func (p *Platform) header(place state.Place, m chat.Message, why string) string {
	page := &page{colour: p.opt.Colour}
	h := page.paint(sgrBold, "allclear") + "  " + page.paint(sgrDim, p.opt.Now().In(p.opt.Zone).Format("15:04"))
	if place.Channel != p.opt.Channel {
		h += "  in " + Clean(place.Channel)
	}
	if place.Thread != "" {
		h += "  thread " + Clean(place.Thread)
	}
	if place.Person != "" {
		h += "  " + page.paint(sgrDim, "only "+Clean(strings.TrimPrefix(place.Person, Name+":"))+" sees this")
	}
	if why != "" {
		h += "  " + page.paint(sgrDim, why)
	}
	for _, who := range m.Notify {
		h += "  " + page.paint(sgrBold, "@"+Clean(who))
	}
	return h + "\n"
}

// prompt asks for a line, on a terminal.
func (p *Platform) prompt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opt.TTY && p.opt.Prompt != "" {
		_, _ = io.WriteString(p.out, "\r\x1b[K"+p.opt.Prompt)
	}
}

// leave ends the asking: what is printed from here on has no prompt behind it.
func (p *Platform) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = true
	if p.opt.TTY && p.opt.Prompt != "" {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
}

// Tell prints a line about the process itself, which is no message to anybody.
func (p *Platform) Tell(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = nil // nothing is printed over it
	if _, err := io.WriteString(p.out, Render(chat.Say(chat.P(text)), Options{Width: p.opt.width(), Colour: p.opt.Colour})); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// typed notes that a line came in: what was printed before is not the last any more.
func (p *Platform) typed(user, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	blank := p.last != nil
	p.last = nil
	if !p.opt.Echo || line == "" {
		return
	}
	who := ""
	if len(p.opt.Roles) > 0 {
		who = Clean(user)
	}
	if blank {
		_, _ = io.WriteString(p.out, "\n")
	}
	_, _ = io.WriteString(p.out, who+"> "+Clean(line)+"\n")
}
