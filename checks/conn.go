package checks

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Bounds of an answer that no option moves.
const (
	maxHeaderLines = 256
	maxInterim     = 4 // answers like "100 Continue" before the real one
)

// Answer is what a server sent for one request. All of it is hostile.
type Answer struct {
	Path   string // what was asked, after redirects
	Status int
	Header http.Header
	Body   []byte // as sent: never decompressed
	// Cut says why Body is not all that the server would send; "" when it is.
	Cut string
}

// meter counts what comes in over a connection, against the budget of its client.
type meter struct {
	net.Conn
	left *int64
}

func (m meter) Read(p []byte) (int, error) {
	if *m.left <= 0 {
		return 0, errFlood
	}
	if int64(len(p)) > *m.left {
		p = p[:*m.left]
	}
	n, err := m.Conn.Read(p)
	*m.left -= int64(n)
	return n, err
}

// conn is one connection to one address of one server.
type conn struct {
	net.Conn
	br   *bufio.Reader
	used bool // an answer came over it
}

// long ago: a deadline that wakes up whoever reads.
var past = time.Unix(1, 0)

// exchange sends one request and reads the answer. keep says whether the
// connection can be used again.
func (c *conn) exchange(ctx context.Context, o *Options, method, path string, request []byte) (a Answer, keep bool, err error) {
	deadline := time.Now().Add(o.Answer)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.SetDeadline(deadline); err != nil {
		return Answer{}, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
	defer stop()
	if _, err := c.Write(request); err != nil {
		return Answer{}, false, err
	}
	resp, err := c.head(method, o.Header)
	if err != nil {
		return Answer{}, false, err
	}
	c.used = true
	a = Answer{Path: path, Status: resp.StatusCode, Header: resp.Header}
	// The body is not closed: closing would read it to its end, which may never come.
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, int64(o.Body)+1))
	switch {
	case err != nil:
		a.Cut = explain(phaseAnswer, o.Answer, err).Error()
	case len(a.Body) > o.Body:
		a.Body, a.Cut = a.Body[:o.Body], fmt.Sprintf("longer than %d bytes, the rest was not read", o.Body)
	}
	keep = a.Cut == "" && !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols
	return a, keep, nil
}

// head reads the status and the headers of the answer proper.
func (c *conn) head(method string, limit int) (*http.Response, error) {
	for range maxInterim {
		if err := c.awaitHead(limit); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(c.br, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, &fault{why: fmt.Sprintf("more than %d interim answers and no real one", maxInterim)}
}

var errHeaders = errors.New("headers are beyond the limit")

// awaitHead waits until all headers are in the buffer, so that a flood of them
// is refused before anything is made of it.
func (c *conn) awaitHead(limit int) error {
	seen := 0
	for {
		b, _ := c.br.Peek(c.br.Buffered())
		if i := endOfHead(b, seen); i > 0 {
			if n := bytes.Count(b[:i], []byte{'\n'}); n > maxHeaderLines {
				return &fault{why: fmt.Sprintf("a flood of headers (%d lines): not read", n), err: errHeaders}
			}
			return nil
		}
		if begin := []byte("HTTP/"); !bytes.HasPrefix(begin, b[:min(len(b), len(begin))]) {
			return &fault{why: "what the server sent is not HTTP", err: errHeaders}
		}
		switch size := c.br.Size(); {
		case len(b) < size:
		case size < limit:
			c.widen(limit)
		default:
			return &fault{why: fmt.Sprintf("a flood of headers (more than %d bytes): not read", size), err: errHeaders}
		}
		seen = max(0, len(b)-3)
		if _, err := c.br.Peek(len(b) + 1); err != nil {
			return err
		}
	}
}

// widen makes room for a head that is longer than most.
func (c *conn) widen(size int) {
	b, _ := c.br.Peek(c.br.Buffered())
	c.br = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(b)), c.Conn), size)
	_, _ = c.br.Peek(len(b))
}

// endOfHead returns the length of the block that an empty line ends, 0 if none
// is there yet. What lies before from has been looked at.
func endOfHead(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n
		rest := b[i+1:]
		if bytes.HasPrefix(rest, []byte("\n")) || bytes.HasPrefix(rest, []byte("\r\n")) {
			return i + 2
		}
	}
	return 0
}
