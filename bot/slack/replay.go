package slack

import "time"

// mostSignatures is how many signatures are remembered: 400 requests a second for
// as long as one counts. Beyond that the oldest are forgotten; the inbox knows what
// it took.
const mostSignatures = 1 << 17

// replays knows the requests that were here. It is of one process: what another
// replica took is recognised by its id in the inbox.
type replays struct {
	seen *recent[signature]
}

func newReplays() replays { return replays{newRecent[signature](mostSignatures)} }

// admit lets a signed request in once. A signature counts from five minutes before
// its time until five minutes after.
func (r replays) admit(s signature, signed, now time.Time) error {
	if !r.seen.add(s, now, signed.Add(signatureWindow+time.Second)) {
		return errReplayed
	}
	return nil
}

// release lets a request in again that was not taken, for whoever sent it may try
// once more.
func (r replays) release(s signature) { r.seen.forget(s) }
