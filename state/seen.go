package state

import "time"

// Seen is what looks from outside showed of a server. Each server is in one class.
type Seen string

// The classes. A disconnected server is in that class whether it was asked or not.
const (
	SeenAnswered  Seen = "answered"
	SeenThrough   Seen = FlagThrough // a balancer or shared address answered: that is about the farm
	SeenSilent    Seen = FlagNotReached
	SeenNever     Seen = FlagNeverLooked
	SeenContained Seen = FlagContained
	SeenRetired   Seen = "retired"
)

// seen is the class of a server whose own looks and containment are known.
func (a *assessor) seen(s Server, out ServerAssessment) Seen {
	farmLook, farmReached := time.Time{}, time.Time{}
	if a.spokenFor(s) {
		farmLook, farmReached = a.looks("")
	}
	switch {
	case out.Contained:
		return SeenContained
	case farmLook.After(out.LastLook) && farmReached.Before(farmLook):
		return SeenSilent
	case farmLook.After(out.LastLook):
		return SeenThrough
	case out.LastLook.IsZero():
		return SeenNever
	case out.LastReached.Before(out.LastLook):
		return SeenSilent
	}
	return SeenAnswered
}

// spokenFor reports whether what was asked about the farm may be what was asked of this
// server: another answers for it, it has the URL of another, or the farm has no other.
func (a *assessor) spokenFor(s Server) bool {
	if s.URL == "" || s.Via != "" {
		return s.URL != ""
	}
	others, same := 0, false
	for _, o := range a.farm.Servers {
		if o.Name != s.Name && o.Retired == nil {
			others++
			same = same || o.URL == s.URL
		}
	}
	return others == 0 || same
}
