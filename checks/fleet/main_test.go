package fleet_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
)

// began is when the stories of the tests begin.
func began() time.Time { return time.Date(2025, 7, 23, 9, 0, 0, 0, time.UTC) }

// started makes a fleet that serves until the test ends.
func started(t *testing.T, opts fleet.Options) *fleet.Fleet {
	t.Helper()
	f, err := fleet.New(opts)
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// client dials the address of the inventory, whatever the URL says, as the
// guarded client does.
func client(t *testing.T, f interface{ CertPool() *x509.CertPool }) *http.Client {
	t.Helper()
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			var d net.Dialer
			return d.DialContext(ctx, network, net.JoinHostPort(fleet.Address, port))
		},
		DisableCompression: true,
	}
	if pool := f.CertPool(); pool != nil {
		tr.TLSClientConfig = tlsConfig(pool)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// version is the header that tells the build.
func (r reply) version() string { return r.header.Get("MicrosoftSharePointTeamServices") }

// limit is how much of a body a reader takes.
const limit = 64 << 10

func ask(ctx context.Context, c *http.Client, method, base, path string) (reply, error) {
	u, err := url.JoinPath(base, path)
	if err != nil {
		return reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return reply{}, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

func get(t *testing.T, c *http.Client, base, path string) reply {
	t.Helper()
	r, err := ask(t.Context(), c, http.MethodGet, base, path)
	require.NoError(t, err)
	return r
}

// one is a server with a trait.
func one(t *testing.T, f *fleet.Fleet, trait fleet.Trait) string {
	t.Helper()
	names := f.With(trait)
	require.NotEmpty(t, names, "no server with trait %q", trait)
	return names[0]
}

// of is an ordinary server of a product that answers under its own name.
func of(t *testing.T, f *fleet.Fleet, p fleet.Product) string {
	t.Helper()
	for _, r := range f.Inventory() {
		if tr := truth(t, f, r.Name); tr.Product == p && tr.Trait == fleet.TraitNone && r.URL != "" && r.Via == "" {
			return r.Name
		}
	}
	require.Fail(t, "no such server", p)
	return ""
}

func truth(t *testing.T, f *fleet.Fleet, name string) fleet.Truth {
	t.Helper()
	tr, err := f.Truth(name)
	require.NoError(t, err)
	return tr
}

// header is a build as the version header tells it.
func header(build string) string {
	p := strings.Split(build, ".")
	return p[0] + ".0.0." + p[2]
}
