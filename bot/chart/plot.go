package chart

import (
	"image"
	"strings"

	"gonum.org/v1/plot/vg"
)

// plot draws axes, bands, line, marks and the note below.
func (p pen) plot(b BurnDown, s series, top int) {
	scope := s.scope()
	counts := countTicks(scope, plotBottom-top-maxLanes*flagHeight)
	left := margin + int(widest(counts)) + 14
	sc := newScale(s, plotRight-left)
	fs := placeFlags(b.Marks, sc, left, plotRight)
	area := image.Rect(left, top+max(8, fs.lanes*flagHeight+4), plotRight, plotBottom)

	line := p.stack(s, sc, scope, area)
	p.counts(counts, scope, area)
	p.lines(p.muted, 2, nil, point(float64(area.Min.X), float64(area.Max.Y)+1), point(float64(area.Max.X), float64(area.Max.Y)+1))
	p.flags(fs, area)
	if scope > 0 {
		p.lines(p.text, lineWidth, nil, line...)
	}
	p.times(timeTicks(sc.from, sc.to, b.zone()), sc, area)
	p.note(b, s, fs)
}

// stack fills the bands in whole pixels and returns the line of what is left.
func (p pen) stack(s series, sc scale, scope int, area image.Rectangle) []vg.Point {
	var line []vg.Point
	all, end := steps(s, sc), sc.end(s)
	for i, st := range all {
		next := end
		if i+1 < len(all) {
			next = all[i+1].column
		}
		x0, x1, y := area.Min.X+st.column, area.Min.X+next, area.Max.Y
		for g, h := range st.heights(scope, area.Dy()) {
			if group(g) == confirmed {
				above := float64(y) - lineWidth/2 // so that it never covers the band below it
				line = append(line, point(float64(x0), above), point(float64(x1), above))
			}
			p.fill(image.Rect(x0, y-h, x1, y), p.brush(group(g)))
			if h > 2*minBand && group(g) < confirmed {
				p.fill(image.Rect(x0, y-h, x1, y-h+1), image.NewUniform(p.back))
			}
			y -= h
		}
	}
	return line
}

func (p pen) flags(fs flags, area image.Rectangle) {
	for _, f := range fs.placed {
		x, top := float64(f.x)+0.5, float64(area.Min.Y)
		if f.label != "" {
			top -= float64(f.lane*flagHeight) + 28
		}
		foot := point(x, float64(area.Max.Y))
		p.lines(p.back, 5, nil, foot, point(x, float64(area.Min.Y)))
		p.lines(p.text, 2, []vg.Length{7, 5}, foot, point(x, top))
		p.write(f.label, f.left, top+20, flagStyle, p.text, leftAligned)
	}
}

// note says how fresh the picture is and what it does not show.
func (p pen) note(b BurnDown, s series, fs flags) {
	parts := []string{"As of " + moment(s.until, b.zone())}
	if fs.unlabeled > 0 {
		parts = append(parts, marks(fs.unlabeled)+" without room for a label")
	}
	if fs.outside > 0 {
		parts = append(parts, marks(fs.outside)+" not shown")
	}
	note := drawable(strings.Join(parts, "  ·  "))
	p.write(noteStyle.fit(note, plotRight-margin), margin, Height-26, noteStyle, p.muted, leftAligned)
}

func marks(n int) string {
	if n == 1 {
		return "1 mark"
	}
	return number(n) + " marks"
}
