package slackfake

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"regexp"
)

// Shapes of Slack's identifiers: a letter that says what it is, then capitals and
// digits (docs.slack.dev/reference/objects).
var (
	channelShape = regexp.MustCompile(`^[CGD][A-Z0-9]{8,20}$`)
	userShape    = regexp.MustCompile(`^[UW][A-Z0-9]{8,20}$`)
	groupShape   = regexp.MustCompile(`^S[A-Z0-9]{8,20}$`)
	tsShape      = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)
)

// newID makes an identifier with a prefix.
func newID(prefix string) string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return prefix + "0" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])[:9]
}

// newUUID makes an id for an envelope.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newSecret makes something nobody can guess.
func newSecret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// nextTS makes the name of the next message: seconds and microseconds, never the
// same twice, always later than the last. The lock is held.
func (s *Slack) nextTS() string {
	micro := max(s.clock.Now().UnixMicro(), s.lastTS+1)
	s.lastTS = micro
	return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6)
}
