package discordfake

import (
	"strconv"
	"time"
)

// epoch is the first moment of a snowflake: the first second of 2015.
// https://docs.discord.com/developers/reference#snowflakes
const epoch = 1420070400000

// Now is the time on the fake's clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now()
}

// Advance moves the fake's clock forward: windows close, tokens and limits expire.
// What waits in real time (heartbeats, a slow answer) is not hurried.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead += d
	f.change()
}

func (f *Fake) now() time.Time { return f.base().Add(f.ahead) }

// snowflake makes a new id: later ones are greater, and the time is in it.
func (f *Fake) snowflake() string {
	id := uint64(f.now().UnixMilli()-epoch) << 22
	if id <= f.lastID {
		id = f.lastID + 1
	}
	f.lastID = id
	return strconv.FormatUint(id, 10)
}

// isSnowflake reports whether a text can be an id.
func isSnowflake(s string) bool {
	if len(s) < 1 || len(s) > 20 {
		return false
	}
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil && s[0] != '0'
}

// idLess orders ids by age.
func idLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// change wakes all who wait for something to change. The lock is held.
func (f *Fake) change() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// await waits until the condition, which is asked under the lock, is true.
func (f *Fake) await(patience time.Duration, condition func() bool) bool {
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(50 * time.Millisecond) // for what only time changes
	defer tick.Stop()
	for {
		f.mu.Lock()
		ok, changed := condition(), f.changed
		f.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-end.C:
			return false
		}
	}
}
