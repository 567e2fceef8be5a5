package hunt

import (
	"time"

	"github.com/allclear-bot/allclear/checks/playbook"
)

const (
	// Addresses are rented: an indicator means something only near the day that it was seen.
	knownBefore = 30 * 24 * time.Hour
	knownAfter  = 60 * 24 * time.Hour
	// maxSuspects is how many attacking addresses of one server are remembered.
	maxSuspects = 20_000
)

// suspects are addresses that are listed as indicators, or that attacked a server.
type suspects struct {
	bloom     [1 << 10]uint64
	listed    map[string]playbook.IOC
	attackers map[string]bool
}

func newSuspects(iocs []playbook.IOC) *suspects {
	s := &suspects{listed: map[string]playbook.IOC{}, attackers: map[string]bool{}}
	for _, i := range iocs {
		if a, ok := addressOf(i.Value); i.Type == "ip" && ok {
			s.listed[a.String()] = i
			s.mark(a.String())
		}
	}
	return s
}

func (s *suspects) mark(address string) {
	h := tail([]byte(address))
	s.bloom[h>>6] |= 1 << (h & 63)
}

// tail is a hash of the end of an address as logs write it.
func tail(b []byte) uint32 {
	h := uint32(len(b))
	for _, c := range b[max(0, len(b)-6):] {
		h = h*31 + uint32(c|0x20)
	}
	return h * 0x9E3779B1 >> 16
}

// may reports quickly whether a column may hold one of the addresses.
func (s *suspects) may(b []byte) bool {
	h := tail(b)
	return s.bloom[h>>6]&(1<<(h&63)) != 0
}

func (s *suspects) attacked(address string) {
	if publicText(address) && len(s.attackers) < maxSuspects && !s.attackers[address] {
		s.attackers[address] = true
		s.mark(address)
	}
}

// knows reports whether an address attacked, or is listed near this time.
func (s *suspects) knows(address string, at time.Time) bool {
	return s.attackers[address] || s.listedNear(address, at)
}

func (s *suspects) listedNear(address string, at time.Time) bool {
	i, ok := s.listed[address]
	return ok && (i.Seen.IsZero() || at.After(i.Seen.Add(-knownBefore)) && at.Before(i.Seen.Add(knownAfter)))
}
