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
	n := newColours(src)
	palette, of := n.nearest()
	out := image.NewPaletted(src.Rect, palette)
	for i, id := range n.pixels {
		out.Pix[i] = of[id]
	}
	return out
}

// colours are those of a picture by number, in the order in which they come.
type colours struct {
	pixels []int32 // the number of the colour of each
	all    []uint32
	count  []int
}

// recently is how many colours are found again without a look into a map.
const recently = 1 << 10

func newColours(src *image.RGBA) colours {
	out := colours{pixels: make([]int32, len(src.Pix)/4)}
	number := map[uint32]int32{}
	var known [recently]struct {
		colour uint32
		id     int32 // from 1
	}
	last, id := uint32(0), int32(-1)
	for i := range out.pixels {
		c := binary.LittleEndian.Uint32(src.Pix[4*i:])
		if c == last && id >= 0 { // most are as the one before
			out.pixels[i] = id
			out.count[id]++
			continue
		}
		near := &known[c*2654435761>>22]
		if near.id == 0 || near.colour != c {
			n, ok := number[c]
			if !ok {
				n = int32(len(out.all)) // #nosec G115 -- no more than pixels
				number[c] = n
				out.all, out.count = append(out.all, c), append(out.count, 0)
			}
			near.colour, near.id = c, n+1
		}
		last, id = c, near.id-1
		out.pixels[i] = id
		out.count[id]++
	}
	return out
}

// nearest is a palette, and which of it stands for each colour.
func (n colours) nearest() (palette color.Palette, of []uint8) {
	order := make([]int, len(n.all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(n.count[b], n.count[a]), cmp.Compare(n.all[a], n.all[b]))
	})
	of = make([]uint8, len(n.all))
	kept := order[:min(len(order), 256)]
	var parts [256][3]int
	for i, id := range kept {
		c := rgbaOf(n.all[id])
		palette, of[id] = append(palette, c), uint8(i) // #nosec G115 -- of at most 256
		parts[i] = [3]int{int(c.R), int(c.G), int(c.B)}
	}
	for _, id := range order[len(kept):] {
		c, best := rgbaOf(n.all[id]), math.MaxInt
		for i := range kept {
			r, g, b := int(c.R)-parts[i][0], int(c.G)-parts[i][1], int(c.B)-parts[i][2]
			if d := r*r + g*g + b*b; d < best {
				best, of[id] = d, uint8(i) // #nosec G115 -- of at most 256
			}
		}
	}
	return palette, of
}

func rgbaOf(c uint32) color.RGBA {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], c)
	return color.RGBA{R: b[0], G: b[1], B: b[2], A: b[3]}
}
