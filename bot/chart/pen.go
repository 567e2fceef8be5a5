package chart

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// pen draws on a canvas in pixels, with the origin at the top left.
type pen struct {
	canvas *vgimg.Canvas
	pixels *image.RGBA // of the canvas
	faces  map[style]font.Face
	palette
}

// dpi makes a point of the canvas one pixel.
const dpi = 72

func newPen(p palette) pen {
	canvas := vgimg.NewWith(vgimg.UseWH(Width, Height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(p.back))
	return pen{canvas, canvas.Image().(*image.RGBA), map[style]font.Face{}, p} // it makes no other kind
}

func (p pen) writeTo(w io.Writer) error {
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	return e.Encode(w, indexed(p.pixels))
}

func point(x, y float64) vg.Point { return vg.Point{X: vg.Length(x), Y: vg.Length(Height - y)} }

// fill paints whole pixels, without soft edges that neighbours could shine through.
func (p pen) fill(r image.Rectangle, src image.Image) {
	draw.Draw(p.pixels, r, src, r.Min, draw.Src)
}

// align says where the text is, seen from its x.
type align float64

const (
	leftAligned  align = 0
	centred      align = -0.5
	rightAligned align = -1
)

// write puts text with its baseline at y.
func (p pen) write(text string, x, y float64, s style, c color.Color, a align) {
	face, ok := p.faces[s]
	if !ok {
		face = s.drawn()
		p.faces[s] = face
	}
	d := font.Drawer{Dst: p.pixels, Src: image.NewUniform(c), Face: face, Dot: fixed.Point26_6{X: subpixels(x + float64(a)*s.width(text)), Y: subpixels(y)}}
	d.DrawString(text)
}

// subpixels is a place in pixels as fonts count it.
func subpixels(at float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(at * 64)) }

// lines strokes a polyline; dash may be empty.
func (p pen) lines(c color.Color, width float64, dash []vg.Length, points ...vg.Point) {
	var path vg.Path
	for i, at := range points {
		if i == 0 {
			path.Move(at)
		} else {
			path.Line(at)
		}
	}
	p.canvas.SetColor(c)
	p.canvas.SetLineWidth(vg.Length(width))
	p.canvas.SetLineDash(dash, 0)
	p.canvas.Stroke(path)
}

// chip is a filled square with round corners, the swatch of the legend.
func (p pen) chip(x, y, size float64, c color.Color) {
	const radius = 5
	var path vg.Path
	for i, corner := range [][2]float64{{size - radius, size - radius}, {radius, size - radius}, {radius, radius}, {size - radius, radius}} {
		path.Arc(point(x+corner[0], y+size-corner[1]), radius, float64(i)*math.Pi/2, math.Pi/2)
	}
	path.Close()
	p.canvas.SetColor(c)
	p.canvas.Fill(path)
}

// stripes is an endless picture of diagonal stripes.
type stripes struct{ ground, stripe color.RGBA }

var _ image.RGBA64Image = stripes{}

func (stripes) ColorModel() color.Model { return color.RGBAModel }
func (stripes) Bounds() image.Rectangle { return image.Rect(-1e9, -1e9, 1e9, 1e9) }

func (s stripes) At(x, y int) color.Color {
	if (x+y)%12 < 3 {
		return s.stripe
	}
	return s.ground
}

func (s stripes) RGBA64At(x, y int) color.RGBA64 {
	r, g, b, a := s.At(x, y).RGBA()
	return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
}

// brush is the source for the pixels of a band.
func (p pen) brush(g group) image.Image {
	if g == unknown {
		return stripes{p.bands[g], p.hatch}
	}
	return image.NewUniform(p.bands[g])
}
