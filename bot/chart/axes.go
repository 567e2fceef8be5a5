package chart

import "image"

func widest(counts []int) float64 {
	most := 0.0
	for _, n := range counts {
		most = max(most, axisStyle.width(number(n)))
	}
	return most
}

func (p pen) counts(counts []int, scope int, area image.Rectangle) {
	for _, n := range counts {
		y := float64(area.Max.Y)
		if scope > 0 {
			y -= float64(n) / float64(scope) * float64(area.Dy())
		}
		p.lines(p.grid, 1.5, nil, point(float64(area.Min.X), y), point(float64(area.Max.X), y))
		p.write(number(n), float64(area.Min.X)-12, y+8, axisStyle, p.muted, rightAligned)
	}
}

// times writes the labels below the axis, none over another or outside.
func (p pen) times(ticks []tick, sc scale, area image.Rectangle) {
	ends := [2]float64{}
	for _, t := range ticks {
		x := float64(area.Min.X + sc.column(t.at))
		p.lines(p.muted, 2, nil, point(x, float64(area.Max.Y)), point(x, float64(area.Max.Y)+8))
		for row, text := range []string{t.label, t.below} {
			half := axisStyle.width(text) / 2
			at := min(max(x, margin+half), panelLeft-10-half)
			if text == "" || at-half < ends[row] {
				continue
			}
			p.write(text, at, float64(area.Max.Y+36+row*28), axisStyle, p.muted, centred)
			ends[row] = at + half + 12
		}
	}
}
