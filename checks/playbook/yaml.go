package playbook

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/allclear-bot/allclear/checks"
)

// MaxSize is the largest playbook that is read, in bytes.
const MaxSize = 1 << 20

// The parser recurses for each level, and its time grows with the square of the
// keys of a mapping: these bound it, far above what a playbook needs.
const (
	maxTokens    = 40_000
	maxFlowDepth = 8
	maxIndent    = 80
)

// root parses the file to its one document. What it returns is free of anchors,
// aliases, tags and merges, and no deeper than the limits.
func (r *reader) root(data []byte) (body ast.Node) {
	if len(data) > MaxSize {
		r.fileProblem("is larger than %d bytes", MaxSize)
		return nil
	}
	if !utf8.Valid(data) {
		r.fileProblem("is not UTF-8 text")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !r.tame(tokens) {
		return nil
	}
	r.unfilled(tokens)
	defer func() { // the file is foreign and the parser is not ours
		if p := recover(); p != nil {
			r.fileProblem("is not YAML that can be read: %.200v", p)
			body = nil
		}
	}()
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		r.fileProblem("must be one YAML document")
		return nil
	}
	return file.Docs[0].Body
}

// tame refuses what a playbook never needs and an attack on the parser does.
func (r *reader) tame(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.fileProblem("has more than %d words and signs", maxTokens)
		return false
	}
	before, depth := len(r.problems), 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.MappingKeyType, token.DirectiveType:
			r.tokenProblem(t, "anchors, aliases, tags, directives, merges and complex keys are not used in playbooks")
		case token.InvalidType:
			r.tokenProblem(t, "is not YAML: %.200s", t.Error)
		case token.MappingStartType, token.SequenceStartType:
			if depth++; depth > maxFlowDepth {
				r.tokenProblem(t, "more than %d levels of brackets", maxFlowDepth)
				return false
			}
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			if t.Position.Column > maxIndent {
				r.tokenProblem(t, "indented by more than %d columns", maxIndent)
				return false
			}
		case token.MappingValueType:
			if depth == 0 && t.Prev != nil && t.Prev.Position.Column > maxIndent {
				r.tokenProblem(t, "indented by more than %d columns", maxIndent)
				return false
			}
		}
	}
	return len(r.problems) == before
}

// toFill begins a comment or a value of a draft that a person has to replace.
const toFill = "FILL IN"

// unfilled reports the comments of a draft that leave something to a person.
func (r *reader) unfilled(tokens token.Tokens) {
	for _, t := range tokens {
		if what, ok := leftOpen(t.Value); ok && t.Type == token.CommentType {
			r.tokenProblem(t, "to be filled in, and this comment removed: %s", what)
		}
	}
}

// leftOpen tells what a value or a comment of a draft asks for, if it does.
func leftOpen(text string) (what string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), toFill)
	return checks.Clean(strings.TrimLeft(rest, " :"), 300), ok
}

func (r *reader) syntax(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		r.tokenProblem(at.GetToken(), "is not YAML: %.200s", at.GetMessage())
		return
	}
	r.fileProblem("is not YAML: %.200s", err.Error())
}

func (r *reader) fileProblem(format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) tokenProblem(t *token.Token, format string, args ...any) {
	p := Problem{File: r.file, Text: fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		p.Line, p.Column = t.Position.Line, t.Position.Column
	}
	r.problems = append(r.problems, p)
}

// problem reports what is wrong at a node.
func (r *reader) problem(n ast.Node, format string, args ...any) {
	r.tokenProblem(start(n), format, args...)
}

// start is the token where a reader's eye finds the node: its first key or entry.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}
