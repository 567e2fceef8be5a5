package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// EvidenceDocument writes evidence about a farm, as somebody saw it at a moment,
// in the format of EvidenceSchema. What a collector cannot vouch for has no place
// in it and is an error: an attestation, a look from outside.
func EvidenceDocument(farm string, observed time.Time, tool string, es []state.Evidence) ([]byte, error) {
	w := writer{
		out:     map[string]any{"schema": EvidenceSchema, "farm": farm, "observed": observed.UTC()},
		servers: map[string]map[string]any{}, items: map[string]map[string]any{}, observed: observed,
	}
	if tool != "" {
		w.out["tool"] = tool
	}
	for _, e := range es {
		if err := w.put(e); err != nil {
			return nil, err
		}
	}
	if len(w.servers) > 0 {
		w.out["servers"] = w.servers
	}
	if len(w.items) > 0 {
		w.out["webApplications"] = w.items
	}
	if len(w.rest) > 0 {
		w.out["evidence"] = w.rest
	}
	return json.MarshalIndent(w.out, "", "  ")
}

type writer struct {
	out            map[string]any
	servers, items map[string]map[string]any
	rest           []any
	observed       time.Time
}

func (w *writer) put(e state.Evidence) error {
	if e.Source != state.SourceCollector && e.Source != state.SourceHunt {
		return fmt.Errorf("write evidence %q of %s: a collector cannot tell what is known from %s", e.Kind, e.Subject, e.Source)
	}
	if e.Kind == state.KindItems {
		w.out["items"] = linesOf(e.Value)
		return nil
	}
	if e.Kind == kindFarmBuild && e.Subject == (state.Subject{}) && e.At.IsZero() && e.Observed.Equal(w.observed) {
		w.out["build"] = e.Value
		return nil
	}
	group, entries, name := w.servers, serverEntries(), e.Subject.Server
	if e.Subject.Scope() == state.ScopeItem {
		group, entries, name = w.items, itemEntries(), e.Subject.Item
	}
	i := slices.IndexFunc(entries, func(o entry) bool { return o.kind == e.Kind })
	if i < 0 || name == "" || !w.fits(entries[i], e) || group[name][entries[i].key] != nil {
		w.rest = append(w.rest, w.generic(e))
		return nil
	}
	if group[name] == nil {
		group[name] = map[string]any{}
	}
	group[name][entries[i].key] = valueOf(entries[i], e)
	return nil
}

// fits reports whether the entry tells all that the evidence says.
func (w *writer) fits(n entry, e state.Evidence) bool {
	switch {
	case e.Detail != "":
		return false
	case n.words != nil && !slices.Contains(n.words, e.Value):
		return false
	case n.hunt:
		return e.At.IsZero() && !e.From.IsZero() && e.Observed.Equal(e.To)
	case n.event && e.At.IsZero(), n.member == "" && !n.event && !e.At.IsZero():
		return false
	}
	return e.Observed.Equal(w.observed) && e.From.IsZero() && e.To.IsZero()
}

func valueOf(n entry, e state.Evidence) any {
	if n.member == "" && !n.event {
		return e.Value
	}
	out := map[string]any{}
	if n.member != "" {
		out[n.member] = e.Value
	}
	setTimes(out, e)
	return out
}

func (w *writer) generic(e state.Evidence) map[string]any {
	out := map[string]any{"subject": e.Subject, "kind": e.Kind, "value": e.Value}
	setTimes(out, e)
	if !e.Observed.Equal(w.observed) {
		out["observed"] = e.Observed.UTC()
	}
	if e.Detail != "" {
		out["detail"], out["tool"] = e.Detail, e.Tool
	}
	return out
}

func setTimes(out map[string]any, e state.Evidence) {
	for name, t := range map[string]time.Time{"at": e.At, "from": e.From, "to": e.To} {
		if !t.IsZero() {
			out[name] = t.UTC()
		}
	}
}
