package chart

import "time"

const (
	// minSpan is the shortest time that an axis covers.
	minSpan = 30 * time.Minute

	// stub is how many pixels the last sample gets when it is known only for
	// its own moment: enough to be seen, too few to look like a prediction.
	stub = 8

	// loneStub is the stub of a picture that has only one sample.
	loneStub = 64
)

// scale maps moments to the pixel columns of a plot.
type scale struct {
	from, to time.Time
	width    int // columns, the stub included
	stub     int
}

// newScale covers the time of s, which must not be empty.
func newScale(s series, width int) scale {
	sc := scale{from: s.first().at, to: s.until, width: width, stub: stub}
	if !sc.to.After(sc.from) {
		sc.stub = loneStub
	}
	if missing := minSpan - sc.to.Sub(sc.from); missing > 0 {
		sc.from = sc.from.Add(-missing / 2)
		sc.to = sc.from.Add(minSpan)
	}
	return sc
}

// span is in seconds, because a time.Duration ends at 292 years.
func (sc scale) span() float64 { return seconds(sc.from, sc.to) }

// column is the column of t; it is outside 0..width when t is off the axis.
func (sc scale) column(t time.Time) int {
	return int(seconds(sc.from, t) / sc.span() * float64(sc.width-sc.stub))
}

// covers says whether t is on the axis.
func (sc scale) covers(t time.Time) bool { return !t.Before(sc.from) && !t.After(sc.to) }

// end is the first column after what is known.
func (sc scale) end(s series) int { return min(sc.column(s.until)+sc.stub, sc.width) }

func seconds(from, to time.Time) float64 {
	return float64(to.Unix()-from.Unix()) + float64(to.Nanosecond()-from.Nanosecond())/1e9
}
