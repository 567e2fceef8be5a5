package checks

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// suites are all that Go can speak: a server that offers only an old one must
// still be read, and nothing secret is sent to it.
func suites() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

// tlsConfig accepts any certificate and TLS 1.0; trust records what that meant.
// It offers no ML-KEM: servers of this age do not take it, and it costs a quarter of a scan.
func tlsConfig(server string, suites []uint16) *tls.Config {
	return &tls.Config{
		ServerName:             server,
		InsecureSkipVerify:     true, //nolint:gosec // see above; the verification is done and recorded by trust
		MinVersion:             tls.VersionTLS10,
		CipherSuites:           suites,
		CurvePreferences:       []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		SessionTicketsDisabled: true,
	}
}

// trust says in words what is wrong with a connection that was accepted anyway.
func trust(s tls.ConnectionState, host string, roots *x509.CertPool, now time.Time) []string {
	var notes []string
	if s.Version < tls.VersionTLS12 {
		notes = append(notes, "TLS: the server offers nothing newer than "+tls.VersionName(s.Version))
	}
	if why := distrust(s.PeerCertificates, host, roots, now); why != "" {
		notes = append(notes, "certificate not trusted ("+why+"), read all the same")
	}
	return notes
}

// distrust returns "" for a certificate that verifies. It quotes nothing from it.
func distrust(certs []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) string {
	if len(certs) == 0 {
		return "none was sent"
	}
	leaf := certs[0]
	opts := x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range certs[1:min(len(certs), 5)] {
		opts.Intermediates.AddCert(c)
	}
	_, err := leaf.Verify(opts)
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return ""
	case now.After(leaf.NotAfter):
		return "expired " + leaf.NotAfter.UTC().Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		return "not valid before " + leaf.NotBefore.UTC().Format(time.DateOnly)
	case errors.As(err, new(x509.HostnameError)):
		return "made out to another name"
	case string(leaf.RawIssuer) == string(leaf.RawSubject):
		return "self-signed"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "unknown authority"
	case errors.As(err, &invalid):
		return "not usable for this server"
	}
	return "it cannot be verified"
}
