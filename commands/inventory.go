package commands

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Limits of an inventory; more is refused, never cut silently.
const (
	MaxInventoryRows  = 1_000_000
	MaxInventoryBytes = 256 << 20
	maxAddresses      = 64
	maxTags           = 64
)

// ParseInventory reads an inventory: CSV with a header, or one URL a line, whose
// host is the server's name, with the port when that is not the usual one. It reads all or nothing: the error is an
// InventoryProblems with every line that is wrong.
//
// The columns are name, url, addresses, via, farm, owner, group, exposure and
// tags, in any order; any other column becomes a tag. Of name and url one is
// needed. Several addresses or tags of one cell are separated by ';' or a space.
func ParseInventory(data []byte) ([]state.Server, error) {
	in, err := readInventory(data)
	if err != nil {
		return nil, err
	}
	return in.servers, nil
}

// sheet is an inventory being read: servers, and the line of each.
type sheet struct {
	servers  []state.Server
	lines    []int
	hosts    bool     // the names are the hosts of URLs
	columns  []string // that it has
	problems problemList
}

func readInventory(data []byte) (*sheet, error) {
	s := &sheet{}
	text, why := inventoryText(data)
	switch {
	case why != "":
		s.problems.add(0, 0, "%s", why)
	case looksLikeURLs(text):
		s.readURLs(text)
	default:
		s.readCSV(text)
	}
	s.checkWhole()
	return s, s.problems.err()
}

// inventoryText is the text without what programs put around it, or why it is none.
func inventoryText(data []byte) (text []byte, why string) {
	switch {
	case len(data) > MaxInventoryBytes:
		return nil, fmt.Sprintf("the inventory is larger than %d MiB", MaxInventoryBytes>>20)
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return nil, "the inventory is UTF-16: save it as UTF-8"
	case bytes.IndexByte(data, 0) >= 0:
		return nil, "the inventory has zero bytes in it: it is not text, or it is UTF-16; save it as UTF-8"
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !bytes.ContainsRune(data, '\n') {
		data = bytes.ReplaceAll(data, []byte{'\r'}, []byte{'\n'})
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, "the inventory is empty"
	}
	return data, ""
}

// looksLikeURLs reports whether the first line that says something is a URL.
func looksLikeURLs(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		first, _, _ := strings.Cut(string(line[:min(len(line), 4096)]), ",")
		return strings.Contains(first, "://")
	}
	return false
}

// readURLs reads one URL a line. What a server is called depends on its own line
// alone: an import of more lines changes no name.
func (s *sheet) readURLs(text []byte) {
	s.hosts, s.columns = true, []string{"url"}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		raw := strings.TrimSpace(string(line))
		if raw == "" || raw[0] == '#' {
			continue
		}
		if s.full(n) {
			return
		}
		name, why := hostOf(raw)
		if why != "" {
			s.problems.add(n, 0, "%s", why)
			continue
		}
		s.put(n, 0, state.Server{Name: name, URL: raw})
	}
}

// hostOf is the host of a URL in lower case, with its port when that is not the
// usual one, or why it has none.
func hostOf(raw string) (host, why string) {
	if why := badURL(raw); why != "" {
		return "", why
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", "this is not a URL"
	}
	host = strings.ToLower(u.Hostname())
	usual := map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	if p := u.Port(); p != "" && p != usual {
		return net.JoinHostPort(host, p), ""
	}
	return host, ""
}

// full reports, once, that there are too many rows.
func (s *sheet) full(line int) bool {
	if len(s.servers) < MaxInventoryRows {
		return false
	}
	s.problems.add(line, 0, "the inventory has more than %d servers", MaxInventoryRows)
	return true
}

func (s *sheet) put(line, column int, srv state.Server) {
	srv.Farm = cmp.Or(srv.Farm, srv.Name)
	if why := badServer(srv); why != "" {
		s.problems.add(line, column, "%s", why)
	}
	s.servers, s.lines = append(s.servers, srv), append(s.lines, line)
}

// checkWhole finds what is wrong between lines: one name twice, one farm in two
// spellings, a farm that is too large.
func (s *sheet) checkWhole() {
	names, farms := map[string]int{}, map[string]int{}
	size := map[string]int{}
	for i, srv := range s.servers {
		key := strings.ToLower(srv.Name)
		if first, ok := names[key]; ok {
			hint := ""
			if s.hosts {
				hint = "; a URL is named after its host: to have both, give them names (CSV: name,url)"
			}
			s.problems.add(s.lines[i], 0, "%s is in line %d already (%s)%s", quoteName(srv.Name), s.lines[first], quoteName(s.servers[first].Name), hint)
			continue
		}
		names[key] = i
		key = strings.ToLower(srv.Farm)
		if first, ok := farms[key]; !ok {
			farms[key] = i
		} else if other := s.servers[first].Farm; other != srv.Farm {
			s.problems.add(s.lines[i], 0, "farm %s is spelled %s in line %d: servers of a farm must agree", quoteName(srv.Farm), quoteName(other), s.lines[first])
		}
		if size[key]++; size[key] == state.MaxFarm+1 {
			s.problems.add(s.lines[i], 0, "farm %s has more than %d servers; check the farm column", quoteName(srv.Farm), state.MaxFarm)
		}
	}
}

// badServer says what cannot be in an inventory, "" when all is well.
func badServer(s state.Server) string {
	if why := badName(s.Name); why != "" {
		return why
	}
	for _, f := range [][2]string{{"farm", s.Farm}, {"owner", s.Owner}, {"group", s.Group}, {"via", s.Via}} {
		if why := badText(f[0], f[1]); why != "" {
			return why
		}
	}
	if s.URL != "" {
		if why := badURL(s.URL); why != "" {
			return why
		}
	}
	for _, a := range s.Addresses {
		if _, err := netip.ParseAddr(a); err != nil {
			return fmt.Sprintf("%s is not an IP address", quoteName(a))
		}
	}
	switch {
	case len(s.Addresses) > maxAddresses:
		return fmt.Sprintf("%s has more than %d addresses", quoteName(s.Name), maxAddresses)
	case len(s.Tags) > maxTags:
		return fmt.Sprintf("%s has more than %d tags", quoteName(s.Name), maxTags)
	}
	for k, v := range s.Tags {
		if why := cmp.Or(badText("tag", k), badText("tag", v)); why != "" {
			return why
		}
	}
	return ""
}

// badName refuses names that could not be typed in a command line.
func badName(name string) string {
	switch {
	case name == "":
		return "a server needs a name"
	case name[0] == '-' || name[0] == '{':
		return fmt.Sprintf("the name %s begins with %q", quoteName(name), name[:1])
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Quotation_Mark, r) || r == '\\' }):
		return fmt.Sprintf("the name %s has a space, a quote or a backslash in it", quoteName(name))
	case strings.HasPrefix(name, "–"), strings.HasPrefix(name, "—"):
		return fmt.Sprintf("the name %s begins with a dash", quoteName(name))
	}
	return badText("name", name)
}

func badText(what, s string) string {
	switch {
	case !utf8.ValidString(s):
		return fmt.Sprintf("the %s is not UTF-8 text", what)
	case utf8.RuneCountInString(s) > state.MaxName:
		return fmt.Sprintf("the %s %s is longer than %d characters", what, quoteName(s), state.MaxName)
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }):
		return fmt.Sprintf("the %s %s has a character in it that cannot be seen", what, quoteName(s))
	}
	return ""
}

// badURL refuses what cannot be asked. It never quotes a URL with a password.
func badURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case len(raw) > 2000:
		return "the URL is longer than 2000 bytes"
	case !strings.Contains(raw, "://"):
		return fmt.Sprintf("%s is not a URL: write https://%s", quoteName(raw), checks.Excerpt(raw, 60))
	case err != nil:
		return "this is not a URL"
	case u.User != nil:
		return "the URL has a user name or password in it: take it out"
	case strings.Contains(u.Host, ","):
		return "the URL has a comma in its host: if this is CSV, its first line must name the columns"
	case strings.ContainsFunc(raw, unicode.IsSpace):
		return "the URL has a space in it"
	case strings.ContainsFunc(u.Hostname(), notOfHost):
		return "the host of the URL has a character in it that no name has"
	}
	if _, err := (checks.Target{Server: state.Server{URL: raw}}).Origin(); err != nil {
		return fmt.Sprintf("the URL cannot be asked: %s", checks.Clean(err.Error(), 200))
	}
	return ""
}

func notOfHost(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:", r)
}

func quoteName(s string) string { return fmt.Sprintf("%.60q", checks.Clean(s, 80)) }
