package slack

import "sync"

// outgoing is what this process remembers of what it posted. All of it can be
// forgotten: it saves questions. The zero value works; its methods may be called by
// several goroutines.
type outgoing struct {
	mu       sync.Mutex
	noCharts bool              // the workspace does not draw charts
	begun    map[string]string // the first message of posts that were not finished, by hash of the key
	direct   map[string]string // the direct conversations, by user
}

// mostRemembered is how much of each kind is remembered.
const mostRemembered = 5000

func remember[V any](m *map[string]V, k string, v V) {
	if *m == nil || len(*m) >= mostRemembered {
		*m = map[string]V{}
	}
	(*m)[k] = v
}

func (o *outgoing) charts() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.noCharts
}

func (o *outgoing) refuseCharts() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noCharts = true
}

// begin notes that the first message of a post is there, and the rest is not.
func (o *outgoing) begin(key, first string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.begun, hashOf(key), first)
}

func (o *outgoing) first(key string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ts, ok := o.begun[hashOf(key)]
	return ts, ok
}

func (o *outgoing) finish(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.begun, hashOf(key))
}

func (o *outgoing) opened(user, channel string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	remember(&o.direct, user, channel)
}

func (o *outgoing) conversation(user string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.direct[user]
}
