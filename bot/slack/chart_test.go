package slack

import (
	"fmt"
	"math"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func plotOf(n int, at map[int]float64) *chat.Plot {
	p := &chat.Plot{Title: "open", Series: []chat.Series{{Name: "open"}, {Name: "flat"}}}
	for i := range n {
		p.Labels = append(p.Labels, fmt.Sprintf("hour %d", i))
		p.Series[0].Values = append(p.Series[0].Values, at[i])
		p.Series[1].Values = append(p.Series[1].Values, 1)
	}
	return p
}

func TestAChartIsThinnedAndKeepsItsPeakAndItsEnd(t *testing.T) {
	t.Parallel()
	block, _, ok := chartOf(plotOf(500, map[int]float64{317: 99, 499: 7}))
	require.True(t, ok)
	require.NoError(t, block.(*slackgo.DataVisualizationBlock).Validate())
	chart := block.(*slackgo.DataVisualizationBlock).Chart.(*slackgo.DataVisualizationLineChart)
	data := chart.Series[0].Data
	require.Len(t, data, 20)
	require.Equal(t, "hour 0", data[0].Label)
	require.Equal(t, slackgo.DataVisualizationDataPoint{Label: "hour 499", Value: 7}, data[19])
	require.Contains(t, data, slackgo.DataVisualizationDataPoint{Label: "hour 317", Value: 99})
}

func TestAFewPointsAreAllDrawn(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 19, 20, 21, 39} {
		block, _, ok := chartOf(plotOf(n, nil))
		require.True(t, ok)
		require.NoError(t, block.(*slackgo.DataVisualizationBlock).Validate())
		chart := block.(*slackgo.DataVisualizationBlock).Chart.(*slackgo.DataVisualizationLineChart)
		require.Len(t, chart.Series[0].Data, min(n, 20))
	}
}

func TestWhatIsNoChartForSlackIsAPicture(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*chat.Plot){
		"too many lines": func(p *chat.Plot) { p.Series = append(p.Series, make([]chat.Series, 5)...) },
		"no number":      func(p *chat.Plot) { p.Series[0].Values[1] = math.NaN() },
		"no end":         func(p *chat.Plot) { p.Series[0].Values[1] = math.Inf(1) },
		"labels alike when cut": func(p *chat.Plot) {
			p.Labels = []string{"a very long label of an hour 1", "a very long label of an hour 2", "x"}
		},
		"a series without a name":  func(p *chat.Plot) { p.Series[0].Name = "" },
		"values without labels":    func(p *chat.Plot) { p.Labels = p.Labels[:2] },
		"what could be markup":     func(p *chat.Plot) { p.Title = "<!channel>" },
		"a title without anything": func(p *chat.Plot) { p.Title = "" },
		"no points":                func(p *chat.Plot) { *p = chat.Plot{Title: "x", Series: []chat.Series{{Name: "y"}}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plotOf(3, nil)
			change(p)
			_, _, ok := chartOf(p)
			require.False(t, ok)
			s := channelSetting()
			s.charts = true
			r := render(chat.Say(chat.Picture{Name: "p.png", Alt: "alt", PNG: []byte("x"), Plot: p}), s)
			require.Len(t, r.files, 1)
			require.Contains(t, seen(t, r.sheets[0]), "alt")
		})
	}
	_, _, ok := chartOf(nil)
	require.False(t, ok)
}
