package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatWasSeenIsRememberedForItsTimeAndNoLonger(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := newRecent[string](100)
	require.True(t, r.add("a", now, now.Add(time.Minute)))
	require.False(t, r.add("a", now.Add(59*time.Second), now.Add(time.Hour)), "the time counts from when it was first seen")
	require.True(t, r.add("a", now.Add(time.Minute), now.Add(2*time.Minute)))
	r.forget("a")
	require.True(t, r.add("a", now.Add(time.Minute), now.Add(2*time.Minute)))
}

func TestNoMoreIsRememberedThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := newRecent[int](10)
	for i := range 1000 {
		require.True(t, r.add(i, now, now.Add(time.Hour)))
		require.LessOrEqual(t, len(r.until), 10)
		require.LessOrEqual(t, len(r.order), 25)
	}
	require.False(t, r.add(999, now, now.Add(time.Hour)), "the newest are remembered")
	require.True(t, r.add(0, now, now.Add(time.Hour)), "the oldest are not")
}
