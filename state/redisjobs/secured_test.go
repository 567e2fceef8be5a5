package redisjobs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// certificate makes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, raw []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
		return path
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "EC PRIVATE KEY", private), pool
}

// TestAUserWithFewRightsOverTLS: what the README says that an ACL user needs is enough.
func TestAUserWithFewRightsOverTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	rights := "~allclear:* ~asynq:* &asynq:* +@all -@admin -@dangerous +info"
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, r := range strings.Fields(rights) {
		require.Contains(t, string(readme), r)
	}
	acl := append([]string{"--user", "bot", "on", ">secret"}, strings.Fields(rights)...)
	r := statetest.RedisWith(t, append([]string{"--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"}, acl...)...)
	require.NotEmpty(t, r.Addr)
	c, err := redisstore.Dial("rediss://bot:secret@"+addr, redisstore.DialOptions{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	store := redisstore.New(c, redisstore.Options{})
	require.NoError(t, store.Init(t.Context()))
	_, err = store.Accept(t.Context(), "r1", []byte("{}"), time.Now())
	require.NoError(t, err)
	_, ok, err := store.Lease(t.Context(), "h", time.Now(), time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	for _, f := range store.Examine(t.Context()) {
		require.NotContains(t, f.Wrong, "does not answer", f.What)
	}
	e := newEstate()
	sum, err := e.replica(t, "a", c, true).Run(t.Context(), "s1", checks.Plan{}, many(30), listener(t).emit)
	require.NoError(t, err)
	require.True(t, sum.Complete)

	foreign, err := redisstore.Dial("rediss://bot:secret@"+addr, redisstore.DialOptions{})
	require.NoError(t, err)
	defer func() { _ = foreign.Close() }()
	require.Error(t, redisstore.New(foreign, redisstore.Options{}).Init(t.Context()), "a certificate that nobody trusts")
}
