package slackfake

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheClockRingsInItsTimeAndWhenItIsMovedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		var rang atomic.Int32
		ring := func() { rang.Add(1) }
		began := c.Now()
		c.after(time.Minute, ring)
		stop := c.after(time.Minute, ring)
		c.after(2*time.Minute, ring)
		stop()
		c.Advance(59 * time.Second)
		require.Zero(t, rang.Load())
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, rang.Load())
		c.Advance(time.Hour)
		require.EqualValues(t, 2, rang.Load())
		require.Equal(t, time.Hour+time.Minute, c.Now().Sub(began))

		c.after(time.Second, ring)
		c.Freeze()
		c.after(0, ring)
		c.after(time.Second, ring)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.EqualValues(t, 3, rang.Load(), "only what was to happen at once")
		c.Advance(time.Second)
		require.EqualValues(t, 5, rang.Load())
	})
}
