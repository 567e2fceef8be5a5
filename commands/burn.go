package commands

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxBurn is how far back a burn-down looks.
const maxBurn = 90 * 24 * time.Hour

// BurnDown is how the counts of an incident went from its beginning until now, or
// until it was closed.
func BurnDown(ctx context.Context, r Reader, incident string, now time.Time) (Burn, error) {
	inc, err := r.Incident(ctx, incident)
	if err != nil {
		return Burn{}, err
	}
	b := Burn{Title: inc.Title, Subtitle: inc.ID, Until: now, Zone: inc.Location()}
	if !inc.Closed.IsZero() && inc.Closed.Before(now) {
		b.Until = inc.Closed
	}
	from := inc.Opened
	if b.Until.Sub(from) > maxBurn {
		from = b.Until.Add(-maxBurn)
		b.Subtitle += ", the last 90 days"
	}
	points, since, err := samples(ctx, r, incident, from, b.Until)
	if err != nil {
		return Burn{}, err
	}
	if b.Points = points; since.After(from) {
		b.Subtitle, from = inc.ID+", since "+since.In(b.Zone).Format("2 Jan 2006"), since
	}
	if inc.Drill {
		b.Subtitle = "DRILL " + b.Subtitle
	}
	b.mark(inc.Opened, from, "opened")
	b.mark(inc.Rules.Due, from, "due")
	for _, r := range inc.Revised {
		if b.mark(r.At, from, fmt.Sprintf("fix lines: rev %d", r.Revision)) {
			b.Moved = append(b.Moved, r.At)
		}
	}
	if inc.Clear != nil {
		b.mark(inc.Clear.At, from, inc.Clear.Words())
	}
	b.mark(inc.Closed, from, "closed")
	return b, nil
}

// Bounds of what is read for a picture: a week at a time, newest first, until there
// is enough.
const (
	readAtOnce = 7 * 24 * time.Hour
	maxSamples = 10_000
)

// samples reads the counts of a time, or of the end of it when there are too many.
func samples(ctx context.Context, r Reader, incident string, from, until time.Time) (points []state.Point, since time.Time, err error) {
	since = until
	for first := true; first || since.After(from) && len(points) < maxSamples; first = false {
		begin := since.Add(-readAtOnce)
		if begin.Before(from) {
			begin = from
		}
		some, err := r.History(ctx, incident, begin, since)
		if err != nil {
			return nil, since, err
		}
		if n := len(some); n > 0 && len(points) > 0 && !some[n-1].At.Before(points[0].At) {
			some = some[:n-1] // the minute at which two weeks meet
		}
		points, since = append(some, points...), begin
	}
	return points, since, nil
}

// mark adds a moment, if it lies in the picture.
func (b *Burn) mark(at, from time.Time, label string) bool {
	in := !at.IsZero() && !at.Before(from) && !at.After(b.Until)
	if in {
		b.Marks = append(b.Marks, BurnMark{At: at, Label: label})
	}
	return in
}

func (b Burn) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}

// moves tells when the fix lines moved, for those who do not see the marks.
func (b Burn) moves() string {
	var at []string
	for _, m := range b.Moved[max(0, len(b.Moved)-3):] {
		at = append(at, asOf(m.In(b.zone())))
	}
	if len(at) == 0 {
		return ""
	}
	return " The fix lines moved " + strings.Join(at, ", ") + "."
}

// picture draws a burn-down, or writes it as a line when nobody can draw here. A
// picture that fails is no reason to say nothing.
func picture(b Burn, draw func(Burn, io.Writer) (string, error)) []chat.Part {
	if draw != nil && len(b.Points) > 0 {
		var png bytes.Buffer
		alt, err := draw(b, &png)
		if err == nil {
			p := chat.Picture{Name: "burn-down.png", Alt: alt + b.moves(), PNG: png.Bytes(), Plot: b.plot()}
			p.TLP = state.TLPAmberStrict
			return []chat.Part{p}
		}
		return []chat.Part{chat.N("The picture could not be drawn.")}
	}
	if line := sparkline(b, 24); line != "" {
		return []chat.Part{chat.P("Open servers over time: ", chat.C(line))}
	}
	return nil
}

// maxPlotted is how many points a platform is given to draw a line itself. Slack
// takes 20 (docs.slack.dev, data visualization block).
const maxPlotted = 20

// A plot has no place for marks: labels say when the fix lines moved, within the 20
// characters that Slack shows of one.
const (
	plotTitle = "Servers not confirmed"
	movedMark = " ⚑"
)

// plot is the picture as lines that a platform may draw itself: what is open, what
// is exposed or worse, and what is confirmed, each the worst of its time.
func (b Burn) plot() *chat.Plot {
	if len(b.Points) < 2 {
		return nil
	}
	p := &chat.Plot{Title: plotTitle, Series: []chat.Series{{Name: "open"}, {Name: "exposed or worse"}, {Name: "confirmed"}}}
	start, length := b.Points[0].At, b.Until.Sub(b.Points[0].At)
	n := min(maxPlotted, len(b.Points))
	next, begin := 0, start
	for i := range n {
		end := start.Add(length * time.Duration(i+1) / time.Duration(n))
		open, bad, confirmed := -1, 0, 0
		for ; next < len(b.Points) && (!b.Points[next].At.After(end) || i == n-1); next++ {
			c := b.Points[next].Counts
			open, bad, confirmed = max(open, c.Open()), max(bad, worse(c)), c.Status[state.StatusConfirmed]
		}
		if open < 0 { // nothing changed in this time
			last := b.Points[next-1].Counts
			open, bad, confirmed = last.Open(), worse(last), last.Status[state.StatusConfirmed]
		}
		label := end.In(b.zone()).Format("2 Jan 15:04")
		if slices.ContainsFunc(b.Moved, func(at time.Time) bool { return !at.After(end) && (i == 0 || at.After(begin)) }) {
			label, p.Title = label+movedMark, plotTitle+", fix lines moved at"+movedMark
		}
		p.Labels, begin = append(p.Labels, label), end
		for s, v := range []int{open, bad, confirmed} {
			p.Series[s].Values = append(p.Series[s].Values, float64(v))
		}
	}
	return p
}

// sparkline is the open servers over time in a line: the lowest block is zero and
// nothing else, and each block is the worst of its time.
func sparkline(b Burn, width int) string {
	if len(b.Points) == 0 {
		return ""
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	start := b.Points[0].At
	length := b.Until.Sub(start)
	if length < time.Duration(width)*time.Minute {
		width, length = 1, max(length, time.Minute) // there was no time for anything to change
	}
	worst, most := make([]int, width), 1
	for i, p := range b.Points {
		end := b.Until
		if i+1 < len(b.Points) {
			end = b.Points[i+1].At
		}
		n := p.Counts.Open()
		most = max(most, n)
		last := min(width-1, int(int64(end.Sub(start))*int64(width)/int64(length+1)))
		for k := min(width-1, int(int64(p.At.Sub(start))*int64(width)/int64(length+1))); k <= last; k++ {
			worst[k] = max(worst[k], n)
		}
	}
	out := make([]rune, width)
	for i, n := range worst {
		out[i] = blocks[0]
		if n > 0 {
			out[i] = blocks[1+(n-1)*(len(blocks)-2)/max(1, most-1)]
		}
	}
	return fmt.Sprintf("%s %d", string(out), b.Points[len(b.Points)-1].Counts.Open())
}
