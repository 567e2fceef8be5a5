package state

import (
	"fmt"
	"strings"
)

// WhatChanged is one line on how a text differs from the version before.
func (t AdvisoryText) WhatChanged(before AdvisoryText) string {
	all := t.movedLines(before)
	if n := newIn(t.Indicators, before.Indicators); n > 0 {
		all = append(all, fmt.Sprintf("%d indicators added", n))
	}
	if n := newIn(before.Indicators, t.Indicators); n > 0 {
		all = append(all, fmt.Sprintf("%d indicators removed", n))
	}
	if n := newIn(t.Actions, before.Actions) + newIn(before.Actions, t.Actions); n > 0 {
		all = append(all, "other steps")
	}
	if strings.Join(t.CVEs, " ") != strings.Join(before.CVEs, " ") {
		all = append(all, "other CVEs")
	}
	if t.Title != before.Title {
		all = append(all, "another title")
	}
	if textOf(t.Summary) != textOf(before.Summary) {
		all = append(all, "another summary")
	}
	if n := newIn(t.Sources, before.Sources); n > 0 {
		all = append(all, fmt.Sprintf("%d sources added", n))
	}
	return fitting(all)
}

// fitting is as many changes as the line has room for, and how many more there are.
func fitting(all []string) string {
	if len(all) == 0 {
		return "the markings only"
	}
	for n := len(all); n > 0; n-- {
		line := strings.Join(all[:n], "; ")
		if n < len(all) {
			line += fmt.Sprintf("; and %d more changes", len(all)-n)
		}
		if len([]rune(line)) <= MaxChanged {
			return line
		}
	}
	return fmt.Sprintf("%d changes", len(all))
}

// movedLines are the fix lines that differ, and products that are new.
func (t AdvisoryText) movedLines(before AdvisoryText) []string {
	old := map[[3]string]string{}
	names := map[string]bool{}
	for _, p := range before.Products {
		names[p.Name] = true
		for _, b := range p.Branches {
			old[[3]string{p.Name, b.From, b.Below}] = b.Fixed
		}
	}
	var out []string
	for _, p := range t.Products {
		if !names[p.Name] {
			out = append(out, p.Name+" is affected")
			continue
		}
		for _, b := range p.Branches {
			if was, ok := old[[3]string{p.Name, b.From, b.Below}]; ok && was != b.Fixed {
				out = append(out, fmt.Sprintf("%s is fixed from %s on, not %s", p.Name, orNone(b.Fixed), orNone(was)))
			}
		}
	}
	return out
}

func orNone(build string) string {
	if build == "" {
		return "no build"
	}
	return build
}

// newIn counts what is in a list and not in another.
func newIn[T comparable](list, other []T) int {
	have := make(map[T]bool, len(other))
	for _, o := range other {
		have[o] = true
	}
	n := 0
	for _, v := range list {
		if !have[v] {
			n++
		}
	}
	return n
}

func textOf(ps []Paragraph) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Text + "\n")
	}
	return b.String()
}
