package playbook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
)

// withObserver is the documented example with one more observer.
func withObserver(t testing.TB, observer string) []byte {
	t.Helper()
	good := documented(t)[0]
	return []byte(strings.Replace(good, "observers: #", "observers:\n  - {id: one, method: GET, caveat: None., "+observer+"} #", 1))
}

func TestEachExtractorIsReadWithItsKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		observer  string
		reads     checks.Extract
		precision int
	}{
		{`path: /a, pattern: '(.+)', precision: 4`, checks.ExtractBody, 4},
		{`path: /a, read: body, pattern: '(.+)', precision: 3`, checks.ExtractBody, 3},
		{`path: /a, header: X-A, pattern: '(.+)', precision: 3`, checks.ExtractHeader, 3},
		{`path: /a, read: header, header: X-A, pattern: '(.+)', precision: 3, parts: [0, 1, 3]`, checks.ExtractHeader, 3},
		{`path: /a, read: links, pattern: '(.+)', precision: 3`, checks.ExtractLinks, 3},
		{`path: /a, read: redirect, pattern: '(.+)', precision: 2`, checks.ExtractRedirect, 2},
		{`path: /a.gz, read: stamp, file: a`, checks.ExtractStamp, 3},
		{`path: /a.gz, read: stamp, file: a, stamps: [5 14.1-43.56, 6 14.1-47.46]`, checks.ExtractStamp, 4},
		{`path: /a.js, read: status, status: 204, means: 14.1`, checks.ExtractStatus, 2},
	} {
		p, err := Parse(withObserver(t, c.observer), "p")
		require.NoError(t, err, c.observer)
		o := p.Observers[0]
		require.Equal(t, c.reads, o.Reads(), c.observer)
		require.Equal(t, c.precision, o.Precision, c.observer)
		require.NotEmpty(t, readText(o))
	}
}

func TestKeysThatDoNotBelongToAnExtractorAreRefused(t *testing.T) {
	t.Parallel()
	for observer, want := range map[string]string{
		`path: /a`:                            `observer "one" reads the body and needs the key "pattern"`,
		`path: /a, pattern: '(.+)'`:           `observer "one" reads the body and needs the key "precision"`,
		`path: /a, read: header`:              `observer "one" reads the header and needs the key "header"`,
		`path: /a, header: X-A, precision: 2`: `observer "one" reads the header and needs the key "pattern"`,
		`path: /a, header: X-A, read: links, pattern: '(.+)', precision: 2`:                    `observer "one" reads the header X-A, not the links`,
		`path: /a, pattern: '(.+)', precision: 2, file: a`:                                     `the key "file" has no meaning for it`,
		`path: /a, pattern: '(.+)', precision: 2, means: 1.2`:                                  `the key "means" has no meaning for it`,
		`path: /a, pattern: '(.+)', precision: 2, status: 200`:                                 `the key "status" has no meaning for it`,
		`path: /a, pattern: '(.+)', precision: 2, parts: [0, 1, 2]`:                            `observer "one" makes builds of 3 parts, so that its precision is not 2`,
		`path: /a, read: stamp`:                                                                `observer "one" reads the stamp and needs the key "file"`,
		`path: /a, read: stamp, file: a/b`:                                                     `"a/b" is not the name of a file`,
		`path: /a, read: stamp, file: a, precision: 3`:                                         `the key "precision" has no meaning for it`,
		`path: /a, read: stamp, file: a, pattern: '(.+)'`:                                      `the key "pattern" has no meaning for it`,
		`path: /a, read: stamp, file: a, lookalikes: []`:                                       `the key "lookalikes" has no meaning for it`,
		`path: /a, read: stamp, file: a, stamps: [1 1.2, 2 1.2.3]`:                             `the build 1.2.3 has other numbers than 1.2, and one table has one form`,
		`path: /a, read: stamp, file: a, stamps: [4294967296 1.2]`:                             `"4294967296" is no time in seconds since 1970`,
		`path: /a, read: stamp, file: a, stamps: ['-1 1.2']`:                                   `"-1" is no time in seconds since 1970`,
		`path: /a, read: stamp, file: a, stamps: [1 one]`:                                      `"one" is not a version`,
		`path: /a, read: stamp, file: a, stamps: [1 1.2], examples: [{answer: 2, build: 1.2}]`: `observer "one" reads "" from this example, not "1.2"`,
		`path: /a, read: stamp, file: a, examples: [{answer: 1749552827, build: 2025.6.11}]`:   `reads "2025.6.10" from this example, not "2025.6.11"`,
		`path: /a, read: status, status: 200`:                                                  `observer "one" reads the status and needs the key "means"`,
		`path: /a, read: status, means: 1.2`:                                                   `observer "one" reads the status and needs the key "status"`,
		`path: /a, read: status, status: 99, means: 1.2`:                                       `"99" is not a number from 200 to 599`,
		`path: /a, pattern: '(.+)', precision: 3, examples: [{answer: 1.2, build: 1.2}]`:       `observer "one" reads "" from this example, not "1.2"`,
		`path: /a, header: WWW-Authenticate, pattern: '(.+)', precision: 2`:                    `carries what gives access, and is never read`,
		`path: /a, rad: body, pattern: '(.+)', precision: 2`:                                   `unknown key "rad" in an observer; did you mean "read"?`,
	} {
		_, err := Parse(withObserver(t, observer), "p")
		require.ErrorContains(t, err, want, observer)
		require.ErrorContains(t, err, "p:", "with its line")
	}
	for _, read := range []string{"body", "links", "stamp"} {
		_, err := Parse([]byte(strings.Replace(string(withObserver(t, "path: /a, pattern: '(.+)', precision: 2, read: "+read)), "id: one, method: GET", "id: one, method: HEAD", 1)), "p")
		require.ErrorContains(t, err, `observer "one" reads the body, and HEAD has none`, read)
	}
}

func TestAPlaybookMayNotAskForTooMuch(t *testing.T) {
	t.Parallel()
	good := documented(t)[0]
	with := func(n int) []byte {
		var many strings.Builder
		for i := range n {
			fmt.Fprintf(&many, "  - {id: i%d, path: /shell%d.php, grade: A}\n", i, i)
		}
		return []byte(strings.Replace(good, "indicators: #", "indicators:\n"+many.String()+"  #", 1))
	}
	p, err := Parse(with(38), "p")
	require.NoError(t, err)
	require.Equal(t, maxRequests, requests(p))
	_, err = Parse(with(39), "p")
	require.ErrorContains(t, err, "observers and indicators ask a server 49 requests; at most 48 may be asked")
}

func TestWhatIsToBeFilledInIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	good := documented(t)[0]
	for old, filled := range map[string]struct{ text, want string }{
		"title: Example\n":      {"title: 'FILL IN: what people call it'\n", "p:3:8: to be filled in: what people call it"},
		"playbook: example\n":   {"# FILL IN: who is affected\nplaybook: example\n", "p:1:1: to be filled in, and this comment removed: who is affected"},
		"    grade: A # A to D": {"    grade: FILL IN # A to D", `to be filled in: ; `},
		"fixed: 7.0.120 #":      {"fixed: 7.0.120 # FILL IN: \x1b[2J is it? #", "·[2J is it?"},
		"summary: What":         {"summary: >-\n  FILL IN: What", "to be filled in: What happened"},
	} {
		require.Equal(t, 1, strings.Count(good, old), old)
		_, err := Parse([]byte(strings.Replace(good, old, filled.text, 1)), "p")
		require.ErrorContains(t, err, strings.TrimSuffix(filled.want, "; "), old)
	}
	_, err := Parse([]byte(strings.Replace(good, "advice: Search the logs.", "advice: Fill in the form, # and fill in the rest", 1)), "p")
	require.NoError(t, err, "ordinary words are not meant")
}
