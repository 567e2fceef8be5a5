package chart

import "image/color"

// palette is the colours of a theme. Neighbours differ in lightness as well as
// in hue, so that they stay apart for colour-blind readers and in grey; a test simulates both.
type palette struct {
	back, text, muted color.RGBA

	// grid is translucent: it lies over the bands, which fill the plot.
	grid color.RGBA

	bands [groups]color.RGBA

	// hatch is the stripes over the unknown band, so that it is told apart
	// without any colour at all.
	hatch color.RGBA
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

// palette treats a theme that it does not know as Light.
func (t Theme) palette() palette {
	if t == Dark {
		return palette{
			back: rgb(0x1a1d21), text: rgb(0xf3f4f6), muted: rgb(0xa5adb8), grid: color.RGBA{R: 0x24, G: 0x24, B: 0x24, A: 0x24},
			hatch: rgb(0xa3abb6),
			bands: [groups]color.RGBA{
				compromised: rgb(0xb3202c),
				suspected:   rgb(0xf57b51),
				exposed:     rgb(0xf7cf5b),
				unknown:     rgb(0x767e89),
				contained:   rgb(0x2f62c9),
				inProgress:  rgb(0x55b4f0),
				ready:       rgb(0xb5e8f2),
				excepted:    rgb(0xb55fae),
				confirmed:   rgb(0x22463a),
			},
		}
	}
	return palette{
		back: rgb(0xffffff), text: rgb(0x1b1f24), muted: rgb(0x59626d), grid: color.RGBA{A: 0x1c},
		hatch: rgb(0xb4bac2),
		bands: [groups]color.RGBA{
			compromised: rgb(0x8f1420),
			suspected:   rgb(0xe4592f),
			exposed:     rgb(0xf6bd3d),
			unknown:     rgb(0x87909b),
			contained:   rgb(0x1d4c9f),
			inProgress:  rgb(0x3f9ae0),
			ready:       rgb(0x9ddbea),
			excepted:    rgb(0xa04f96),
			confirmed:   rgb(0xdcefe3),
		},
	}
}
