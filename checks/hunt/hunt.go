package hunt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
)

// Options say what to hunt for, and what silence means.
type Options struct {
	// Playbook gives rules, indicators, and the time that a clean hunt must cover.
	Playbook playbook.Playbook
	// Quiet is how long a server may log nothing without a gap; 0: an hour.
	Quiet time.Duration
	// Now bounds what logs may be dated; lines of later are unreadable. Zero: unbounded.
	Now    time.Time
	Limits Limits
}

// Limits bound what reading may cost. Zero fields have defaults.
type Limits struct {
	Bytes   int64 // of one file, packed and unpacked: 64 GiB
	Total   int64 // of all files, unpacked: 16 TiB
	Servers int   // 20,000
	Files   int   // in all: 200,000
}

const (
	defaultQuiet = time.Hour
	// siteQuiet is how long one site of a server may log nothing: many are asked by day only.
	siteQuiet = 25 * time.Hour
	// maxSkew is how far ahead of ours the clock of a server may be.
	maxSkew = 2 * time.Minute
	// maxFileName is how much of a file's name is kept, in runes.
	maxFileName = 120
)

// Hunt gathers what logs say. Different servers may be read at once, each by one
// goroutine at a time.
type Hunt struct {
	rules   []playbook.LogRule
	iocs    []playbook.IOC
	scope   playbook.LogScope
	window  time.Time
	quiet   time.Duration
	horizon int64 // the last minute that may be
	lim     Limits

	mu      sync.Mutex
	servers map[string]*server
	files   int
	read    atomic.Int64 // bytes, unpacked
}

// New makes a hunt.
func New(o Options) *Hunt {
	h := &Hunt{
		rules: o.Playbook.LogRules, iocs: o.Playbook.IOCs, scope: o.Playbook.Logs, window: o.Playbook.Rules().Window,
		quiet: cmp.Or(o.Quiet, defaultQuiet), horizon: 1 << 60, servers: map[string]*server{},
		lim: Limits{
			Bytes: cmp.Or(o.Limits.Bytes, 64<<30), Total: cmp.Or(o.Limits.Total, 16<<40), Servers: cmp.Or(o.Limits.Servers, 20_000), Files: cmp.Or(o.Limits.Files, 200_000),
		},
	}
	if !o.Now.IsZero() {
		h.horizon = minuteOf(o.Now.Add(maxSkew))
	}
	return h
}

// Origin is where a log comes from.
type Origin struct {
	// Server is whose log it is.
	Server string
	// Site tells the logs of one server apart, like W3SVC1.
	Site string
	// Name is the file's, for people.
	Name string
}

// Read reads one log. The error is the context's, or ErrTooMuch;
// what is wrong with the file is in the File.
func (h *Hunt) Read(ctx context.Context, o Origin, in io.Reader) (File, error) {
	s, err := h.server(o.Server)
	if err != nil {
		return File{}, err
	}
	o.Name, o.Site = checks.Clean(o.Name, maxFileName), checks.Clean(o.Site, maxFileName)
	r := reading{h: h, s: s, site: s.siteOf(o.Site), file: File{Name: o.Name, Server: o.Server, Site: o.Site}}
	err = r.read(ctx, in)
	if r.front { // it covers nothing, and is no site whose silence would mean something
		r.file.Site = ""
	}
	s.files = append(s.files, r.file)
	return r.file, err
}

// ErrTooMuch: there are more servers, files or bytes than the limits allow.
var ErrTooMuch = errors.New("hunt in parts")

func errTooMany(what string, most int) error {
	return fmt.Errorf("more than %d %s: %w", most, what, ErrTooMuch)
}

// Unread notes a log that could not even be opened.
func (h *Hunt) Unread(o Origin, why string) error {
	s, err := h.server(o.Server)
	if err == nil {
		s.files = append(s.files, File{
			Name: checks.Clean(o.Name, maxFileName), Server: o.Server, Site: checks.Clean(o.Site, maxFileName), Problem: checks.Clean(why, 200),
		})
	}
	return err
}

func (h *Hunt) server(name string) (*server, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.files++; h.files > h.lim.Files {
		return nil, errTooMany("files", h.lim.Files)
	}
	s := h.servers[name]
	if s == nil {
		if len(h.servers) >= h.lim.Servers {
			return nil, errTooMany("servers", h.lim.Servers)
		}
		s = &server{
			name: name, sites: map[string]*site{}, blinds: map[string]*minutes{}, seen: map[activityKey]*activity{},
			gate: newGate(h.names()), suspects: newSuspects(h.iocs),
		}
		h.servers[name] = s
	}
	return s, nil
}

// names are all that the rules look for in paths.
func (h *Hunt) names() []string {
	var out []string
	for _, r := range h.rules {
		out = append(out, r.Names...)
	}
	return out
}
