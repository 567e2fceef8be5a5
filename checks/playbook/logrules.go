package playbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

const (
	// minLogName is how short a name of a log rule may be, in bytes: shorter ones are in every path.
	minLogName = 5
	maxLogSize = 1 << 30
)

// logFields are the columns of a log that a rule can need.
func logFields() []string {
	return []string{
		"cs-method", "cs-uri-stem", "cs-uri-query", "cs(Referer)", "cs(User-Agent)", "c-ip", "sc-status",
	}
}

// logScope reads what logs of this campaign are worth.
func (r *reader) logScope(dst *LogScope) reading {
	return func(n ast.Node) {
		r.object(
			n, "what logs show",
			must("settles", r.flag(&dst.Settles)),
			must("blind", r.text(&dst.Blind, 500)),
		)
	}
}

func (r *reader) logRule(dst *[]LogRule) reading {
	return func(n ast.Node) {
		var l LogRule
		before := len(r.problems)
		r.object(
			n, "a log rule",
			must("id", r.word(&l.ID)),
			must("title", r.text(&l.Title, 100)),
			must("shows", oneOf(r, &l.Shows, "what a request shows", ShowsExploit, ShowsShell, ShowsKeys)),
			must("confidence", oneOf(r, &l.Confidence, "a confidence", ConfidenceHigh, ConfidenceMedium, ConfidenceLow)),
			must("grade", r.grade(&l.Grade)),
			must("source", r.text(&l.Source, 200)),
			must("fields", r.refs(&l.Fields, "a column of the log", logFields())),
			may("names", r.list(50, r.logName(&l))),
			may("method", r.method(&l.Method, "GET", "HEAD", "POST", "PUT", "OPTIONS")),
			may("stem", r.pattern(&l.Stem, -1)),
			may("query", r.pattern(&l.Query, -1)),
			may("referer", r.pattern(&l.Referer, -1)),
			may("agent", r.pattern(&l.Agent, -1)),
			may("status", r.list(20, r.status(&l.Status))),
			may("size", r.size(&l)),
			may("known", r.flag(&l.Known)),
			may("mistaken", r.list(10, r.prose(&l.Mistaken, 200))),
			may("note", r.text(&l.Note, 300)),
		)
		r.unique(n, "log rule", l.ID, ids(*dst, func(l LogRule) string { return l.ID }))
		if len(r.problems) == before {
			r.checkLogRule(n, l)
		}
		*dst = append(*dst, l)
	}
}

// logName reads what a path must contain.
func (r *reader) logName(l *LogRule) reading {
	return r.value(100, func(s string) error {
		switch {
		case len(s) < minLogName:
			return fmt.Errorf("the name %.20q is shorter than %d bytes", s, minLogName)
		case s != strings.ToLower(s) || strings.ContainsAny(s, " %?\\"):
			return fmt.Errorf("the name %.40q is not part of a decoded path in lower case", s)
		case slices.Contains(l.Names, s):
			return fmt.Errorf("%q is listed twice", s)
		}
		l.Names = append(l.Names, s)
		return nil
	})
}

// status reads 200, or 2xx.
func (r *reader) status(dst *[]StatusRange) reading {
	return r.value(3, func(s string) error {
		low, high := strings.Replace(s, "xx", "00", 1), strings.Replace(s, "xx", "99", 1)
		from, err := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err != nil || err2 != nil || from < 100 || to > 599 {
			return fmt.Errorf("%.20q is not a status like 200 or 2xx", s)
		}
		*dst = append(*dst, StatusRange{from, to})
		return nil
	})
}

func (r *reader) size(l *LogRule) reading {
	return func(n ast.Node) {
		var s SizeRange
		var from, to int
		r.object(
			n, "a size",
			must("column", r.value(10, func(c string) error {
				if s.Column = c; c != "cs-bytes" && c != "sc-bytes" {
					return fmt.Errorf("%.20q is not a column of bytes: cs-bytes or sc-bytes", c)
				}
				return nil
			})),
			must("from", r.number(&from, 0, maxLogSize)),
			must("to", r.number(&to, 0, maxLogSize)),
		)
		if s.From, s.To = int64(from), int64(to); to < from {
			r.problem(n, "the size ends before it begins")
		}
		l.Size = &s
	}
}

// prose reads one of several texts.
func (r *reader) prose(dst *[]string, most int) reading {
	return func(n ast.Node) {
		var s string
		if r.text(&s, most)(n); s != "" {
			*dst = append(*dst, s)
		}
	}
}

// checkLogRule holds what a rule matches against the columns that it says it needs.
func (r *reader) checkLogRule(n ast.Node, l LogRule) {
	for _, need := range []struct {
		used  bool
		field string
	}{
		{l.Method != "", "cs-method"},
		{len(l.Names) > 0 || l.Stem != nil, "cs-uri-stem"},
		{l.Query != nil, "cs-uri-query"},
		{l.Referer != nil, "cs(Referer)"},
		{l.Agent != nil, "cs(User-Agent)"},
		{l.Known, "c-ip"},
		{true, "sc-status"},
	} {
		if need.used && !slices.Contains(l.Fields, need.field) {
			r.problem(n, "log rule %q matches %s and must name it in its fields", l.ID, need.field)
		}
	}
	switch {
	case len(l.Names) == 0 && !l.Known:
		r.problem(n, "log rule %q needs names, which the path must contain, or known: true", l.ID)
	case l.Shows == ShowsKeys && l.Confidence == ConfidenceHigh:
		r.problem(n, "log rule %q cannot be sure: no log shows what was signed with which keys", l.ID)
	}
}
