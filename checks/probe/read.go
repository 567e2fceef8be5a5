package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// maxReadings is how many values one observer may read from one answer.
const maxReadings = 4

// reading is one value that an observer read.
type reading struct {
	observer  checks.Observer
	version   state.Version // zero for a lookalike whose value is no build
	like      string        // the name of other software
	judgement state.Judgement
	digest    string
	detail    string
}

// extract lets an observer read an answer. odd says, in one line, what was there
// and was not understood. A status is no build by itself: see mark.
func extract(o checks.Observer, a checks.Answer) (found []reading, odd string) {
	switch o.Reads() {
	case checks.ExtractHeader:
		return readHeader(o, a)
	case checks.ExtractRedirect:
		return readRedirect(o, a), ""
	case checks.ExtractStamp:
		return readStamp(o, a)
	case checks.ExtractStatus:
		return nil, ""
	}
	if a.Status != http.StatusOK || a.Header.Get("Content-Encoding") != "" && unreadable(a) != "" {
		return nil, ""
	}
	if o.Reads() == checks.ExtractLinks {
		return readLinks(o, string(a.Body))
	}
	return readBody(o, string(a.Body))
}

func readHeader(o checks.Observer, a checks.Answer) (found []reading, odd string) {
	for _, line := range a.Header.Values(o.Header) {
		for _, value := range strings.SplitN(line, ",", maxReadings+1) {
			r, why := readValue(o, strings.TrimSpace(value), line)
			if why != "" {
				odd = why
			} else if len(found) < maxReadings {
				found = append(found, r)
			}
		}
	}
	return found, odd
}

func readValue(o checks.Observer, value, line string) (reading, string) {
	what := fmt.Sprintf("%s: %s", o.Header, checks.Excerpt(value, 60))
	r := reading{observer: o, digest: digest(line), detail: what}
	m := o.Pattern.FindStringSubmatch(value)
	if r.like = lookalike(o, value, group1(m)); r.like != "" {
		return r, ""
	}
	return r.parse(m, what)
}

func readBody(o checks.Observer, body string) (found []reading, odd string) {
	sum := digest(body)
	for _, m := range o.Pattern.FindAllStringSubmatch(body, maxReadings) {
		what := fmt.Sprintf("%s: %s", o.Path, checks.Excerpt(m[0], 60))
		r := reading{observer: o, digest: sum, detail: what}
		why := ""
		if r.like = lookalike(o, body, group1(m)); r.like == "" {
			r, why = r.parse(m, what)
		}
		if why != "" {
			odd = why
		} else {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		if like := lookalike(o, body, ""); like != "" {
			found = append(found, reading{observer: o, digest: sum, like: like, detail: o.Path + ": " + like})
		}
	}
	return found, odd
}

// parse makes the build of a match.
func (r reading) parse(m []string, what string) (reading, string) {
	v, err := build(group1(m), r.observer.Parts)
	if err != nil {
		return reading{}, checks.Clean(fmt.Sprintf("%s is not a build as %s writes it", what, r.observer.ID), 300)
	}
	if want := r.observer.Precision; want > 0 && v.Len() != want {
		return reading{}, checks.Clean(fmt.Sprintf("%s has %d numbers, a build of %s has %d", what, v.Len(), r.observer.ID, want), 300)
	}
	r.version = v
	return r, ""
}

func group1(m []string) string {
	if len(m) < 2 {
		return ""
	}
	return m[1]
}

func lookalike(o checks.Observer, value, captured string) string {
	for _, l := range o.Lookalikes {
		if matches(l.Pattern, value) || captured != "" && matches(l.Pattern, captured) {
			return l.Name
		}
	}
	return ""
}

func matches(p *regexp.Regexp, s string) bool { return p != nil && p.MatchString(s) }

// build picks the parts of a version that make the build. A part that is left out
// must be 0: otherwise the value is in another form, and would be misread.
func build(s string, parts []int) (state.Version, error) {
	whole, err := state.ParseVersion(s)
	if err != nil || parts == nil {
		return whole, err
	}
	numbers := strings.Split(whole.String(), ".")
	var picked []string
	for _, i := range parts {
		if i < 0 || i >= len(numbers) {
			return state.Version{}, fmt.Errorf("%.40q has no part %d", s, i)
		}
		picked = append(picked, numbers[i])
		numbers[i] = "0"
	}
	for i, n := range numbers {
		if n != "0" {
			return state.Version{}, fmt.Errorf("%.40q: part %d is not 0", s, i)
		}
	}
	return state.ParseVersion(strings.Join(picked, "."))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
