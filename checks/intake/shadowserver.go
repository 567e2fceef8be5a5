package intake

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// isShadowserver recognises the header row of a Shadowserver report: field lists of
// github.com/The-Shadowserver-Foundation/report_schema. The order of columns is not
// fixed, and older reports have no severity.
func isShadowserver(columns []string) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(columns, func(c string) bool { return strings.Trim(c, "\" \r") == name })
	}
	return has("timestamp") && (has("ip") || has("src_ip")) && (has("severity") || has("asn") && has("geo"))
}

// reportOf tells which report has these columns. The name that the file gives itself
// counts only where the columns leave it open.
func reportOf(columns []string, given string) string {
	for _, r := range []struct {
		report string
		marks  []string
	}{
		{"scan_badsecrets", []string{"badsecret_module"}},
		{"scan_post_exploitation_framework", []string{"beacon_type"}},
		{"compromised_website", []string{"detected_since", "http_host"}},
		{"compromised_iot", []string{"malpubkey_sha256"}},
		{"scan_http_vulnerable", []string{"build_branch"}},
		{"scan_exchange", []string{"servername", "version", "url"}},
		{"special", []string{"method", "public_source", "potential_exposure_time"}},
	} {
		if !slices.ContainsFunc(r.marks, func(m string) bool { return !slices.Contains(columns, m) }) {
			return r.report
		}
	}
	given = strings.TrimPrefix(ruleName(strings.ToLower(given)), "scan6_")
	switch marked := slices.Contains(claimingReports(), given); {
	case given != "" && !marked:
		return given
	case slices.Contains(columns, "src_ip"):
		return "event"
	case slices.Contains(columns, "http_code"):
		return "scan_http"
	}
	return "report"
}

// claimingReports are those whose name alone says that an attacker was there: only
// the columns can make a file one of them.
func claimingReports() []string {
	return []string{"compromised_website", "compromised_website6", "compromised_iot", "compromised_iot6", "scan_post_exploitation_framework", "scan_badsecrets"}
}

// shadowserver reads a report.
func (in *reader) shadowserver(src *source) error {
	t, err := in.openRows(src, ',')
	if err != nil {
		return err
	}
	if !isShadowserver(t.columns) {
		return unreadable(1, 0, "this is no Shadowserver report: its header has no timestamp with ip or src_ip (it has %s)", listed(t.columns))
	}
	s := shadowserver{rows: t, report: reportOf(t.columns, in.o.Report)}
	s.locate()
	s.shows, s.why = in.rules.judge(toolShadowserver, s.report)
	for {
		ok, err := t.next()
		if err != nil || !ok {
			return err
		}
		if err := s.row(); err != nil {
			return err
		}
	}
}

type shadowserver struct {
	*rows
	report string
	says   Says
	shows  bool
	why    string

	time, ip, port, hostname, tag, version int
	url, host                              int
	texts                                  []int // columns that are quoted
	said                                   []byte
}

// locate finds the columns that are read. No other column is.
func (s *shadowserver) locate() {
	s.time, s.tag, s.version = s.column("timestamp"), s.column("tag"), s.column("version")
	s.ip, s.port, s.hostname = s.column("ip"), s.column("port"), s.column("hostname")
	switch s.report {
	case "compromised_website", "compromised_iot", "scan_post_exploitation_framework", "scan_badsecrets":
		s.says = SaysIndicator
	}
	if s.ip < 0 { // an event: the address did something to others
		s.ip, s.port, s.hostname, s.says = s.column("src_ip"), -1, s.column("src_hostname"), SaysIndicator
	}
	s.url, s.host = s.column("url"), s.column("http_host")
	for _, name := range []string{
		"severity", "tag", "application", "category", "family", "infection", "system", "status", "detail", "server", "version",
		"badsecret_product", "badsecret_type", "badsecret_location", "device_vendor", "device_model", "device_version", "beacon_type",
	} {
		if i := s.column(name); i >= 0 {
			s.texts = append(s.texts, i)
		}
	}
}

func (s *shadowserver) row() error {
	f := s.in.base(toolShadowserver, s.line, s.raw)
	f.Rule, f.Says, f.Shows, f.Reason = s.report, s.says, s.shows, s.why
	f.Reached = s.says != SaysIndicator
	// The reports give no zone and mean UTC.
	at, why := s.in.moment(s.cell(s.time), time.UTC)
	if why == "" {
		why = s.in.badTime(at)
	}
	if why != "" {
		return s.refuse(s.time, why)
	}
	f.Observed = at
	if i, why := s.where(&f.Where); why != "" {
		return s.refuse(i, why)
	}
	f.CVEs = cveIn(nil, s.cell(s.tag))
	if f.Says == SaysSeen && len(f.CVEs) > 0 {
		f.Says = SaysVulnerable
	}
	f.Excerpt = s.text()
	if s.report == "scan_exchange" && s.cell(s.version) != "" {
		if err := s.build(f); err != nil || f.Says == SaysSeen {
			return err
		}
	}
	return s.in.find(f)
}

// build gives the version of a report whose name says of which product it is.
func (s *shadowserver) build(f Finding) error {
	v, err := state.ParseVersion(s.cell(s.version))
	if err != nil {
		return s.refuse(s.version, "version cannot be "+quoted(s.cell(s.version))+": it is no version")
	}
	f.Says, f.Build, f.Product, f.CVEs = SaysBuild, v, "Exchange", nil
	return s.in.find(f)
}

// where reads the place of a row, or says which cell cannot be.
func (s *shadowserver) where(w *Where) (int, string) {
	if a := s.cell(s.ip); a != "" {
		ip, ok := address(a)
		if !ok {
			return s.ip, "ip cannot be " + quoted(a)
		}
		w.Address = ip
	}
	n, why := port(s.cell(s.port))
	if why != "" {
		return s.port, why
	}
	w.Port = n
	w.hint(s.cell(s.hostname))
	if h := s.cell(s.host); h != "" {
		w.asked(h)
	}
	if !w.known() {
		return s.ip, "it names no place"
	}
	return 0, ""
}

// text is what a row says, for people.
func (s *shadowserver) text() string {
	b := s.said[:0]
	for _, i := range s.texts {
		c := s.cell(i)
		if c == "" {
			continue
		}
		if len(b) > 0 {
			b = append(b, "; "...)
		}
		b = append(append(b, s.columns[i]...), ' ')
		b = append(b, c[:min(len(c), maxExcerpt)]...)
	}
	if u := barePath(s.cell(s.url)); u != "" {
		b = append(append(b, "; url "...), u...)
	}
	s.said = b
	return excerpt(string(b), maxExcerpt)
}

// barePath is a URL without credentials, query and fragment.
func barePath(raw string) string {
	if raw == "" || len(raw) > 4096 {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
