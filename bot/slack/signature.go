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

// verify proves that Slack sent this body to us, and says when.
func verify(secret string, h http.Header, body []byte, now time.Time) (signature, time.Time, error) {
	var s signature
	if secret == "" {
		return s, time.Time{}, errSignature // an HMAC with no key proves nothing
	}
	stamp := h.Get(timestampHeader)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+stamp+":")
	_, _ = mac.Write(body)
	mac.Sum(s[:0])
	if !hmac.Equal([]byte("v0="+hex.EncodeToString(s[:])), []byte(h.Get(signatureHeader))) {
		return s, time.Time{}, errSignature
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	at := time.Unix(seconds, 0)
	if err != nil || now.Sub(at).Abs() > signatureWindow {
		return s, at, errClock
	}
	return s, at, nil
}
