package discord

import (
	"strings"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/bot/chat"
)

// block is what a part of a message becomes: lines that may be cut apart.
type block struct {
	kind  kind
	lines [][]stretch
	head  int // how many of the first lines are said again where it is cut
}

// kind is how lines are set.
type kind uint8

const (
	prose        kind = iota // one below the other
	bullets                  // each an item
	small                    // small print
	preformatted             // as they are
)

// What fits into one message (docs.discord.com/developers/resources/message#embed-object-embed-limits):
// 4,096 characters in one embed, 6,000 in all. Some is kept for what is said of files.
const (
	maxEmbedText = 4000
	maxTexts     = 5500
)

const (
	fenceOpen  = "```\n"
	fenceClose = "\n```"
)

// plainCode is how a stretch of code is written: as it is, without what would end it.
func plainCode(s stretch) string { return strings.ReplaceAll(s.text, "```", "ˋˋˋ") }

// written is how a stretch is written in a block.
func (k kind) written(s stretch) string {
	if k == preformatted {
		return plainCode(s)
	}
	return s.marked()
}

// line is one line as it is written.
func (k kind) line(l []stretch) string {
	var b strings.Builder
	for _, s := range melted(l) {
		b.WriteString(k.written(s))
	}
	switch k {
	case preformatted:
		return strings.ReplaceAll(b.String(), "```", "ˋˋˋ")
	case bullets:
		return "- " + guard(b.String())
	case small:
		return "-# " + guard(b.String())
	}
	return guard(b.String())
}

// binder puts blocks into embeds, in order and losing nothing, until there is no more room.
type binder struct {
	room int // units that are left in all
	open strings.Builder
	used int // units of open
	done []string
	full bool
}

// flow puts blocks into as many texts as they need, of at most so many units in all. Rest
// is where it ended, -1 when all of it fits.
func flow(blocks []block, room int) (texts []string, fits bool) {
	b := &binder{room: room}
	for _, bl := range blocks {
		b.put(bl)
	}
	b.turn()
	return b.done, !b.full
}

// turn ends a text.
func (b *binder) turn() {
	if b.used > 0 {
		b.done = append(b.done, b.open.String())
	}
	b.open.Reset()
	b.used = 0
}

// left is how much can still be put into the open text.
func (b *binder) left() int { return min(maxEmbedText-b.used, b.room) }

// leastRest is how much room is worth cutting a line for, in units.
const leastRest = 200

// put puts a block in, cut where it must be.
func (b *binder) put(bl block) {
	rest := bl.lines
	frame := 0
	if bl.kind == preformatted {
		frame = units(fenceOpen) + units(fenceClose)
	}
	again := 0 // the first of rest that were said before
	for len(rest) > again && !b.full {
		room := b.left() - frame - 1
		n, size := fitting(bl.kind, rest, room)
		switch {
		case n > again:
			b.lay(bl.kind, rest[:n], size+frame)
			rest, again = repeated(bl, rest[n:])
		case again > 0 && b.used == 0:
			rest, again = rest[again:], 0 // there is no room to say them again
		case b.room < maxEmbedText && b.room-frame-1 < leastRest:
			b.full = true
		case again == 0 && (b.used == 0 || room >= leastRest && units(bl.kind.line(rest[0])) > maxEmbedText-frame-1):
			first, second := torn(rest[0], room-4, bl.kind.written)
			rest = append([][]stretch{first, second}, rest[1:]...)
			if units(bl.kind.line(first)) > room { // one character takes more than all there is
				b.full = true
			}
		case b.used == 0:
			b.full = true
		default:
			b.turn()
		}
	}
}

// repeated puts the head of a table in front of what is left of it.
func repeated(bl block, rest [][]stretch) ([][]stretch, int) {
	if bl.head == 0 || len(rest) == 0 {
		return rest, 0
	}
	head := bl.lines[:bl.head:bl.head]
	return append(head, rest...), bl.head
}

// fitting is how many lines fit, and what they take.
func fitting(k kind, lines [][]stretch, room int) (n, size int) {
	for _, l := range lines {
		s := units(k.line(l)) + 1
		if size+s > room+1 {
			break
		}
		n, size = n+1, size+s
	}
	return n, size
}

// lay writes lines into the open text.
func (b *binder) lay(k kind, lines [][]stretch, size int) {
	var text []string
	for _, l := range lines {
		text = append(text, k.line(l))
	}
	all := strings.Join(text, "\n")
	if k == preformatted {
		if strings.TrimSpace(all) == "" {
			all = "·" // Discord shows no empty code
		}
		all = fenceOpen + all + fenceClose
	}
	if b.used > 0 {
		b.open.WriteByte('\n')
		size++
	}
	b.open.WriteString(all)
	b.used += size
	b.room -= size
}

// whole is all that blocks say, as text.
func whole(blocks []block) string {
	var b strings.Builder
	for _, bl := range blocks {
		for _, l := range bl.lines {
			if bl.kind == bullets {
				b.WriteString("- ")
			}
			b.WriteString(said(l))
			b.WriteByte('\n')
		}
		if bl.kind == preformatted {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// codeLines are the lines of text that is shown as it is.
func codeLines(text string) [][]stretch {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var lines [][]stretch
	for l := range strings.SplitSeq(text, "\n") {
		lines = append(lines, []stretch{{text: chat.Clean(strings.ReplaceAll(l, "\t", "    "))}})
	}
	return lines
}

// fitted is a text, cleaned, in at most so many characters.
func fitted(s string, most int) string {
	if s = chat.Cut(chat.Clean(s), most); s == "" || !utf8.ValidString(s) {
		return "–"
	}
	return s
}
