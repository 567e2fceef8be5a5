package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Names of the tools in the evidence.
const (
	collectorTool = "collector/1"
	huntTool      = "hunt/1"
)

// Collect is what an administrator's collector shows for a farm from inside at
// a time, which must not be before the last operation. It has no ID, time of
// recording or person: whoever records it adds those.
func (f *Fleet) Collect(farm string, at time.Time) ([]state.Evidence, error) {
	fm, ok := f.byFarm[farm]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	c := collection{farm: farm, at: at}
	if !fm.servers[0].line.affected {
		return nil, nil // nothing to collect from
	}
	c.add(state.Subject{}, state.KindItems, strings.Join(fm.itemNames(), "\n"))
	for _, it := range fm.items {
		c.item(it)
	}
	for _, s := range fm.servers {
		c.server(s)
	}
	return c.out, nil
}

type collection struct {
	farm string
	at   time.Time
	out  []state.Evidence
}

func (c *collection) item(it *item) {
	on := state.Subject{Item: it.name}
	c.add(on, "amsi", it.amsi)
	c.dated(on, "rotation", "rotated", it.rotated)
	c.dated(on, "deployment", "deployed", it.deployed)
}

func (c *collection) server(s *machine) {
	on := state.Subject{Server: s.name}
	c.dated(on, "package", s.build.String(), s.installed)
	if s.line.language {
		c.dated(on, "package.language", s.language.String(), s.languageAt)
	}
	if s.configured {
		c.dated(on, "psconfig", "done", s.configuredAt)
	} else {
		c.add(on, "psconfig", "needed")
	}
	c.add(on, "modules", word(s.module, "malicious", "clean"))
	c.add(on, "keys.match", word(s.keysMatch(), "yes", "no"))
	c.dated(on, "restart", "restarted", s.restarted)
	c.dated(on, "preserved", "done", s.preserved)
	c.dated(on, state.KindEviction, "done", s.evicted)
	if s.wasDisconnected {
		c.add(on, state.KindContained, word(s.disconnected, "yes", "no"))
	}
	if h := s.hunted; h != nil {
		c.put(state.Evidence{
			Subject: on, Kind: state.KindHunt, Value: word(h.clean, "clean", "hit"), Source: state.SourceHunt, Tool: huntTool,
			From: h.from, To: h.to, Observed: h.to,
		})
	}
}

func word(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// add is a state that holds when it is looked at.
func (c *collection) add(on state.Subject, k state.Kind, value string) {
	c.put(state.Evidence{Subject: on, Kind: k, Value: value, Source: state.SourceCollector, Tool: collectorTool, Observed: c.at})
}

// dated is an event with its own time; what never happened is not shown.
func (c *collection) dated(on state.Subject, k state.Kind, value string, at time.Time) {
	if at.IsZero() {
		return
	}
	c.put(state.Evidence{Subject: on, Kind: k, Value: value, Source: state.SourceCollector, Tool: collectorTool, At: at, Observed: c.at})
}

func (c *collection) put(e state.Evidence) {
	e.Digest = digest(c.farm, e)
	c.out = append(c.out, e)
}

// digest is the SHA-256 of the raw line that the collector would have written:
// JSON with sorted keys.
func digest(farm string, e state.Evidence) string {
	raw := map[string]string{"farm": farm, "kind": string(e.Kind), "value": e.Value, "observed": e.Observed.UTC().Format(time.RFC3339Nano)}
	for key, value := range map[string]string{"server": e.Subject.Server, "item": e.Subject.Item, "at": stamp(e.At), "from": stamp(e.From), "to": stamp(e.To)} {
		if value != "" {
			raw[key] = value
		}
	}
	b, _ := json.Marshal(raw) // a map of strings cannot fail
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
