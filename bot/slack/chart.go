package slack

import (
	"math"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of charts, in characters and numbers
// (docs.slack.dev/reference/block-kit/blocks/data-visualization-block). Two in one
// message are all that was seen to work.
const (
	maxCharts     = 2
	maxChartTitle = 50
	maxChartLabel = 20
	maxSeries     = 6
	maxPoints     = 20
)

// picture is a chart that Slack draws, where it does, with the alternative text
// below; otherwise an image that is enclosed.
func (r *renderer) picture(p chat.Picture) {
	if r.setting.charts && r.charts < maxCharts {
		if block, size, ok := chartOf(p.Plot); ok {
			r.charts++
			r.pieces = append(r.pieces, piece{block: block, size: size, says: chat.Clean(p.Alt)})
			r.note(chat.T(p.Alt))
			return
		}
	}
	r.enclose(enclosure{name: p.Name, alt: p.Alt, data: p.PNG}, "picture", p.Alt)
}

// chartOf is a plot as a block, when it fits into one.
func chartOf(p *chat.Plot) (slackgo.Block, int, bool) {
	if p == nil || len(p.Series) == 0 || len(p.Series) > maxSeries || len(p.Labels) == 0 {
		return nil, 0, false
	}
	for _, s := range p.Series {
		if len(s.Values) != len(p.Labels) || slices.ContainsFunc(s.Values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			return nil, 0, false
		}
	}
	at := points(p)
	labels, names := distinct(len(at), func(i int) string { return p.Labels[at[i]] }), distinct(len(p.Series), func(i int) string { return p.Series[i].Name })
	if labels == nil || names == nil {
		return nil, 0, false
	}
	title := clipped(p.Title, maxChartTitle)
	if title == "" || marksUp(title) {
		return nil, 0, false
	}
	size := units(title)
	var series []slackgo.DataVisualizationDataSeries
	for i, s := range p.Series {
		var data []slackgo.DataVisualizationDataPoint
		for j, k := range at {
			data = append(data, slackgo.NewDataVisualizationDataPoint(labels[j], s.Values[k]))
			size += units(labels[j])
		}
		series = append(series, slackgo.NewDataVisualizationDataSeries(names[i], data...))
		size += units(names[i])
	}
	for _, l := range labels {
		size += units(l)
	}
	return &slackgo.DataVisualizationBlock{
		Type: slackgo.MBTDataVisualization, Title: title,
		Chart: slackgo.NewDataVisualizationLineChart(slackgo.NewDataVisualizationAxisConfig(labels...), series...),
	}, size, true
}

// marksUp reports whether a text could be taken for markup. It is not documented
// how Slack reads the texts of a chart.
func marksUp(s string) bool { return strings.ContainsAny(s, "<>&") }

// distinct are n labels as Slack takes them, nil when it does not take them, for
// one says nothing or what another says.
func distinct(n int, label func(int) string) []string {
	var out []string
	for i := range n {
		l := clipped(label(i), maxChartLabel)
		if l == "" || marksUp(l) || slices.Contains(out, l) {
			return nil
		}
		out = append(out, l)
	}
	return out
}

// points are the points that are drawn, by their place: the first and the last,
// the peak of each series, and of what is between as much as there is room for,
// evenly.
func points(p *chat.Plot) []int {
	n := len(p.Labels)
	if n <= maxPoints {
		out := make([]int, n)
		for i := range out {
			out[i] = i
		}
		return out
	}
	keep := map[int]bool{0: true, n - 1: true}
	for _, s := range p.Series {
		keep[slices.Index(s.Values, slices.Max(s.Values))] = true
	}
	for free := maxPoints - len(keep); free > 0; free = maxPoints - len(keep) {
		keep[widest(keep, n)] = true
	}
	var out []int
	for i := range n {
		if keep[i] {
			out = append(out, i)
		}
	}
	return out
}

// widest is the middle of the widest stretch in which nothing is kept.
func widest(keep map[int]bool, n int) int {
	last, best, width := 0, 1, 0
	for i := range n {
		if !keep[i] {
			continue
		}
		if i-last > width {
			best, width = (last+i)/2, i-last
		}
		last = i
	}
	return best
}
