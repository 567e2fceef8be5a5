//go:build chaos

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// word is what a person wants done, however often it had to be said.
type word struct {
	who, line string
	requests  []string // that were accepted for it
	answers   []string // the messages that answer them
	promised  int      // times that Slack was told that it was taken
}

// mostSaid is how often a person says the same before they give up.
const mostSaid = 20

// say has a person of the story press the button that says a line, or type it, and wait for the answer. Who is told that
// it was not done, or nothing, says it again.
func (c *saga) say(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	w := &word{who: who, line: line}
	c.words = append(c.words, w)
	for try := range mostSaid {
		if c.err != nil || ctx.Err() != nil {
			return chat.Message{}, c.err
		}
		if try > 0 {
			c.again++
		}
		before := c.shown(who)
		answers := len(w.answers)
		taken := promised(c.once(w, files, try))
		if !taken && c.rng.IntN(2) == 0 {
			continue // there and then, while the first may still be under way
		}
		if err := c.settle(w); err != nil {
			return chat.Message{}, fmt.Errorf("%s: %q: %w\n%s", who, line, err, tail(c.fake.Scene(), 3000))
		}
		if taken {
			w.promised++
		}
		said := slices.DeleteFunc(c.shown(who), func(m slackfake.Message) bool { return holds(before, m.TS) })
		if taken && len(w.answers) > answers && !doubtful(said) {
			c.also(who, line)
			return c.answer(w), nil
		}
	}
	return chat.Message{}, fmt.Errorf("%s: %q was said %d times in vain\n%s", who, line, mostSaid, tail(c.fake.Scene(), 4000))
}

// also does in between what the script does not have: a second channel hears of the incident.
func (c *saga) also(who, line string) {
	if strings.HasPrefix(line, "incident open ") {
		_ = c.fake.User(who).Types(storyElsewhere, "/allclear incident bind").Done()
		c.err = c.settle(nil)
	}
}

// storyElsewhere is another channel that hears of the incident.
const storyElsewhere = "secret"

// shown is what a person sees in the channel, the latest last.
func (c *saga) shown(who string) []slackfake.Message {
	all := append(c.fake.Ephemerals(who), c.fake.Messages(storyChannel)...)
	slices.SortStableFunc(all, func(a, b slackfake.Message) int { return strings.Compare(a.TS, b.TS) })
	return all
}

func holds(all []slackfake.Message, ts string) bool {
	return slices.ContainsFunc(all, func(m slackfake.Message) bool { return m.TS == ts })
}

// doubtful reports whether somebody was told that nobody knows what became of what they said.
func doubtful(said []slackfake.Message) bool {
	return slices.ContainsFunc(said, func(m slackfake.Message) bool {
		for _, words := range []string{"It is not known", "Not done: ", "Given up: ", "Something went wrong", "Stopped, because"} {
			if strings.Contains(m.Text, words) {
				return true
			}
		}
		return false
	})
}

// once says a line once, in one of the ways that there are, and lets something go wrong meanwhile.
func (c *saga) once(w *word, files []chat.File, try int) slackfake.Delivery {
	person := c.fake.User(w.who)
	var sent *slackfake.Sent
	m, label := c.button(w.who, w.line)
	switch {
	case len(files) > 0:
		sent = person.Uploads(storyChannel, files[0].Name, files[0].Data, "@allclear "+w.line)
	case try == 0 && strings.HasPrefix(w.line, "verify "):
		sent = c.form(w.who, strings.TrimPrefix(w.line, "verify "))
	case label != "" && try == 0:
		c.pressed++
		sent = person.Presses(m, label)
	}
	if sent == nil {
		dark := c.darken()
		sent = person.Types(storyChannel, "/allclear "+w.line)
		if dark {
			defer c.lighten()
		}
	}
	c.typed++
	c.accident(w.line)
	return sent.Done()
}

// darken kills the Redis before a line is typed, when that is what goes wrong now; lighten starts it again.
func (c *saga) darken() bool {
	if c.typed < c.next || c.kind%accidents != redisDies || c.rng.IntN(2) == 0 {
		return false
	}
	c.kind++
	c.redis.Kill(c.t)
	return true
}

func (c *saga) lighten() {
	c.redis.Restart(c.t)
	c.downs++
}

// button finds a button that the person sees and that says the line, on one of the newest messages.
func (c *saga) button(who, line string) (slackfake.Message, string) {
	all := c.shown(who)
	for i := len(all) - 1; i >= max(0, len(all)-20); i-- {
		for _, b := range buttonsOf(all[i].Blocks) {
			if len(b.Ask) == 0 && strings.Replace(b.Line, " --incident "+incidentName, "", 1) == line {
				return all[i], b.Label
			}
		}
	}
	return slackfake.Message{}, ""
}

// buttonsOf reads the buttons of blocks.
func buttonsOf(v any) (out []chat.Button) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, buttonsOf(x)...)
		}
	case map[string]any:
		var carries struct {
			Line string   `json:"l"`
			Ask  []string `json:"a"`
		}
		text, _ := v["text"].(map[string]any)
		value, _ := v["value"].(string)
		if label, _ := text["text"].(string); v["type"] == "button" && json.Unmarshal([]byte(value), &carries) == nil && carries.Line != "" {
			return []chat.Button{{Label: label, Line: carries.Line, Ask: carries.Ask}}
		}
		for _, x := range v {
			out = append(out, buttonsOf(x)...)
		}
	}
	return out
}

// verifyNow opens the form that asks which server was patched.
const verifyNow = "I patched, verify now"

// form sends the form of the menu instead of a line; nil: it cannot be opened just now.
func (c *saga) form(who, server string) *slackfake.Sent {
	person := c.fake.User(who)
	person.Types(storyChannel, "/allclear menu").Done()
	if c.err = c.settle(nil); c.err != nil {
		return nil
	}
	private := c.fake.Ephemerals(who)
	i := slices.IndexFunc(private, func(m slackfake.Message) bool { return slices.Contains(m.Buttons(), verifyNow) })
	if i < 0 || !promised(person.Presses(private[i], verifyNow).Done()) {
		return nil
	}
	if !eventually(soon, func() bool { _, open := c.fake.Modal(who); return open }) || !slices.Contains(person.Searches("Server", server), server) {
		return nil
	}
	c.filled++
	return person.Fills(map[string]string{"Server": server}).Submits()
}

// answer is what was answered to a word: of it the story only wants the buttons.
func (c *saga) answer(w *word) chat.Message {
	var out chat.Message
	for _, m := range c.shown(w.who) {
		if slices.Contains(w.answers, m.TS) {
			out.Add(chat.Row(buttonsOf(m.Blocks)...))
		}
	}
	return out
}

// What goes wrong, in turn.
const (
	replicaDies = iota
	slowDown
	redisDies
	replicaDiesToo
	serverErrors
	severalDie
	accidents
)

// accident is what goes wrong now, if anything does.
func (c *saga) accident(during string) {
	if c.typed < c.next {
		return
	}
	c.next = c.typed + 1 + c.rng.IntN(2*c.every-1)
	pause := func() { time.Sleep(c.moment(during)) }
	kind := c.kind % accidents
	c.kind++
	switch kind {
	case replicaDies, replicaDiesToo:
		pause()
		c.die(1)
	case slowDown:
		c.fake.NextCalls("chat.postMessage", 1+c.rng.IntN(3), slackfake.RateLimited(time.Second))
		c.storms++
	case redisDies:
		pause()
		c.redis.Kill(c.t)
		pause()
		c.lighten()
	case serverErrors:
		c.fake.NextCalls("chat.postMessage", 1+c.rng.IntN(3), slackfake.ServerError())
		c.fake.NextCalls("chat.postMessage", 1, slackfake.HalfDone())
		c.fake.NextCalls("chat.update", 1, slackfake.ServerError())
		c.storms++
	case severalDie:
		c.fake.NextCalls("chat.postMessage", 1, slackfake.LostAnswer())
		pause()
		c.die(2 + c.rng.IntN(2))
	}
}

// moment is how long after somebody said something it goes wrong: often before it is acknowledged.
func (c *saga) moment(during string) time.Duration {
	most := 8 * time.Millisecond
	switch {
	case c.rng.IntN(2) == 0:
	case during == "slot", strings.HasPrefix(during, "scan"):
		most = 1500 * time.Millisecond
	default:
		most = 80 * time.Millisecond
	}
	return time.Duration(c.rng.Int64N(int64(most)))
}

// die kills so many replicas, and starts others.
func (c *saga) die(n int) {
	first := c.rng.IntN(len(c.replicas))
	for i := range n {
		c.replicas[(first+i)%len(c.replicas)].kill()
	}
	for i := range n {
		c.start((first + i) % len(c.replicas))
		c.kills++
	}
}
