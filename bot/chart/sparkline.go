package chart

import "strings"

// maxSparkline is the widest sparkline; more would wrap on a phone.
const maxSparkline = 120

// blocks draw a share in text. The lowest one is kept for zero.
var blocks = []rune("▁▂▃▄▅▆▇█")

// Sparkline is the picture as one line of text: the servers not confirmed, out
// of the most that were ever in scope, in width characters. Each character
// shows the worst of its time, the last one the last count. The lowest block
// means zero and nothing else. It is empty when nothing is known, and one
// character when there is only one moment.
func (b BurnDown) Sparkline(width int) string {
	s := b.series()
	width = min(width, maxSparkline)
	if s.empty() || width <= 0 {
		return ""
	}
	if !s.until.After(s.first().at) {
		width = 1
	}
	scope := s.scope()
	var out strings.Builder
	for _, n := range s.worstPer(width) {
		out.WriteRune(block(n, scope))
	}
	return out.String()
}

// worstPer cuts the time into width equal pieces and gives the most servers
// left in each; the last piece is the last count.
func (s series) worstPer(width int) []int {
	out := make([]int, width)
	span := max(seconds(s.first().at, s.until), 1e-9)
	held, piece := 0, 0
	carry := func(pos float64) { // what was held until pos, into the pieces that it reaches
		for next := piece + 1; next < width && float64(next) < pos; next++ {
			out[next] = held
		}
		piece = max(piece, min(int(pos), width-1))
	}
	for _, p := range s.samples {
		carry(seconds(s.first().at, p.at) / span * float64(width))
		held = p.left()
		out[piece] = max(out[piece], held)
	}
	carry(float64(width))
	out[width-1] = held
	return out
}

func block(n, scope int) rune {
	if n == 0 || scope == 0 {
		return blocks[0]
	}
	top := len(blocks) - 1
	return blocks[1+min(n*top/(scope+1), top-1)]
}
