package chat_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

func TestTimesHaveZones(t *testing.T) {
	t.Parallel()
	want := time.Date(2025, 7, 21, 16, 0, 0, 0, time.UTC)
	for _, s := range []string{
		"2025-07-21 16:00", "2025-07-21T16:00", "2025-07-21T16:00:00Z", "2025-07-21T18:00+02:00", "2025-07-21 18:00 +02:00", "2025-07-21 18:00+02:00",
		"2025-07-21 18:00 +0200", "2025-07-21 18:00 Europe/Berlin", "2025-07-21 16:00:00",
	} {
		got, err := chat.ParseTime(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "noon", "2025-07-21 18:00 CEST", "2025-07-21 18:00 Nowhere/Land", "2025-13-01", "21.07.2025"} {
		_, err := chat.ParseTime(s)
		require.Error(t, err, s)
	}
}
