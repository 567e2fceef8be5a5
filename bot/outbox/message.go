package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// finished reads a document that was made before. What is wrong with one that
// cannot be read is not told: the error would quote it.
func finished(payload []byte) (chat.Message, error) {
	var m chat.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, &Permanent{Err: errors.New("its document cannot be read")}
	}
	return m, nil
}

// reduce takes out what may not be shown, and says in the message that it did. It
// tells whether all of it is TLP:RED, for then not even that there is a message may
// be told, and whether nothing is left: that there was something, how often and when,
// tells as well.
func reduce(m chat.Message, place state.Place) (out chat.Message, red, empty bool) {
	red = !slices.ContainsFunc(m.Parts, func(p chat.Part) bool { return p.Marking() != state.TLPRed || place.Sees(state.TLPRed) })
	out, withheld := m.WithholdAt(place)
	return out, red, withheld == len(m.Parts)
}

// hashOf names what is shown, and the time of the notice that it is shown for.
func hashOf(m chat.Message, at time.Time) (string, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("write a message: %w", err)
	}
	sum := sha256.Sum256(raw)
	return at.UTC().Format(stampLayout) + " " + hex.EncodeToString(sum[:16]), nil
}

// sameContent compares two hashes without their times.
func sameContent(a, b string) bool {
	n := len(stampLayout)
	return len(a) > n && len(b) > n && a[n:] == b[n:]
}
