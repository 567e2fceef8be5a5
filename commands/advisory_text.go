package commands

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// fromPlaybook is what an advisory says that nobody types: products with their
// fixed builds, what to do in order, indicators and sources.
func (w author) fromPlaybook(inc state.Incident) state.AdvisoryText {
	r := inc.Rules
	t := state.AdvisoryText{Playbook: r.Playbook, Revision: r.Revision, CVEs: r.CVEs}
	for _, p := range r.Products {
		if p.Affected {
			t.Products = append(t.Products, affectedProduct(p))
		}
	}
	for _, s := range r.Steps {
		t.Actions = append(t.Actions, action(s))
	}
	if w.load == nil {
		return t
	}
	pb, err := w.load(fmt.Sprintf("%s@%d", r.Playbook, r.Revision))
	if err != nil { // it came from a file, or from a source: indicators are those of the newest that is at hand
		pb, err = w.load(r.Playbook)
	}
	if err != nil || pb.Name != r.Playbook {
		return t
	}
	for _, i := range pb.IOCs {
		t.Indicators = append(t.Indicators, indicatorOf(i))
	}
	for _, s := range pb.Sources {
		t.Sources = append(t.Sources, state.AdvisorySource{Title: s.Title, At: s.At})
	}
	return t
}

func affectedProduct(p state.Product) state.AdvisoryProduct {
	out := state.AdvisoryProduct{Name: p.Name, Note: p.Note}
	for _, b := range p.Branches {
		line := state.AdvisoryBranch{From: b.From.String(), Below: b.Below.String(), Fixed: b.Fixed.String()}
		for _, k := range b.Known {
			if k.Version == b.Fixed {
				line.KB, line.Released = k.KB, k.Released
			}
		}
		out.Branches = append(out.Branches, line)
	}
	return out
}

func action(s state.Step) string {
	when := ""
	switch s.Need {
	case state.NeedCompromised:
		when = "If there are signs of an attacker: "
	case state.NeedNever:
		when = "Advised: "
	}
	return when + s.Title + ". " + s.Advice
}

func indicatorOf(i playbook.IOC) state.Indicator {
	out := state.Indicator{Type: i.Type, Value: i.Value, Role: i.Role, Grade: string(i.Grade), Source: i.Source}
	if !i.Seen.IsZero() {
		out.Seen = i.Seen.Format(time.DateOnly)
	}
	return out
}

// paragraphs is a text with the marking that each of its paragraphs is born with.
func (w author) paragraphs(ctx context.Context, incident, body string, sources []state.AdvisorySource) ([]state.Paragraph, error) {
	body = strings.ReplaceAll(strings.ToValidUTF8(body, "\uFFFD"), "\r\n", "\n")
	var out []state.Paragraph
	for _, text := range strings.Split(body, "\n\n") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		why, err := w.birth(ctx, incident, text, sources)
		if err != nil {
			return nil, err
		}
		p := state.Paragraph{Text: text, TLP: state.TLPClear, Why: why}
		if why != "" {
			p.TLP = state.TLPAmberStrict
		}
		out = append(out, p)
	}
	return out, nil
}

// birth says why a text is internal by birth: it names a server, a farm, an owner or
// a group of the incident, an address, or a link that is none of the sources. "": it
// does none of that. What it cannot tell apart, it calls internal.
func (w author) birth(ctx context.Context, incident, text string, sources []state.AdvisorySource) (string, error) {
	for _, word := range strings.Fields(text) {
		if what := revealing(word, publicIn(sources)); what != "" {
			return "has " + what + " in it: " + strings.Trim(word, trimmed), nil
		}
	}
	found, err := w.store.Mentioned(ctx, incident, possibleNames(text))
	if err != nil || len(found) == 0 {
		return "", err
	}
	return "names " + found[0], nil
}

// trimmed is what may stand around a word.
const trimmed = ".,;:!?\"'()[]{}<>«»“”„‘’*_`|"

// separators may stand between two words that are written as one.
var separators = regexp.MustCompile(`[\s,;:!?"'()\[\]{}<>«»“”„‘’*` + "`" + `|/\\=&#+~]+`)

// possibleNames are all that could be a name in a text: words, what is before their
// first dot, and up to three words together.
func possibleNames(text string) []string {
	words := separators.Split(text, -1)
	seen := map[string]bool{}
	var out []string
	add := func(s string) {
		s = strings.ToLower(strings.Trim(s, trimmed))
		if len([]rune(s)) >= 2 && len(s) <= 4*state.MaxName && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for i, w := range words {
		add(w)
		add(strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "’s"))
		label, _, _ := strings.Cut(w, ".")
		add(label)
		user, host, _ := strings.Cut(w, "@")
		add(user)
		add(host)
		for n := 2; n <= 3 && i+n <= len(words); n++ {
			add(strings.Join(words[i:i+n], " "))
		}
	}
	return out
}

// fileEndings are what a name with a dot may end with and be a file, no host.
var fileEndings = map[string]bool{
	"aspx": true, "asmx": true, "ashx": true, "asp": true, "dll": true, "exe": true, "js": true, "css": true, "config": true, "xml": true,
	"txt": true, "json": true, "log": true, "php": true, "zip": true, "csv": true, "html": true, "htm": true, "yaml": true, "yml": true,
	"net": false, "ps1": true, "bat": true, "sys": true, "cab": true, "msu": true, "msp": true, "evtx": true, "pdf": true,
}

var (
	hostForm = regexp.MustCompile(`^(?i:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+(?i:[a-z]{2,})$`)
	mailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// revealing says what a word gives away, "" when nothing: an address, a link or a
// host that is none of those that are public.
func revealing(word string, public []string) string {
	w := refang(strings.Trim(word, trimmed))
	if u, err := url.Parse(w); err == nil && u.Host != "" {
		if isPublic(u.Host+u.Path, public) {
			return ""
		}
		return "a link"
	}
	host := strings.TrimRight(w, "/")
	if h, _, ok := strings.Cut(host, "/"); ok {
		host = h
	}
	if ap, err := netip.ParseAddrPort(host); err == nil {
		host = ap.Addr().String()
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "an address"
	}
	if h, port, ok := strings.Cut(host, ":"); ok && strings.Trim(port, "0123456789") == "" {
		host = h
	}
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	switch {
	case mailForm.MatchString(w) && strings.Contains(w, "."):
		return "an address"
	case hostForm.MatchString(host) && !fileEndings[last] && !isPublic(strings.TrimRight(w, "/"), public):
		return "the name of a host"
	}
	return ""
}

// isPublic reports whether a link without its scheme is one of the sources, or below one.
func isPublic(link string, public []string) bool {
	link = strings.ToLower(strings.TrimPrefix(link, "www."))
	return slices.ContainsFunc(public, func(p string) bool {
		return link == p || strings.HasPrefix(link, p+"/") || !strings.Contains(p, "/") && strings.HasSuffix(strings.SplitN(link, "/", 2)[0], "."+p)
	})
}

// publicIn are the sources as links without scheme: these can be named anywhere.
func publicIn(sources []state.AdvisorySource) []string {
	var out []string
	for _, s := range sources {
		for _, f := range strings.Fields(s.At) {
			_, after, ok := strings.Cut(f, "://")
			if !ok {
				after = f
			}
			out = append(out, strings.ToLower(strings.TrimRight(strings.TrimPrefix(after, "www."), "/")))
		}
	}
	return out
}

// refang undoes what makes an indicator harmless.
func refang(s string) string {
	s = strings.NewReplacer("[.]", ".", "(.)", ".", "[dot]", ".", "[:]", ":", "[@]", "@").Replace(s)
	for _, p := range [][2]string{{"hxxps://", "https://"}, {"hxxp://", "http://"}} {
		if len(s) >= len(p[0]) && strings.EqualFold(s[:len(p[0])], p[0]) {
			s = p[1] + s[len(p[0]):]
		}
	}
	return s
}
