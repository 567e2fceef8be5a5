package fleet

import "math"

// share is how many of n a share is, rounded to the nearest.
func share(s float64, n int) int { return int(math.Round(s * float64(n))) }

// candidates are the servers that a scan asks by their own name, shuffled;
// those of the stories come last, or not at all.
func (b *founder) candidates(stories bool) []*machine {
	var first, last []*machine
	for _, fm := range b.f.farms {
		for _, s := range fm.servers {
			switch {
			case s.app || fm.via != "" || !s.line.affected || s.line.fixed.IsZero():
			case !fm.story:
				first = append(first, s)
			default:
				last = append(last, s)
			}
		}
	}
	b.rng.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
	if !stories {
		return first
	}
	b.rng.Shuffle(len(last), func(i, j int) { last[i], last[j] = last[j], last[i] })
	return append(first, last...)
}

// deal gives traits to servers. The stories are spared unless shares were asked
// for that need them.
func (b *founder) deal() {
	o := b.f.opts
	free := b.candidates(o.HangingShare > 0 || o.HostileShare > 0)
	asked := len(free)
	take := func(n int, ok func(*machine) bool, trait func(i int) Trait) {
		rest := free[:0:0]
		done := 0
		for _, s := range free {
			if done < n && ok(s) {
				s.trait = trait(done)
				done++
				continue
			}
			rest = append(rest, s)
		}
		free = rest
	}
	anyone := func(*machine) bool { return true }
	each := func(t Trait) func(int) Trait { return func(int) Trait { return t } }
	take(b.blocks, b.canBeStale, each(TraitStaleHeader))
	take(b.blocks, anyone, each(TraitCatchAll))
	take(b.blocks, anyone, each(TraitNoHeader))
	take(b.blocks, anyone, each(TraitResets))
	take(share(shareOr(o.HangingShare, defaultHangingShare), asked), anyone, each(TraitHangs))
	hostile := hostileTraits()
	take(share(shareOr(o.HostileShare, defaultHostileShare), asked), anyone, func(i int) Trait { return hostile[i%len(hostile)] })
	for _, s := range b.f.servers {
		if s.trait == TraitStaleHeader {
			b.goStale(s)
		}
	}
}

// canBeStale: only where the header decides can a stale one mislead.
func (b *founder) canBeStale(s *machine) bool {
	return s.line.id == Product2016 && !s.farm.story
}

// goStale patches a server to the newest build and leaves the header of the oldest.
func (b *founder) goStale(s *machine) {
	out := s.line.by(b.f.opts.Epoch)
	b.install(s, out[len(out)-1])
	s.header, s.buildFile = out[0].build, true
}
