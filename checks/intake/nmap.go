package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"
)

// nmapHost is what is known of the host that is being read, in the output that
// docs/nmap.dtd of Nmap describes.
type nmapHost struct {
	where Where
	at    time.Time
	bad   bool // nothing of it can be taken
	found []Finding
}

// nmap reads the XML output.
func (in *reader) nmap(src *source) error {
	e, err := in.openElements(src, "nmaprun")
	if err != nil {
		return err
	}
	for {
		t, err := e.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); !ok {
			continue
		} else if s.Name.Local == "host" {
			err = in.nmapHost(e, s)
		} else {
			err = e.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (in *reader) nmapHost(e *elements, start xml.StartElement) error {
	h := &nmapHost{}
	var why string
	if h.at, why = epoch(orElse(attr(start, "endtime"), attr(start, "starttime"))); why == "" {
		why = in.badTime(h.at)
	}
	if h.bad = why != ""; h.bad {
		if err := e.refuse(e.line(), "nothing of this host is taken: %s", why); err != nil {
			return err
		}
	}
	return e.children(func(s xml.StartElement) error {
		switch s.Name.Local {
		case "address":
			if ip, ok := address(attr(s, "addr")); ok && !h.where.Address.IsValid() {
				h.where.Address = ip
			}
		case "hostnames":
			return e.children(func(s xml.StartElement) error {
				if attr(s, "type") == "user" { // the name that Nmap was given
					h.where.asked(attr(s, "name"))
				} else {
					h.where.hint(attr(s, "name"))
				}
				return e.skip()
			})
		case "ports":
			return e.children(func(s xml.StartElement) error { return in.nmapKept(e, h, s, in.nmapPort) })
		case "hostscript":
			return e.children(func(s xml.StartElement) error { return in.nmapKept(e, h, s, in.nmapScript) })
		}
		return e.skip()
	})
}

// nmapKept reads one port or script of a host, and yields what it found with the
// digest of all of it.
func (in *reader) nmapKept(e *elements, h *nmapHost, s xml.StartElement, read func(*elements, *nmapHost, xml.StartElement) error) error {
	if s.Name.Local != "port" && s.Name.Local != "script" || h.bad {
		return e.skip()
	}
	if err := in.next(); err != nil {
		return err
	}
	line := e.line()
	h.found = h.found[:0]
	e.keep()
	if err := read(e, h, s); err != nil {
		return err
	}
	sum := sha256.Sum256(e.kept())
	if len(h.found) > 0 && !h.where.known() {
		return e.refuse(line, "it stands before the address of its host")
	}
	for _, f := range h.found {
		f.Line, f.Record, f.Digest = line, in.record, hex.EncodeToString(sum[:])
		f.Where.Address, f.Where.Names, f.Where.Hints = h.where.Address, h.where.Names, h.where.Hints
		if err := in.find(f); err != nil {
			return err
		}
	}
	return nil
}

func (h *nmapHost) add(f Finding) {
	f.Tool, f.Observed, f.Where.Port = toolNmap, h.at, h.where.Port
	h.found = append(h.found, f)
}

// nmapPort reads one port: what answers there, and what scripts say of it.
func (in *reader) nmapPort(e *elements, h *nmapHost, start xml.StartElement) error {
	n, why := port(attr(start, "portid"))
	if why != "" {
		if err := e.refuse(e.line(), "%s", why); err != nil {
			return err
		}
		return e.skip()
	}
	h.where.Port = n
	defer func() { h.where.Port = 0 }()
	open := false
	name := attr(start, "portid") + "/" + attr(start, "protocol")
	err := e.children(func(s xml.StartElement) error {
		switch s.Name.Local {
		case "state":
			open = attr(s, "state") == "open"
			name += " " + attr(s, "state")
		case "service":
			name += " " + joined([]string{attr(s, "name"), attr(s, "product"), attr(s, "version")})
		case "script":
			return in.nmapScript(e, h, s)
		}
		return e.skip()
	})
	if open {
		h.add(Finding{Rule: "port", Says: SaysSeen, Reached: true, Excerpt: excerpt(name, maxExcerpt)})
	}
	return err
}

// vuln is a table of Nmap's vulns library.
type vuln struct {
	title, state string
	cves         []string
}

// nmapScript reads what a script says.
func (in *reader) nmapScript(e *elements, h *nmapHost, s xml.StartElement) error {
	id, output := attr(s, "id"), attr(s, "output")
	switch id {
	case "http-headers":
		found, _ := in.headers.answer(strings.TrimLeft(output, " \t\r\n"))
		for _, r := range found {
			h.add(Finding{Rule: r.observer.ID, Says: SaysBuild, Build: r.build, Excerpt: r.text, Reached: true})
		}
	case "vulners", "vulscan":
		if cves := cveIn(nil, output); len(cves) > 0 {
			in.nmapVuln(h, id, vuln{title: id, state: "LIKELY VULNERABLE", cves: cves})
		}
	}
	v, err := in.nmapTable(e, h, id)
	if err != nil {
		return err
	}
	v.cves = cveIn(v.cves, dashed(id))
	in.nmapVuln(h, id, v)
	return nil
}

// dashed makes "http-vuln-cve2017-5638" name its CVE as others write it.
func dashed(id string) string { return strings.ReplaceAll(strings.ToLower(id), "cve2", "cve-2") }

// nmapTable reads the tables and elements of a script, and returns what is said at
// this level.
func (in *reader) nmapTable(e *elements, h *nmapHost, script string) (vuln, error) {
	var v vuln
	err := e.children(func(s xml.StartElement) error {
		key := attr(s, "key")
		switch {
		case s.Name.Local == "elem" && (key == "state" || key == "title"):
			text, err := e.text(maxExcerpt)
			if key == "state" {
				v.state = strings.TrimSpace(text)
			} else {
				v.title = text
			}
			return err
		case s.Name.Local == "table" && key == "ids":
			return e.children(func(xml.StartElement) error {
				text, err := e.text(maxExcerpt)
				v.cves = cveIn(v.cves, text)
				return err
			})
		case s.Name.Local == "table":
			inner, err := in.nmapTable(e, h, script)
			inner.cves = cveIn(inner.cves, key)
			in.nmapVuln(h, script, inner)
			return err
		}
		return e.skip()
	})
	return v, err
}

// nmapVuln adds what the vulns library says: nmap.org/nsedoc/lib/vulns.html.
func (in *reader) nmapVuln(h *nmapHost, script string, v vuln) {
	f := Finding{Rule: ruleName(script), CVEs: v.cves, Reached: true, Excerpt: excerpt(joined([]string{v.state, v.title}), maxExcerpt)}
	var facts []fact
	switch {
	case strings.HasPrefix(v.state, "NOT VULNERABLE"):
		f.Says = SaysClean
	case strings.HasPrefix(v.state, "VULNERABLE"):
		f.Says = SaysVulnerable
	case strings.HasPrefix(v.state, "LIKELY"):
		f.Says, facts = SaysVulnerable, []fact{factLikely}
	default:
		return
	}
	f.Shows, f.Reason = in.rules.judge(toolNmap, f.Rule, facts...)
	h.add(f)
}
