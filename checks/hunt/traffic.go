package hunt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Traffic is attack traffic of one kind on one server: alike by rule, answer, path,
// parameters, agent and size, from any number of addresses.
type Traffic struct {
	Server string `json:"server"`
	Rule   string `json:"rule"`
	// Value is what it amounts to: one of the values of state.KindAttack.
	Value  string `json:"value"`
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Params string `json:"params,omitempty"` // names of the query's parameters
	Agent  string `json:"agent,omitempty"`
	// Size is how many bits the number of bytes has that were sent; 0: not logged.
	Size  uint8     `json:"size,omitempty"`
	Front bool      `json:"front,omitempty"` // only a front end's log shows it
	Doubt string    `json:"doubt,omitempty"` // columns that would have made it sure
	Count int64     `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Status counts the answers; 0: not known.
	Status map[int]int64 `json:"status,omitempty"`
	// Sources are addresses of clients, at most MaxSources; More counts the others.
	Sources []string `json:"sources,omitempty"`
	More    int      `json:"more,omitempty"`
	Where   string   `json:"where,omitempty"` // file and line of the first
}

// MaxSources is how many addresses one Traffic names.
const MaxSources = 20

// Fingerprint is the same for traffic that is alike, on whatever server and from whatever address.
func (t Traffic) Fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{t.Rule, t.Method, t.Path, t.Params, t.Agent, strconv.Itoa(int(t.Size))}, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// Text is the traffic in one line, which ParseTraffic reads. What came from outside is quoted.
func (t Traffic) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%dx %s %q", t.Count, orDash(t.Method), t.Path)
	if t.Params != "" {
		fmt.Fprintf(&b, " params %q", t.Params)
	}
	b.WriteString(" status")
	for _, s := range slices.Sorted(maps.Keys(t.Status)) {
		fmt.Fprintf(&b, " %d:%d", s, t.Status[s])
	}
	b.WriteString(" from")
	for _, s := range t.Sources {
		b.WriteString(" " + s)
	}
	if t.More > 0 {
		fmt.Fprintf(&b, " +%d", t.More)
	}
	if t.Agent != "" {
		fmt.Fprintf(&b, " agent %q", t.Agent)
	}
	if t.Size > 0 {
		fmt.Fprintf(&b, " size %d", t.Size)
	}
	if t.Doubt != "" {
		fmt.Fprintf(&b, " unsure %q", t.Doubt)
	}
	if t.Front {
		b.WriteString(" front")
	}
	if t.Where != "" {
		fmt.Fprintf(&b, " at %q", t.Where)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// toolPrefix begins the tool of evidence from logs.
const toolPrefix = "hunt/"

// Evidence is the traffic as evidence about its server.
func (t Traffic) Evidence() state.Evidence {
	return state.Evidence{
		Subject: state.Subject{Server: t.Server}, Kind: state.KindAttack, Value: t.Value, Source: state.SourceHunt,
		Tool: toolPrefix + t.Rule + "/" + t.Fingerprint(), At: t.First, From: t.First, To: t.Last, Observed: t.Last, Detail: t.Text(),
	}
}

// ParseTraffic reads evidence that Traffic.Evidence made, as far as it can.
func ParseTraffic(e state.Evidence) (Traffic, bool) {
	rule, ok := strings.CutPrefix(e.Tool, toolPrefix)
	if !ok || e.Kind != state.KindAttack {
		return Traffic{}, false
	}
	rule, _, _ = strings.Cut(rule, "/")
	t := Traffic{Server: e.Subject.Server, Rule: rule, Value: e.Value, First: e.From, Last: e.To, Status: map[int]int64{}}
	p := words{e.Detail}
	n, ok := strings.CutSuffix(p.next(), "x")
	t.Count, _ = strconv.ParseInt(n, 10, 64)
	if t.Method = p.next(); t.Method == "-" {
		t.Method = ""
	}
	t.Path = p.next()
	for word := p.next(); word != ""; {
		word = t.part(word, &p)
	}
	return t, ok && t.Count > 0
}

// part reads what a word announces, and returns the word after it.
func (t *Traffic) part(word string, p *words) string {
	switch word {
	case "params":
		t.Params = p.next()
	case "agent":
		t.Agent = p.next()
	case "unsure":
		t.Doubt = p.next()
	case "at":
		t.Where = p.next()
	case "front":
		t.Front = true
	case "size":
		n, _ := strconv.ParseUint(p.next(), 10, 8)
		t.Size = uint8(n)
	case "status":
		for {
			w := p.next()
			s, n, ok := strings.Cut(w, ":")
			status, err := strconv.Atoi(s)
			count, err2 := strconv.ParseInt(n, 10, 64)
			if !ok || err != nil || err2 != nil || len(t.Status) >= maxStatuses {
				return w
			}
			t.Status[status] = count
		}
	case "from":
		for {
			w := p.next()
			if more, ok := strings.CutPrefix(w, "+"); ok {
				t.More, _ = strconv.Atoi(more)
				return p.next()
			}
			if _, ok := addressOf(w); !ok || len(t.Sources) >= MaxSources {
				return w
			}
			t.Sources = append(t.Sources, w)
		}
	}
	return p.next()
}

// words cuts a text into words; one in quotes may hold anything.
type words struct{ rest string }

func (w *words) next() string {
	w.rest = strings.TrimLeft(w.rest, " ")
	if q, err := strconv.QuotedPrefix(w.rest); err == nil {
		w.rest = w.rest[len(q):]
		s, _ := strconv.Unquote(q)
		return s
	}
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = rest
	return word
}

// traffic joins what a server was asked to kinds: addresses are told within.
func (s *server) traffic() []Traffic {
	type kind struct{ activityKey }
	var order []kind
	joined := map[kind]*Traffic{}
	for _, k := range s.keys() {
		a := s.seen[k]
		of := kind{k}
		of.client = ""
		t := joined[of]
		if t == nil {
			t = &Traffic{
				Server: s.name, Rule: k.rule, Value: k.value, Method: k.method, Path: k.path, Params: k.params, Agent: k.agent,
				Size: k.size, Front: k.front, Doubt: k.doubt, First: a.first, Last: a.last, Status: map[int]int64{}, Where: a.where,
			}
			joined[of] = t
			order = append(order, of)
		}
		t.join(k.client, a)
	}
	out := make([]Traffic, 0, len(order))
	for _, k := range order {
		out = append(out, *joined[k])
	}
	return out
}

func (t *Traffic) join(client string, a *activity) {
	t.Count += a.count
	if a.last.After(t.Last) {
		t.Last = a.last
	}
	for status, n := range a.status {
		t.Status[status] += n
	}
	switch {
	case client == "" || slices.Contains(t.Sources, client):
	case len(t.Sources) < MaxSources:
		t.Sources = append(t.Sources, client)
	default:
		t.More++
	}
}
