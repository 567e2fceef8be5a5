package state

import (
	"maps"
	"slices"
	"time"
)

// mostNamed is how many readers the record of one slot names.
const mostNamed = 200

// Readdress notes in the change that notices go to other places than they were for, with
// what to remember of whom. Whom none of the places takes is given back.
func (tx *Tx) Readdress(notices []Notice, memory map[string]PingMemory) (unheard []string, err error) {
	if err := tx.open(); err != nil {
		return nil, err
	}
	tx.pings = map[string]PingMemory{}
	for _, n := range notices {
		if len(n.Address(tx.Incident.Places)) > 0 {
			tx.Notify(n)
			continue
		}
		who := n.Facts["to"]
		if m, ok := memory[who]; ok {
			tx.pings[who] = m
		}
		if !slices.Contains(unheard, who) {
			unheard = append(unheard, who)
		}
	}
	tx.event("reminders moved", "", "", map[string]any{"messages": len(notices), "unheard": unheard[:min(len(unheard), mostNamed)]})
	return unheard, nil
}

// Remind notes in the change who is reminded at a slot and who is left to the digest,
// with what to remember of each. A reader whose reminder no place takes, as the
// incident has its places now, is given back and not taken for reminded.
func (tx *Tx) Remind(slot time.Time, notices []Notice, memory map[string]PingMemory) (unheard []string, err error) {
	if err := tx.open(); err != nil {
		return nil, err
	}
	said := maps.Clone(memory)
	var to []string
	for _, n := range notices {
		who := n.Facts["to"]
		if len(n.Address(tx.Incident.Places)) == 0 {
			unheard = append(unheard, who)
			delete(said, who)
			continue
		}
		tx.Notify(n)
		if len(to) < mostNamed {
			to = append(to, who)
		}
	}
	if n := len(notices) - len(unheard); n > 0 {
		tx.event("reminded", "", "", map[string]any{"slot": slot.UTC(), "to": to, "messages": n})
	}
	if n := len(unheard); n > 0 {
		tx.event("not reminded", "", "", map[string]any{"slot": slot.UTC(), "to": unheard[:min(n, mostNamed)], "messages": n, "why": "no place hears of it"})
	}
	tx.pings = said
	return unheard, nil
}
