package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot"
)

// limited says that a request was not made, or that nothing was done, for we ask too
// often.
type limited struct {
	after time.Duration
	code  int
}

func (l *limited) Error() string { return fmt.Sprintf("asked too often, again in %s", l.after) }

// limits keeps to the rate limits that Discord tells in its headers, and knows no
// number of its own but the one that Discord documents, for all requests together (docs.discord.com/developers/topics/rate-limits). It waits a little
// when that is all it takes; otherwise a request fails with *limited, and is not made.
type limits struct {
	next    http.RoundTripper
	unpaced bool // only what headers tell counts

	mu     sync.Mutex
	global time.Time // nothing before
	spent  time.Time // when all that was asked for is spread out
	routes map[string]*window
}

// window is what is left of one limit.
type window struct {
	left  int
	reset time.Time
}

const (
	mostWindows = 10_000
	// shortWait is worth waiting for: less than it costs to put a letter back.
	shortWait = 500 * time.Millisecond
)

func newLimits(next http.RoundTripper) *limits {
	if next == nil {
		next = http.DefaultTransport
	}
	return &limits{next: next, routes: map[string]*window{}}
}

// RoundTrip implements http.RoundTripper.
func (l *limits) RoundTrip(r *http.Request) (*http.Response, error) {
	route := routeOf(r)
	open := strings.HasPrefix(route, "POST interactions/")
	for !open {
		wait := l.take(route, time.Now())
		if wait <= 0 {
			break
		}
		if wait > shortWait {
			return nil, &limited{after: wait}
		}
		if !bot.Pause(r.Context(), wait) {
			return nil, r.Context().Err()
		}
	}
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	l.learn(route, resp.Header, time.Now())
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, l.refused(route, resp)
	}
	for name := range resp.Header { // discordgo would wait where nothing can stop it
		if strings.HasPrefix(name, "X-Ratelimit-") {
			resp.Header.Del(name)
		}
	}
	return resp, nil
}

// take uses one of what is left, or says how long there is nothing.
func (l *limits) take(route string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.global.Sub(now); wait > 0 {
		return wait
	}
	w := l.routes[route]
	if w != nil && !now.Before(w.reset) {
		w = nil
	}
	if w != nil && w.left < 1 {
		return w.reset.Sub(now)
	}
	if wait := l.spread(route, now); wait > 0 {
		return wait
	}
	if w != nil {
		w.left--
	}
	return 0
}

// All requests of a bot together may be 50 in a second
// (docs.discord.com/developers/topics/rate-limits#global-rate-limit): this many at once,
// and one more each time. In no second are they more than that.
const (
	atOnce   = 8
	oneEvery = time.Second / 42
)

// spread keeps a process below the limit of all requests together, of which no header
// tells. What answers interactions does not count.
func (l *limits) spread(route string, now time.Time) time.Duration {
	if l.unpaced || strings.Contains(route, " webhooks/") {
		return 0
	}
	from := l.spent
	if from.Before(now) {
		from = now
	}
	if wait := from.Sub(now) - (atOnce-1)*oneEvery; wait > 0 {
		return wait
	}
	l.spent = from.Add(oneEvery)
	return 0
}

// left is how long a request would have to wait, 0 when it could be made now.
func (l *limits) left(method, path string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, now := l.routes[routeFor(method, path)], time.Now()
	if w == nil || w.left > 0 || !now.Before(w.reset) {
		return 0
	}
	return w.reset.Sub(now)
}

// learn reads the headers of an answer.
func (l *limits) learn(route string, h http.Header, now time.Time) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, err2 := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil || err2 != nil || !(after >= 0 && after < 86400) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(route, left, now.Add(time.Duration(after*float64(time.Second))), now)
}

// put notes a window. Answers overtake each other: within one window the smaller
// number counts.
func (l *limits) put(route string, left int, reset, now time.Time) {
	if w := l.routes[route]; w != nil && now.Before(w.reset) && reset.Sub(w.reset) < 100*time.Millisecond {
		left = min(left, w.left)
	}
	if len(l.routes) >= mostWindows {
		for k, w := range l.routes {
			if !now.Before(w.reset) {
				delete(l.routes, k)
			}
		}
	}
	if len(l.routes) < mostWindows {
		l.routes[route] = &window{left, reset}
	}
}

// maxRefusal is how much of an answer is read that says that we ask too often, in bytes.
const maxRefusal = 64 << 10

// refused is the error of an answer that says that we ask too often.
func (l *limits) refused(route string, resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	var said struct {
		After  float64 `json:"retry_after"`
		Global bool    `json:"global"`
		Code   int     `json:"code"`
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	_ = json.Unmarshal(raw, &said) // a proxy before Discord answers without it
	if !(said.After > 0 && said.After < 86400) {
		said.After, _ = strconv.ParseFloat(resp.Header.Get("Retry-After"), 64)
	}
	if !(said.After > 0 && said.After < 86400) && said.Code == 0 {
		said.After = 5
	}
	after := time.Duration(said.After * float64(time.Second))
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case said.Global || resp.Header.Get("X-RateLimit-Global") != "":
		l.global = now.Add(after)
	case resp.Header.Get("X-RateLimit-Scope") != "shared" && said.Code == 0: // else it is about one message
		l.routes[route] = &window{0, now.Add(after)}
	}
	return &limited{after: after, code: said.Code}
}

// routeOf names the limit that a request falls under: the method and the path, with
// the channel, guild or webhook in it, and no other id.
func routeOf(r *http.Request) string {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	return routeFor(r.Method, path)
}

func routeFor(method, path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		major := i > 0 && (parts[i-1] == "channels" || parts[i-1] == "guilds" || parts[i-1] == "webhooks")
		if snowflake.MatchString(part) && !major || part == "@original" {
			parts[i] = "{}"
		}
	}
	return method + " " + strings.Join(parts, "/")
}

// patience is how long an error of Discord's wants us to wait, 0 when it does not.
func patience(err error) time.Duration {
	var l *limited
	if errors.As(err, &l) {
		return max(l.after, 100*time.Millisecond)
	}
	return 0
}
