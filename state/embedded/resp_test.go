package embedded

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACommandIsReadAsWritten(t *testing.T) {
	t.Parallel()
	want := []string{"SET", "", "a\r\nb\x00", strings.Repeat("x", 3<<20)}
	b := appendCommand(nil, want...)
	r := bufio.NewReaderSize(bytes.NewReader(append(b, b...)), 16)
	for range 2 {
		got, err := readCommand(r)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := readCommand(r)
	require.ErrorIs(t, err, io.EOF)
}

func TestWhatIsNoCommandIsAProtocolError(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"GET / HTTP/1.1\r\n", "PING\r\n", "*1\n$1\na\n", "*-1\r\n", "*99999999\r\n", "*1\r\n$99999999999\r\n", "*1\r\n$-1\r\n",
		"*1\r\n$1\r\nabc", "*1\r\n:5\r\n", "*" + strings.Repeat("1", 70_000), "*x\r\n", "*1\r\n$70000000\r\n",
	} {
		_, err := readCommand(bufio.NewReader(strings.NewReader(in)))
		require.ErrorIs(t, err, errProtocol, in[:min(len(in), 40)])
	}
	for _, in := range []string{"*", "*1", "*1\r\n", "*1\r\n$3\r\n", "*1\r\n$3\r\nab", "*1\r\n$60000000\r\nab"} {
		_, err := readCommand(bufio.NewReader(strings.NewReader(in)))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, in)
	}
}

func FuzzRESPReader(f *testing.F) {
	f.Add(appendCommand(nil, "SET", "k", "v"))
	f.Add([]byte("*1\r\n$4\r\nPI"))
	f.Add([]byte("*2\r\n$-1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for {
			args, err := readCommand(r)
			if err != nil {
				return
			}
			back, err := readCommand(bufio.NewReader(bytes.NewReader(appendCommand(nil, args...))))
			require.NoError(t, err)
			require.Equal(t, args, back)
		}
	})
}
