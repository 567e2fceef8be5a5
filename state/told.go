package state

import "time"

// Told is what was said last in a place, so that the same is not said again.
type Told struct {
	At      time.Time `json:"at"`
	Facts   string    `json:"facts"`   // a hash of what it rested on
	Request string    `json:"request"` // that said it
}

// Tell remembers what is said in a place (its Key). At most MaxPlaces are
// remembered; then the one of longest ago is forgotten.
func (tx *Tx) Tell(place, facts string) error {
	if err := tx.open(); err != nil {
		return err
	}
	said := Told{At: tx.Work.At, Facts: facts, Request: tx.Work.Request}
	told := map[string]Told{place: said} // what was loaded stays as it is
	oldest := ""
	for p, t := range tx.Incident.Told {
		if p == place {
			continue
		}
		if told[p] = t; oldest == "" || t.At.Before(told[oldest].At) {
			oldest = p
		}
	}
	if len(told) > MaxPlaces {
		delete(told, oldest)
	}
	tx.Incident.Told, tx.incident = told, true
	tx.event("digest told", "", "", map[string]string{"place": place, "facts": facts})
	return nil
}
