package chart

import (
	"cmp"
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"slices"
)

// indexed is a picture with the 256 colours that it uses most; the others, a few pixels
// at the edges of letters, become the nearest of these. Such a picture is encoded in a
// fraction of the time.
func indexed(src *image.RGBA) *image.Paletted {
	index := nearest(histogram(src))
	out := image.NewPaletted(src.Rect, index.colours)
	var last uint32
	var at uint8
	for i := range out.Pix {
		if c := binary.LittleEndian.Uint32(src.Pix[4*i:]); i == 0 || c != last {
			last, at = c, index.of[c]
		}
		out.Pix[i] = at
	}
	return out
}

// histogram counts the pixels of each colour.
func histogram(src *image.RGBA) map[uint32]int {
	count := map[uint32]int{}
	run, last := 0, uint32(0)
	for i := 0; i < len(src.Pix); i += 4 {
		c := binary.LittleEndian.Uint32(src.Pix[i:])
		if c != last {
			count[last] += run
			run, last = 0, c
		}
		run++
	}
	count[last] += run
	return count
}

// colourIndex is a palette, and where in it each colour of a picture is.
type colourIndex struct {
	colours color.Palette
	of      map[uint32]uint8
}

func nearest(count map[uint32]int) colourIndex {
	all := make([]uint32, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	out := colourIndex{of: make(map[uint32]uint8, len(all))}
	kept := all[:min(len(all), 256)]
	for i, c := range kept {
		out.colours = append(out.colours, rgbaOf(c))
		out.of[c] = uint8(i) // #nosec G115 -- of at most 256
	}
	for _, c := range all[len(kept):] {
		best := math.MaxInt
		for i, k := range kept {
			if d := apart(c, k); d < best {
				best, out.of[c] = d, uint8(i) // #nosec G115 -- of at most 256
			}
		}
	}
	return out
}

func rgbaOf(c uint32) color.RGBA {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], c)
	return color.RGBA{R: b[0], G: b[1], B: b[2], A: b[3]}
}

// apart is how far apart two colours are; its unit means nothing.
func apart(a, b uint32) int {
	x, y := rgbaOf(a), rgbaOf(b)
	d := 0
	for _, p := range [][2]uint8{{x.R, y.R}, {x.G, y.G}, {x.B, y.B}, {x.A, y.A}} {
		n := int(p[0]) - int(p[1])
		d += n * n
	}
	return d
}
