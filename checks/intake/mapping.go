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
	m := mappedRows{rows: t, at: map[string]int{}}
	for _, key := range mappingKeys() {
		c, ok := in.o.Map[key]
		if !ok || c.fixed {
			continue
		}
		if m.at[key] = t.column(c.text); m.at[key] < 0 {
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

type mappedRows struct {
	*rows
	at map[string]int
}

func (m *mappedRows) value(key string) string {
	if i, ok := m.at[key]; ok {
		return m.cell(i)
	}
	return m.in.o.Map[key].text
}

func (m *mappedRows) no(key, what string) error {
	i, ok := m.at[key]
	if !ok {
		i = -1
	}
	return m.refuse(i, what)
}

func (m *mappedRows) row() error {
	f := m.in.base("csv", m.line, m.raw)
	if tool := ruleName(m.value("tool")); tool != "" {
		f.Tool = "csv " + tool
	}
	f.Rule = ruleName(m.value("rule"))
	f.CVEs = cveIn(cveIn(nil, m.value("cve")), m.value("rule"))
	f.Bears = !m.in.o.Map.has("cve") && len(f.CVEs) == 0 // somebody chose this table for this incident
	if f.Rule == "" {
		f.Rule = "finding"
	}
	// Whatever tool a table names, what its rows went through on the way is not known.
	f.Reason = "a row of a table, of which it is not known how it was found"
	at, why := moment(m.value("time"), m.in.o.Zone)
	if why == "" {
		why = m.in.badTime(at)
	}
	if why != "" {
		return m.no("time", why)
	}
	f.Observed = at
	if key, why := m.where(&f.Where); why != "" {
		return m.no(key, why)
	}
	f.Excerpt = excerpt(strings.Trim(m.value("finding")+"; "+m.value("detail"), "; "), maxExcerpt)
	return m.give(f)
}

// give yields the build of a row and what it finds.
func (m *mappedRows) give(f Finding) error {
	build, word := m.value("build"), m.value("finding")
	if build == "" && word == "" {
		return m.no("finding", "it says nothing")
	}
	says, ok := saysOf(word)
	if !ok && word != "" {
		return m.no("finding", "finding cannot be "+quoted(word)+": vulnerable, compromised, fixed or seen")
	}
	if build != "" {
		v, err := state.ParseVersion(build)
		if err != nil {
			return m.no("build", "build cannot be "+quoted(build)+": it is no version like 16.0.10417.20037")
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

func (m *mappedRows) where(w *Where) (key, why string) {
	if a := m.value("address"); a != "" {
		ip, ok := address(a)
		if !ok {
			return "address", "address cannot be " + quoted(a)
		}
		w.Address = ip
	}
	if u := m.value("url"); u != "" && !w.at(u) {
		return "url", "url cannot be " + quoted(u)
	}
	if n := m.value("name"); n != "" {
		was := len(w.Names)
		if w.asked(n); len(w.Names) == was && !w.Address.IsValid() {
			return "name", "name cannot be " + quoted(n)
		}
	}
	if p := m.value("port"); p != "" {
		n, why := port(p)
		if why != "" {
			return "port", why
		}
		w.Port = n
	}
	if !w.known() {
		return "name", "it names no place"
	}
	return "", ""
}
