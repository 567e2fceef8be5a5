package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Mapping tells which column of a table is what. A key that is followed by ":="
// has the same value in every row.
type Mapping map[string]mapped

type mapped struct {
	text  string
	fixed bool
}

// mappingKeys are what a column can be.
func mappingKeys() []string {
	return []string{"name", "address", "url", "port", "finding", "build", "cve", "tool", "rule", "time", "detail"}
}

// ParseMapping reads "name=Server, url=Link, finding=Result, time:=2025-07-22T10:00Z".
func ParseMapping(s string) (Mapping, error) {
	m := Mapping{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' }) {
		key, value, ok := strings.Cut(part, "=")
		key, fixed := strings.CutSuffix(strings.TrimSpace(key), ":")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case !ok || key == "" || value == "":
			return nil, fmt.Errorf("%s is no part of a mapping: write key=Column, or key:=value", quoted(strings.TrimSpace(part)))
		case !slices.Contains(mappingKeys(), key):
			return nil, fmt.Errorf("a mapping has no key %s: it has %s", quoted(key), strings.Join(mappingKeys(), ", "))
		case m.has(key):
			return nil, fmt.Errorf("the mapping names %s twice", key)
		}
		m[key] = mapped{value, fixed}
	}
	switch {
	case !m.has("name") && !m.has("address") && !m.has("url"):
		return nil, fmt.Errorf("the mapping must say which column names the server: name, address or url")
	case !m.has("finding") && !m.has("build"):
		return nil, fmt.Errorf("the mapping must say which column is the finding, or the build")
	case !m.has("time"):
		return nil, fmt.Errorf("the mapping must say when it was seen: time=Column, or time:=2025-07-22T10:00Z")
	}
	return m, nil
}

func (m Mapping) has(key string) bool { _, ok := m[key]; return ok }

// saysOf reads the words for a finding; an unknown one is refused, never guessed.
func saysOf(word string) (Says, bool) {
	switch strings.ToLower(word) {
	case "vulnerable", "affected", "exploitable", "unpatched", "exposed":
		return SaysVulnerable, true
	case "compromised", "infected", "hacked", "webshell", "web shell", "attacked":
		return SaysIndicator, true
	case "fixed", "patched", "not vulnerable", "not affected", "clean", "ok", "remediated", "closed", "mitigated":
		return SaysClean, true
	case "seen", "reachable", "online", "found":
		return SaysSeen, true
	}
	return 0, false
}

// table reads a plain table by its mapping.
func (in *reader) table(src *source) error {
	if len(in.o.Map) == 0 {
		return unreadable(0, 0, "a plain table needs a mapping of its columns")
	}
	t, err := in.openRows(src, separator(src))
	if err != nil {
		return err
	}
	m := mappedRows{rows: t}
	for i, key := range mappingKeys() {
		c, ok := in.o.Map[key]
		m.keys[i] = place{column: -1, text: c.text}
		if !ok || c.fixed {
			continue
		}
		if m.keys[i].column = t.column(c.text); m.keys[i].column < 0 {
			return unreadable(1, 0, "there is no column %s for %s: the table has %s", quoted(c.text), key, listed(t.columns))
		}
	}
	for {
		ok, err := t.next()
		if err != nil || !ok {
			return err
		}
		if err := m.row(); err != nil {
			return err
		}
	}
}

// Where each of mappingKeys stands.
const (
	keyName = iota
	keyAddress
	keyURL
	keyPort
	keyFinding
	keyBuild
	keyCVE
	keyTool
	keyRule
	keyTime
	keyDetail
	mapKeys
)

type mappedRows struct {
	*rows
	keys [mapKeys]place
}

// place is the column of a key, or the text of every row.
type place struct {
	column int // -1: none
	text   string
}

func (m *mappedRows) value(key int) string {
	if p := &m.keys[key]; p.column < 0 {
		return p.text
	}
	return m.cell(m.keys[key].column)
}

func (m *mappedRows) no(key int, what string) error { return m.refuse(m.keys[key].column, what) }

func (m *mappedRows) row() error {
	f := m.in.base("csv", m.line, m.raw)
	if tool := ruleName(m.value(keyTool)); tool != "" {
		f.Tool = "csv " + tool
	}
	f.Rule = ruleName(m.value(keyRule))
	f.CVEs = cveIn(cveIn(nil, m.value(keyCVE)), m.value(keyRule))
	f.Bears = !m.in.o.Map.has("cve") && len(f.CVEs) == 0 // somebody chose this table for this incident
	if f.Rule == "" {
		f.Rule = "finding"
	}
	// Whatever tool a table names, what its rows went through on the way is not known.
	f.Reason = "a row of a table, of which it is not known how it was found"
	at, why := m.in.moment(m.value(keyTime), m.in.o.Zone)
	if why == "" {
		why = m.in.badTime(at)
	}
	if why != "" {
		return m.no(keyTime, why)
	}
	f.Observed = at
	if key, why := m.where(&f.Where); why != "" {
		return m.no(key, why)
	}
	f.Excerpt = excerpt(m.says(), maxExcerpt)
	return m.give(f)
}

// says is what a row says, for people.
func (m *mappedRows) says() string {
	finding, detail := m.value(keyFinding), m.value(keyDetail)
	if detail != "" {
		finding += "; " + detail
	}
	return strings.Trim(finding, "; ")
}

// give yields the build of a row and what it finds.
func (m *mappedRows) give(f Finding) error {
	build, word := m.value(keyBuild), m.value(keyFinding)
	if build == "" && word == "" {
		return m.no(keyFinding, "it says nothing")
	}
	says, ok := saysOf(word)
	if !ok && word != "" {
		return m.no(keyFinding, "finding cannot be "+quoted(word)+": vulnerable, compromised, fixed or seen")
	}
	if build != "" {
		v, err := state.ParseVersion(build)
		if err != nil {
			return m.no(keyBuild, "build cannot be "+quoted(build)+": it is no version like 16.0.10417.20037")
		}
		b := f
		b.Says, b.Build, b.CVEs = SaysBuild, v, nil
		if err := m.in.find(b); err != nil || word == "" {
			return err
		}
	}
	f.Says = says
	return m.in.find(f)
}

func (m *mappedRows) where(w *Where) (key int, why string) {
	if a := m.value(keyAddress); a != "" {
		ip, ok := address(a)
		if !ok {
			return keyAddress, "address cannot be " + quoted(a)
		}
		w.Address = ip
	}
	if u := m.value(keyURL); u != "" && !w.at(u) {
		return keyURL, "url cannot be " + quoted(u)
	}
	if n := m.value(keyName); n != "" {
		was := len(w.Names)
		if w.asked(n); len(w.Names) == was && !w.Address.IsValid() {
			return keyName, "name cannot be " + quoted(n)
		}
	}
	if p := m.value(keyPort); p != "" {
		n, why := port(p)
		if why != "" {
			return keyPort, why
		}
		w.Port = n
	}
	if !w.known() {
		return keyName, "it names no place"
	}
	return 0, ""
}
