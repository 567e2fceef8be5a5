package chart

import (
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// sights are what readers see of linear red, green and blue: Machado, Oliveira
// and Fernandes 2009, at full severity, and plain luminance.
var sights = map[string][3][3]float64{
	"full colour":  {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func linear(c color.RGBA) [3]float64 {
	var out [3]float64
	for i, v := range []uint8{c.R, c.G, c.B} {
		if f := float64(v) / 255; f <= 0.04045 {
			out[i] = f / 12.92
		} else {
			out[i] = math.Pow((f+0.055)/1.055, 2.4)
		}
	}
	return out
}

func apply(m [3][3]float64, v [3]float64) [3]float64 {
	var out [3]float64
	for i := range m {
		for j := range v {
			out[i] += m[i][j] * v[j]
		}
		out[i] = min(max(out[i], 0), 1)
	}
	return out
}

// lab is CIE L*a*b* for D65.
func lab(rgb [3]float64) [3]float64 {
	m := [3][3]float64{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}
	var f [3]float64
	for i, white := range []float64{0.9505, 1, 1.089} {
		x := (m[i][0]*rgb[0] + m[i][1]*rgb[1] + m[i][2]*rgb[2]) / white
		if f[i] = math.Cbrt(x); x <= 0.008856 {
			f[i] = 7.787*x + 16.0/116
		}
	}
	return [3]float64{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

func distance(a, b color.RGBA, sight [3][3]float64) float64 {
	x, y := lab(apply(sight, linear(a))), lab(apply(sight, linear(b)))
	return math.Sqrt(math.Pow(x[0]-y[0], 2) + math.Pow(x[1]-y[1], 2) + math.Pow(x[2]-y[2], 2))
}

// A difference of 10 is seen at a glance; neighbours get twice that, as a thin
// band is harder to see than a large patch.
func TestBandsStayApartForColourBlindReaders(t *testing.T) {
	t.Parallel()
	for _, theme := range []Theme{Light, Dark} {
		p := theme.palette()
		for name, sight := range sights {
			for a := range groups {
				for b := a + 1; b < groups; b++ {
					least := 10.0
					if b == a+1 {
						least = 20
					}
					require.GreaterOrEqual(t, distance(p.bands[a], p.bands[b], sight), least,
						"%s, %s: %s and %s", theme, name, groupNames[a], groupNames[b])
				}
			}
		}
	}
}

func contrast(a, b color.RGBA) float64 {
	lum := func(c color.RGBA) float64 {
		l := linear(c)
		return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2] + 0.05
	}
	return max(lum(a), lum(b)) / min(lum(a), lum(b))
}

func TestTextMeetsTheContrastOfWCAG(t *testing.T) {
	t.Parallel()
	for _, theme := range []Theme{Light, Dark} {
		p := theme.palette()
		require.GreaterOrEqual(t, contrast(p.text, p.back), 7.0, theme)
		require.GreaterOrEqual(t, contrast(p.muted, p.back), 4.5, theme)
		require.GreaterOrEqual(t, contrast(p.text, p.bands[confirmed]), 7.0, theme)
	}
}
