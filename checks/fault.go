package checks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// phase is how far a question got before something went wrong.
type phase int

const (
	phaseName phase = iota
	phaseConnect
	phaseTLS
	phaseAnswer
)

// fault is something that went wrong between us and a server, in one clear line.
type fault struct {
	why string
	err error
}

func (f *fault) Error() string { return f.why }
func (f *fault) Unwrap() error { return f.err }

// errFlood ends the reading of an answer whose bytes are beyond the budget.
var errFlood = errors.New("more bytes than the budget of a server")

// explain turns an error of the network into a fault. limit is the time-out of the phase.
func explain(p phase, limit time.Duration, err error) error {
	var f *fault
	if err == nil || errors.As(err, &f) || errors.Is(err, ErrScope) || errors.Is(err, ErrBudget) {
		return err
	}
	return &fault{why: line(p, limit, err), err: err}
}

func line(p phase, limit time.Duration, err error) string {
	switch {
	case errors.Is(err, errFlood):
		return errFlood.Error() + ": not read"
	case errors.Is(err, context.Canceled):
		return "the scan was cancelled"
	case isTimeout(err):
		return lineTimeout(p, limit)
	}
	switch p {
	case phaseName:
		return lineName(err)
	case phaseTLS:
		return "TLS: " + lineTLS(err)
	default:
		return lineSocket(p, err)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

func lineTimeout(p phase, limit time.Duration) string {
	switch p {
	case phaseName:
		return fmt.Sprintf("the name server did not answer within %s", limit)
	case phaseConnect:
		return fmt.Sprintf("no connection within %s", limit)
	case phaseTLS:
		return fmt.Sprintf("TLS: no handshake within %s", limit)
	default:
		return fmt.Sprintf("no complete answer within %s", limit)
	}
}

func lineName(err error) string {
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		return "the name does not resolve"
	}
	return "the name cannot be looked up: " + Excerpt(err.Error(), 100)
}

func lineSocket(p phase, err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server reset the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the address"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection before it had answered"
	case p == phaseConnect:
		return "no connection: " + Excerpt(err.Error(), 100)
	}
	return "what the server sent is not HTTP: " + Excerpt(err.Error(), 100)
}

// lineTLS reads crypto/tls by its texts where it offers no type for a failure.
func lineTLS(err error) string {
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &record):
		if strings.HasPrefix(string(record.RecordHeader[:]), "HTTP/") {
			return "the server speaks plain HTTP on this port"
		}
		return "what the server sent is not TLS"
	case errors.As(err, &op) && op.Op == "remote error":
		return "the server ended the handshake: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case strings.Contains(err.Error(), "unsupported protocol version"):
		return "the server offers nothing that we speak, not even TLS 1.0"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server broke off the handshake"
	}
	return "the handshake failed: " + Excerpt(strings.TrimPrefix(err.Error(), "tls: "), 100)
}
