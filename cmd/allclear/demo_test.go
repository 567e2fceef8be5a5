package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

// piped is a system without a terminal, with its output.
func piped(t *testing.T, in string, env ...string) (system, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, errs bytes.Buffer
	return system{
		In: strings.NewReader(in), Out: &out, Err: &errs,
		Getenv: func(k string) string {
			for _, kv := range env {
				if n, v, _ := strings.Cut(kv, "="); n == k {
					return v
				}
			}
			return ""
		},
		Environ:  func() []string { return env },
		Terminal: func(any) (int, bool) { return 0, false },
	}, &out, &errs
}

func TestTheDemoTellsTheWholeResponseAndReachesAllClear(t *testing.T) {
	dir, log := inTemp(t), filepath.Join(t.TempDir(), "log")
	sys, out, errs := piped(t, "")
	code := run(t.Context(), []string{"demo", "--log", log}, sys)
	require.Zero(t, code, "%s\n%s", errs, tail(out.String(), 4000))
	require.Empty(t, errs.String())

	told := out.String()
	for _, line := range []string{
		"Incident toolshell is open",
		"with a new sign of an attacker",
		"carries no revision",
		"where a web shell answered", // in the logs
		"A claim proves nothing",
		"do it again", // the rotation in the wrong order
		"You asked for this yourself",
		"4 re-opened",         // the fix line
		"was confirmed until", // to the owner, with the reason
		"2 servers re-opened", // the snapshot
		"is contained now",
		"Not clear: 60 of 60 servers are open",
		"ALL CLEAR: toolshell",
		"The record is whole",
		"0 of them writes, 0 for a forbidden path",
	} {
		require.Contains(t, told, line)
	}
	require.NotContains(t, told, "\x1b", "no colour in a pipe")
	require.NotContains(t, told, "CLEAR WITH")
	require.Equal(t, 1, strings.Count(told, "ALL CLEAR: toolshell"), "declared once")

	left := filesIn(t, dir)
	require.NotEmpty(t, left)
	picture := left[0]
	for _, path := range left {
		require.Contains(t, []string{"attacks.csv", "burn-down.png", "toolshell-revision-2.csv"}, filepath.Base(path), "nothing is left behind but what answers carried")
		if strings.HasSuffix(path, ".png") {
			picture = path
		}
	}
	require.Contains(t, told, "All else was in memory, and is gone.")
	require.Contains(t, told, picture)
	png, err := os.ReadFile(picture)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(png, []byte("\x89PNG")))
	requireCalmLog(t, log)
}

// inTemp makes the directory of temporary files one of this test.
func inTemp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, v := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(v, dir)
	}
	return dir
}

func filesIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func TestTheDemoOfALargeFleetReachesAllClearToo(t *testing.T) {
	slow(t, "the same rules play the small fleet")
	dir := t.TempDir()
	sys, out, errs := piped(t, "")
	code := run(t.Context(), []string{"demo", "--servers", "260", "--save", dir}, sys)
	require.Zero(t, code, "%s\n%s", errs, tail(out.String(), 4000))
	require.Empty(t, errs.String())
	told := out.String()
	for _, line := range []string{
		"Not clear: 260 of 260 servers are open",
		"confirmed in the same way, group beside group",
		"ALL CLEAR: toolshell",
		"The record is whole",
		"0 of them writes, 0 for a forbidden path",
	} {
		require.Contains(t, told, line)
	}
	require.NotContains(t, told, "CLEAR WITH")
	require.NotContains(t, told, "Kept:", "the directory was asked for")
	require.Contains(t, filesIn(t, dir), filepath.Join(dir, "burn-down.png"))
}

// stopper is a writer that ends a context when something is written.
type stopper struct {
	mu   sync.Mutex
	text bytes.Buffer
	on   string
	end  context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.text.Write(p)
	if strings.Contains(s.text.String(), s.on) {
		s.end()
	}
	return n, err
}

func TestTheDemoCanBeStoppedAtAnyMoment(t *testing.T) {
	dir := inTemp(t)
	for _, moment := range []string{"server import", "Scan ", "Patched is not remediated", "evidence add"} {
		t.Run(moment, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			out := &stopper{on: moment, end: end}
			sys, _, errs := piped(t, "")
			sys.Out = out
			require.Equal(t, exitStopped, run(ctx, []string{"demo"}, sys))
			require.Equal(t, "Stopped; nothing is kept.\n", errs.String())
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestAnAlbumOfItsOwnDoesNotStayBehindEmpty(t *testing.T) {
	dir := inTemp(t)
	a, err := openAlbum("")
	require.NoError(t, err)
	require.DirExists(t, a.dir)
	require.Empty(t, a.close())
	require.NoDirExists(t, a.dir)

	a, err = openAlbum("")
	require.NoError(t, err)
	path := filepath.Join(a.dir, "p.png")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	require.Contains(t, a.close(), path)
	require.FileExists(t, path)
	a.drop()
	require.NoDirExists(t, a.dir)

	asked := filepath.Join(dir, "asked")
	a, err = openAlbum(asked)
	require.NoError(t, err)
	require.Empty(t, a.close())
	a.drop()
	require.DirExists(t, asked, "what was asked for stays")
}

func TestManyHandsDoEachThingOnceAndTheFirstErrorEndsThem(t *testing.T) {
	t.Parallel()
	s := &stage{elsewhere: func(context.Context, string, string, []chat.File) (chat.Message, error) { return chat.Message{}, nil }}
	done, aloud := make([]int, 100), 0
	require.NoError(t, s.atOnce(t.Context(), len(done), func(_ context.Context, i int) error {
		if done[i]++; !s.isQuiet() {
			aloud++
		}
		return nil
	}))
	require.Equal(t, slices.Repeat([]int{1}, 100), done)
	require.Zero(t, aloud)
	require.False(t, s.isQuiet())
	broken, n := errors.New("broken"), 0
	require.ErrorIs(t, s.atOnce(t.Context(), 100, func(context.Context, int) error { n++; return broken }), broken)
	require.Equal(t, 1, n)
}

// requireCalmLog fails on any line of a log that is an error, or that has text of
// a message in it.
func requireCalmLog(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		var l map[string]any
		require.NoError(t, json.Unmarshal(s.Bytes(), &l), s.Text())
		require.NotEqual(t, "ERROR", l["level"], s.Text())
		require.NotContains(t, s.Text(), "installed over lunch", "a log never holds what people wrote")
	}
	require.Positive(t, lines)
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

func TestTheDemoRefusesAFleetTooSmallForTheStory(t *testing.T) {
	t.Parallel()
	sys, _, errs := piped(t, "")
	require.Equal(t, exitUsage, run(t.Context(), []string{"demo", "--servers", "3"}, sys))
	require.Contains(t, errs.String(), "30 to 100000")
}

func TestTheDemoOfEveryCampaignReachesAllClearOnItsOwnProduct(t *testing.T) {
	t.Parallel()
	for campaign, told := range map[string][]string{
		"citrixbleed2":          {"NetScaler 14.1: 14.1.43.56", "which is not after", "it answered, and no build could be read"},
		"sharepoint-2026-50522": {"16.0.10417.20175", "which is not after", "patches the last one afterwards"},
		"proxynotshell":         {"15.2.1118.20", "A mitigation is not a fix", "The rule can be gone round"},
	} {
		t.Run(campaign, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			sys, out, errs := piped(t, "")
			code := run(t.Context(), []string{"demo", "--playbook", campaign, "--servers", "24", "--save", t.TempDir(), "--log", log}, sys)
			require.Zero(t, code, "%s\n%s", errs, tail(out.String(), 4000))
			require.Empty(t, errs.String())
			for _, line := range append(told,
				"Incident "+campaign+" is open", "Not clear: 24 of 24 servers open", "A patch clears no compromise", "eviction evicted",
				"You asked for this yourself", "ALL CLEAR: "+campaign, "The record is whole", "0 of them writes, 0 for a forbidden path",
			) {
				require.Contains(t, out.String(), line)
			}
			require.NotContains(t, out.String(), "CLEAR WITH")
			requireCalmLog(t, log)
		})
	}
}

func TestTheDemoKnowsItsCampaigns(t *testing.T) {
	t.Parallel()
	sys, _, errs := piped(t, "")
	require.Equal(t, exitUsage, run(t.Context(), []string{"demo", "--playbook", "citrixbleed"}, sys))
	require.Contains(t, errs.String(), "there is a story for toolshell, citrixbleed2, proxynotshell, sharepoint-2026-50522; did you mean citrixbleed2?")
	require.Equal(t, exitUsage, run(t.Context(), []string{"demo", "--playbook", "citrixbleed2", "--servers", "5"}, sys))
	for _, c := range demoCampaigns()[1:] {
		require.NotEmpty(t, lessons()[c].begin, c)
		require.NotEmpty(t, lessons()[c].outside, c)
	}
}
