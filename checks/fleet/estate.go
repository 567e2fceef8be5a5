package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// ErrNoCampaign says that there are no make-believe servers for a campaign.
var ErrNoCampaign = errors.New("no make-believe servers for this campaign")

// Traits that only servers of an [Estate] have, next to those of a [Fleet].
const (
	// TraitPathOnly shows less of the build than it could: three numbers in links.
	TraitPathOnly Trait = "path-only"
	// TraitUnlisted sends a file whose stamp is in no table.
	TraitUnlisted Trait = "unlisted"
	// TraitRepacked is behind a proxy that compresses by itself: no name, its own time.
	TraitRepacked Trait = "repacked"
	// TraitNameless sends a gzip header whose file name never ends.
	TraitNameless Trait = "nameless"
)

// Estate is make-believe servers of a campaign other than ToolShell: each product
// answers as the real one does where a playbook asks, and nowhere else. As in a
// [Fleet], the same options make the same estate, operations are told when they
// happen, and [Estate.Truth] tells what is really the case. All methods may be
// called at any time by any goroutine; Start and Close once each.
type Estate struct {
	serving
	breed  breed
	boxes  []*box
	camps  []*camp
	byName map[string]*box
	byCamp map[string]*camp
	byHost map[string]place

	mu sync.RWMutex // guards what changes in boxes and camps
}

// breed is what sets the servers of one campaign apart.
type breed struct {
	campaign string
	prefix   string // of the servers' names
	epoch    time.Time
	kind     state.Kind // of the evidence that tells the build from inside
	second   state.Kind // of a second package; "" for none
	items    []string
	size     int // servers of a farm, at most
	releases []edition
	traits   []Trait // dealt in turn
	answer   func(b *box, q question) answer
	// stolen tells whether an attacker holds what a server still accepts.
	stolen func(c *camp, b *box) bool
}

// edition is a build that was published, and the build that fixes it.
type edition struct {
	build  string
	fix    string // the first fixed build to move to; the build itself when it is fixed
	day    string
	detail uint32 // what the breed needs of it: a stamp
}

// place is what a host name leads to: a server, or a farm behind its shared address.
type place struct {
	box  *box
	camp *camp
}

// box is one virtual server.
type box struct {
	name     string
	camp     *camp
	breed    *breed
	trait    Trait
	owner    string
	group    string
	open     bool // answers what not all do
	exposure state.Exposure

	build                     state.Version // what is installed
	shown                     state.Version // what its answers tell
	installed, safe           time.Time     // when this build came, and when the fix did
	disconnected, compromised bool
	evicted                   time.Time
	deeds                     []deed
}

// camp is a farm.
type camp struct {
	name, via string
	boxes     []*box
	robbed    bool // an attacker was there while it was exposed
	deeds     []deed
	next      atomic.Uint64
}

// deed is something that somebody did on a server, an item or a farm.
type deed struct {
	item     string
	kind     state.Kind
	value    string
	at, from time.Time
}

// question is a request as a breed needs it.
type question struct {
	path string // in lower case
	base string // scheme and host, as the client wrote them
}

// Campaigns lists the playbooks that an estate can be made for.
func Campaigns() []string {
	var names []string
	for _, b := range breeds() {
		names = append(names, b.campaign)
	}
	slices.Sort(names)
	return names
}

func breeds() []breed { return []breed{netScaler(), exchange(), sharePoint2026()} }

// NewEstate makes the servers of a campaign. It opens nothing; [Estate.Start] does.
// Every fifth server that answers under its own name has a trait, each in turn; a negative HostileShare or
// HangingShare leaves those out, and their size has no effect.
func NewEstate(campaign string, opts Options) (*Estate, error) {
	all := breeds()
	i := slices.IndexFunc(all, func(b breed) bool { return b.campaign == campaign })
	if i < 0 {
		return nil, fmt.Errorf("%w: %.40q; there are some for %s", ErrNoCampaign, campaign, strings.Join(Campaigns(), ", "))
	}
	if opts.Epoch.IsZero() {
		opts.Epoch = all[i].epoch
	}
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	all[i].traits = slices.DeleteFunc(all[i].traits, func(t Trait) bool {
		return t.Hostile() && opts.HostileShare < 0 || t == TraitHangs && opts.HangingShare < 0
	})
	e := &Estate{breed: all[i], byName: map[string]*box{}, byCamp: map[string]*camp{}, byHost: map[string]place{}}
	e.what, e.opts, e.find, e.forbids = "estate", opts, e.respond, knocks
	if err := e.found(rand.New(rand.NewPCG(opts.Seed, 0xe57a7e))); err != nil {
		return nil, fmt.Errorf("make the servers of %s: %w", campaign, err)
	}
	for _, c := range e.camps {
		e.byCamp[c.name] = c
		if c.via != "" {
			e.byHost[hostName(c.via)] = place{camp: c}
		}
	}
	for _, b := range e.boxes {
		e.byName[b.name] = b
		e.byHost[hostName(b.name)] = place{box: b}
	}
	return e, nil
}

// found makes farms until there are enough servers: every third is behind a shared
// address, every fifth has a node that was forgotten, and each edition, fixed or
// not, and each trait has its turn.
func (e *Estate) found(rng *rand.Rand) error {
	out := e.breed.published(e.opts.Epoch)
	if len(out) == 0 {
		return errors.New("nothing was published by then")
	}
	alone := 0 // servers that answer under their own name so far
	for n := 0; len(e.boxes) < e.opts.Servers; n++ {
		c := &camp{name: department(n)}
		size := min(1+rng.IntN(e.breed.size), e.opts.Servers-len(e.boxes))
		if n == 0 {
			size = min(2, e.opts.Servers)
		}
		if n%3 == 2 && size > 1 {
			c.via = "vip-" + c.name
		}
		open := rng.IntN(2) == 0
		ed := out[n%len(out)]
		for i := range size {
			b := &box{
				name: fmt.Sprintf("%s-%s-%d", e.breed.prefix, c.name, i+1), camp: c, breed: &e.breed, owner: "owner-" + departmentWord(n),
				group: []string{"team-emea", "team-apac", "team-amer", "team-nordics"}[n%4], open: open, exposure: state.ExposureInternet,
			}
			if c.via == "" && n > 0 {
				if alone++; alone%5 == 0 && len(e.breed.traits) > 0 {
					b.trait = e.breed.traits[(alone/5-1)%len(e.breed.traits)]
				}
			}
			which := ed
			if i == 1 && n%5 == 4 && n > 0 {
				which = out[(n+1)%len(out)]
			}
			if err := b.install(which, e.day(rng, which)); err != nil {
				return err
			}
			c.boxes, e.boxes = append(c.boxes, b), append(e.boxes, b)
		}
		if size == 1 {
			c.name = c.boxes[0].name
		}
		c.robbed = slices.ContainsFunc(c.boxes, (*box).vulnerable)
		e.camps = append(e.camps, c)
	}
	e.compromise()
	return nil
}

// compromise puts an attacker on some of the vulnerable servers, not on the first farm.
func (e *Estate) compromise() {
	var can []*box
	for _, b := range e.boxes {
		if b.vulnerable() && b.trait == TraitNone && b.camp != e.camps[0] {
			can = append(can, b)
		}
	}
	for i := range min(share(e.opts.CompromisedShare, len(e.boxes)), len(can)) {
		can[i].compromised = true
	}
}

// day is some time between an edition's release and the epoch.
func (e *Estate) day(rng *rand.Rand, ed edition) time.Time {
	day, err := time.Parse(time.DateOnly, ed.day)
	if err != nil {
		return time.Time{}
	}
	room := max(e.opts.Epoch.Sub(day)-2*time.Hour, time.Hour)
	return day.Add(time.Duration(rng.Int64N(int64(room)))).Truncate(time.Second)
}

// published are the editions that were out at a time.
func (b breed) published(at time.Time) []edition {
	return slices.DeleteFunc(slices.Clone(b.releases), func(ed edition) bool {
		day, err := time.Parse(time.DateOnly, ed.day)
		return err != nil || !day.Before(at)
	})
}

// edition finds a build in the table.
func (b *breed) edition(build state.Version) (edition, bool) {
	for _, ed := range b.releases {
		if v, err := state.ParseVersion(ed.build); err == nil && v == build {
			return ed, true
		}
	}
	return edition{}, false
}

// install sets a server up at a build.
func (b *box) install(ed edition, at time.Time) error {
	v, err := state.ParseVersion(ed.build)
	if err != nil {
		return err
	}
	b.build, b.installed = v, at
	if b.trait != TraitStaleHeader || b.shown.IsZero() {
		b.shown = v
	}
	if ed.fix == ed.build && b.safe.IsZero() {
		b.safe = at
	}
	return nil
}

// vulnerable tells whether the installed build lacks the fix.
func (b *box) vulnerable() bool { return b.safe.IsZero() }

// Standing is what is really the case with a server of an estate.
type Standing struct {
	Server, Farm, Build string
	Trait               Trait
	Vulnerable          bool
	Compromised         bool // an attacker is on it
	Stolen              bool // an attacker holds sessions or keys that it still accepts
	Disconnected        bool
}

// Remediated tells whether nothing is left to do on the server.
func (s Standing) Remediated() bool { return !s.Vulnerable && !s.Compromised && !s.Stolen }

// Truth tells what is really the case with a server.
func (e *Estate) Truth(server string) (Standing, error) {
	b, ok := e.byName[server]
	if !ok {
		return Standing{}, fmt.Errorf("%w: %q", ErrNoServer, server)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return Standing{
		Server: b.name, Farm: b.camp.name, Build: b.build.String(), Trait: b.trait, Vulnerable: b.vulnerable(), Compromised: b.compromised,
		Stolen: b.camp.robbed && e.breed.stolen(b.camp, b), Disconnected: b.disconnected,
	}, nil
}

// Campaign is the playbook that the estate is for.
func (e *Estate) Campaign() string { return e.breed.campaign }

// Epoch is when its story begins.
func (e *Estate) Epoch() time.Time { return e.opts.Epoch }

// Farms lists the farms in the order of the inventory.
func (e *Estate) Farms() []string {
	names := make([]string, len(e.camps))
	for i, c := range e.camps {
		names[i] = c.name
	}
	return names
}

// Members lists the servers of a farm.
func (e *Estate) Members(farm string) []string {
	c, ok := e.byCamp[farm]
	if !ok {
		return nil
	}
	names := make([]string, len(c.boxes))
	for i, b := range c.boxes {
		names[i] = b.name
	}
	return names
}

// Items lists the items of each farm; none for products without any.
func (e *Estate) Items() []string { return slices.Clone(e.breed.items) }

// With lists the servers that have a trait, in the order of the inventory.
func (e *Estate) With(t Trait) []string {
	var names []string
	for _, b := range e.boxes {
		if b.trait == t {
			names = append(names, b.name)
		}
	}
	return names
}

// turn is the server whose turn it is behind a shared address; nil: none is there.
func (c *camp) turn() *box {
	var up []*box
	for _, b := range c.boxes {
		if !b.disconnected {
			up = append(up, b)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[(c.next.Add(1)-1)%uint64(len(up))]
}

// answer finds out what a host says to a request.
func (e *Estate) answer(p place, r *http.Request) answer {
	e.mu.RLock()
	defer e.mu.RUnlock()
	b := p.box
	if p.camp != nil {
		if b = p.camp.turn(); b == nil {
			return answer{status: http.StatusServiceUnavailable, body: "no server is available\n"}
		}
	}
	switch {
	case b.disconnected || b.trait == TraitResets:
		return answer{manner: resetting}
	case b.trait == TraitHangs:
		return answer{manner: hanging}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return answer{status: http.StatusMethodNotAllowed, body: "405 METHOD NOT ALLOWED\n"}
	}
	scheme := "http://"
	if e.opts.TLS {
		scheme = "https://"
	}
	return b.oddly(e.breed.answer(b, question{path: strings.ToLower(r.URL.Path), base: scheme + r.Host}))
}
