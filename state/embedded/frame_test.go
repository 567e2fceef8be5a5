package embedded

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// written is a journal of n syncs as a killed process leaves it, and where each frame begins.
func written(t testing.TB, n int) (b []byte, frames []int64) {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	e, c := opened(t, dir, Options{})
	for i := range n {
		require.NoError(t, c.RPush(ctx, "list", i).Err())
	}
	require.NoError(t, c.Close())
	b = journalOf(t, dir)[:e.journal.end]
	_, err := scanFrames(bytes.NewReader(b), int64(len(b)), func(off int64, _ []byte) error {
		frames = append(frames, off)
		return nil
	})
	require.NoError(t, err)
	require.Len(t, frames, n+1)
	return b, frames
}

func elementsAfterOpen(t testing.TB, dir string) (int64, Recovery) {
	t.Helper()
	e, c := opened(t, dir, Options{})
	n, err := c.LLen(context.Background(), "list").Result()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, e.Close())
	return n, e.Recovery()
}

func TestATailTornAnywhereIsCutOffAndReported(t *testing.T) {
	t.Parallel()
	b, frames := written(t, 5)
	last := frames[len(frames)-1]
	for cut := last; cut < int64(len(b)); cut++ {
		for _, zeros := range []int{0, 5000} {
			dir := t.TempDir()
			putJournal(t, dir, append(slices.Clone(b[:cut]), make([]byte, zeros)...))
			n, r := elementsAfterOpen(t, dir)
			require.EqualValues(t, 4, n)
			require.Equal(t, cut != last, r.Torn, cut)
			require.Equal(t, last, r.Bytes)
			if cut != last {
				require.Equal(t, last, r.TornAt)
			}
			n, r = elementsAfterOpen(t, dir)
			require.EqualValues(t, 4, n, "and the next open finds nothing wrong")
			require.False(t, r.Torn)
		}
	}
}

func TestALastRecordWithHolesIsTorn(t *testing.T) {
	t.Parallel()
	b, frames := written(t, 5)
	last := frames[len(frames)-1]
	for at := last; at < int64(len(b)); at++ {
		broken := slices.Clone(b)
		broken[at] ^= 0x40
		dir := t.TempDir()
		putJournal(t, dir, broken)
		n, r := elementsAfterOpen(t, dir)
		require.EqualValues(t, 4, n)
		require.True(t, r.Torn)
	}
}

func TestABadByteBeforeTheTailRefusesToStart(t *testing.T) {
	t.Parallel()
	b, frames := written(t, 5)
	last := frames[len(frames)-1]
	for at := range last {
		broken := slices.Clone(b)
		broken[at] ^= 0x01
		dir := t.TempDir()
		putJournal(t, dir, broken)
		_, err := Open(dir, Options{})
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt, at)
		require.Equal(t, filepath.Join(dir, journalName), corrupt.Path)
		require.LessOrEqual(t, corrupt.Offset, at)
		require.Equal(t, broken, journalOf(t, dir), "nothing is changed")
		_, err = Open(dir, Options{})
		require.ErrorAs(t, err, &corrupt, "and the lock was given back")
	}
}

func TestDamageToTheLastRecordOfAClosedJournalIsNoTornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, c := opened(t, dir, Options{})
	require.NoError(t, c.RPush(t.Context(), "list", "a").Err())
	before := e.journal.end
	require.NoError(t, e.Close())
	b := journalOf(t, dir)
	b[before-3] ^= 1
	putJournal(t, dir, b)
	_, err := Open(dir, Options{})
	var corrupt *CorruptError
	require.ErrorAs(t, err, &corrupt)
}

func TestAJournalInsideAValueIsNoRecord(t *testing.T) {
	t.Parallel()
	b, _ := written(t, 3)
	next := appendFrame(nil, int64(len(b)), appendCommand(nil, "SET", "evil", string(b)+string(appendFrame(nil, 0, []byte("x")))))
	dir := t.TempDir()
	putJournal(t, dir, append(b, next[:len(next)-3]...))
	n, r := elementsAfterOpen(t, dir)
	require.EqualValues(t, 3, n)
	require.True(t, r.Torn)
}

func TestAnEmptyJournalIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{{}, make([]byte, 100), []byte("hello, world, this is no journal")} {
		dir := t.TempDir()
		putJournal(t, dir, b)
		_, err := Open(dir, Options{})
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt)
	}
}

func TestARecordThatIsNoEffectIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		"*1\r\n$4\r\nPING\r\n", "*1\r\n", "garbage", "*2\r\n$4\r\nINCR\r\n$4\r\nlist\r\n", "*0\r\n",
		string(appendCommand(nil, "EVAL", "return 1", "0")),
	} {
		b, _ := written(t, 1)
		dir := t.TempDir()
		putJournal(t, dir, appendFrame(b, int64(len(b)), []byte(payload)))
		_, err := Open(dir, Options{})
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt, payload)
	}
}

func FuzzJournalReader(f *testing.F) {
	b, _ := written(f, 3)
	f.Add(b, 0, byte(0))
	f.Add(b, len(b)-4, byte(7))
	f.Add([]byte{}, 0, byte(0))
	f.Add(make([]byte, 40), 3, byte(1))
	f.Fuzz(func(t *testing.T, b []byte, at int, x byte) {
		if len(b) > 0 {
			b = slices.Clone(b)
			b[(at%len(b)+len(b))%len(b)] ^= x
		}
		var end int64
		got, err := scanFrames(bytes.NewReader(b), int64(len(b)), func(off int64, p []byte) error {
			if off != end {
				return errors.New("frames do not follow each other")
			}
			end = off + frameHeader + int64(len(p))
			return nil
		})
		var corrupt *CorruptError
		switch {
		case errors.As(err, &corrupt):
			require.Equal(t, end, corrupt.Offset)
		default:
			require.NoError(t, err)
			require.Equal(t, end, got.end)
			require.LessOrEqual(t, got.end+got.dropped, int64(len(b)))
		}
	})
}

func TestFramesAreReadBackAsWritten(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var b []byte
	var want []string
	for i := range 50 {
		p := []byte("payload " + strconv.Itoa(i) + string(make([]byte, rng.IntN(5000))))
		want = append(want, string(p))
		b = appendFrame(b, int64(len(b)), p)
	}
	var got []string
	end, err := scanFrames(bytes.NewReader(b), int64(len(b)), func(_ int64, p []byte) error {
		got = append(got, string(p))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.EqualValues(t, len(b), end.end)
	require.Zero(t, end.dropped)
}
