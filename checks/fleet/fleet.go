package fleet

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Errors that callers may want to tell apart.
var (
	ErrNoServer    = errors.New("no such server in the fleet")
	ErrNoFarm      = errors.New("no such farm in the fleet")
	ErrNoItem      = errors.New("no such item in the farm")
	ErrNoFix       = errors.New("there is no fix for this product")
	ErrNotAffected = errors.New("this is not a SharePoint server of the campaign")
	ErrNoSnapshot  = errors.New("no snapshot was taken")
)

// Fleet is a number of make-believe servers. All its methods may be called at
// any time by any goroutine; [Fleet.Start] and [Fleet.Close] once each.
type Fleet struct {
	serving
	lines   map[Product]*line
	servers []*machine
	farms   []*cluster
	byName  map[string]*machine
	byFarm  map[string]*cluster
	byHost  map[string]host
	counter atomic.Uint64 // of answers, for request ids

	mu sync.RWMutex // guards what people change: inner states, items, keys
}

// host is what a name in a request leads to: a server, or a farm behind its balancer.
type host struct {
	server   *machine
	balanced *cluster
}

// machine is one virtual server. Only inner and life change.
type machine struct {
	name string
	farm *cluster
	line *line
	app  bool // an application server: no URL

	trait       Trait
	anonymous   bool // "/" is 200, not 401
	openService bool // service.cnf needs no login
	buildFile   bool // has a buildversion.cnf
	health      int

	owner, group string
	exposure     state.Exposure

	inner
	life
	snapshot *inner
}

// inner is what a snapshot brings back.
type inner struct {
	build, language         state.Version
	installed, languageAt   time.Time
	configured              bool // PSConfig ran since the last package
	configuredAt, restarted time.Time
	header, file            state.Version // what IIS and the build file were given
	files                   []string      // what an attacker left in LAYOUTS
	module                  bool          // a malicious IIS module
	keys, active            []int         // generation of each item: deployed, and in use since the restart
}

// life is what no snapshot brings back, because others remember it.
type life struct {
	disconnected, wasDisconnected bool
	hunted                        *sweep
	preserved, evicted            time.Time
	leftFiles                     []string // what an attacker ever left: the log remembers
}

type sweep struct {
	from, to time.Time
	clean    bool
}

// cluster is a farm: a number of servers that share items and their machine keys.
type cluster struct {
	name    string
	lone    bool // a server without a farm
	story   bool // left ordinary
	via     string
	servers []*machine
	items   []*item
	next    atomic.Uint64 // whose turn it is at the balancer
}

// item is a web application.
type item struct {
	name              string
	amsi              string
	keys, stolen      int // generations: the farm's, and the last one that an attacker read
	rotated, deployed time.Time
}

// New makes a fleet. It opens nothing; [Fleet.Start] does.
func New(opts Options) (*Fleet, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Fleet{byName: map[string]*machine{}, byFarm: map[string]*cluster{}, byHost: map[string]host{}}
	f.what, f.opts, f.find = "fleet", opts, f.respond
	f.forbids = func(r *http.Request) bool { return looksLikeAttack(r.URL.Path) }
	if f.lines, err = lines(); err != nil {
		return nil, fmt.Errorf("make the product table: %w", err)
	}
	newFounder(f).found()
	for _, fm := range f.farms {
		f.byFarm[fm.name] = fm
		if fm.via != "" {
			f.byHost[hostName(fm.via)] = host{balanced: fm}
		}
	}
	for _, s := range f.servers {
		f.byName[s.name] = s
		if !s.app {
			f.byHost[hostName(s.name)] = host{server: s}
		}
	}
	return f, nil
}

// respond is the server, or the farm behind its balancer, that answers for a host.
func (f *Fleet) respond(name string) (func(*http.Request) answer, bool) {
	h, ok := f.byHost[name]
	return func(r *http.Request) answer { return f.answer(h, r) }, ok
}

// Farms lists the names of the farms in the order of the inventory. A server
// without a farm is its own.
func (f *Fleet) Farms() []string {
	names := make([]string, len(f.farms))
	for i, fm := range f.farms {
		names[i] = fm.name
	}
	return names
}

// Members lists the servers of a farm.
func (f *Fleet) Members(farm string) []string {
	fm, ok := f.byFarm[farm]
	if !ok {
		return nil
	}
	names := make([]string, len(fm.servers))
	for i, s := range fm.servers {
		names[i] = s.name
	}
	return names
}

// Items lists the items (web applications) of a farm.
func (f *Fleet) Items(farm string) []string {
	fm, ok := f.byFarm[farm]
	if !ok {
		return nil
	}
	return fm.itemNames()
}

func (fm *cluster) itemNames() []string {
	names := make([]string, len(fm.items))
	for i, it := range fm.items {
		names[i] = it.name
	}
	return names
}
