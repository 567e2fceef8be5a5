package chart

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func dayScale() scale {
	return newScale(series{samples: []sample{{at: start}}, until: start.Add(24 * time.Hour)}, 740)
}

func TestLabelsOfMarksNeverOverlapNorLeaveThePlot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var marks []Mark
		for range rapid.IntRange(0, 40).Draw(t, "marks") {
			marks = append(marks, Mark{
				start.Add(time.Duration(rapid.IntRange(-60, 1500).Draw(t, "minute")) * time.Minute),
				strings.Repeat("mark ", rapid.IntRange(0, 9).Draw(t, "length")),
			})
		}
		fs := placeFlags(marks, dayScale(), 100, 840)
		require.Len(t, fs.placed, len(marks)-fs.outside)
		require.LessOrEqual(t, len(fs.placed), maxFlags)
		for i, f := range fs.placed {
			if f.label == "" {
				continue
			}
			require.GreaterOrEqual(t, f.left, 100.0)
			require.LessOrEqual(t, f.right, 840.0+overhang)
			require.Less(t, f.lane, fs.lanes)
			for _, g := range fs.placed[:i] {
				require.False(t, g.label != "" && f.meets(g), "%+v and %+v", f, g)
			}
		}
	})
}

func TestAHandfulOfMarksIsLabelledInFull(t *testing.T) {
	t.Parallel()
	at := func(hour int, label string) Mark { return Mark{start.Add(time.Duration(hour) * time.Hour), label} }
	fs := placeFlags([]Mark{
		at(0, "opened"), at(7, "fix line moved"), at(8, "second package"), at(17, "regression"), at(24, "ALL CLEAR"),
	}, dayScale(), 100, 840)
	require.Zero(t, fs.unlabeled)
	var labels []string
	for _, f := range fs.placed {
		labels = append(labels, f.label)
	}
	require.Equal(t, []string{"ALL CLEAR", "regression", "second package", "fix line moved", "opened"}, labels)
}

func TestTheLatestMarkIsLabelledWhenThereIsNoRoomForAll(t *testing.T) {
	t.Parallel()
	var marks []Mark
	for i := range 100 {
		marks = append(marks, Mark{start.Add(time.Duration(i) * time.Minute), "something long happened"})
	}
	marks = append(marks, Mark{start.Add(101 * time.Minute), "the news"})
	fs := placeFlags(marks, dayScale(), 100, 840)
	require.Equal(t, "the news", fs.placed[0].label)
	require.Equal(t, len(marks)-maxFlags, fs.outside)
	require.Positive(t, fs.unlabeled)
}
