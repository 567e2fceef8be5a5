package hunt

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// server is what the logs say of one server, while they are read.
type server struct {
	name     string
	sites    map[string]*site
	blinds   map[string]*minutes // what could not be judged, by reason
	gate     *gate
	suspects *suspects
	seen     map[activityKey]*activity
	folded   int64 // requests that are counted under fewer keys than they have
	files    []File
}

type site struct{ covered minutes }

// activityKey tells which requests are alike.
type activityKey struct {
	rule, value, client, method, path, params, agent, doubt string
	size                                                    uint8 // bits of the bytes that were sent
	front                                                   bool
}

type activity struct {
	count       int64
	first, last time.Time
	status      map[int]int64
	where       string // file and line of the first
}

const (
	// maxActivities is how many kinds of requests of one server are told apart.
	maxActivities = 5000
	maxStatuses   = 12
	maxSites      = 1000
	maxBlinds     = 32
)

func (s *server) siteOf(name string) *site {
	if x := s.sites[name]; x != nil {
		return x
	}
	if len(s.sites) >= maxSites {
		name = "(more sites)"
		if x := s.sites[name]; x != nil {
			return x
		}
	}
	x := &site{}
	s.sites[name] = x
	return x
}

func (s *server) blind(why string, minute int64) {
	m := s.blinds[why]
	if m == nil {
		if len(s.blinds) >= maxBlinds {
			why = "other reasons"
		}
		if m = s.blinds[why]; m == nil {
			m = &minutes{}
			s.blinds[why] = m
		}
	}
	m.add(minute)
}

// note counts a request. When there are too many kinds of them, clients and paths are
// no longer told apart, but nothing that happened is forgotten.
func (s *server) note(k activityKey, at time.Time, status int, where string) {
	a := s.seen[k]
	if a == nil && len(s.seen) >= maxActivities {
		s.folded++
		k = activityKey{rule: k.rule, value: k.value, front: k.front}
		a = s.seen[k]
	}
	if a == nil {
		a = &activity{first: at, last: at, status: map[int]int64{}, where: where}
		s.seen[k] = a
	}
	a.count++
	if at.Before(a.first) {
		a.first, a.where = at, where
	}
	if at.After(a.last) {
		a.last = at
	}
	if _, ok := a.status[status]; ok || len(a.status) < maxStatuses {
		a.status[status]++
	}
}

// keys are the activities in order of time.
func (s *server) keys() []activityKey {
	return slices.SortedFunc(maps.Keys(s.seen), func(a, b activityKey) int {
		x, y := s.seen[a], s.seen[b]
		return cmp.Or(x.first.Compare(y.first), cmp.Compare(a.rule, b.rule), cmp.Compare(a.value, b.value),
			cmp.Compare(a.client, b.client), cmp.Compare(a.path, b.path), cmp.Compare(a.params, b.params),
			cmp.Compare(a.agent, b.agent), cmp.Compare(a.method, b.method), cmp.Compare(a.size, b.size), cmp.Compare(a.doubt, b.doubt))
	})
}
