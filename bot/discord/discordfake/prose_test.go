package discordfake_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// witness is a test that fails without failing this one.
type witness struct {
	mu      sync.Mutex
	failed  []string
	cleanup []func()
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) Cleanup(f func()) { w.cleanup = append(w.cleanup, f) }

// fails is what a test would be told that does something.
func fails(t *testing.T, f *fake.Fake, do func(*fake.Test)) string {
	t.Helper()
	w := &witness{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(f.For(w))
	}()
	<-done
	require.Len(t, w.failed, 1)
	return w.failed[0]
}

func impatient() fake.Options {
	opt := free
	opt.Patience = 20 * time.Millisecond
	return opt
}

func TestFailuresTellWhatHappenedInstead(t *testing.T) {
	t.Parallel()
	r := newRaw(t, impatient())
	r.post("responders", object{"content": "**3 exposed**", "components": []object{row(button("a"))}})
	text := fails(t, r.d.Fake, func(d *fake.Test) { d.In("responders").Sees("ALL CLEAR") })
	require.Contains(t, text, `#responders sees "ALL CLEAR", within 20ms`)
	require.Contains(t, text, "#responders  allclear: 3 exposed")
	require.Contains(t, text, "[Go]")
	require.Contains(t, text, "POST /api/v10/channels/")
	require.NotContains(t, text, r.token)
}

func TestEachAssertionCanFail(t *testing.T) {
	t.Parallel()
	opt := impatient()
	b := newBot(t, opt)
	b.post("responders", object{"content": "twice"})
	b.post("responders", object{"content": "twice"})
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	b.answer(b.take(), 4, object{"content": "only you", "flags": 64, "allowed_mentions": none})
	y := b.d.User("lead-1").Runs("responders", "/allclear scan")
	b.answer(b.take(), 4, say("all"))
	exchange := func(d *fake.Test, a *fake.Asked) *fake.Exchange { return d.Exchange(a) }
	for want, do := range map[string]func(*fake.Test){
		"2 times, not once":         func(d *fake.Test) { d.In("responders").SeesOnce("twice") },
		"must not see":              func(d *fake.Test) { d.In("responders").SeesNothing("twice") },
		"no longer sees":            func(d *fake.Test) { d.In("responders").NoLonger("twice") },
		"has 9 messages":            func(d *fake.Test) { d.In("responders").Count(9) },
		"pins":                      func(d *fake.Test) { d.In("responders").Pinned("twice") },
		"has a post":                func(d *fake.Test) { d.In("reports").Post("x") },
		"there is no channel":       func(d *fake.Test) { d.In("nowhere") },
		"nobody called":             func(d *fake.Test) { d.User("nobody") },
		"no command":                func(d *fake.Test) { d.User("lead-1").Runs("responders", "/x") },
		"alone sees":                func(d *fake.Test) { d.User("lead-2").Sees("only you") },
		"sessions are online":       func(d *fake.Test) { d.Online(5) },
		"is called 1 times":         func(d *fake.Test) { d.Called("GET /gateway", 1) },
		"is broken":                 func(d *fake.Test) { d.Offends(fake.Banned) },
		"there is no route":         func(d *fake.Test) { d.NextCalls("GET /x", 1, fake.Hang()) },
		"gets \"other\"":            func(d *fake.Test) { exchange(d, x.Asked).Gets("other") },
		"where nobody else sees it": func(d *fake.Test) { exchange(d, x.Asked).GetsPublicly("only you") },
		"where everybody sees it":   func(d *fake.Test) { exchange(d, y.Asked).GetsPrivately("all") },
		"fails":                     func(d *fake.Test) { exchange(d, y.Asked).Fails() },
		"is thought about":          func(d *fake.Test) { exchange(d, y.Asked).Thinks() },
		"opens the modal":           func(d *fake.Test) { exchange(d, y.Asked).Opens("") },
		"not within":                func(d *fake.Test) { exchange(d, y.Asked).Within(0) },
	} {
		require.Contains(t, fails(t, b.d.Fake, do), want)
	}
}

func TestATestThatBreaksARuleFailsAtItsEnd(t *testing.T) {
	t.Parallel()
	w := &witness{}
	d := fake.New(w, free)
	r := &raw{t, d, d.Client(), d.Token()}
	r.call(200, "POST", r.messages("responders"), object{"content": "x"})
	r.call(200, "POST", r.messages("responders"), object{"content": "y"})
	for _, f := range w.cleanup {
		f()
	}
	require.Len(t, w.failed, 2)
	require.True(t, strings.HasPrefix(w.failed[0], "Discord would punish this: every message says in allowed_mentions"), w.failed[0])

	w = &witness{}
	d = fake.New(w, free)
	d.Allow(fake.Unguarded)
	r = &raw{t, d, d.Client(), d.Token()}
	r.call(200, "POST", r.messages("responders"), object{"content": "x"})
	for _, f := range w.cleanup {
		f()
	}
	require.Empty(t, w.failed)
	require.Len(t, d.Offences(), 1)
}

func TestAWorldThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]fake.Options{
		"no snowflake":          {App: fake.App{ID: "allclear"}},
		"a name and a":          {Guilds: []fake.Guild{{Name: "g", Members: []fake.Member{{ID: "x", Name: "n"}}}}},
		"which there is not":    {Guilds: []fake.Guild{{Name: "g", Members: []fake.Member{{Name: "n", Roles: []string{"r"}}}}}},
		"of its own":            {Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{ID: "5", Name: "a"}, {ID: "5", Name: "b"}}}}},
		"no role or member":     {Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{Name: "a", Overwrites: []fake.Overwrite{{Target: "x"}}}}}}},
		"cannot be followed":    {Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{Name: "a"}, {Name: "b", Follows: []string{"a"}}}}}},
		"there is no channel":   {Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{Name: "b", Follows: []string{"a"}}}}}},
		"there are several cha": {Guilds: []fake.Guild{{Name: "g", Channels: []fake.Channel{{Name: "a", Kind: fake.Announcement}, {Name: "a"}, {Name: "b", Follows: []string{"a"}}}}}},
	} {
		_, err := fake.Start(opt)
		require.ErrorContains(t, err, want)
	}
}

func TestManyFakesRunAtOnce(t *testing.T) {
	t.Parallel()
	one, two := newRaw(t, free), newRaw(t, free)
	require.NotEqual(t, one.d.Token(), two.d.Token())
	one.post("responders", object{"content": "here"})
	require.Empty(t, two.d.In("responders").Shows())
	two.token = one.d.Token()
	two.call(401, "GET", "/users/@me", nil)
}
