package discordfake_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// still is a clock that only Advance moves.
func still() func() time.Time {
	now := time.Now()
	return func() time.Time { return now }
}

func TestARouteHasItsBucketForEachChannel(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{Now: still(), Limits: fake.Limits{Routes: map[string]fake.Rate{"POST /channels/{channel}/messages": {N: 2, Per: time.Minute}}}})
	first := r.call(200, "POST", r.messages("responders"), say("1"))
	require.Equal(t, "2", first.header.Get("X-RateLimit-Limit"))
	require.Equal(t, "1", first.header.Get("X-RateLimit-Remaining"))
	require.NotEmpty(t, first.header.Get("X-RateLimit-Bucket"))
	after, err := strconv.ParseFloat(first.header.Get("X-RateLimit-Reset-After"), 64)
	require.NoError(t, err)
	require.InDelta(t, 60, after, 1)
	r.call(200, "POST", r.messages("responders"), say("2"))
	over := r.call(429, "POST", r.messages("responders"), say("3"))
	require.Equal(t, "user", over.header.Get("X-RateLimit-Scope"))
	require.Equal(t, "61", over.header.Get("Retry-After"))
	require.InDelta(t, 60, over.object["retry_after"], 1)
	require.Equal(t, false, over.object["global"])
	r.call(200, "POST", r.messages("leads"), say("another channel"))
	r.d.Advance(time.Minute)
	r.call(200, "GET", r.messages("leads"), nil)
}

func TestRoutesHaveLimitsWhenNothingIsSaid(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{Now: still()})
	for i := range 5 {
		r.call(200, "POST", r.messages("responders"), say(fmt.Sprint(i)))
	}
	r.call(429, "POST", r.messages("responders"), say("sixth"))
	r.d.In("responders").Count(5)
}

func TestFiftyCallsASecondInAll(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{Now: still(), Limits: fake.Limits{Routes: map[string]fake.Rate{"GET /users/@me": {N: -1}}}})
	for range 50 {
		r.call(200, "GET", "/users/@me", nil)
	}
	over := r.call(429, "GET", "/users/@me", nil)
	require.Equal(t, "true", over.header.Get("X-RateLimit-Global"))
	require.Equal(t, true, over.object["global"])
	require.Equal(t, "global", over.header.Get("X-RateLimit-Scope"))
	r.call(200, "GET", "/gateway", nil)
}

func TestInteractionsAreNotUnderTheGlobalLimit(t *testing.T) {
	t.Parallel()
	b := newBot(t, fake.Options{})
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.d.NextCalls("GET /users/@me", 1, fake.TooManyGlobally(time.Minute))
	b.call(429, "GET", "/users/@me", nil)
	b.answer(i, 4, say("all the same"))
	require.Empty(t, b.d.Offences())
}

func TestAskingBeforeRetryAfterIsAnOffence(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fake.Fault{
		"of a route": fake.TooMany(time.Minute), "of all": fake.TooManyGlobally(time.Minute), "shared": fake.TooManyShared(time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, free)
			r.d.NextCalls("POST /channels/{channel}/messages", 1, fault)
			r.call(429, "POST", r.messages("responders"), say("x"))
			require.Empty(t, r.d.Offences())
			r.call(200, "POST", r.messages("responders"), say("x"))
			require.Contains(t, r.d.Offends(fake.Hasty).Text, "before Retry-After")
		})
	}
}

func TestWaitingForRetryAfterIsNoOffence(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.d.NextCalls("POST /channels/{channel}/messages", 1, fake.TooMany(5*time.Millisecond))
	r.call(429, "POST", r.messages("responders"), say("x"))
	<-time.After(6 * time.Millisecond)
	r.call(200, "POST", r.messages("responders"), say("x"))
	require.Empty(t, r.d.Offences())
}

func TestALimitIsOverWhenTheClockSaysSo(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{Limits: fake.Limits{Routes: map[string]fake.Rate{"POST /channels/{channel}/messages": {N: 1, Per: time.Hour}}}})
	r.call(200, "POST", r.messages("responders"), say("1"))
	r.call(429, "POST", r.messages("responders"), say("2"))
	r.d.Advance(time.Hour)
	r.call(200, "POST", r.messages("responders"), say("2"))
	require.Empty(t, r.d.Offences())
}

func TestTooManyInvalidCallsBanTheAddress(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Limits.Invalid = fake.Rate{N: 3, Per: 10 * time.Minute}
	r := newRaw(t, opt)
	r.d.NextCalls("GET /users/@me", 1, fake.TooManyShared(time.Millisecond))
	r.call(429, "GET", "/users/@me", nil)
	require.Zero(t, r.d.InvalidCalls(), "a shared limit does not count")
	r.token = "wrong"
	for range 4 {
		r.call(401, "GET", "/users/@me", nil)
	}
	r.token = r.d.Token()
	r.d.Allow(fake.Hasty)
	r.call(403, "GET", "/users/@me", nil)
	r.d.Offends(fake.Banned)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	const route = "POST /channels/{channel}/messages"
	body := say("x")
	r.d.NextCalls(route, 1, fake.ServerError(502))
	r.call(502, "POST", r.messages("responders"), body)
	r.d.NextCalls("", 1, fake.Answer(403, 50013, "Missing Permissions"))
	r.refuses(50013, "POST", r.messages("responders"), body)
	kind, text := "application/json", []byte(`{"content":"x","allowed_mentions":{"parse":[]}}`)
	r.d.NextCalls(route, 1, fake.DropBefore())
	_, err := r.request("POST", r.messages("responders"), kind, text)
	require.Error(t, err)
	require.Empty(t, r.d.In("responders").Shows())
	r.d.NextCalls(route, 1, fake.DropAfter())
	_, err = r.request("POST", r.messages("responders"), kind, text)
	require.Error(t, err)
	r.d.In("responders").Count(1)
	r.d.NextCalls(route, 1, fake.Garbage())
	out, err := r.request("POST", r.messages("responders"), kind, text)
	require.NoError(t, err)
	require.Equal(t, `{"id": "12`, string(out.body))
	r.d.In("responders").Count(2)
	r.d.NextCalls(route, 1, fake.Slow(5*time.Millisecond))
	r.call(200, "POST", r.messages("responders"), body)
	require.GreaterOrEqual(t, r.d.Calls(route)[5].Took, 5*time.Millisecond)
	r.c.Timeout = 20 * time.Millisecond
	r.d.NextCalls(route, 1, fake.Hang())
	_, err = r.request("POST", r.messages("responders"), kind, text)
	require.Error(t, err)
	r.d.In("responders").Count(3)
	require.Error(t, r.d.Fake.NextCalls("GET /nowhere", 1, fake.Hang()))
	var shown []string
	for _, c := range r.d.Calls(route) {
		shown = append(shown, fmt.Sprint(c.Status, c.Fault))
	}
	require.Equal(t, []string{"502502", "403403", "0dropped before", "200dropped after", "200garbage", "200slow"}, shown[:6])
}

func TestTokensDoNotStandInAddressesOrLogs(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	var mu sync.Mutex
	opt := free
	opt.Logs = func() string { mu.Lock(); defer mu.Unlock(); return log.String() }
	opt.App.Token = "a.secret.token"
	r := newRaw(t, opt)
	r.call(200, "GET", "/users/@me?token="+r.token, nil)
	require.NotContains(t, r.d.Offends(fake.Leaked).Error(), r.token)

	f, err := fake.Start(opt)
	require.NoError(t, err)
	mu.Lock()
	log.WriteString("request with Authorization: Bot a.secret.token")
	mu.Unlock()
	err = f.Close()
	require.ErrorContains(t, err, "in the logs")
	require.NotContains(t, err.Error(), "a.secret.token")
}

func TestTokensOfInteractionsDoNotStandInLogs(t *testing.T) {
	t.Parallel()
	var log string
	opt := free
	opt.Logs = func() string { return log }
	b := newBot(t, opt)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.answer(i, 4, say("ok"))
	log = "POST " + i.callback()
	for _, c := range b.d.Calls("") {
		require.NotContains(t, c.String(), i.token)
	}
	b.d.Allow(fake.Leaked)
	require.NoError(t, b.d.Close())
	require.Contains(t, fmt.Sprint(b.d.Offences()), "token of an interaction")
}

func TestMessagesWithoutAllowedMentionsAreAnOffence(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.call(200, "POST", r.messages("responders"), object{"content": "no @everyone in it"})
	require.Contains(t, r.d.Offends(fake.Unguarded).Text, "no allowed_mentions")
}

func TestCallsAreRecordedWithoutRaces(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	var all sync.WaitGroup
	at := r.messages("responders")
	for i := range 20 {
		all.Go(func() {
			text := fmt.Sprintf(`{"content":"%d","allowed_mentions":{"parse":[]}}`, i)
			out, err := r.request(http.MethodPost, at, "application/json", []byte(text))
			if err != nil || out.status != 200 {
				t.Errorf("%v %s", err, out.body)
			}
		})
	}
	all.Wait()
	r.d.In("responders").Count(20)
	require.Len(t, r.d.Calls("POST /channels/{channel}/messages"), 20)
}
