package bot

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// holds is a store of one name, of which a replica can be cut off.
type holds struct {
	mu     sync.Mutex
	holder string
	until  time.Time
	epoch  int64
	cut    map[string]bool
	hangs  bool // who is cut off waits until it gives up
}

func (h *holds) Hold(ctx context.Context, _, holder string, _ time.Time, ttl time.Duration) (int64, string, error) {
	if h.away(holder) {
		if h.hangs {
			<-ctx.Done()
		}
		return 0, "", errors.New("no connection")
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holder != holder {
		if h.until.After(now) {
			return h.epoch, h.holder, nil
		}
		h.holder = holder
		h.epoch++
	}
	h.until = now.Add(ttl)
	return h.epoch, holder, nil
}

func (h *holds) away(holder string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut[holder]
}

func (h *holds) sever(holder string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut[holder] = true
}

// hands counts how many hold at once.
type hands struct {
	mu     sync.Mutex
	now    map[string]int64
	epochs []int64
	most   int
}

func (c *hands) work(name string) func(context.Context, int64) error {
	return func(ctx context.Context, epoch int64) error {
		c.mu.Lock()
		c.now[name] = epoch
		c.epochs = append(c.epochs, epoch)
		c.most = max(c.most, len(c.now))
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		delete(c.now, name)
		c.mu.Unlock()
		return ctx.Err()
	}
}

func (c *hands) who() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for n := range c.now {
		out = append(out, n)
	}
	return out
}

func TestOneReplicaHoldsAtATimeAndAnotherTakesOverInSeconds(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"a store that refuses": false, "a store that hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takeTurns(t, hangs)
		})
	}
}

func takeTurns(t *testing.T, hangs bool) {
	synctest.Test(t, func(t *testing.T) {
		store, count := &holds{cut: map[string]bool{}, hangs: hangs}, &hands{now: map[string]int64{}}
		ctx, cancel := context.WithCancel(t.Context())
		ends, soles := map[string]context.CancelFunc{}, map[string]*Sole{}
		var running sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			own, end := context.WithCancel(ctx)
			sole := &Sole{Store: store, Name: "gateway", Holder: name}
			ends[name], soles[name] = end, sole
			running.Go(func() {
				if err := sole.Run(own, count.work(name)); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Second)
		first := count.who()
		require.Len(t, first, 1)
		for name, s := range soles {
			by, ours := s.Held()
			require.Equal(t, first[0], by, "everybody knows who has it")
			require.Equal(t, name == first[0], ours)
		}

		store.sever(first[0]) // it is cut off: it stops by itself, before another begins
		time.Sleep(4*time.Second + time.Millisecond)
		require.Empty(t, count.who(), "nobody has it before its time is over")
		time.Sleep(4 * time.Second)
		second := count.who()
		require.Len(t, second, 1)
		require.NotEqual(t, first, second)
		by, _ := soles[first[0]].Held()
		require.Empty(t, by, "who is cut off does not claim to know")

		ends[second[0]]() // it ends as it should: the name is given back at once
		time.Sleep(time.Second + time.Millisecond)
		third := count.who()
		require.Len(t, third, 1)
		require.NotContains(t, []string{first[0], second[0]}, third[0])

		require.Equal(t, 1, count.most, "never two at once")
		require.Equal(t, []int64{1, 2, 3}, count.epochs, "each holder is fenced off from the one before")
		cancel()
		running.Wait()
		require.Empty(t, count.who())
	})
}

func TestAPartThatFailsByItselfEndsItsHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &holds{cut: map[string]bool{}}
		broken := errors.New("the token is not valid")
		err := (&Sole{Store: store, Name: "gateway", Holder: "a"}).Run(t.Context(), func(context.Context, int64) error { return broken })
		require.ErrorIs(t, err, broken)
		_, by, err := store.Hold(t.Context(), "gateway", "b", time.Now(), time.Second)
		require.NoError(t, err)
		require.Equal(t, "b", by, "it was given back")
	})
}
