package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits of one command on the wire: far above what the store sends, far below what would hurt the process.
const (
	maxArgs    = 1 << 20
	maxBulk    = 64 << 20
	maxCommand = 256 << 20
)

var errProtocol = errors.New("protocol error")

// readCommand reads one command: an array of bulk strings. Inline commands are refused on purpose: a browser that is
// tricked into posting to the local listener must not be able to speak to it.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readHeader(r, '*', maxArgs)
	if err != nil {
		return nil, err
	}
	args := make([]string, 0, min(n, 64))
	total := 0
	for range n {
		s, err := readBulk(r)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if total += len(s); total > maxCommand {
			return nil, fmt.Errorf("%w: command too big", errProtocol)
		}
		args = append(args, s)
	}
	return args, nil
}

func readHeader(r *bufio.Reader, kind byte, limit int) (int, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return 0, fmt.Errorf("%w: line too long", errProtocol)
	case err != nil && len(line) > 0:
		return 0, io.ErrUnexpectedEOF
	case err != nil:
		return 0, err
	case len(line) < 4 || line[0] != kind || line[len(line)-2] != '\r':
		return 0, fmt.Errorf("%w: expected '%c'", errProtocol, kind)
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("%w: invalid length", errProtocol)
	}
	return n, nil
}

// readBulk takes memory as bytes arrive, not as the header promises.
func readBulk(r *bufio.Reader) (string, error) {
	n, err := readHeader(r, '$', maxBulk)
	if err != nil {
		return "", err
	}
	const step = 1 << 20
	buf := make([]byte, 0, min(n+2, step))
	for len(buf) < n+2 {
		from := len(buf)
		to := min(n+2, from+step)
		if cap(buf) < to {
			grown := make([]byte, from, max(to, min(n+2, 2*cap(buf))))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:to]
		if _, err := io.ReadFull(r, buf[from:to]); err != nil {
			return "", err
		}
	}
	if buf[n] != '\r' || buf[n+1] != '\n' {
		return "", fmt.Errorf("%w: bulk string without end", errProtocol)
	}
	return string(buf[:n]), nil
}

// appendCommand is the inverse of readCommand.
func appendCommand(b []byte, args ...string) []byte {
	b = appendHeader(b, '*', len(args))
	for _, a := range args {
		b = appendHeader(b, '$', len(a))
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

func appendHeader(b []byte, kind byte, n int) []byte {
	b = append(b, kind)
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\r', '\n')
}
