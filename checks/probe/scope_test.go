package probe_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// world is a network of make-believe addresses over loopback.
type world struct {
	mu     sync.Mutex
	names  map[string][]netip.Addr
	at     map[string]string // "10.0.0.1:80" -> where it really is
	dialed []string
	asked  int
}

func (w *world) options() checks.Options {
	o := options()
	o.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked++
		if a, ok := w.names[host]; ok {
			return a, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	o.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		w.mu.Lock()
		w.dialed = append(w.dialed, to.String())
		there, ok := w.at[to.String()]
		w.mu.Unlock()
		if !ok {
			return nil, errors.New("connection refused by the test")
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", there)
	}
	return o
}

// put makes a handler answer at an address of the world.
func (w *world) put(t *testing.T, at string, h http.Handler) {
	t.Helper()
	u, err := url.Parse(serve(t, "x", h).URL)
	require.NoError(t, err)
	w.at[at] = u.Host
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func TestTheInventoryIsTheScope(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server state.Server
		names  []netip.Addr
		says   string
		dialed []string
	}{
		"metadata by name":           {server: state.Server{URL: "http://sp.test"}, names: addrs("169.254.169.254"), says: "out of scope: 169.254.169.254 is a link-local or cloud metadata address"},
		"metadata by address":        {server: state.Server{URL: "http://169.254.169.254"}, says: "metadata"},
		"metadata in the inventory":  {server: state.Server{URL: "http://sp.test", Addresses: []string{"100.100.100.200"}}, says: "metadata"},
		"loopback by name":           {server: state.Server{URL: "http://sp.test"}, names: addrs("127.0.0.1"), says: "this machine"},
		"one of two out of scope":    {server: state.Server{URL: "http://sp.test"}, names: addrs("10.0.0.1", "::1"), says: "this machine"},
		"loopback, literally":        {server: state.Server{URL: "http://127.0.0.1"}, dialed: []string{"127.0.0.1:80"}},
		"another loopback":           {server: state.Server{URL: "http://127.0.0.1", Addresses: []string{"127.0.0.2"}}, dialed: []string{"127.0.0.2:80"}},
		"localhost":                  {server: state.Server{URL: "http://localhost:81"}, names: addrs("127.0.0.1"), dialed: []string{"127.0.0.1:81"}},
		"an address that is none":    {server: state.Server{URL: "http://sp.test", Addresses: []string{"10.0.0.0/8"}}, says: "is not an IP address"},
		"addresses, not the name":    {server: state.Server{URL: "http://sp.test", Addresses: []string{"10.0.0.5"}}, names: addrs("10.0.0.1"), dialed: []string{"10.0.0.5:80"}},
		"the port is the URL's":      {server: state.Server{URL: "https://sp.test:8443", Addresses: []string{"10.0.0.5"}}, dialed: []string{"10.0.0.5:8443"}},
		"no such name":               {server: state.Server{URL: "http://unknown.test"}, says: "the name does not resolve"},
		"IPv6 stands in for IPv4":    {server: state.Server{URL: "http://sp.test"}, names: addrs("fd00::1", "10.0.0.1"), dialed: []string{"10.0.0.1:80", "[fd00::1]:80"}},
		"all of a round robin":       {server: state.Server{URL: "http://sp.test"}, names: addrs("10.0.0.1", "10.0.0.2"), dialed: []string{"10.0.0.1:80", "10.0.0.2:80"}},
		"a URL that cannot be asked": {server: state.Server{URL: "ftp://sp.test"}, says: "must begin with http"},
		"credentials in the URL":     {server: state.Server{URL: "http://user:hunter2@sp.test"}, says: "holds credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{names: map[string][]netip.Addr{}, at: map[string]string{}}
			if tc.names != nil {
				w.names["sp.test"], w.names["localhost"] = tc.names, tc.names
			}
			tc.server.Name = "sp01"
			r := scan(t, w.options(), plan(), tc.server)["sp01"]
			require.False(t, r.Reached)
			require.Contains(t, r.Error, tc.says)
			require.NotContains(t, r.Error+r.URL+r.Judgement.Reason, "hunter2")
			var unique []string
			for _, d := range w.dialed {
				if !slices.Contains(unique, d) {
					unique = append(unique, d)
				}
			}
			require.Equal(t, tc.dialed, unique)
			require.Len(t, r.Evidence, 1)
			require.Equal(t, []string{"reach", "no"}, []string{string(r.Evidence[0].Kind), r.Evidence[0].Value})
		})
	}
}

func TestANameIsLookedUpOnceSoThatItCannotLeadElsewhereLater(t *testing.T) {
	t.Parallel()
	w := &world{names: map[string][]netip.Addr{"sp.test": addrs("10.0.0.1")}, at: map[string]string{}}
	w.put(t, "10.0.0.1:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.names["sp.test"] = addrs("127.0.0.1") // rebinding
		w.mu.Unlock()
		rw.Header().Set("Connection", "close")
		box{header: []string{"16.0.0.5517"}}.ServeHTTP(rw, r)
	}))
	r := scan(t, w.options(), plan(), state.Server{Name: "sp01", URL: "http://sp.test"})["sp01"]
	require.Equal(t, state.VerdictFixed, r.Judgement.Verdict)
	require.Equal(t, 1, w.asked)
	require.Equal(t, []string{"10.0.0.1:80"}, slices.Compact(w.dialed))
}

func TestEveryAddressIsAskedAndTheWorstCounts(t *testing.T) {
	t.Parallel()
	fixed, old, hurt := box{header: []string{"16.0.0.5517"}}, box{header: []string{"16.0.0.5508"}}, box{header: []string{"16.0.0.5517"}, files: map[string]string{shell: "x"}}
	for name, tc := range map[string]struct {
		boxes       []http.Handler // nil: does not answer
		verdict     state.Verdict
		compromised any
		says, err   string
	}{
		"all fixed":          {[]http.Handler{fixed, fixed}, state.VerdictFixed, false, "says it is fixed", ""},
		"one vulnerable":     {[]http.Handler{fixed, old}, state.VerdictVulnerable, false, "10.0.0.2: SharePoint Server 2016 16.0.5508 is below", ""},
		"one compromised":    {[]http.Handler{fixed, hurt}, state.VerdictFixed, true, "says it is fixed", ""},
		"one does not reply": {[]http.Handler{fixed, nil}, state.VerdictUnknown, nil, "10.0.0.2: not reached", "10.0.0.2: no connection"},
		"vulnerable, silent": {[]http.Handler{nil, old}, state.VerdictVulnerable, nil, "10.0.0.2: SharePoint Server 2016", "10.0.0.1: no connection"},
		"none replies":       {[]http.Handler{nil, nil}, state.VerdictUnknown, nil, "not reached", "10.0.0.1: no connection"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{at: map[string]string{}}
			s := state.Server{Name: "sp01", URL: "http://sp.test"}
			for i, h := range tc.boxes {
				a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String()
				s.Addresses = append(s.Addresses, a)
				if h != nil {
					w.put(t, a+":80", h)
				}
			}
			r := scan(t, w.options(), plan(), s)["sp01"]
			require.Equal(t, tc.verdict, r.Judgement.Verdict, r.Judgement.Reason)
			require.Contains(t, r.Judgement.Reason, tc.says)
			require.Contains(t, r.Error, tc.err)
			require.Equal(t, tc.err == "", r.Error == "")
			if tc.compromised == nil {
				require.Nil(t, r.Compromised)
			} else {
				require.NotNil(t, r.Compromised, r.Doubt)
				require.Equal(t, tc.compromised, *r.Compromised)
			}
		})
	}
}

func TestARedirectToHTTPSMovesTheWholeLook(t *testing.T) {
	t.Parallel()
	w := &world{at: map[string]string{}}
	w.put(t, "10.0.0.1:80", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://sp.test"+r.URL.Path, http.StatusMovedPermanently)
	}))
	tls := newTLS(t, box{header: []string{"16.0.0.5517"}})
	w.at["10.0.0.1:443"] = tls
	r := scan(t, w.options(), plan(), state.Server{Name: "sp01", URL: "http://sp.test", Addresses: []string{"10.0.0.1"}})["sp01"]
	require.Empty(t, r.Error)
	require.Equal(t, state.VerdictFixed, r.Judgement.Verdict, r.Judgement.Reason)
	require.NotNil(t, r.Compromised, r.Doubt)
}

func TestHEADThatIsRefusedBecomesGET(t *testing.T) {
	t.Parallel()
	p := plan()
	p.Observers[0].Method = http.MethodHead
	s := serve(t, "sp01", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		box{header: []string{"16.0.0.5508"}}.ServeHTTP(w, r)
	}))
	require.Equal(t, state.VerdictVulnerable, scan(t, options(), p, s)["sp01"].Judgement.Verdict)
}

func TestEvidenceSaysWhatWasReadWhenAndByWhom(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 7, 21, 12, 0, 0, 0, time.UTC)
	o := options()
	o.Now = func() time.Time { return now }
	r := scan(t, o, plan(), serve(t, "sp01", box{header: []string{"16.0.0.5508"}, build: "16.0.5508.1000"}))["sp01"]
	var builds []state.Evidence
	for _, e := range r.Evidence {
		require.Equal(t, now, e.Observed)
		require.Equal(t, state.Subject{Server: "sp01"}, e.Subject)
		if e.Kind == state.KindBuild {
			builds = append(builds, e)
		}
	}
	require.Equal(t, []state.Evidence{
		{
			Subject: state.Subject{Server: "sp01"}, Kind: state.KindBuild, Value: "16.0.5508", Source: state.SourceProbe, Tool: "teamservices", Observed: now,
			Digest: sha("16.0.0.5508"), Detail: "MicrosoftSharePointTeamServices: 16.0.0.5508",
		},
		{
			Subject: state.Subject{Server: "sp01"}, Kind: state.KindBuild, Value: "16.0.5508.1000", Source: state.SourceProbe, Tool: "buildversion.cnf", Observed: now,
			Digest: sha("vti_encoding:SR|utf8-nl\r\nvti_buildversion:SR|16.0.5508.1000\r\n"), Detail: "/_vti_pvt/buildversion.cnf: vti_buildversion:SR·16.0.5508.1000",
		},
	}, builds)
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestALookalikesNumberIsNoEvidenceOfABuild(t *testing.T) {
	t.Parallel()
	r := scan(t, options(), plan(), serve(t, "sp01", box{header: []string{"14.00.0.000"}}))["sp01"]
	for _, e := range r.Evidence {
		require.NotEqual(t, state.KindBuild, e.Kind)
	}
}
