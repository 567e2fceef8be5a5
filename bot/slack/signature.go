package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Slack's signature of a request
// (docs.slack.dev/authentication/verifying-requests-from-slack).
const (
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
	signatureWindow = 5 * time.Minute // between its clock and ours, both ways
)

// What can be wrong with a request that claims to be from Slack.
var (
	errSignature = errors.New("it is not signed with our secret")
	errClock     = errors.New("its time is more than five minutes from ours")
	errReplayed  = errors.New("it was here before")
)

// signature is that of one request, proved to be Slack's.
type signature [sha256.Size]byte

// presentable refuses, before anything is read, what cannot be Slack's.
func presentable(h http.Header, now time.Time) error {
	if h.Get(signatureHeader) == "" {
		return errSignature
	}
	_, err := stamped(h, now)
	return err
}

// stamped is when a request was signed, if that is not too long ago or ahead.
func stamped(h http.Header, now time.Time) (time.Time, error) {
	seconds, err := strconv.ParseInt(h.Get(timestampHeader), 10, 64)
	at := time.Unix(seconds, 0)
	switch {
	case err != nil:
		return at, errSignature
	case now.Sub(at).Abs() > signatureWindow:
		return at, errClock
	}
	return at, nil
}

// verify proves that Slack sent this body to us, and says when.
func verify(secret string, h http.Header, body []byte, now time.Time) (signature, time.Time, error) {
	var s signature
	if secret == "" {
		return s, time.Time{}, errSignature // an HMAC with no key proves nothing
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+h.Get(timestampHeader)+":")
	_, _ = mac.Write(body)
	mac.Sum(s[:0])
	if !hmac.Equal([]byte("v0="+hex.EncodeToString(s[:])), []byte(h.Get(signatureHeader))) {
		return s, time.Time{}, errSignature
	}
	at, err := stamped(h, now)
	return s, at, err
}
