package bottest

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Main runs the tests of a platform, and fails when something of its package (like
// "bot/slack") still runs after all of them have ended.
func Main(m *testing.M, pkg string) {
	code := m.Run()
	if left := leaked(pkg); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left over:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leaked are the goroutines of a package that do not end.
func leaked(pkg string) string {
	end := time.Now().Add(5 * time.Second)
	for {
		buf := make([]byte, 1<<20)
		var ours []string
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "allclear/"+pkg+".") && !strings.Contains(g, "TestMain") {
				ours = append(ours, g)
			}
		}
		if len(ours) == 0 || time.Now().After(end) {
			return strings.Join(ours, "\n\n")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Pages is a log that can be read while it is written.
type Pages struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *Pages) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *Pages) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// Counts are what was counted, by event.
type Counts struct {
	mu sync.Mutex
	m  map[string]int
}

// Add counts an event.
func (c *Counts) Add(event string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[string]int{}
	}
	c.m[event]++
}

// Of is how often an event was counted.
func (c *Counts) Of(event string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[event]
}

// ListsWhatItCounts requires that the package in this folder counts what it lists, and
// nothing else.
func ListsWhatItCounts(t *testing.T, events []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	counted := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\bCount\("([^"]+)"\)`).FindAllStringSubmatch(string(raw), -1) {
			counted[m[1]] = true
		}
	}
	require.NotEmpty(t, counted)
	for event := range counted {
		require.Contains(t, events, event)
	}
	require.Len(t, events, len(counted), "what is listed is counted somewhere")
}
