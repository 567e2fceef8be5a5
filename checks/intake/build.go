package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// headerReader reads builds from the headers of an answer that somebody else got,
// by the observers of the playbook.
type headerReader []checks.Observer

func newHeaderReader(observers []checks.Observer) headerReader {
	return slices.DeleteFunc(slices.Clone(observers), func(o checks.Observer) bool {
		return o.Reads() != checks.ExtractHeader || o.Pattern == nil
	})
}

// reading is a build that an observer read.
type reading struct {
	observer checks.Observer
	build    state.Version
	text     string
}

// answer reads the head of a raw HTTP answer. odd says what was not understood.
func (h headerReader) answer(raw string) (found []reading, odd string) {
	if len(h) == 0 {
		return nil, ""
	}
	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" && len(raw) > 0 {
			break // the body
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		more, why := h.header(strings.TrimSpace(name), value)
		if why != "" {
			odd = why
		}
		if found = append(found, more...); len(found) >= 4 {
			break
		}
	}
	return found, odd
}

// header reads one header.
func (h headerReader) header(name, value string) (found []reading, odd string) {
	for _, o := range h {
		if !strings.EqualFold(o.Header, name) {
			continue
		}
		for _, v := range strings.SplitN(value, ",", 4) {
			v = strings.TrimSpace(v)
			build, like, err := readBuild(o, v)
			text := fmt.Sprintf("%s: %s", o.Header, checks.Excerpt(v, 60))
			switch {
			case like:
			case err != nil:
				odd = text + " is not a build as " + o.ID + " writes it"
			default:
				found = append(found, reading{o, build, text})
			}
		}
	}
	return found, odd
}

// readBuild picks the numbers of a build from a value. like: other software sends it.
func readBuild(o checks.Observer, value string) (build state.Version, like bool, err error) {
	m := o.Pattern.FindStringSubmatch(value)
	captured := ""
	if len(m) > 1 {
		captured = m[1]
	}
	for _, l := range o.Lookalikes {
		if matches(l.Pattern, value) || captured != "" && matches(l.Pattern, captured) {
			return build, true, nil
		}
	}
	whole, err := state.ParseVersion(captured)
	if err != nil || o.Parts == nil {
		return whole, false, withPrecision(o, whole, err)
	}
	numbers := strings.Split(whole.String(), ".")
	var picked []string
	for _, i := range o.Parts {
		if i < 0 || i >= len(numbers) {
			return build, false, fmt.Errorf("%.40q has no part %d", value, i)
		}
		picked, numbers[i] = append(picked, numbers[i]), "0"
	}
	if slices.ContainsFunc(numbers, func(n string) bool { return n != "0" }) {
		return build, false, fmt.Errorf("%.40q has a number where there should be none", value)
	}
	build, err = state.ParseVersion(strings.Join(picked, "."))
	return build, false, withPrecision(o, build, err)
}

func withPrecision(o checks.Observer, v state.Version, err error) error {
	if err == nil && o.Precision > 0 && v.Len() != o.Precision {
		return fmt.Errorf("%s has %d numbers, want %d", v, v.Len(), o.Precision)
	}
	return err
}

func matches(p *regexp.Regexp, s string) bool { return p != nil && p.MatchString(s) }
