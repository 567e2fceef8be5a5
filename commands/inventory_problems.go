package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxInventoryProblems bounds a listing; a file with more is the wrong file.
const maxInventoryProblems = 100

// InventoryProblem is one thing that is wrong with an inventory, and where.
type InventoryProblem struct {
	Line, Column int // from 1; 0: not about one place
	Text         string
}

func (p InventoryProblem) String() string {
	switch {
	case p.Line == 0:
		return p.Text
	case p.Column == 0:
		return fmt.Sprintf("line %d: %s", p.Line, p.Text)
	}
	return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Text)
}

// InventoryProblems is all that is wrong with an inventory, in the order of its
// lines. It is the error of ParseInventory, and prints one line per problem.
type InventoryProblems []InventoryProblem

func (ps InventoryProblems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problemList gathers problems, and counts those that it has no room for.
type problemList struct {
	all   InventoryProblems
	total int
}

func (l *problemList) add(line, column int, format string, args ...any) {
	l.total++
	if len(l.all) < maxInventoryProblems {
		l.all = append(l.all, InventoryProblem{line, column, fmt.Sprintf(format, args...)})
	}
}

// err is nil when there is nothing wrong.
func (l *problemList) err() error {
	if l.total == 0 {
		return nil
	}
	out := slices.Clone(l.all)
	slices.SortStableFunc(out, func(a, b InventoryProblem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more := l.total - len(out); more > 0 {
		out = append(out, InventoryProblem{Text: fmt.Sprintf("and %d more problems", more)})
	}
	return out
}
