package slackfake

import (
	"strconv"
	"time"
)

// Pace are rate limits (docs.slack.dev/apis/web-api/rate-limits). Slack promises
// at least this much and says nothing exact of bursts.
type Pace struct {
	Off bool
	// Tiers are the calls a minute of one method, by tier.
	Tiers [5]int
	// PostEvery and PostBurst limit posts into one channel.
	PostEvery time.Duration
	PostBurst int
	// PostsPerMinute limit posts into the workspace: "several hundred".
	PostsPerMinute int
	// Grace forgives calls that were under way when a 429 was sent.
	Grace time.Duration
}

// SlackPace are the limits as Slack documents them.
func SlackPace() *Pace {
	return &Pace{Tiers: [5]int{0, 1, 20, 50, 100}, PostEvery: time.Second, PostBurst: 5, PostsPerMinute: 300, Grace: 250 * time.Millisecond}
}

// NoPace limits nothing.
func NoPace() *Pace { return &Pace{Off: true, Grace: 250 * time.Millisecond} }

// SetPace changes the limits. What was counted is forgotten.
func (s *Slack) SetPace(p *Pace) {
	s.do(func() { s.opt.Pace, s.buckets = p, map[string]*bucket{} })
}

// bucket lets so many calls pass at once, and then one each so often.
type bucket struct {
	left  float64
	since time.Time
}

// backoff is how long somebody was told to wait.
type backoff struct{ told, until time.Time }

// take takes one call out of a bucket, or says how long to wait.
func (b *bucket) take(now time.Time, burst int, every time.Duration) time.Duration {
	b.left = min(float64(burst), b.left+float64(now.Sub(b.since))/float64(every))
	b.since = now
	if b.left < 1 {
		return time.Duration((1 - b.left) * float64(every))
	}
	b.left--
	return 0
}

func (s *Slack) bucket(key string, burst int) *bucket {
	b := s.buckets[key]
	if b == nil {
		b = &bucket{left: float64(burst), since: s.clock.Now()}
		s.buckets[key] = b
	}
	return b
}

// pace says how long to wait with a call, 0 when it may be made now. The lock is
// held.
func (s *Slack) pace(name string, m method, a args) time.Duration {
	now, p := s.clock.Now(), s.opt.Pace
	key := name
	if m.key != "" {
		key += " " + a.str(m.key)
	}
	if b, ok := s.backoff[key]; ok && now.Before(b.until) {
		if now.After(b.told.Add(p.Grace)) {
			s.complainLocked(TooFast, "%s came %s before the end of Retry-After", key, b.until.Sub(now).Round(time.Millisecond))
		}
		return b.until.Sub(now)
	}
	if p.Off {
		return 0
	}
	wait := time.Duration(0)
	if m.key != "" && p.PostEvery > 0 {
		wait = s.bucket(key, p.PostBurst).take(now, p.PostBurst, p.PostEvery)
		if p.PostsPerMinute > 0 && wait == 0 {
			wait = s.bucket("posts", p.PostsPerMinute).take(now, p.PostsPerMinute, time.Minute/time.Duration(p.PostsPerMinute))
		}
	} else if n := p.Tiers[m.tier]; n > 0 {
		wait = s.bucket(key, n).take(now, n, time.Minute/time.Duration(n))
	}
	if wait > 0 {
		s.holdOff(key, wait)
	}
	return wait
}

// holdOff remembers that somebody was told to wait.
func (s *Slack) holdOff(key string, wait time.Duration) {
	now := s.clock.Now()
	s.backoff[key] = backoff{told: now, until: now.Add(wait)}
}

// seconds is a Retry-After: whole seconds, rounded up.
func seconds(wait time.Duration) string {
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}
