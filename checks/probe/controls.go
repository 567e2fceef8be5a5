package probe

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
)

// before are the controls of a shape: a name that looks like its first indicator,
// and a random word.
func (p *Probe) before(t checks.Target, s shape) []string {
	stem := stemOf(s.first)
	return []string{
		s.dir + stem + p.digits(t, s.first, 5) + s.ext,
		s.dir + p.word(t, s.dir+s.ext, max(len(stem), 8)) + s.ext,
	}
}

// after are the controls of one indicator that answered: a name that differs in
// one character, one that differs in more, and the same name in another folder.
func (p *Probe) after(t checks.Target, indicator string) []string {
	s := shapeOf(indicator)
	file := path.Base(indicator)
	return []string{
		s.dir + p.neighbour(t, indicator) + s.ext,
		s.dir + stemOf(indicator) + p.digits(t, "after "+indicator, 4) + s.ext,
		s.dir + p.word(t, "after "+indicator, 9) + "/" + file,
	}
}

// stemOf is the file's name without its extension and its number.
func stemOf(indicator string) string {
	return strings.TrimRight(strings.TrimSuffix(path.Base(indicator), path.Ext(indicator)), "0123456789")
}

// neighbour is the indicator's name with another last character, one that no
// indicator has.
func (p *Probe) neighbour(t checks.Target, indicator string) string {
	name := strings.TrimSuffix(path.Base(indicator), path.Ext(indicator))
	dir, ext := path.Dir(indicator), path.Ext(indicator)
	alphabet := "qzxkvjw"
	if last := name[max(len(name)-1, 0):]; strings.ContainsAny(last, "0123456789") {
		alphabet = "987654"
	}
	start := int(p.random(t, "neighbour "+indicator)[0])
	for i := range alphabet {
		c := alphabet[(start+i)%len(alphabet)]
		candidate := name[:max(len(name)-1, 0)] + string(c)
		if !p.isIndicator(path.Join(dir, candidate+ext)) {
			return candidate
		}
	}
	return p.word(t, "neighbour "+indicator, len(name)+1)
}

func (p *Probe) isIndicator(name string) bool {
	return slices.ContainsFunc(p.plan.Indicators, func(i checks.Indicator) bool { return strings.EqualFold(i.Path, name) })
}

// random are bytes that a server cannot foresee, and that one probe finds again.
func (p *Probe) random(t checks.Target, use string) [sha256.Size]byte {
	return sha256.Sum256([]byte(p.seed + "\x00" + t.Server.Name + "\x00" + use))
}

func (p *Probe) digits(t checks.Target, use string, n int) string {
	b := p.random(t, "digits "+use)
	out := make([]byte, n)
	for i := range out {
		out[i] = '1' + b[i]%9
	}
	return string(out)
}

func (p *Probe) word(t checks.Target, use string, n int) string {
	b := p.random(t, "word "+use)
	out := make([]byte, min(n, len(b)))
	for i := range out {
		out[i] = 'a' + b[i]%26
	}
	return string(out)
}

// Dry returns the requests that this probe would send, one a line, in their
// order. Redirects and what depends on answers are marked as such.
func (p *Probe) Dry(t checks.Target) []string {
	base, err := t.Origin()
	if err != nil {
		return nil
	}
	var out []string
	say := func(method, path, when string) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", method, base, path, when)))
	}
	for _, g := range p.groups {
		say(g.method, g.path, "")
	}
	for _, o := range p.marks {
		for _, c := range p.before(t, shapeOf(o.Path)) {
			say(o.Method, c, "(control)")
		}
		say(o.Method, o.Path, "")
	}
	for _, s := range p.shapes {
		for _, c := range p.before(t, s) {
			say(http.MethodGet, c, "(control)")
		}
	}
	for _, i := range p.plan.Indicators {
		say(http.MethodGet, i.Path, "")
	}
	for _, i := range p.plan.Indicators {
		for _, c := range p.after(t, i.Path) {
			say(http.MethodGet, c, "(control, if "+i.ID+" answers 200)")
		}
	}
	return out
}

// Dry returns the requests that a look at the target would send. The names of
// controls are random: another probe has others.
func Dry(plan checks.Plan, t checks.Target) []string { return New(plan).Dry(t) }
