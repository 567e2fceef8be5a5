package intake

import (
	"encoding/json"
	"strings"
)

// result is what is read of a result of nuclei: ResultEvent in
// github.com/projectdiscovery/nuclei, pkg/output/output.go. Requests, responses,
// the curl command and interactions may hold secrets: they are never looked at.
type result struct {
	ID   string `json:"template-id"`
	Info struct {
		Name           string `json:"name"`
		Severity       string `json:"severity"`
		Classification struct {
			CVE json.RawMessage `json:"cve-id"` // a text, a list or null
		} `json:"classification"`
	} `json:"info"`
	Matcher   string   `json:"matcher-name"`
	Host      string   `json:"host"`
	Port      string   `json:"port"`
	URL       string   `json:"url"`
	Matched   string   `json:"matched-at"`
	Extracted []string `json:"extracted-results"`
	IP        string   `json:"ip"`
	Timestamp string   `json:"timestamp"`
	Status    *bool    `json:"matcher-status"`
	Error     string   `json:"error"`
}

// headerTemplates are templates whose results are the values of a header.
func headerTemplates() map[string]string {
	return map[string]string{"microsoft-sharepoint-detect": "MicrosoftSharePointTeamServices"}
}

// nuclei reads results, one a line or in a list.
func (in *reader) nuclei(src *source) error {
	return in.eachRecord(src, nil, func(raw []byte, line int) error {
		if err := in.next(); err != nil {
			return err
		}
		var r result
		refused, err := decode(raw, line, &r)
		switch {
		case err != nil:
			return err
		case refused != "":
			return in.refuse(line, 0, refused)
		case r.ID == "":
			return in.refuse(line, 0, "it has no template-id")
		}
		return in.result(in.base(toolNuclei, line, raw), r)
	})
}

func (in *reader) result(f Finding, r result) error {
	at, why := moment(r.Timestamp, in.o.Zone)
	if why == "" {
		why = in.badTime(at)
	}
	if why == "" && !r.where(&f.Where) {
		why = "it names no place"
	}
	if why != "" {
		return in.refuse(f.Line, 0, why)
	}
	f.Observed, f.Rule = at, ruleName(r.ID)
	f.CVEs = cveIn(cveIn(nil, r.ID), string(r.Info.Classification.CVE[:min(len(r.Info.Classification.CVE), 4096)]))
	matched := r.Status == nil || *r.Status
	var facts []fact
	switch {
	case matched && len(f.CVEs) > 0:
		f.Says, f.Reached = SaysVulnerable, true
	case matched:
		f.Says, f.Reached = SaysSeen, true
	case r.Matched == "":
		f.Says = SaysClean // a template that was run and did not match
	default:
		// It contradicts itself: no verdict, but bad news is not dropped either.
		f.Says, facts = SaysVulnerable, []fact{factNoTarget}
	}
	f.Shows, f.Reason = in.rules.judge(toolNuclei, f.Rule, facts...)
	f.Excerpt = r.text()
	if header := headerTemplates()[r.ID]; header != "" && matched {
		return in.extracted(f, header, r.Extracted)
	}
	return in.find(f)
}

// where reads the place of a result: where it matched, else what was asked.
func (r result) where(w *Where) bool {
	for _, raw := range []string{r.Matched, r.URL, r.Host} {
		if raw != "" && w.at(raw) {
			break
		}
	}
	if ip, ok := address(r.IP); ok {
		w.Address = ip
	}
	if n, why := port(r.Port); why == "" && w.Port == 0 {
		w.Port = n
	}
	return w.known()
}

func (r result) text() string {
	parts := []string{r.Info.Name, r.Matcher, barePath(r.Matched)}
	for _, x := range r.Extracted[:min(len(r.Extracted), 4)] {
		parts = append(parts, x[:min(len(x), maxExcerpt)])
	}
	if r.Error != "" {
		parts = append(parts, "error: "+r.Error[:min(len(r.Error), maxExcerpt)])
	}
	return excerpt(joined(parts), maxExcerpt)
}

// extracted reads builds from the values of a header that a template reports.
func (in *reader) extracted(f Finding, header string, values []string) error {
	f.Says = SaysSeen
	if err := in.find(f); err != nil {
		return err
	}
	for _, v := range values[:min(len(values), 4)] {
		found, odd := in.headers.header(header, v[:min(len(v), 1024)])
		if odd != "" && len(found) == 0 {
			return in.refuse(f.Line, 0, odd)
		}
		for _, b := range found {
			f.Rule, f.Says, f.Build, f.Excerpt, f.CVEs = b.observer.ID, SaysBuild, b.build, b.text, nil
			if err := in.find(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func joined(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p)
	}
	return b.String()
}
