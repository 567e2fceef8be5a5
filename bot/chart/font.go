package chart

import (
	"fmt"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
)

// style is how a piece of text looks.
type style struct {
	size float64 // pixels
	bold bool
}

// fonts are the two faces, parsed when the first picture needs them.
var fonts = sync.OnceValue(func() [2]*opentype.Font {
	return [2]*opentype.Font{mustParse(liberationsansregular.TTF), mustParse(liberationsansbold.TTF)}
})

// mustParse can only fail when the module itself is broken.
func mustParse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("parse embedded font: %v", err))
	}
	return f
}

func (s style) face() font.Face {
	f := fonts()[0]
	if s.bold {
		f = fonts()[1]
	}
	return font.Face{Font: font.Font{Size: font.Length(s.size)}, Face: f}
}

// drawn is the face as it is drawn, a point being a pixel. It is for one goroutine.
func (s style) drawn() xfont.Face {
	f, err := opentype.NewFace(s.face().Face, &opentype.FaceOptions{Size: s.size, DPI: dpi})
	if err != nil {
		panic(fmt.Sprintf("size an embedded font: %v", err)) // it fails for no options
	}
	return f
}

func (s style) width(text string) float64 {
	face := s.face()
	return face.Width(text).Points()
}

// covered says whether both faces have a glyph for r.
func covered(r rune) bool {
	var buf sfnt.Buffer
	for _, f := range fonts() {
		if glyph, err := f.GlyphIndex(&buf, r); err != nil || glyph == 0 {
			return false
		}
	}
	return true
}

// fit cuts text to a width in pixels and shows that it did.
func (s style) fit(text string, width float64) string {
	if s.width(text) <= width {
		return text
	}
	runes := []rune(text)
	short, long := 0, len(runes)
	for short+1 < long {
		if half := (short + long) / 2; s.width(string(runes[:half])+ellipsis) <= width {
			short = half
		} else {
			long = half
		}
	}
	return strings.TrimRight(string(runes[:short]), " ") + ellipsis
}

// shrink makes the style smaller until text fits into a width in pixels.
func (s style) shrink(text string, width float64) style {
	for s.size > 12 && s.width(text) > width {
		s.size--
	}
	return s
}
