package slackfake

import (
	"fmt"
	"strings"
	"time"
)

// Eventually waits until something is so. It looks whenever anything changes, never
// by the clock. It fails the test when patience ends.
func (s *Slack) Eventually(what string, ok func() bool) {
	s.helper()
	if !s.Wait(ok) {
		s.fatal("it never came to be: %s", what)
	}
}

// Wait waits until something is so, or until patience ends, and says which.
func (s *Slack) Wait(ok func() bool) bool {
	end := time.NewTimer(s.opt.Patience)
	defer end.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return true
		}
		select {
		case <-changed:
		case <-end.C:
			return ok()
		}
	}
}

// AwaitConnections waits until the app has so many connections open.
func (s *Slack) AwaitConnections(n int) {
	s.helper()
	s.Eventually(fmt.Sprintf("%d connections are open", n), func() bool { return s.Connections() == n })
}

func (s *Slack) helper() {
	if s.t != nil {
		s.t.Helper()
	}
}

// fatal ends the test, with what can be seen. Outside tests it panics.
func (s *Slack) fatal(format string, args ...any) {
	s.helper()
	text := fmt.Sprintf(format, args...) + "\n" + s.Scene()
	if s.t == nil {
		panic("slackfake: " + text)
	}
	s.t.Fatalf("slackfake: %s", text)
}

// Scene tells what there is to see: the last messages of each conversation, what
// was said in private, open modals, and the last refused calls.
func (s *Slack) Scene() string {
	var b strings.Builder
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.channels {
		if len(ch.messages) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  #%s\n", ch.Name)
		for _, m := range tail(ch.messages, 10) {
			fmt.Fprintf(&b, "    %s\n", s.line(s.show(ch, m)))
		}
	}
	for _, m := range tail(s.ephemerals, 10) {
		fmt.Fprintf(&b, "  only for %s: %s\n", s.nameOf(m.onlyFor), s.line(s.show(s.channelByID(m.channel), m)))
	}
	for user, stack := range s.modals {
		for _, v := range stack {
			fmt.Fprintf(&b, "  modal of %s: %s\n", s.nameOf(user), oneLine(s.showView(v).Text))
		}
	}
	for _, d := range tail(s.deliveries, 5) {
		fmt.Fprintf(&b, "  sent %s: %s\n", describe(d), or(d.Outcome, "waiting"))
	}
	var refused []*Call
	for _, c := range s.calls {
		if c.Error != "" {
			refused = append(refused, c)
		}
	}
	for _, c := range tail(refused, 5) {
		fmt.Fprintf(&b, "  refused %s: %s %s\n", c.Method, c.Error, strings.Join(c.Problems, "; "))
	}
	if b.Len() == 0 {
		return "  (nothing was said)\n"
	}
	return b.String()
}

func tail[T any](l []T, n int) []T { return l[max(0, len(l)-n):] }

func (s *Slack) nameOf(id string) string {
	if name, ok := s.userName(id); ok {
		return name
	}
	return id
}

func (s *Slack) line(m Message) string {
	mark := ""
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		mark = "↳ "
	}
	return mark + s.nameOf(m.From) + ": " + oneLine(m.Text)
}

func oneLine(text string) string {
	text = strings.ReplaceAll(text, "\n", " ⏎ ")
	if r := []rune(text); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return text
}
