package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Record adds evidence about a farm. It is refused whole when one piece of it
// cannot be true: dated in the future, about a server that is not there.
func (tx *Tx) Record(farm string, evidence ...Evidence) error {
	if err := tx.open(); err != nil {
		return err
	}
	f, err := tx.Farm(farm)
	if err != nil {
		return err
	}
	for _, e := range evidence {
		if e.Source == SourceAttestation {
			return refuse("An attestation needs a second person.", "Use attest.")
		}
	}
	return tx.record(f, evidence)
}

func (tx *Tx) record(f *FarmState, evidence []Evidence) error {
	known := make(map[string]bool, len(f.Evidence))
	for _, e := range f.Evidence {
		known[e.ID] = true
	}
	var added []Evidence
	for _, e := range evidence {
		e, err := tx.canonical(f, e)
		if err != nil {
			return err
		}
		if !known[e.ID] {
			known[e.ID], added = true, append(added, e)
		}
	}
	if len(added) == 0 {
		return nil
	}
	all := Compact(slices.Concat(f.Evidence, added))
	if most := MaxEvidence + evidencePerServer*len(f.Farm.Servers); len(all) > most {
		return refuse(fmt.Sprintf("Farm %s has more than %d pieces of evidence.", f.Farm.Name, most), "")
	}
	f.Evidence = all
	for _, e := range added {
		tx.event("evidence", f.Farm.Name, e.Subject.Server, e)
	}
	return nil
}

// canonical is evidence as it is kept: checked, in the form in which it comes back
// from the store, and nothing in it later than its observation, because a source's
// clock may be a little ahead of ours.
func (tx *Tx) canonical(f *FarmState, e Evidence) (Evidence, error) {
	e.Recorded, e.By = tx.Work.At, cmp.Or(e.By, tx.Work.By)
	if err := tx.checkEvidence(f, e); err != nil {
		return e, err
	}
	for _, s := range []*string{&e.Value, &e.Tool, &e.Reference, &e.Digest, &e.Detail} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	e.Observed = earlier(plain(e.Observed), tx.Work.At)
	e.At, e.From, e.To = earlier(plain(e.At), e.Observed), plain(e.From), earlier(plain(e.To), e.Observed)
	e.ID = e.NewID()
	return e, nil
}

// plain is a time as it comes back from JSON, so that records compare equal.
func plain(t time.Time) time.Time { return t.UTC().Round(0) }

func earlier(x, y time.Time) time.Time {
	if y.Before(x) {
		return y
	}
	return x
}

func (tx *Tx) checkEvidence(f *FarmState, e Evidence) error {
	horizon := tx.Work.At.Add(MaxSkew)
	switch {
	case e.Kind == "" || e.Observed.IsZero():
		return refuse("Evidence needs a kind and a time of observation.", "")
	case e.Observed.After(horizon), e.At.After(horizon), e.To.After(horizon):
		return refuse(fmt.Sprintf("Evidence %q is dated in the future (%s).", e.Kind, stamp(latest(e.Observed, e.At, e.To))), "Check the clock of its source.")
	case e.At.After(e.Observed.Add(MaxSkew)), e.To.After(e.Observed.Add(MaxSkew)):
		return refuse(fmt.Sprintf("Evidence %q says that something happened after it was observed.", e.Kind), "")
	case slices.ContainsFunc([]time.Time{e.Observed, e.At, e.From, e.To}, func(t time.Time) bool { return t.Year() < 1 }):
		return refuse(fmt.Sprintf("Evidence %q is dated before the year 1.", e.Kind), "Check the clock of its source.")
	case !e.From.IsZero() && e.To.Before(e.From):
		return refuse(fmt.Sprintf("Evidence %q covers a time that ends before it begins.", e.Kind), "")
	case len(e.Value) > MaxValue || len(e.Detail) > MaxValue || len(e.Reference) > MaxReason || len(e.Tool)+len(e.Digest)+len(e.Kind) > MaxReason:
		return refuse(fmt.Sprintf("Evidence %.40q is too long.", e.Kind), "")
	case e.Subject.Server != "" && e.Subject.Item != "":
		return refuse(fmt.Sprintf("Evidence %q is about a server and an item at once.", e.Kind), "Tell it of one of them.")
	case e.Source == SourceAttestation && (e.By == "" || e.Second == "" || e.By == e.Second):
		return refuse("An attestation needs a second person.", "Use attest.")
	}
	if e.Kind == KindItems {
		for line := range strings.Lines(e.Value) {
			if err := checkName("item", strings.TrimSpace(line), false); err != nil {
				return err
			}
		}
	}
	if e.Subject.Server != "" {
		if _, ok := f.Farm.Server(e.Subject.Server); !ok {
			return refuse(fmt.Sprintf("Farm %s has no server %.60q.", f.Farm.Name, e.Subject.Server), "")
		}
	}
	return checkName("item", e.Subject.Item, false)
}

func latest(ts ...time.Time) time.Time {
	var out time.Time
	for _, t := range ts {
		if t.After(out) {
			out = t
		}
	}
	return out
}
