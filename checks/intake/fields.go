package intake

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/checks"
)

// hostName is a host name in the form in which it is compared, "" when it is none.
func hostName(s string) string {
	if isHost(s) {
		return s
	}
	s = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if len(s) > maxName || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	}) {
		return ""
	}
	return s
}

// isHost reports whether s is a host name as it is compared, at a glance.
func isHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && (c != '.' || i == len(s)-1) {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// asked adds a name or address that a place was asked by.
func (w *Where) asked(host string) {
	if a, ok := address(host); ok {
		if !w.Address.IsValid() {
			w.Address = a
		}
		return
	}
	if n := hostName(host); n != "" {
		w.Names = addName(w.Names, n)
	}
}

// hint adds a name that others give to the address.
func (w *Where) hint(host string) {
	if _, ok := address(host); ok {
		return
	}
	if n := hostName(host); n != "" {
		w.Hints = addName(w.Hints, n)
	}
}

func addName(names []string, n string) []string {
	if len(names) >= maxNames {
		return names
	}
	for _, o := range names {
		if o == n {
			return names
		}
	}
	return append(names, n)
}

// at adds what a URL, or a host with a port, says. It is false when it says nothing.
func (w *Where) at(raw string) bool {
	raw = strings.TrimSpace(raw)
	if len(raw) > 4096 {
		return false
	}
	if !strings.Contains(raw, "://") {
		raw = "//" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return false
	}
	w.asked(u.Hostname())
	if n := portOf(u); n != 0 {
		w.Port = n
	}
	return len(w.Names) > 0 || w.Address.IsValid()
}

// portOf is the port of a URL, that of its scheme when it names none; 0: not known.
func portOf(u *url.URL) uint16 {
	if p := u.Port(); p != "" {
		n, _ := strconv.ParseUint(p, 10, 16)
		return uint16(n)
	}
	switch strings.ToLower(u.Scheme) {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}

// address reads an IP address; zones and the brackets of URLs are left out.
func address(s string) (netip.Addr, bool) {
	if !mayBeAddress(s) {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(s), "[]"))
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// mayBeAddress is false for what is none for certain: an error of the parser costs
// more than an address.
func mayBeAddress(s string) bool {
	if strings.IndexByte(s, ':') >= 0 {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c != '.' && c > ' ' && (c < '0' || c > '9') && c != '[' && c != ']' && c < utf8.RuneSelf {
			return false
		}
	}
	return true
}

// port reads a port, "" when it cannot be one.
func port(s string) (uint16, string) {
	if s == "" {
		return 0, ""
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Sprintf("port cannot be %.40q", checks.Clean(s, 40))
	}
	return uint16(n), ""
}

// ruleName is the name of a rule as it is kept.
func ruleName(s string) string {
	if plainName(s) {
		return s
	}
	return excerpt(s, maxRule)
}

func plainName(s string) bool {
	if len(s) >= minKey {
		return false
	}
	for i := range len(s) {
		if !isName(s[i]) {
			return false
		}
	}
	return true
}

// cveIn adds the CVE ids in a text, in capitals.
func cveIn(have []string, s string) []string {
	for i := 0; i+8 < len(s) && len(have) < maxCVEs; i++ {
		if c := s[i]; c != 'C' && c != 'c' || !strings.EqualFold(s[i:i+4], "cve-") {
			continue
		}
		n := i + 4
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '-') && n-i < 24 {
			n++
		}
		if id := strings.ToUpper(strings.TrimRight(s[i:n], "-")); isCVE(id) {
			have = addCVE(have, id)
		}
		i = n - 1
	}
	return have
}

func addCVE(have []string, id string) []string {
	for _, o := range have {
		if o == id {
			return have
		}
	}
	return append(have, id)
}

// isCVE reports whether s is a CVE id in capitals.
func isCVE(s string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(s, "CVE-"), "-")
	return ok && strings.HasPrefix(s, "CVE-") && len(year) == 4 && len(number) >= 4 && len(number) <= 10 && digits(year) && digits(number)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// quoted is a value of a report in a message.
func quoted(s string) string {
	s = excerpt(s, 60)
	if utf8.RuneCountInString(s) == 0 {
		return "nothing"
	}
	return strconv.Quote(s)
}

// few names the first n, and counts the rest.
func few(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
	}
	return strings.Join(names, ", ")
}

func containsFold(s, word string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(word))
}
