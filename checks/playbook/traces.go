package playbook

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/goccy/go-yaml/ast"
)

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$`)
	fileForm   = regexp.MustCompile(`^[^/\\:*?"<>|]{1,200}$`)
)

// iocForms are the types of indicators, each with its check.
func iocForms() map[string]func(string) error {
	form := func(re *regexp.Regexp, want string) func(string) error {
		return func(s string) error {
			if !re.MatchString(s) {
				return fmt.Errorf("%.80q is not %s", s, want)
			}
			return nil
		}
	}
	return map[string]func(string) error{
		"sha256":     form(sha256Form, "a SHA-256 in lower-case hex"),
		"domain":     form(domainForm, "a domain in lower case"),
		"filename":   form(fileForm, "the name of a file"),
		"user-agent": func(string) error { return nil },
		"ip":         func(s string) error { _, err := netip.ParseAddr(s); return err },
		"path-regex": func(s string) error { _, err := regexp.Compile(s); return err },
	}
}

func (r *reader) ioc(dst *[]IOC) reading {
	forms := iocForms()
	names := []string{"ip", "domain", "sha256", "filename", "path-regex", "user-agent"}
	seen := map[string]bool{}
	return func(n ast.Node) {
		var i IOC
		kind := r.value(40, func(s string) error {
			if forms[s] == nil {
				return fmt.Errorf("%.40q is not a type of indicator%s", s, suggest(s, names))
			}
			i.Type = s
			return nil
		})
		value := r.value(maxPattern, func(s string) error {
			if i.Value = s; i.Type == "" {
				return nil
			}
			if seen[i.Type+" "+s] {
				return fmt.Errorf("%.80q is listed twice", s)
			}
			seen[i.Type+" "+s] = true
			return forms[i.Type](s)
		})
		r.object(
			n, "an indicator of compromise",
			must("type", kind),
			must("value", value),
			must("role", r.text(&i.Role, 200)),
			must("grade", r.grade(&i.Grade)),
			must("source", r.text(&i.Source, 200)),
			may("seen", r.date(&i.Seen)),
		)
		*dst = append(*dst, i)
	}
}

func (r *reader) detection(dst *[]Detection) reading {
	return func(n ast.Node) {
		var d Detection
		r.object(
			n, "a detection",
			must("kind", r.word(&d.Kind)),
			must("id", r.text(&d.ID, 400)),
			must("repo", r.text(&d.Repo, 200)),
			must("path", r.text(&d.Path, 300)),
			must("licence", r.text(&d.Licence, 60)),
			may("note", r.text(&d.Note, 300)),
		)
		*dst = append(*dst, d)
	}
}
