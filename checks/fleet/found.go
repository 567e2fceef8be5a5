package fleet

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// block is how many servers share one of each rare kind: an old product, a
// look-alike, a balancer.
const block = 60

// storyFarms is how many farms at the start are ordinary, so that stories can
// be told about them.
const storyFarms = 3

// founder makes the farms of a fleet. It is the only place where chance is used.
type founder struct {
	f      *Fleet
	rng    *rand.Rand
	blocks int // of rare farms founded so far
}

// blueprint is a farm before it is founded.
type blueprint struct {
	product Product
	size    int
	balance bool
}

func newFounder(f *Fleet) *founder {
	return &founder{f: f, rng: rand.New(rand.NewPCG(f.opts.Seed, 0x5ba7e901))}
}

// found makes all farms: first those that stories are about, then the rare ones
// of each block, then whatever chance gives.
func (b *founder) found() {
	for _, p := range []blueprint{{product: Product2019, size: 4}, {product: Product2016, size: 2}, {product: ProductSE, size: 3}} {
		b.farm(p)
	}
	for len(b.f.servers) < b.f.opts.Servers {
		if len(b.f.servers) >= b.blocks*block {
			b.blocks++
			b.rare()
			continue
		}
		b.farm(blueprint{product: b.product(), size: b.size(), balance: b.rng.IntN(20) == 0})
	}
	b.deal()
	b.compromise()
}

func (b *founder) rare() {
	b.farm(blueprint{product: Product2013, size: 1})
	b.farm(blueprint{product: Product2019, size: 2, balance: true})
	b.farm(blueprint{product: Product2016, size: 1})
	b.farm(blueprint{product: ProductOnline, size: 1})
	b.farm(blueprint{product: ProductAlfresco, size: 1})
}

func (b *founder) product() Product {
	switch n := b.rng.IntN(100); {
	case n < 35:
		return Product2016
	case n < 75:
		return Product2019
	}
	return ProductSE
}

func (b *founder) size() int {
	sizes := []int{1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6}
	return sizes[b.rng.IntN(len(sizes))]
}

// farm founds one farm, smaller when the fleet is nearly full.
func (b *founder) farm(p blueprint) {
	size := min(p.size, b.f.opts.Servers-len(b.f.servers))
	if size <= 0 {
		return
	}
	n := len(b.f.farms)
	dept := department(n)
	fm := &cluster{name: dept, story: n < storyFarms}
	fm.lone = size == 1 && !fm.story
	if p.balance && size >= 2 {
		fm.via = "lb-" + dept
	}
	for range size {
		b.server(fm, p.product, dept, size)
	}
	if fm.lone {
		fm.name = fm.servers[0].name
	}
	b.items(fm)
	b.history(fm)
	b.f.farms = append(b.f.farms, fm)
}

func (b *founder) server(fm *cluster, p Product, dept string, size int) {
	n := len(fm.servers) + 1
	s := &machine{
		farm: fm, line: b.f.lines[p], app: size >= 3 && n == size,
		anonymous: b.rng.IntN(3) == 0, openService: b.rng.IntN(3) > 0, buildFile: b.rng.IntN(4) == 0,
		health: b.rng.IntN(5), owner: "owner-" + departmentWord(len(b.f.farms)), group: b.team(fm),
		exposure: state.ExposureInternal,
	}
	s.name = fmt.Sprintf("sp-%s-w%d", dept, n)
	if s.app {
		s.name = fmt.Sprintf("sp-%s-a1", dept)
	}
	if !s.app && (len(b.f.farms) == 0 || fm.via != "" || b.rng.IntN(5) < 3) {
		s.exposure = state.ExposureInternet
	}
	fm.servers = append(fm.servers, s)
	b.f.servers = append(b.f.servers, s)
}

// team is the same for all servers of a farm.
func (b *founder) team(fm *cluster) string {
	if len(fm.servers) > 0 {
		return fm.servers[0].group
	}
	teams := []string{"team-emea", "team-apac", "team-amer", "team-nordics"}
	return teams[b.rng.IntN(len(teams))]
}

func (b *founder) items(fm *cluster) {
	names := []string{"Central Administration", "Portal", "My Sites", "Projects", "Search"}
	for _, name := range names[:2+b.rng.IntN(3)] {
		modes := []string{"on", "on", "off"}
		if fm.servers[0].line.id == ProductSE {
			modes = []string{"balanced", "balanced", "full", "off"}
		}
		fm.items = append(fm.items, &item{name: name, amsi: modes[b.rng.IntN(len(modes))], keys: 1})
	}
	for _, s := range fm.servers {
		s.keys, s.active = make([]int, len(fm.items)), make([]int, len(fm.items))
		for i := range fm.items {
			s.keys[i], s.active[i] = 1, 1
		}
	}
}

// history gives the servers of a farm what was installed on them before the
// epoch: the same everywhere, but now and then somebody forgot one.
func (b *founder) history(fm *cluster) {
	out := fm.servers[0].line.by(b.f.opts.Epoch)
	pick := b.rng.IntN(len(out))
	forgotten := -1
	if len(fm.servers) > 1 && pick > 0 && b.rng.IntN(6) == 0 {
		forgotten = b.rng.IntN(len(fm.servers))
	}
	if fm.story {
		pick, forgotten = max(0, len(out)-3), -1
	}
	for i, s := range fm.servers {
		n := pick
		if i == forgotten {
			n--
		}
		b.install(s, out[n])
		if !fm.story && n > 0 {
			b.forget(s, out[n-1].build)
		}
	}
}

// forget undoes what people forget now and then: the wizard, or the second package.
func (b *founder) forget(s *machine, before state.Version) {
	switch b.rng.IntN(12) {
	case 0:
		s.configured, s.configuredAt = false, time.Time{}
		s.header, s.file = before, before
	case 1:
		if s.line.language {
			s.language = before
		}
	}
}

// install sets a server up at a build, at some time between its release and the epoch.
func (b *founder) install(s *machine, r release) {
	room := max(b.f.opts.Epoch.Sub(r.day)-2*time.Hour, time.Hour)
	at := r.day.Add(time.Duration(b.rng.Int64N(int64(room)))).Truncate(time.Second)
	s.build, s.installed = r.build, at
	if s.line.language {
		s.language, s.languageAt = r.build, at.Add(20*time.Minute)
	}
	s.configured, s.configuredAt = true, at.Add(40*time.Minute)
	s.restarted = at.Add(45 * time.Minute)
	s.header, s.file = r.build, r.build
}

// compromise puts an attacker on some servers of the farms that no story is about.
func (b *founder) compromise() {
	var can []*machine
	for _, s := range b.candidates(false) {
		if s.trait == TraitNone && s.line.vulnerable(s.build) {
			can = append(can, s)
		}
	}
	n := min(share(b.f.opts.CompromisedShare, len(b.f.servers)), len(can))
	for i, s := range can[:n] {
		s.plant(i%2 == 1)
		s.module = i%3 == 2
	}
}

// department names the farm n: "finance", later "finance-2".
func department(n int) string {
	if round := n / len(departments()); round > 0 {
		return fmt.Sprintf("%s-%d", departmentWord(n), round+1)
	}
	return departmentWord(n)
}

func departmentWord(n int) string {
	d := departments()
	return d[n%len(d)]
}

func departments() []string {
	return []string{
		"finance", "hr", "intranet", "archive", "extranet", "legal", "online", "library", "sales", "research",
		"projects", "support", "quality", "logistics", "purchasing", "press", "training", "audit", "facilities",
		"board", "partners", "tenders", "safety", "planning", "engineering", "export", "service", "alumni", "wiki", "investors",
	}
}
