package playbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lithammer/fuzzysearch/fuzzy"
)

// maxProblems bounds a listing; a file with more is the wrong file.
const maxProblems = 100

// Problem is one thing that is wrong with a playbook, and where.
type Problem struct {
	File         string
	Line, Column int // from 1; 0: the file as a whole
	Text         string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems is all that is wrong with a playbook, in the order of its lines. It
// is the error of Parse, and prints one line per problem.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted is the listing as people read it: by line, bounded, without repetition.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	ps = slices.Compact(ps)
	if len(ps) > maxProblems {
		rest := Problem{File: ps[0].File, Text: fmt.Sprintf("and %d more problems", len(ps)-maxProblems)}
		ps = append(ps[:maxProblems:maxProblems], rest)
	}
	return ps
}

// suggest is "; did you mean …?" when one of the options is near, "" otherwise.
func suggest(s string, options []string) string {
	if s == "" || len(s) > 64 {
		return ""
	}
	s = strings.ToLower(s)
	best, near := "", min(max(2, len(s)/3)+1, len(s)) // a word of other letters is not near
	for _, o := range options {
		if d := fuzzy.LevenshteinDistance(s, strings.ToLower(o)); d < near {
			best, near = o, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
