package fleet

import (
	"fmt"
	"time"
)

// Options say what fleet to make. The zero value makes the default one.
type Options struct {
	// Servers is how many rows the inventory has; 0: 60.
	Servers int
	// Seed decides everything that is left to chance.
	Seed uint64
	// TLS serves https with a certificate of the fleet's own authority; see [Fleet.CertPool].
	TLS bool
	// Port to listen on; 0: any free one.
	Port int
	// Epoch is when the story begins: all that the fleet brings along happened
	// before it, and only builds that were published by then are installed.
	// Zero: 2025-07-22 08:00 UTC.
	Epoch time.Time
	// Latency is how long a server thinks about each request.
	Latency time.Duration
	// HangingShare is the share of the servers with a URL that never answer;
	// 0: a few, negative: none.
	HangingShare float64
	// HostileShare is the share of the servers with a URL whose answers want to
	// do harm to who reads them; 0: a few, negative: none.
	HostileShare float64
	// CompromisedShare is the share of servers on which an attacker is from the
	// beginning; 0: a few, negative: none.
	CompromisedShare float64
	// Kept is how many connections may be open before they are closed after each
	// answer; 0: 64. A client that closes its connections by itself may have more:
	// to connect anew for each request is a tenth of the CPU of a demo.
	Kept int
	// HangFor bounds how long a hanging server keeps a connection; 0: a minute.
	HangFor time.Duration
}

// Defaults of Options.
const (
	defaultServers          = 60
	defaultHangingShare     = 0.04
	defaultHostileShare     = 0.20
	defaultCompromisedShare = 0.06
	defaultHangFor          = time.Minute
	// maxServers keeps a typing error from filling the memory.
	maxServers = 1_000_000
)

func (o Options) withDefaults() (Options, error) {
	if o.Servers < 0 || o.Servers > maxServers {
		return o, fmt.Errorf("a fleet of %d servers: want 1 to %d", o.Servers, maxServers)
	}
	if o.Port < 0 || o.Port > 65535 {
		return o, fmt.Errorf("port %d: want 0 to 65535", o.Port)
	}
	if o.Servers == 0 {
		o.Servers = defaultServers
	}
	if o.Epoch.IsZero() {
		o.Epoch = time.Date(2025, 7, 22, 8, 0, 0, 0, time.UTC)
	}
	if o.HangFor == 0 {
		o.HangFor = defaultHangFor
	}
	if o.Kept == 0 {
		o.Kept = maxKept
	}
	o.CompromisedShare = shareOr(o.CompromisedShare, defaultCompromisedShare)
	return o, nil
}

// shareOr reads a share: 0 is the default, negative is none, more than all is all.
func shareOr(share, def float64) float64 {
	switch {
	case share == 0:
		return def
	case share < 0:
		return 0
	}
	return min(share, 1)
}
