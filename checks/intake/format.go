package intake

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/checks"
)

// Format is the form of a file.
type Format string

// The formats.
const (
	FormatShadowserver Format = "shadowserver" // CSV; the header row tells which report
	FormatShodan       Format = "shodan"       // JSON: a host, banners, a search, or banners one a line
	FormatNuclei       Format = "nuclei"       // JSON lines, or an array
	FormatNmap         Format = "nmap"         // XML
	FormatNessus       Format = "nessus"       // NessusClientData_v2
	FormatCSV          Format = "csv"          // a table, with a Mapping
)

// Formats lists all formats.
func Formats() []Format {
	return []Format{FormatShadowserver, FormatShodan, FormatNuclei, FormatNmap, FormatNessus, FormatCSV}
}

func formatList() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Detect recognises a format by how a file begins; 64 KiB are enough. A plain table
// is none of its own: it needs a Mapping.
func Detect(head []byte) (Format, error) {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
	case head[0] == '<':
		if i := bytes.Index(head, []byte("<nmaprun")); i >= 0 {
			return FormatNmap, nil
		}
		if bytes.Contains(head, []byte("<NessusClientData_v2")) {
			return FormatNessus, nil
		}
	case head[0] == '{' || head[0] == '[':
		if bytes.Contains(head, []byte(`"template-id"`)) {
			return FormatNuclei, nil
		}
		if bytes.Contains(head, []byte(`"ip_str"`)) || bytes.Contains(head, []byte(`"_shodan"`)) {
			return FormatShodan, nil
		}
	default:
		line, _, _ := bytes.Cut(head, []byte("\n"))
		if isShadowserver(strings.Split(strings.ToLower(string(line[:min(len(line), 16<<10)])), ",")) {
			return FormatShadowserver, nil
		}
	}
	begin := head[:min(len(head), 60)]
	return "", unreadable(0, 0, "the format was not recognised (it begins with %q); known are %s, and csv needs a mapping of its columns", checks.Excerpt(string(begin), 40), formatList())
}

// parse finds a format by its name.
func (f Format) check() error {
	for _, k := range Formats() {
		if k == f {
			return nil
		}
	}
	return fmt.Errorf("%.40q is no format: known are %s", string(f), formatList())
}
