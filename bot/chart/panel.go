package chart

import "image"

// panel writes the last numbers in the order of the bands.
func (p pen) panel(s series, top int) {
	last, right, y := s.last(), float64(Width-margin), float64(top)
	headline, of, what := number(last.left()), "of "+plural(last.total()), "not confirmed"
	if last.total() == 0 { // a zero would look like success
		headline, of, what = "–", "no servers in scope", ""
	}
	p.write(headline, panelLeft, y+66, headlineStyle.shrink(headline, panelWidth), p.text, leftAligned)
	p.write(of, panelLeft, y+104, subtitleStyle.shrink(of, panelWidth), p.text, leftAligned)
	p.write(what, panelLeft, y+138, subtitleStyle, p.text, leftAligned)

	const pitch, chip = 36, 22
	y += 192
	for _, g := range legend(s.ever()) {
		ink := p.text
		if last.tally[g] == 0 {
			ink = p.muted
		}
		p.chip(panelLeft, y-19, chip, p.bands[g])
		if g == unknown {
			p.hatched(panelLeft, int(y)-19, chip)
		}
		value := number(last.tally[g])
		p.write(groupNames[g], panelLeft+chip+14, y, labelStyle, ink, leftAligned)
		p.write(value, right, y, valueStyle.shrink(value, panelWidth-chip-14-labelStyle.width(groupNames[g])-10), ink, rightAligned)
		y += pitch
	}
}

// legend lists the groups from the top band to the bottom one. Those that never
// held a server are left out, except the three that readers look for.
func legend(ever [groups]bool) []group {
	var out []group
	for g := groups - 1; g >= 0; g-- {
		if ever[g] || g == confirmed || g == unknown || g == compromised {
			out = append(out, g)
		}
	}
	return out
}

// hatched puts stripes on a chip, clear of its round corners.
func (p pen) hatched(x, y, size int) {
	p.fill(image.Rect(x+4, y+4, x+size-4, y+size-4), p.brush(unknown))
}
