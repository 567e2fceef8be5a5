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

// bySelfReport is how Tenable's plugins say that they compared a version only.
const bySelfReport = "self-reported version"

// localFamilies are families of plugins that check patches with credentials.
func localFamily(family string) bool { return family == "Windows : Microsoft Bulletins" }

// nessusHost is what is known of the host that is being read.
type nessusHost struct {
	where Where
	at    time.Time
	why   string // why nothing of it can be taken
	told  bool
}

// nessus reads NessusClientData_v2.
func (in *reader) nessus(src *source) error {
	e, err := in.openElements(src, "NessusClientData_v2")
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
		s, ok := t.(xml.StartElement)
		switch {
		case !ok || s.Name.Local == "Report":
		case s.Name.Local == "ReportHost":
			err = in.nessusHost(e, s)
		default:
			err = e.skip() // the policy, with credentials in it, is not looked at
		}
		if err != nil {
			return err
		}
	}
}

func (in *reader) nessusHost(e *elements, start xml.StartElement) error {
	h := &nessusHost{why: "its host does not tell when it was scanned"}
	h.where.asked(attr(start, "name"))
	return e.children(func(s xml.StartElement) error {
		switch s.Name.Local {
		case "HostProperties":
			return in.nessusProperties(e, h)
		case "ReportItem":
			return in.nessusItem(e, h, s)
		}
		return e.skip()
	})
}

// nessusProperties reads names, address and times of a host. The end of the scan is
// when all of it was seen.
func (in *reader) nessusProperties(e *elements, h *nessusHost) error {
	times := map[string]string{}
	err := e.children(func(s xml.StartElement) error {
		name := attr(s, "name")
		text, err := e.text(maxExcerpt)
		switch name {
		case "host-ip":
			if ip, ok := address(text); ok {
				h.where.Address = ip
			}
		case "host-fqdn", "netbios-name", "hostname":
			h.where.asked(text)
		case "host-rdns":
			h.where.hint(text)
		case "HOST_END_TIMESTAMP", "HOST_END", "HOST_START_TIMESTAMP", "HOST_START":
			times[name] = strings.TrimSpace(text)
		}
		return err
	})
	for _, name := range []string{"HOST_END_TIMESTAMP", "HOST_END", "HOST_START_TIMESTAMP", "HOST_START"} {
		text, ok := times[name]
		if !ok || !h.at.IsZero() {
			continue
		}
		if strings.HasSuffix(name, "TIMESTAMP") {
			h.at, h.why = epoch(text)
		} else {
			h.at, h.why = moment(text, in.o.Zone)
		}
	}
	if h.why == "" {
		h.why = in.badTime(h.at)
	}
	return err
}

// nessusItem reads what one plugin says.
func (in *reader) nessusItem(e *elements, h *nessusHost, s xml.StartElement) error {
	if err := in.next(); err != nil {
		return err
	}
	line := e.line()
	if h.why != "" {
		if err := in.nessusRefused(e, h, line); err != nil {
			return err
		}
		return e.skip()
	}
	f := Finding{Tool: toolNessus, Rule: ruleName(attr(s, "pluginID")), Observed: h.at, Where: h.where, Line: line, Record: in.record}
	n, why := port(attr(s, "port"))
	f.Where.Port = n
	e.keep()
	it, err := in.nessusChildren(e)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(e.kept())
	f.Digest = hex.EncodeToString(sum[:])
	switch {
	case why != "":
		return e.refuse(line, "%s", why)
	case !f.Where.known():
		return e.refuse(line, "it names no place")
	}
	f.Version, f.CVEs, f.Reached = ruleName(it.version), it.cves, true
	var facts []fact
	if it.selfReported {
		facts = append(facts, factVersion)
	}
	if it.kind == "local" && localFamily(attr(s, "pluginFamily")) {
		facts = append(facts, factLocal)
	}
	if attr(s, "severity") != "0" && len(f.CVEs) > 0 {
		f.Says = SaysVulnerable
	}
	f.Shows, f.Reason = in.rules.judge(toolNessus, f.Rule, facts...)
	f.Excerpt = excerpt(joined([]string{attr(s, "pluginName"), it.output}), maxExcerpt)
	return in.find(f)
}

// nessusRefused tells once for each host why its items are refused.
func (in *reader) nessusRefused(e *elements, h *nessusHost, line int) error {
	if h.told {
		return nil
	}
	h.told = true
	return e.refuse(line, "nothing of this host is taken: %s", h.why)
}

type nessusText struct {
	kind, version, output string
	cves                  []string
	selfReported          bool
}

func (in *reader) nessusChildren(e *elements) (nessusText, error) {
	var it nessusText
	err := e.children(func(s xml.StartElement) error {
		var into *string
		most := maxExcerpt
		switch s.Name.Local {
		case "plugin_type":
			into = &it.kind
		case "script_version":
			into = &it.version
		case "plugin_output":
			into = &it.output
		case "cve", "description":
			most = 64 << 10
		default:
			return e.skip()
		}
		text, err := e.text(most)
		switch {
		case into != nil:
			*into = strings.TrimSpace(text)
		case s.Name.Local == "cve":
			it.cves = cveIn(it.cves, text)
		default:
			it.selfReported = it.selfReported || strings.Contains(strings.Join(strings.Fields(text), " "), bySelfReport)
		}
		return err
	})
	return it, err
}
