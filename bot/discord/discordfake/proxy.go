package discordfake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// authority is a certificate that stands for Discord's, and the server behind it.
type authority struct {
	pem    []byte
	config *tls.Config
	server *http.Server
	conns  *handed
}

// Environ makes a whole process meet the fake instead of Discord: with these
// variables, a Go program that uses the default proxy settings and root certificates
// asks the fake, over TLS, for every host. The certificate is written to dir. It
// works where SSL_CERT_FILE does: on Unix, not on macOS.
func (f *Fake) Environ(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.secure == nil {
		made, err := newAuthority()
		if err != nil {
			return nil, err
		}
		f.secure = made
		made.server = &http.Server{Handler: http.HandlerFunc(f.serve), ReadHeaderTimeout: time.Minute}
		f.goTask(func() { _ = made.server.Serve(made.conns) })
	}
	name := filepath.Join(dir, "discordfake.pem")
	if err := os.WriteFile(name, f.secure.pem, 0o600); err != nil {
		return nil, fmt.Errorf("write the certificate: %w", err)
	}
	return []string{"HTTPS_PROXY=" + f.URL(), "https_proxy=" + f.URL(), "SSL_CERT_FILE=" + name, "SSL_CERT_DIR=" + dir}, nil
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a fake of Discord, for tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{apiHost, cdnHost, mediaHost, gatewayHost, resumeHost},
	}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
	}
	return &authority{
		pem:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		config: config, conns: &handed{in: make(chan net.Conn), done: make(chan struct{})},
	}, nil
}

func (a *authority) close() {
	_ = a.server.Close()
	_ = a.conns.Close()
}

// connect is the proxy: a tunnel to Discord ends here.
func (f *Fake) connect(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	f.mu.Lock()
	secure := f.secure
	f.mu.Unlock()
	if err != nil || !isDiscord(host) || secure == nil {
		http.Error(w, "the fake does not let a test leave the machine", http.StatusForbidden)
		return
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	secure.conns.hand(tls.Server(c, secure.config))
}

// handed is a listener whose connections come from somewhere else.
type handed struct {
	in   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (h *handed) hand(c net.Conn) {
	select {
	case h.in <- c:
	case <-h.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.in:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener.
func (h *handed) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
