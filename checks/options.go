package checks

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"time"
)

// Options bounds a runner. The zero value is ready to use; a field that is zero
// takes the default that it names.
type Options struct {
	Concurrency int           // servers looked at at once: 256
	PerScan     time.Duration // for a whole scan: 30 minutes
	PerServer   time.Duration // for one server: 30 seconds
	Connect     time.Duration // for a name, a connection and a TLS handshake: 5 seconds
	Answer      time.Duration // for one answer, to its last byte: 10 seconds
	Requests    int           // to one address of a server: 64
	Bytes       int64         // from one server, as they come over the wire: 2 MiB
	Body        int           // of one answer: 64 KiB
	Header      int           // of one answer: 16 KiB

	Version string // goes into the User-Agent: that of the build
	Contact string // goes into the User-Agent: whom the owner of a server may ask

	// Roots decide what is noted of a certificate; nil: the system's.
	Roots *x509.CertPool
	Log   *slog.Logger // told of a check that panics; nil: nobody
	Now   func() time.Time
	// Resolve finds the addresses of a name; nil: the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial connects to an address that the guard has let pass; nil: TCP.
	Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

func (o Options) withDefaults() Options {
	o.Concurrency = cmp.Or(max(o.Concurrency, 0), 256)
	o.PerScan = cmp.Or(o.PerScan, 30*time.Minute)
	o.PerServer = cmp.Or(o.PerServer, 30*time.Second)
	o.Connect = cmp.Or(o.Connect, 5*time.Second)
	o.Answer = cmp.Or(o.Answer, 10*time.Second)
	o.Requests = cmp.Or(o.Requests, 64)
	o.Bytes = cmp.Or(o.Bytes, 2<<20)
	o.Body = cmp.Or(o.Body, 64<<10)
	o.Header = cmp.Or(o.Header, 16<<10)
	o.Version = cmp.Or(o.Version, buildVersion())
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Resolve == nil {
		o.Resolve = lookup
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	return o
}

// agent is how the client presents itself.
func (o Options) agent() string {
	contact := cmp.Or(o.Contact, "https://github.com/allclear-bot/allclear")
	return Clean("allclear/"+o.Version+" (+"+contact+")", 200)
}

func buildVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "dev"
}

func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func dialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer // no proxy, no second address: what is dialled is what was checked
	return d.DialContext(ctx, "tcp", to.String())
}
