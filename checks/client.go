package checks

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a look that no option moves.
const (
	maxAddresses = 16 // of one server that are asked
	maxRedirects = 3
	maxStrikes   = 2       // questions that an address may leave unanswered before it is given up
	usualHead    = 4 << 10 // bytes that the headers of most answers fit into
)

// shared is what the clients of one runner have in common.
type shared struct {
	Options
	agentLine string
	suites    []uint16
	readers   sync.Pool
}

func newShared(o Options) *shared {
	s := &shared{Options: o.withDefaults(), suites: suites()}
	s.agentLine = s.agent()
	s.readers.New = func() any { return bufio.NewReaderSize(nil, min(s.Header, usualHead)) }
	return s
}

// Client is the only way by which a check may ask a server. It refuses whatever
// is not harmless or not in scope, and bounds the rest. It belongs to one look
// and is not for use by several goroutines.
type Client struct {
	s        *shared
	target   Target
	started  time.Time
	requests int
	left     int64
	ends     []*Endpoint
}

func (s *shared) client(t Target) *Client {
	return &Client{s: s, target: t, started: s.Now(), left: s.Bytes}
}

// Started is when this look began, by the runner's clock.
func (c *Client) Started() time.Time { return c.started }

// Requests is how many requests have been sent.
func (c *Client) Requests() int { return c.requests }

// close ends whatever is still open.
func (c *Client) close() {
	for _, e := range c.ends {
		e.Close()
	}
}

// Endpoints returns the addresses that must each be asked about the server: those
// of the inventory, or else those that its name has now. Names are looked up once;
// what was checked is what is dialled. When the name has IPv4 and IPv6 addresses,
// the latter stand in for the first.
func (c *Client) Endpoints(ctx context.Context) ([]*Endpoint, error) {
	o, err := parseOrigin(c.target.Server.URL)
	if err != nil {
		return nil, err
	}
	addrs, spare, err := c.addresses(ctx, o.host)
	if err != nil {
		return nil, err
	}
	if len(addrs) > maxAddresses {
		return nil, fmt.Errorf("%w: more than %d addresses", ErrBudget, maxAddresses)
	}
	for i, a := range addrs {
		e := &Endpoint{c: c, origin: o, addrs: []netip.Addr{a}}
		if i == 0 {
			e.addrs = append(e.addrs, spare...)
		}
		c.ends = append(c.ends, e)
	}
	return c.ends, nil
}

func (c *Client) addresses(ctx context.Context, host string) (first, spare []netip.Addr, err error) {
	literal, litErr := netip.ParseAddr(host)
	switch {
	case len(c.target.Server.Addresses) > 0:
		first, err = parseAddresses(c.target.Server.Addresses)
	case litErr == nil:
		first = []netip.Addr{literal.Unmap()}
	default:
		first, spare, err = c.resolve(ctx, host)
	}
	if err != nil {
		return nil, nil, err
	}
	named := func(a netip.Addr) bool {
		return host == "localhost" && len(c.target.Server.Addresses) == 0 || litErr == nil && a == literal.Unmap() ||
			slices.ContainsFunc(c.target.Server.Addresses, func(s string) bool { return same(s, a) })
	}
	// One address out of scope refuses all: a name that also leads elsewhere is not to be trusted.
	for _, a := range slices.Concat(first, spare) {
		if err := guardAddress(a, named); err != nil {
			return nil, nil, err
		}
	}
	return first, spare, nil
}

func (c *Client) resolve(ctx context.Context, host string) (v4, v6 []netip.Addr, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.s.Connect)
	defer cancel()
	found, err := c.s.Resolve(ctx, host)
	if err != nil {
		return nil, nil, explain(phaseName, c.s.Connect, err)
	}
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	switch {
	case len(v4)+len(v6) == 0:
		return nil, nil, &fault{why: "the name does not resolve"}
	case len(v4) == 0:
		return v6, nil, nil
	}
	return v4, v6[:min(len(v6), 1)], nil
}

func parseAddresses(list []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range list {
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("%w: %s, an address of the inventory, is not an IP address", ErrScope, Excerpt(s, 60))
		}
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, nil
}

func same(s string, a netip.Addr) bool {
	p, err := netip.ParseAddr(strings.TrimSpace(s))
	return err == nil && p.Unmap() == a
}

// Endpoint is one address of the server, with at most one open connection.
type Endpoint struct {
	c       *Client
	origin  origin
	addrs   []netip.Addr // the one to ask; those after it stand in when it cannot be connected
	conn    *conn
	notes   []string // nil: no handshake yet
	asked   int
	strikes int
	dead    error
}

// Address is the one that is dialled first.
func (e *Endpoint) Address() string { return e.addrs[0].String() }

// Notes say what was wrong with the connection and was accepted: an old TLS, a
// certificate that does not verify.
func (e *Endpoint) Notes() []string { return e.notes }

// URL is the address of a path of this server, for people.
func (e *Endpoint) URL(path string) string { return e.origin.String() + path }

// Close ends the connection. The endpoint may be asked again.
func (e *Endpoint) Close() {
	if e.conn == nil {
		return
	}
	_ = e.conn.Close()
	if e.conn.br.Size() <= usualHead {
		e.conn.br.Reset(nil)
		e.c.s.readers.Put(e.conn.br)
	}
	e.conn = nil
}

// Ask sends one request and does not follow redirects. An error means that no
// answer came, or that the guard refused; any status is an answer. After two
// unanswered questions the endpoint is given up and says so at once.
func (e *Endpoint) Ask(ctx context.Context, method, path string) (Answer, error) {
	if err := cmp.Or(guardMethod(method), guardPath(path), e.dead); err != nil {
		return Answer{}, err
	}
	for again := false; ; again = true {
		if e.asked >= e.c.s.Requests {
			return Answer{}, fmt.Errorf("%w: %d requests were sent", ErrBudget, e.asked)
		}
		if err := e.connect(ctx); err != nil {
			e.dead = err
			return Answer{}, err
		}
		e.asked++
		e.c.requests++
		reused := e.conn.used
		a, keep, err := e.conn.exchange(ctx, &e.c.s.Options, method, path, e.request(method, path))
		if !keep {
			e.Close()
		}
		switch {
		case err == nil:
			if a.Cut != "" && len(a.Body) < e.c.s.Body {
				e.strike(errors.New(a.Cut))
			}
			return a, nil
		case ctx.Err() != nil:
			return Answer{}, outOfTime(ctx)
		case !reused || isTimeout(err):
			e.strike(explain(phaseAnswer, e.c.s.Answer, err))
		}
		// The server may have closed an idle connection, or lost this one: once more.
		if again || isTimeout(err) || errors.Is(err, errHeaders) || e.dead != nil {
			return Answer{}, explain(phaseAnswer, e.c.s.Answer, err)
		}
	}
}

func (e *Endpoint) strike(err error) {
	if e.strikes++; e.strikes >= maxStrikes {
		e.dead = err
	}
}

// outOfTime says whose time ran out: that of the server or that of the scan.
func outOfTime(ctx context.Context) error {
	var f *fault
	if cause := context.Cause(ctx); errors.As(cause, &f) {
		return f
	}
	return &fault{why: "the scan was cancelled", err: ctx.Err()}
}

// Walk asks and follows redirects within scope, a few at most, and returns every
// answer on the way. It stops early when enough says so. An error after the first
// answer says why the way ended.
func (e *Endpoint) Walk(ctx context.Context, method, path string, enough func(Answer) bool) ([]Answer, error) {
	var way []Answer
	seen := map[string]bool{}
	for {
		if seen[e.URL(path)] {
			return way, &fault{why: "redirects in a loop"}
		}
		seen[e.URL(path)] = true
		a, err := e.Ask(ctx, method, path)
		if err != nil {
			return way, err
		}
		way = append(way, a)
		location := a.Header.Get("Location")
		if enough(a) || a.Status/100 != 3 || location == "" {
			return way, nil
		}
		if len(way) > maxRedirects {
			return way, &fault{why: fmt.Sprintf("more than %d redirects", maxRedirects)}
		}
		to, next, err := e.origin.leads(path, location)
		if err != nil {
			return way, err
		}
		if to != e.origin { // from HTTP to HTTPS: for all that is still to be asked
			e.Close()
			e.origin = to
		}
		path = next
	}
}

func (e *Endpoint) request(method, path string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\r\n",
		method, path, e.origin.hostport(), e.c.s.agentLine)
}

// connect makes sure that there is a connection. A failure is tried once more.
func (e *Endpoint) connect(ctx context.Context) error {
	if e.conn != nil {
		return nil
	}
	var err error
	for range 2 {
		for _, a := range e.addrs {
			if err = e.dial(ctx, a); err == nil {
				e.addrs = []netip.Addr{a} // stand-ins have served: the rest is asked here
				return nil
			}
			if ctx.Err() != nil {
				return outOfTime(ctx)
			}
		}
	}
	return err
}

func (e *Endpoint) dial(ctx context.Context, a netip.Addr) error {
	s := e.c.s
	limited, cancel := context.WithTimeout(ctx, s.Connect)
	defer cancel()
	raw, err := s.Dial(limited, netip.AddrPortFrom(a, e.origin.port))
	if err != nil {
		return explain(phaseConnect, s.Connect, err)
	}
	var c net.Conn = meter{raw, &e.c.left}
	if e.origin.scheme == "https" {
		if c, err = e.handshake(limited, c); err != nil {
			_ = raw.Close()
			return explain(phaseTLS, s.Connect, err)
		}
	}
	br := s.readers.Get().(*bufio.Reader)
	br.Reset(c)
	e.conn = &conn{Conn: closer{c, raw}, br: br}
	return nil
}

// closer closes the socket without the farewell of TLS, which a server that does
// not read could hold up.
type closer struct {
	net.Conn
	raw net.Conn
}

func (c closer) Close() error { return c.raw.Close() }

func (e *Endpoint) handshake(ctx context.Context, raw net.Conn) (net.Conn, error) {
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(past) })
	defer stop()
	c := tls.Client(raw, tlsConfig(e.origin.host, e.c.s.suites))
	if err := c.Handshake(); err != nil { // bounded by the deadline, which costs no goroutine
		return nil, err
	}
	if e.notes == nil {
		e.notes = append([]string{}, trust(c.ConnectionState(), e.origin.host, e.c.s.Roots, e.c.s.Now())...)
	}
	return c, nil
}
