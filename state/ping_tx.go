package state

import "time"

// mostNamed is how many readers the record of one slot names.
const mostNamed = 200

// Remind notes in the change who is reminded at a slot and who is left to the digest,
// with what to remember of each.
func (tx *Tx) Remind(slot time.Time, notices []Notice, memory map[string]PingMemory) error {
	if err := tx.open(); err != nil {
		return err
	}
	var to []string
	for _, n := range notices {
		tx.Notify(n)
		if len(to) < mostNamed {
			to = append(to, n.Facts["to"])
		}
	}
	if len(notices) > 0 {
		tx.event("reminded", "", "", map[string]any{"slot": slot.UTC(), "to": to, "messages": len(notices)})
	}
	tx.pings = memory
	return nil
}
