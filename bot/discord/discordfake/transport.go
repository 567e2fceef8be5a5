package discordfake

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// The hosts that a client of Discord talks to. "loopback" stands for the fake's own
// address.
const (
	apiHost     = "discord.com"
	cdnHost     = "cdn.discordapp.com"
	mediaHost   = "media.discordapp.net"
	gatewayHost = "gateway.discord.gg"
	resumeHost  = "gateway-resume.discord.gg"
)

func isDiscord(host string) bool {
	return slices.Contains([]string{apiHost, "canary.discord.com", "ptb.discord.com", cdnHost, mediaHost, gatewayHost, resumeHost}, host)
}

// redirect sends requests for Discord to a fake, and refuses every other host: a
// test never leaves the machine.
type redirect struct {
	addr string
	next *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (r *redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	switch {
	case isDiscord(host):
		req = req.Clone(req.Context())
		req.Host = host
		req.URL.Scheme, req.URL.Host = "http", r.addr
	case !isLoopback(host):
		return nil, fmt.Errorf("%s is not Discord: the fake does not let a test leave the machine", host)
	}
	return r.next.RoundTrip(req)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Client is an HTTP client for which Discord is the fake.
func (f *Fake) Client() *http.Client { return ClientTo(f.URL()) }

// Dialer is a websocket dialer for which Discord's gateway is the fake.
func (f *Fake) Dialer() *websocket.Dialer { return DialerTo(f.URL()) }

// ClientTo is Client for another process: the address is Fake.URL.
func ClientTo(address string) *http.Client {
	return &http.Client{
		Transport: &redirect{addr: hostOf(address), next: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}},
		Timeout:   20 * time.Second,
	}
}

// DialerTo is Dialer for another process: the address is Fake.URL.
func DialerTo(address string) *websocket.Dialer {
	addr := hostOf(address)
	dial := func(ctx context.Context, network, target string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(target)
		if err != nil || !isDiscord(host) && !isLoopback(host) {
			return nil, fmt.Errorf("%s is not Discord: the fake does not let a test leave the machine", target)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	// A dialer for TLS that does none: the fake is on this machine, in the clear.
	return &websocket.Dialer{NetDialContext: dial, NetDialTLSContext: dial, HandshakeTimeout: 10 * time.Second}
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return strings.TrimPrefix(address, "http://")
}
