package console_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/console"
)

// screen is a terminal that keeps what was printed.
type screen struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var speaker = regexp.MustCompile(`(?m)^allclear  \d\d:\d\d.*\n`)

// shown cuts the screen at the lines that say who speaks. They alone are not
// indented; whatever forges one fails the suite, for it is shown as a message.
func (s *screen) shown() []bottest.Shown {
	text := s.String()
	var out []bottest.Shown
	heads := speaker.FindAllStringIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		var body []string
		for l := range strings.Lines(text[h[1]:end]) {
			body = append(body, strings.TrimPrefix(l, "  "))
		}
		out = append(out, bottest.Shown{
			ID: fmt.Sprint(i), Private: strings.Contains(text[h[0]:h[1]], "only rob sees this"), Text: strings.Join(body, ""),
		})
	}
	return out
}

func TestTheConsolePassesTheSuiteOfPlatforms(t *testing.T) {
	t.Parallel()
	bottest.Run(t, func(t *testing.T) bottest.Harness {
		in, keyboard := io.Pipe()
		out := &screen{}
		p := console.New(in, out, console.Options{User: "rob", Now: func() time.Time { return time.Unix(0, 0) }})
		t.Cleanup(func() { _ = keyboard.Close() })
		return bottest.Harness{
			Platform: p, Place: p.Place(), Link: console.Link("rob"), Shown: out.shown,
			Type: func(t *testing.T, line string) {
				_, err := io.WriteString(keyboard, line+"\n")
				require.NoError(t, err)
			},
		}
	})
}
