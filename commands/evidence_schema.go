package commands

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// EvidenceSchema is the version of the document that a collector writes. A farm
// is reported by one document, or by several that each report some servers:
//
//	{
//	  "schema": "allclear/evidence/1",
//	  "farm": "fin",                         // as in the inventory; a server without a farm: its name
//	  "observed": "2025-07-22T14:55:00Z",    // when it was looked at
//	  "tool": "collector/1@sp-fin-01",       // who looked
//	  "build": "16.0.10417.20037",           // what the farm says of itself: it proves nothing
//	  "items": ["https://fin.example/"],     // all web applications of the farm
//	  "servers": {
//	    "sp-fin-01": {
//	      "package": {"build": "16.0.10417.20037", "at": "2025-07-22T09:00:00Z"},
//	      "packageLanguage": {"build": "16.0.10417.20037", "at": "2025-07-22T09:20:00Z"},
//	      "psconfig": {"state": "done", "at": "2025-07-22T10:00:00Z"},            // or needed
//	      "modules": "clean",                                                     // or malicious
//	      "restart": {"at": "2025-07-22T13:00:00Z"},
//	      "keysMatch": "yes",                                                     // or no
//	      "hunt": {"result": "clean", "from": "2025-07-07T00:00:00Z", "to": "…"}, // or hit
//	      "preserved": {"at": "2025-07-21T18:00:00Z"},
//	      "contained": "yes"                                                      // or no
//	    }
//	  },
//	  "webApplications": {
//	    "https://fin.example/": {
//	      "amsi": "full",                                                         // on, balanced, off
//	      "rotation": {"at": "2025-07-22T12:00:00Z"},
//	      "deployment": {"at": "2025-07-22T12:30:00Z"}
//	    }
//	  },
//	  "evidence": [                                                               // for other playbooks
//	    {"subject": {"server": "sp-fin-01"}, "kind": "preserved", "value": "done",
//	     "at": "…", "from": "…", "to": "…", "observed": "…", "tool": "…", "detail": "…"}
//	  ]
//	}
//
// The comments are not part of it. What is left out, or null, is not known: it
// proves nothing. All but schema, farm and observed may be left out. A subject is
// a server, an item ({"item": …}) or the farm ({}). What was seen by a hunt was
// seen when the hunt ended. A member that is not listed here is refused.
const EvidenceSchema = "allclear/evidence/1"

// evidenceExample is a document that proves all that a farm of one server needs.
const evidenceExample = `{
  "schema": "allclear/evidence/1",
  "farm": "finance",
  "observed": "2025-07-21T18:00:00Z",
  "items": ["Portal"],
  "servers": {
    "sp-fin-01": {
      "package": {"build": "16.0.10417.20037", "at": "2025-07-21T15:00:00Z"},
      "packageLanguage": {"build": "16.0.10417.20037", "at": "2025-07-21T15:10:00Z"},
      "psconfig": {"state": "done", "at": "2025-07-21T15:30:00Z"},
      "modules": "clean",
      "hunt": {"result": "clean", "from": "2025-07-07T00:00:00Z", "to": "2025-07-21T16:00:00Z"},
      "preserved": {"at": "2025-07-21T14:00:00Z"},
      "restart": {"at": "2025-07-21T17:30:00Z"},
      "keysMatch": "yes"
    }
  },
  "webApplications": {
    "Portal": {"amsi": "full", "rotation": {"at": "2025-07-21T17:00:00Z"}, "deployment": {"at": "2025-07-21T17:10:00Z"}}
  }
}`

// entry is how one member of a server or an item maps onto evidence.
type entry struct {
	key  string
	kind state.Kind
	// words are the values; none: a build.
	words []string
	// member holds the value; empty with event: the value is understood, the time
	// is what is told; empty otherwise: the entry itself is the value.
	member string
	event  bool
	hunt   bool // it covered a time instead of happening at one
}

func serverEntries() []entry {
	return []entry{
		{key: "package", kind: "package", member: "build"},
		{key: "packageLanguage", kind: "package.language", member: "build"},
		{key: "psconfig", kind: "psconfig", member: "state", words: []string{"done", "needed"}},
		{key: "modules", kind: "modules", words: []string{"clean", "malicious"}},
		{key: "restart", kind: "restart", words: []string{"restarted"}, event: true},
		{key: "keysMatch", kind: "keys.match", words: []string{"yes", "no"}},
		{key: "hunt", kind: state.KindHunt, member: "result", words: []string{"clean", "hit"}, hunt: true},
		{key: "preserved", kind: "preserved", words: []string{"done"}, event: true},
		{key: "contained", kind: state.KindContained, words: []string{"yes", "no"}},
	}
}

func itemEntries() []entry {
	return []entry{
		{key: "amsi", kind: "amsi", words: []string{"full", "on", "balanced", "off"}},
		{key: "rotation", kind: "rotation", words: []string{"rotated"}, event: true},
		{key: "deployment", kind: "deployment", words: []string{"deployed"}, event: true},
	}
}

// report is a document that was read: evidence about one farm.
type report struct {
	*document
	farm     string
	farmAt   int
	observed time.Time
	tool     string
	found    []found
	now      time.Time
}

// found is evidence with the place in the document that says it.
type found struct {
	state.Evidence
	at int
}

// readReport reads a document. What is wrong with it is in its problems.
func readReport(data []byte, now time.Time) *report {
	d, root := newDocument(data)
	r := &report{document: d, now: now}
	if d.err() != nil {
		return r
	}
	schema := ""
	var bodies []func() // read last: they need the time and the tool, wherever those stand
	later := func(read func(node)) func(node) {
		return func(n node) { bodies = append(bodies, func() { read(n) }) }
	}
	d.object(root, "the document", known{
		"schema":   d.word(&schema, "schema", []string{EvidenceSchema}),
		"farm":     func(n node) { r.farmAt = n.at; d.text(&r.farm, "farm")(n) },
		"observed": d.moment(&r.observed, "observed"),
		"tool":     d.text(&r.tool, "tool"),
		"build":    later(r.farmBuild),
		"items":    later(r.items),
		"servers": later(func(n node) {
			r.subjects(n, "servers", serverEntries(), func(s string) state.Subject { return state.Subject{Server: s} })
		}),
		"webApplications": later(func(n node) {
			r.subjects(n, "webApplications", itemEntries(), func(s string) state.Subject { return state.Subject{Item: s} })
		}),
		"evidence": later(func(n node) { d.list(n, "evidence", r.generic) }),
	})
	if root.delim == '{' {
		r.require(root, "schema", "farm", "observed")
	}
	if r.observed.After(now.Add(state.MaxSkew)) {
		d.problem(0, "observed is in the future (%s); check the clock of %s", r.observed.Format(time.RFC3339), cmp.Or(r.tool, "the collector"))
	}
	for _, read := range bodies {
		read()
	}
	sum := sha256.Sum256(data)
	for i := range r.found {
		r.found[i].Digest = hex.EncodeToString(sum[:])
	}
	return r
}

// require notes members that must be there.
func (r *report) require(n node, members ...string) {
	for _, name := range members {
		if !slices.ContainsFunc(n.members, func(m member) bool { return m.name == name && !m.value.null() }) {
			r.problem(n.at, "it needs %s", name)
		}
	}
}

func (r *report) evidence() []state.Evidence {
	out := make([]state.Evidence, 0, len(r.found))
	for _, f := range r.found {
		out = append(out, f.Evidence)
	}
	return out
}
