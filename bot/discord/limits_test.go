package discord

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fifty refuses what is more than 50 requests in any second.
type fifty struct {
	mu      sync.Mutex
	came    []time.Time
	refused int
}

func (f *fifty) RoundTrip(*http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for len(f.came) > 0 && now.Sub(f.came[0]) >= time.Second {
		f.came = f.came[1:]
	}
	f.came = append(f.came, now)
	if len(f.came) > 50 {
		f.refused++
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
}

func TestFiveHundredPlacesAreWrittenToWithoutBeingToldToSlowDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const places, hands = 500, 16
		next := &fifty{}
		l := newLimits(next)
		began, work := time.Now(), make(chan int, places)
		for n := range places {
			work <- n
		}
		close(work)
		var writing sync.WaitGroup
		for range hands {
			writing.Go(func() {
				for n := range work {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("https://discord.com/api/v10/channels/%d/messages", 1000+n), nil)
					require.NoError(t, err)
					for {
						resp, err := l.RoundTrip(r)
						var slow *limited
						if !errors.As(err, &slow) {
							require.NoError(t, err)
							_ = resp.Body.Close()
							break
						}
						time.Sleep(slow.after)
					}
				}
			})
		}
		writing.Wait()
		took, least := time.Since(began), places*time.Second/50
		t.Logf("%d requests took %s, %.2f of what the limit alone demands; refused %d", places, took, float64(took)/float64(least), next.refused)
		require.Zero(t, next.refused)
		require.LessOrEqual(t, took, least*12/10)
	})
}
