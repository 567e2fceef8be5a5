// Package chart draws the pictures that go with a digest. It promises that a
// picture never looks better than the numbers it was given:
//
//   - A status holds until it changes, so a count is drawn as steps; nothing
//     is interpolated and nothing is drawn beyond what is known.
//   - A group that holds a server is always at least a few pixels high, so one
//     compromised server among ten thousand can still be seen.
//   - When there are more points than pixels, the highest, the lowest and the
//     last count and the most compromised servers of each few pixels are kept.
//   - The picture speaks of confirmed servers. It never says "clear": that is
//     a declaration, and only a [Mark] of the caller can quote one.
//
// The same input gives the same bytes. Every picture has a bounded size and a
// bounded cost, whatever the input: text is cleaned and cut, never trusted.
// Fonts are embedded (Liberation Sans, SIL Open Font License), so it works on
// a machine that has none.
//
// The package knows numbers, times and words. It must not know incidents,
// stores or platforms. It is the only home of the plotting library, of which it uses the
// canvas and the fonts; the layout is our own, because the library's
// plots put legends over data and draw text too small for a phone.
package chart

import (
	"fmt"
	"time"
)

// Width and Height are the size of every picture in pixels.
const (
	Width  = 1200
	Height = 675
)

// Theme selects the colours of a picture.
type Theme int

// The zero Theme is Light.
const (
	Light Theme = iota
	Dark
)

// String returns the name of the theme.
func (t Theme) String() string {
	switch t {
	case Light:
		return "light"
	case Dark:
		return "dark"
	default:
		return fmt.Sprintf("Theme(%d)", int(t))
	}
}

// Point says how many servers had each status from a moment on, until the next
// point. Every server that is not retired is counted in exactly one
// field. Negative counts are drawn as zero.
type Point struct {
	At time.Time

	Compromised int
	Suspected   int
	Exposed     int
	Unknown     int
	Contained   int
	InProgress  int
	Ready       int
	Excepted    int
	Confirmed   int
}

// Mark is something that happened at a moment, such as "fix line moved".
type Mark struct {
	At    time.Time
	Label string
}

// BurnDown is the picture of an incident: the servers that are not
// confirmed, by status, over time. Its zero value is a valid, empty picture.
type BurnDown struct {
	Title    string
	Subtitle string

	// Points may come in any order. Of several with the same time the last one
	// counts. Points before 1970 or after 9999 are ignored.
	Points []Point

	// Marks outside the time of the points are counted, not drawn.
	Marks []Mark

	// Until says how long the last point is known to hold, usually now. Zero,
	// or a time before the last point, means only its own moment.
	Until time.Time

	// Zone is where the readers are; nil means UTC.
	Zone *time.Location

	Theme Theme
}

func (b BurnDown) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}
