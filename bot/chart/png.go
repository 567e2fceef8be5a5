package chart

import (
	"fmt"
	"image"
	"io"

	"gonum.org/v1/plot/vg"
)

// The layout, in pixels: the header on top, the plot on the left, the panel
// with the numbers, which is also the legend, on the right.
const (
	margin     = 44
	panelWidth = 264
	panelLeft  = Width - margin - panelWidth
	plotRight  = panelLeft - 40
	plotBottom = 552

	lineWidth = 3.0 // of the line of what is left
)

var (
	titleStyle    = style{size: 42, bold: true}
	subtitleStyle = style{size: 27}
	headlineStyle = style{size: 84, bold: true}
	labelStyle    = style{size: 25}
	valueStyle    = style{size: 25, bold: true}
	axisStyle     = style{size: 24}
	noteStyle     = style{size: 20}
)

// PNG writes the picture, Width by Height pixels. The only errors are those of w.
func (b BurnDown) PNG(w io.Writer) error {
	p := newPen(b.Theme.palette())
	top := b.header(p)
	if s := b.series(); s.empty() {
		p.nothing(top)
	} else {
		p.panel(s, top)
		p.plot(b, s, top)
	}
	if err := p.writeTo(w); err != nil {
		return fmt.Errorf("write burn-down picture: %w", err)
	}
	return nil
}

// header writes the titles and says where the space below them begins.
func (b BurnDown) header(p pen) int {
	const width = Width - 2*margin
	title := drawable(b.Title)
	if !says(title) {
		title = untitled
	}
	p.write(titleStyle.fit(title, width), margin, 74, titleStyle, p.text, leftAligned)
	subtitle := drawable(b.Subtitle)
	if !says(subtitle) {
		return 110
	}
	p.write(subtitleStyle.fit(subtitle, width), margin, 116, subtitleStyle, p.muted, leftAligned)
	return 150
}

// nothing is the picture without data: it says so, and shows no axis that could
// be taken for a zero.
func (p pen) nothing(top int) {
	frame := image.Rect(margin, top, Width-margin, Height-margin)
	for _, side := range [][4]int{
		{frame.Min.X, frame.Min.Y, frame.Max.X, frame.Min.Y},
		{frame.Max.X, frame.Min.Y, frame.Max.X, frame.Max.Y},
		{frame.Max.X, frame.Max.Y, frame.Min.X, frame.Max.Y},
		{frame.Min.X, frame.Max.Y, frame.Min.X, frame.Min.Y},
	} {
		p.lines(p.muted, 2, []vg.Length{8, 8}, point(float64(side[0]), float64(side[1])), point(float64(side[2]), float64(side[3])))
	}
	middle := float64(top+Height-margin) / 2
	p.write("No measurements yet", Width/2, middle, titleStyle, p.text, centred)
	p.write("Nothing is known about the servers.", Width/2, middle+46, subtitleStyle, p.muted, centred)
}
