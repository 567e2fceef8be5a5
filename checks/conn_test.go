package checks

import (
	"bufio"
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tape is a connection over which the same bytes always come.
type tape struct {
	net.Conn
	in *bytes.Reader
}

func (t tape) Read(p []byte) (int, error)  { return t.in.Read(p) }
func (t tape) Write(p []byte) (int, error) { return len(p), nil }
func (tape) SetDeadline(time.Time) error   { return nil }
func (tape) Close() error                  { return nil }

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.0 200 OK\n\nok", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 X\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: x\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n", "HTTP/2.0 200\r\n\r\n", "\r\n\r\n",
	} {
		f.Add([]byte(s), true)
	}
	o := Options{Body: 100, Header: 200}.withDefaults()
	f.Fuzz(func(t *testing.T, data []byte, get bool) {
		method := "GET"
		if !get {
			method = "HEAD"
		}
		left := int64(len(data)) - 1 // the last byte is beyond the budget
		wire := meter{tape{in: bytes.NewReader(data)}, &left}
		c := &conn{Conn: wire, br: bufio.NewReaderSize(wire, o.Header)}
		a, keep, err := c.exchange(t.Context(), &o, method, "/", nil)
		if err != nil {
			require.False(t, keep)
			return
		}
		require.LessOrEqual(t, len(a.Body), o.Body)
		require.GreaterOrEqual(t, a.Status, 101)
		require.False(t, keep && a.Cut != "")
	})
}

func TestTheEndOfAHeadIsFoundWhereverItArrives(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nA: b\n\r\n"} {
		for cut := range len(s) {
			require.Zero(t, endOfHead([]byte(s[:cut]), 0))
			require.NotZero(t, endOfHead([]byte(s), max(0, cut-3)), "%q after %d", s, cut)
		}
	}
}
