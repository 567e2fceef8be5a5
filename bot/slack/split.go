package slack

import (
	"strings"

	slackgo "github.com/slack-go/slack"
)

// piece is what a part of a message becomes: one block, or lines that may be cut
// into several.
type piece struct {
	kind  kind
	lines [][]stretch
	head  int // how many of the first lines are said again where it is cut

	block   slackgo.Block // one block instead of lines,
	size    int           // the units of text in it,
	extra   int           // what Slack counts for it besides,
	says    string        // and what it says
	heading bool
	press   bool // buttons
}

// room is how much one message may hold.
type room struct {
	blocks int // blocks
	text   int // units of text
	weight int // units of text, and what Slack counts for blocks besides
	parts  int // elements of rich text: they cost bytes, not text
	chunk  int // units of text in one block
}

// What fits into one message. Slack takes 50 blocks, or 100 in a view, and what it
// calls too long begins at about 13,200 characters, with some added for each block
// and about 100 for a heading (measured by others: slackapi/bolt-js#2509, #2867). A
// text has 3,000 characters at most (docs.slack.dev/reference/block-kit/blocks), a
// view 250 kB (docs.slack.dev/reference/methods/views.publish).
var (
	messageRoom = room{blocks: 45, text: 12000, weight: 13000, parts: 1500, chunk: 3000}
	homeRoom    = room{blocks: 95, text: 12000, weight: 15000, parts: 1500, chunk: 3000}
)

// What blocks cost besides their text.
const (
	blockCost  = 25
	headerCost = 100
)

// less is the room that is left when so much is taken.
func (r room) less(o room) room {
	return room{r.blocks - o.blocks, r.text - o.text, r.weight - o.weight, r.parts - o.parts, r.chunk}
}

// price is what one block takes.
func (p piece) price() room {
	return room{blocks: 1, text: p.size, weight: p.size + blockCost + p.extra, parts: 1}
}

func (r room) holds(o room) bool {
	return o.blocks <= r.blocks && o.text <= r.text && o.weight <= r.weight && o.parts <= r.parts
}

// binder puts pieces on sheets, in order and losing nothing, until there are more
// sheets than most.
type binder struct {
	room   room
	most   int
	left   room // of the open sheet
	open   []piece
	sheets [][]piece
}

func newBinder(r room, most int) *binder { return &binder{room: r, left: r, most: most} }

func (b *binder) full() bool { return len(b.sheets) > b.most }

func (b *binder) put(p piece) {
	if b.full() {
		return
	}
	if p.block == nil {
		b.flow(p)
		return
	}
	if !b.left.holds(p.price()) && len(b.open) > 0 {
		b.turn()
	}
	b.lay(p)
}

// lay puts a block on the open sheet.
func (b *binder) lay(p piece) {
	b.left = b.left.less(p.price())
	b.open = append(b.open, p)
}

// turn begins a new sheet. A heading goes with what is below it.
func (b *binder) turn() {
	at := len(b.open)
	for at > 1 && b.open[at-1].heading {
		at--
	}
	if b.open[0].heading && at == 1 {
		at = len(b.open)
	}
	carried := b.open[at:]
	b.sheets = append(b.sheets, b.open[:at:at])
	b.open, b.left = nil, b.room
	for _, p := range carried {
		b.lay(p)
	}
}

// leastRest is how much room, in units, is worth cutting a long line for.
const leastRest = 400

// flow cuts lines into blocks.
func (b *binder) flow(p piece) {
	rest, again := p.lines, 0 // the first of rest that were said before
	for len(rest) > again && !b.full() {
		room := min(b.left.text, b.left.weight-blockCost, b.room.chunk)
		if b.left.blocks < 1 {
			room = 0
		}
		n, size, parts := fitting(rest, room, b.left.parts)
		switch {
		case n > again:
			b.lay(piece{block: p.kind.block(rest[:n]), size: size, extra: 0, says: joined(p.kind, rest[again:n]), heading: false})
			b.left.parts -= parts
			rest, again = b.repeated(p, rest[n:])
		case again > 0 && len(b.open) == 0:
			rest, again = rest[again:], 0 // there is no room to say them again
		case again == 0 && (len(b.open) == 0 || room >= leastRest && tooLong(rest[0], b.room)):
			first, second := torn(rest[0], room-1, b.left.parts)
			rest = append([][]stretch{first, second}, rest[1:]...)
		default:
			b.turn()
		}
	}
}

// repeated puts the head of a table in front of what is left of it, when there is
// room for both.
func (b *binder) repeated(p piece, rest [][]stretch) ([][]stretch, int) {
	if p.head == 0 || len(rest) == 0 {
		return rest, 0
	}
	head := p.lines[:p.head:p.head]
	if n, _, _ := fitting(append(head, rest[0]), b.room.chunk/2, b.room.parts); n <= p.head {
		return rest, 0
	}
	return append(head, rest...), p.head
}

// cost is how many units of text a line is, with its end, and how many elements.
func cost(l []stretch) (size, parts int) {
	size, parts = 1, 2
	for _, s := range l {
		size += units(s.text)
		parts++
	}
	return size, parts
}

func tooLong(l []stretch, r room) bool {
	size, parts := cost(l)
	return size > r.chunk || parts > r.parts
}

// fitting is how many lines fit, and what they take.
func fitting(lines [][]stretch, room, most int) (n, size, parts int) {
	for _, l := range lines {
		s, p := cost(l)
		if size+s > room || parts+p > most {
			break
		}
		n, size, parts = n+1, size+s, parts+p
	}
	return n, size, parts
}

// torn cuts a line in two, so that the first takes at most so much.
func torn(l []stretch, most, parts int) (first, rest []stretch) {
	for i, s := range l {
		switch n := units(s.text); {
		case i+3 > parts && i > 0:
			return l[:i:i], l[i:]
		case n <= most:
			most -= n
		case s.whole() && i > 0:
			return l[:i:i], l[i:]
		case most < 1 && i > 0:
			return l[:i:i], l[i:]
		default:
			head, tail := broken(s.text, max(most, 1))
			return append(l[:i:i], stretch{text: head, style: s.style, who: s.who}), append([]stretch{{text: tail, style: s.style, who: s.who}}, l[i+1:]...)
		}
	}
	return l, nil
}

// joined is what lines say.
func joined(k kind, lines [][]stretch) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if k == bullets {
			b.WriteString("- ")
		}
		b.WriteString(said(l))
	}
	return b.String()
}

// all are the sheets, the open one too.
func (b *binder) all() [][]piece {
	if len(b.open) == 0 {
		return b.sheets
	}
	return append(b.sheets, b.open)
}
