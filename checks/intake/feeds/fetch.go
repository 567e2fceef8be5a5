package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// Limits of a fetch.
const (
	fetchTime    = 30 * time.Second
	mostRedirect = 3
)

// Fetcher gets documents from files and from hosts that the operator named. It asks
// nobody else, follows no redirect elsewhere, and reads no more than a limit.
type Fetcher struct {
	hosts  []string
	agent  string
	client *http.Client
}

// NewFetcher makes a fetcher for these hosts ("www.cisa.gov", with a port when it is
// not the usual one). The transport may be nil.
func NewFetcher(hosts []string, agent string, transport http.RoundTripper) *Fetcher {
	f := &Fetcher{agent: agent}
	for _, h := range hosts {
		f.hosts = append(f.hosts, strings.ToLower(h))
	}
	f.client = &http.Client{
		Timeout: fetchTime, Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > mostRedirect {
				return errors.New("it redirects too often")
			}
			return f.allowed(req.URL)
		},
	}
	return f
}

// Got is a document, or that it is the same as before.
type Got struct {
	Data []byte
	// Mark names the content: the ETag, or the hash of a file.
	Mark string
	Same bool
}

// Get reads a document from a file or a URL. Mark is that of the last one; "" for none.
func (f *Fetcher) Get(ctx context.Context, at, mark string, most int) (Got, error) {
	if !IsURL(at) {
		return readFile(at, mark, most)
	}
	u, err := url.Parse(at)
	if err != nil {
		return Got{}, errors.New("this is no URL")
	}
	if err := f.allowed(u); err != nil {
		return Got{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return Got{}, fmt.Errorf("fetch from %s: %w", u.Host, err)
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "application/json")
	if mark != "" {
		req.Header.Set("If-None-Match", mark)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it quotes the URL
			err = wrapped.Err
		}
		return Got{}, fmt.Errorf("fetch from %s: %w", u.Host, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotModified && mark != "":
		return Got{Mark: mark, Same: true}, nil
	case resp.StatusCode != http.StatusOK:
		return Got{}, fmt.Errorf("fetch from %s: it answers %d", u.Host, resp.StatusCode)
	}
	data, err := bounded(resp.Body, most)
	if err != nil {
		return Got{}, fmt.Errorf("fetch from %s: %w", u.Host, err)
	}
	return Got{Data: data, Mark: resp.Header.Get("ETag")}, nil
}

// IsURL reports whether a source is fetched, and no file.
func IsURL(at string) bool { return strings.Contains(at, "://") }

// Allowed refuses a source that is no file, and whose host the operator did not name.
func (f *Fetcher) Allowed(at string) error {
	if !IsURL(at) {
		return nil
	}
	u, err := url.Parse(at)
	if err != nil {
		return errors.New("this is no URL")
	}
	return f.allowed(u)
}

// allowed refuses all but HTTPS to a host that was named; HTTP on loopback, for a
// mirror on the same machine.
func (f *Fetcher) allowed(u *url.URL) error {
	switch {
	case u.User != nil:
		return errors.New("a URL with a password in it is not fetched")
	case !slices.Contains(f.hosts, strings.ToLower(u.Host)):
		return fmt.Errorf("the host %.80q is not one of those that may be asked", u.Host)
	case u.Scheme == "https":
		return nil
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Scheme != "http" || err != nil || !addr.IsLoopback() {
		return errors.New("it is fetched over https only")
	}
	return nil
}

func readFile(path, mark string, most int) (Got, error) {
	file, err := os.Open(path)
	if err != nil {
		return Got{}, err
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return Got{}, fmt.Errorf("%s is no file", path)
	}
	data, err := bounded(file, most)
	if err != nil {
		return Got{}, err
	}
	sum := sha256.Sum256(data)
	now := hex.EncodeToString(sum[:16])
	if now == mark {
		return Got{Mark: mark, Same: true}, nil
	}
	return Got{Data: data, Mark: now}, nil
}

func bounded(r io.Reader, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(data) > most {
		return nil, fmt.Errorf("it is longer than %d bytes", most)
	}
	return data, err
}
