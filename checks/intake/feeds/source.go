package feeds

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Source is a document that is looked at again and again.
type Source struct {
	Kind Kind
	// At is a file or a URL; {cve} stands for each CVE of the open incidents.
	At string
}

// Kind is what a document is.
type Kind string

// The kinds of documents.
const (
	KindCVE  Kind = "cve"
	KindKEV  Kind = "kev"
	KindCSAF Kind = "csaf"
)

// eachCVE stands for a CVE in the place of a source.
const eachCVE = "{cve}"

// Most is how many bytes such a document may have.
func (k Kind) Most() int {
	switch k {
	case KindKEV:
		return MaxKEV
	case KindCSAF:
		return MaxCSAF
	}
	return MaxCVE
}

// Check says what is wrong with a source.
func (s Source) Check() error {
	switch {
	case s.Kind != KindCVE && s.Kind != KindKEV && s.Kind != KindCSAF:
		return fmt.Errorf("there is no kind of source %.40q: cve, kev or csaf", s.Kind)
	case s.At == "":
		return fmt.Errorf("a source of kind %s needs a file or a URL", s.Kind)
	case strings.Contains(s.At, eachCVE) && s.Kind == KindKEV:
		return fmt.Errorf("the catalogue is one document, without %s", eachCVE)
	}
	return nil
}

// Expand is a source for each of these CVEs, when it is one for each.
func (s Source) Expand(cves []string) []Source {
	if !strings.Contains(s.At, eachCVE) {
		return []Source{s}
	}
	var out []Source
	for _, c := range cves {
		if isCVE(c) {
			out = append(out, Source{Kind: s.Kind, At: strings.ReplaceAll(s.At, eachCVE, c)})
		}
	}
	return out
}

// Read reads a document of this kind, and keeps what it says of these CVEs.
func (k Kind) Read(data []byte, cves []string) ([]Record, error) {
	var all []Record
	switch k {
	case KindKEV:
		c, err := ReadKEV(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		all = c.Records
	case KindCSAF:
		c, err := ReadCSAF(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		all = c.Records
	default:
		r, err := ReadCVE(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		all = []Record{r}
	}
	return slices.DeleteFunc(slices.Clone(all), func(r Record) bool { return !slices.Contains(cves, r.CVE) }), nil
}
