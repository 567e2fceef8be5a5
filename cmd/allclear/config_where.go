package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// step is a key, or the number of an entry, at the beginning of what is said of a
// configuration: feeds: sources[0]: there is no kind …
var step = regexp.MustCompile(`[a-z_]+|\[\d+\]`)

// located is a problem with the variable, or the file and the line, that it is about.
func (f configFile) located(problem error, getenv func(string) string) error {
	head, _, _ := strings.Cut(problem.Error(), "\n")
	steps := step.FindAllString(head, 6)
	for n := min(2, len(steps)); n > 0; n-- {
		name := "ALLCLEAR_" + strings.ToUpper(strings.Join(steps[:n], "_"))
		if _, known := variables()[name]; known && getenv(name) != "" {
			return fmt.Errorf("%s: %w", name, problem)
		}
	}
	if n := f.find(steps); n != nil {
		p := n.GetToken().Position
		return fmt.Errorf("configuration %s: [%d:%d] %w", f.path, p.Line, p.Column, problem)
	}
	return problem
}

// find goes down the file along the keys as far as they are there; nil: not even the
// first one is.
func (f configFile) find(steps []string) (found ast.Node) {
	file, err := parser.ParseBytes(f.text, 0)
	if err != nil || len(file.Docs) != 1 || len(steps) == 0 {
		return nil
	}
	here := file.Docs[0].Body
	for i, s := range steps {
		next, key := under(here, s)
		switch {
		case next != nil:
			found, here = key, next
		case i == 0:
			return nil
		}
	}
	return found
}

// under is the value of a key, or an entry of a list, and what it begins with.
func under(n ast.Node, step string) (value, begin ast.Node) {
	if list, ok := n.(*ast.SequenceNode); ok {
		if i, err := strconv.Atoi(strings.Trim(step, "[]")); err == nil && i < len(list.Values) {
			return list.Values[i], list.Values[i]
		}
		return nil, nil
	}
	values, _ := entriesOf(n)
	for _, e := range values {
		if e.Key.GetToken().Value == step {
			return e.Value, e.Key
		}
	}
	return nil, nil
}
