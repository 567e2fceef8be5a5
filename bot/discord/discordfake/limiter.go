package discordfake

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"
)

// Rate is so many of something in a time. The zero Rate means Discord's own; a
// negative N means no limit.
type Rate struct {
	N   int
	Per time.Duration
}

// Limits are how often things may be done. The zero value is as strict as Discord.
// What Discord does not document is what its users observed; clients read the
// headers and know no number.
type Limits struct {
	// Off switches the limits of routes and the global one off. The others stay.
	Off bool
	// Routes are limits of single routes, by "POST /channels/{channel}/messages".
	Routes map[string]Rate
	// Global is for all calls with the bot's token: 50/s.
	// https://docs.discord.com/developers/topics/rate-limits#global-rate-limit
	Global Rate
	// Invalid answers (401, 403, 429) before the address is banned: 10,000/10 min.
	Invalid Rate
	// Crossposts per announcement channel: 10/h, as observed
	// (https://github.com/discordjs/discord.js/issues/4956).
	Crossposts Rate
	// PublishedEdits per published message: 3/h, as observed (error 20022).
	PublishedEdits Rate
	// OldEdits is how often a message older than an hour may be edited (error
	// 30046). Discord keeps the number to itself: 0 here.
	OldEdits int
	// CommandCreates per guild: 200/day.
	CommandCreates Rate
	// Identifies: 1000/day; then the token is reset.
	Identifies Rate
	// IdentifyEvery is the time between two IDENTIFYs of one shard: 5 s on Discord,
	// which answers INVALID SESSION otherwise. 0 does not look at it.
	IdentifyEvery time.Duration
	// Sends over one gateway connection: 120/min.
	Sends Rate
}

func (l Limits) filled() Limits {
	for _, d := range []struct {
		rate *Rate
		n    int
		per  time.Duration
	}{
		{&l.Global, 50, time.Second},
		{&l.Invalid, 10000, 10 * time.Minute},
		{&l.Crossposts, 10, time.Hour},
		{&l.PublishedEdits, 3, time.Hour},
		{&l.CommandCreates, 200, 24 * time.Hour},
		{&l.Identifies, 1000, 24 * time.Hour},
		{&l.Sends, 120, time.Minute},
	} {
		if d.rate.N == 0 {
			*d.rate = Rate{d.n, d.per}
		}
	}
	return l
}

// observed are the limits of routes as clients of Discord saw them in its headers.
func observed(route string) Rate {
	switch route {
	case "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}", "POST /channels/{channel}/typing":
		return Rate{5, 5 * time.Second}
	case "DELETE /channels/{channel}/messages/{message}":
		return Rate{5, time.Second}
	case "POST /webhooks/{webhook}/{token}", "PATCH /webhooks/{webhook}/{token}/messages/{message}", "DELETE /webhooks/{webhook}/{token}/messages/{message}":
		return Rate{5, 2 * time.Second}
	case "POST /channels/{channel}/threads", "POST /channels/{channel}/messages/{message}/threads":
		return Rate{50, 5 * time.Minute}
	case "POST /interactions/{interaction}/{token}/callback":
		return Rate{-1, 0}
	}
	return Rate{30, 10 * time.Second}
}

// window counts uses since it was opened.
type window struct {
	since time.Time
	used  int
}

// penalty is a 429 that is not over.
type penalty struct {
	given, until time.Time // of this machine
	over         time.Time // on the fake's clock
	hash         string
	told         bool
}

// limiter has a lock in Fake.mu.
type limiter struct {
	limits    Limits
	windows   map[string]*window
	penalties map[string]*penalty
	invalid   []time.Time
	banned    bool
}

func newLimiter(l Limits) limiter {
	return limiter{limits: l.filled(), windows: map[string]*window{}, penalties: map[string]*penalty{}}
}

// take uses one of a rate; it says how many are left and when all are back.
func (l *limiter) take(key string, r Rate, now time.Time) (left int, after time.Duration, ok bool) {
	if r.N < 0 {
		return 1, 0, true
	}
	w := l.windows[key]
	if w == nil || !now.Before(w.since.Add(r.Per)) {
		w = &window{since: now}
		l.windows[key] = w
	}
	after = w.since.Add(r.Per).Sub(now)
	if w.used >= r.N {
		return 0, after, false
	}
	w.used++
	return r.N - w.used, after, true
}

// recent are the moments that are within a rate's time.
func recent(times []time.Time, r Rate, now time.Time) []time.Time {
	for len(times) > 0 && !now.Before(times[0].Add(r.Per)) {
		times = times[1:]
	}
	return times
}

// over reports whether a rate is used up, and when it is free again.
func over(times []time.Time, r Rate, now time.Time) (time.Duration, bool) {
	times = recent(times, r, now)
	if r.N < 0 || len(times) < r.N {
		return 0, false
	}
	return times[0].Add(r.Per).Sub(now), true
}

// admit lets a call in, or answers 401, 403 or 429. It writes the headers.
func (f *Fake) admit(req *request, h http.Header) *apiError {
	if !req.route.open && !req.authorised() {
		return errUnauthorized
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteHaste(req)
	l, now := &f.limiter, f.now()
	if l.banned {
		return forbidden(0, "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently.")
	}
	if l.limits.Off {
		return nil
	}
	if !req.route.open {
		if _, after, ok := l.take("global", l.limits.Global, now); !ok {
			return f.tooMany(req, after, true, "global")
		}
	}
	rate, ok := l.limits.Routes[req.route.String()]
	if !ok {
		rate = observed(req.route.String())
	}
	if rate.N < 0 {
		return nil
	}
	left, after, ok := l.take(req.bucket(), rate, now)
	writeLimit(h, req, rate.N, left, after, now)
	if !ok {
		return f.tooMany(req, after, false, "user")
	}
	return nil
}

// told is a time as clients are told it: in milliseconds, and not too short for those
// that cut it off.
func told(d time.Duration) time.Duration { return d.Truncate(time.Millisecond) + 2*time.Millisecond }

func writeLimit(h http.Header, req *request, limit, left int, after time.Duration, now time.Time) {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(req.route.String()))
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(now.Add(told(after)).UnixMilli())/1000))
	h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", told(after).Seconds()))
	h.Set("X-RateLimit-Bucket", fmt.Sprintf("%x", sum.Sum64()))
}

// tooMany is a 429, and remembers it: nothing may be asked there before it is over.
func (f *Fake) tooMany(req *request, after time.Duration, global bool, scope string) *apiError {
	message := "You are being rate limited."
	if scope == "shared" {
		message = "The resource is being rate limited."
	}
	key := req.bucket()
	if global {
		key = "global"
	}
	f.remember(key, req, after)
	return &apiError{Status: http.StatusTooManyRequests, Message: message, After: told(after), Global: global, Scope: scope}
}

// remember notes until when nothing may be asked.
func (f *Fake) remember(key string, req *request, after time.Duration) {
	now := time.Now()
	f.limiter.penalties[key] = &penalty{given: now, until: now.Add(after), over: f.now().Add(after), hash: req.hash}
}

// punish makes a planned 429 one that is remembered.
func (f *Fake) punish(req *request, h http.Header, wrong *apiError) {
	if wrong.Status != http.StatusTooManyRequests {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteHaste(req)
	f.tooMany(req, wrong.After, wrong.Global, wrong.Scope)
	if !wrong.Global {
		writeLimit(h, req, 5, 0, wrong.After, f.now())
	} else {
		h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", wrong.After.Seconds()))
	}
}

// grace is how long a call that was on its way when another one was answered 429
// may still arrive.
const grace = 20 * time.Millisecond

// noteHaste finds calls that do not wait for Retry-After. A millisecond is for
// clients that count in milliseconds.
func (f *Fake) noteHaste(req *request) {
	keys := []string{req.bucket(), req.bucket() + " " + req.params["message"]}
	if !req.route.open {
		keys = append(keys, "global")
	}
	for _, key := range keys {
		p := f.limiter.penalties[key]
		if p == nil || p.told || !req.at.Before(p.until.Add(-2*time.Millisecond)) || !f.now().Before(p.over) {
			continue
		}
		if req.hash == p.hash && req.at.After(p.given) || req.at.After(p.given.Add(grace)) {
			p.told = true
			f.offend(Hasty, "%s came %s before Retry-After was over", req.route, p.until.Sub(req.at).Round(time.Millisecond))
		}
	}
}

// countInvalid counts what Discord bans an address for.
// https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
func (f *Fake) countInvalid(e *apiError) {
	counts := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden ||
		e.Status == http.StatusTooManyRequests && e.Scope != "shared"
	if !counts {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l, now := &f.limiter, f.now()
	l.invalid = append(recent(l.invalid, l.limits.Invalid, now), now)
	if r := l.limits.Invalid; r.N >= 0 && len(l.invalid) > r.N && !l.banned {
		l.banned = true
		f.offend(Banned, "%d answers of 401, 403 and 429 within %s: Discord bans the address", len(l.invalid), r.Per)
	}
}

// InvalidCalls is how many calls of the last ten minutes were answered with 401,
// 403 or 429.
func (f *Fake) InvalidCalls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(recent(f.limiter.invalid, f.limiter.limits.Invalid, f.now()))
}
