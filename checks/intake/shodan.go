package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// banner is what is read of a banner, or of a host: datapedia.shodan.io.
type banner struct {
	IP        string          `json:"ip_str"`
	IPv6      string          `json:"ipv6"`
	Port      uint16          `json:"port"`
	Transport string          `json:"transport"`
	Product   string          `json:"product"`
	Version   string          `json:"version"`
	Timestamp string          `json:"timestamp"`
	Updated   string          `json:"last_update"`
	Hostnames []string        `json:"hostnames"`
	Data      json.RawMessage `json:"data"`
	Vulns     json.RawMessage `json:"vulns"`
	Ports     []uint16        `json:"ports"`
	HTTP      *struct {
		Host      string            `json:"host"`
		Status    int               `json:"status"`
		Redirects []json.RawMessage `json:"redirects"`
	} `json:"http"`
}

// shodan reads banners, one a line or in a list, a host or the answer of a search.
func (in *reader) shodan(src *source) error {
	return in.eachRecord(src, []string{"data", "matches"}, func(raw []byte, line int) error {
		if !bytes.Contains(raw, []byte(`"ip_str"`)) && bytes.Contains(raw, []byte(`"total"`)) {
			return nil // what surrounds the banners of a search
		}
		var b banner
		refused, err := decode(raw, line, &b)
		if err != nil || b.Port == 0 && bytes.Equal(b.Data, []byte("null")) {
			return err // a host: its banners said all of it
		}
		if err := in.next(); err != nil {
			return err
		}
		if refused != "" {
			return in.refuse(line, 0, refused)
		}
		return in.banner(in.base(toolShodan, line, raw), b)
	})
}

// banner yields what one banner says.
func (in *reader) banner(f Finding, b banner) error {
	// Datapedia: the time is in UTC, and is written without a zone.
	at, why := moment(strings.TrimSuffix(orElse(b.Timestamp, b.Updated), "Z"), time.UTC)
	if why == "" {
		why = in.badTime(at)
	}
	if why != "" {
		return in.refuse(f.Line, 0, why)
	}
	f.Observed, f.Reached = at, true
	ip, ok := address(orElse(b.IP, b.IPv6))
	if !ok {
		return in.refuse(f.Line, 0, "ip_str cannot be "+quoted(orElse(b.IP, b.IPv6)))
	}
	f.Where = Where{Address: ip, Port: b.Port}
	for _, h := range b.Hostnames[:min(len(b.Hostnames), maxNames)] {
		f.Where.hint(h)
	}
	if b.HTTP != nil {
		f.Where.asked(b.HTTP.Host)
	}
	if b.Port == 0 {
		f.Reached = false // a summary of looks at several times
	}
	f.Rule, f.Says = "banner", SaysSeen
	f.Excerpt = excerpt(strings.TrimSpace(fmt.Sprintf("%s %s %s", b.Transport, b.Product, b.Version)), maxExcerpt)
	if err := in.find(f); err != nil {
		return err
	}
	if err := in.bannerBuilds(f, b); err != nil {
		return err
	}
	return in.bannerVulns(f, b)
}

// bannerBuilds reads builds from the headers in the banner. An answer that came
// after a redirect may be another server's.
func (in *reader) bannerBuilds(f Finding, b banner) error {
	var text string
	if len(in.headers) == 0 || b.HTTP == nil || len(b.HTTP.Redirects) > 0 || json.Unmarshal(b.Data, &text) != nil {
		return nil
	}
	found, odd := in.headers.answer(text)
	if odd != "" && len(found) == 0 {
		return in.refuse(f.Line, 0, odd)
	}
	for _, r := range found {
		f.Rule, f.Says, f.Build, f.Excerpt = r.observer.ID, SaysBuild, r.build, r.text
		if err := in.find(f); err != nil {
			return err
		}
	}
	return nil
}

// bannerVulns yields what Shodan says about vulnerabilities: verified ones were
// tried, all others follow from a version.
func (in *reader) bannerVulns(f Finding, b banner) error {
	if len(b.Vulns) == 0 || b.Vulns[0] == 'n' {
		return nil
	}
	byTrust := map[bool][]string{}
	var detailed map[string]struct {
		Verified bool `json:"verified"`
	}
	var names []string
	switch {
	case json.Unmarshal(b.Vulns, &detailed) == nil:
		for name, v := range detailed {
			byTrust[v.Verified] = cveIn(byTrust[v.Verified], name)
		}
	case json.Unmarshal(b.Vulns, &names) == nil:
		for _, name := range names {
			byTrust[false] = cveIn(byTrust[false], name)
		}
	default:
		return in.refuse(f.Line, 0, "vulns cannot be understood")
	}
	for _, verified := range []bool{true, false} {
		cves := byTrust[verified]
		if len(cves) == 0 {
			continue
		}
		slices.Sort(cves)
		f.Rule, f.Says, f.CVEs = "vulns", SaysVulnerable, cves
		if f.Shows, f.Reason = in.rules.judge(toolShodan, "vulns"); verified {
			f.Rule = "vulns verified"
			f.Shows, f.Reason = in.rules.judge(toolShodan, "vulns", factVerified)
		}
		if err := in.find(f); err != nil {
			return err
		}
	}
	return nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
