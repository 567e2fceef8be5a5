package hunt

import (
	"bytes"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks/playbook"
)

// column is what a column of a log means to a hunt.
type column uint8

const (
	colDate column = iota
	colTime
	colMethod
	colStem
	colQuery
	colURI // path and query in one, as in the error log of HTTP.sys
	colClient
	colForwarded // the client as a proxy tells it
	colAgent
	colReferer
	colStatus
	colSent // to the client
	colReceived
	colComputer
	colAddress // the server's own
	colSite
	columns
)

// columnOf knows the names of columns, in lower case.
func columnOf(name string) (column, bool) {
	c, ok := map[string]column{
		"date": colDate, "time": colTime, "cs-method": colMethod, "cs-uri-stem": colStem, "cs-uri-query": colQuery, "cs-uri": colURI,
		"c-ip": colClient, "cs(user-agent)": colAgent, "cs(referer)": colReferer, "sc-status": colStatus, "sc-bytes": colSent,
		"cs-bytes": colReceived, "s-computername": colComputer, "s-ip": colAddress, "s-sitename": colSite,
		"x-forwarded-for": colForwarded, "cs(x-forwarded-for)": colForwarded, "x-real-ip": colForwarded, "cs(x-real-ip)": colForwarded,
		"true-client-ip": colForwarded, "cs(true-client-ip)": colForwarded, "x-client-ip": colForwarded, "cs(x-client-ip)": colForwarded,
	}[name]
	return c, ok
}

const (
	// maxColumns is how many columns a log may have.
	maxColumns = 256
	absent     = -1
	// nearEnd is how far from the back a column is looked for there: custom columns are the last.
	nearEnd = 3
)

// layout is what a #Fields directive says: where each column is, 0 first.
type layout struct {
	n       int
	at      [columns]int
	dated   bool   // date and time are the first two
	missing string // columns that rules need and that are not there; "": none
	errors  bool   // the error log of HTTP.sys: refused before it reached the site
	client  int    // the column of the client, absent when it is looked for from the back
	back    int    // the column of the client counted from the back, 1 is the last; 0: not
}

// newLayout reads the words of #Fields. It is not ok when no line can be understood.
func newLayout(names []string, rules []playbook.LogRule) (layout, bool) {
	l := layout{n: len(names)}
	for i := range l.at {
		l.at[i] = absent
	}
	for i, n := range names {
		if c, ok := columnOf(strings.ToLower(n)); ok && l.at[c] == absent {
			l.at[c] = i
		}
		l.errors = l.errors || strings.EqualFold(n, "s-queuename") || strings.EqualFold(n, "s-reason")
	}
	l.dated = l.at[colDate] == 0 && l.at[colTime] == 1
	l.missing = strings.Join(l.lacks(rules), ", ")
	l.client = l.at[colClient]
	if f := l.at[colForwarded]; f != absent {
		l.client = f
	}
	if l.n-l.client <= nearEnd && l.client > l.path() {
		l.back = l.n - l.client
	}
	return l, l.n >= 2 && l.n <= maxColumns && l.at[colTime] != absent && (l.at[colStem] != absent || l.at[colURI] != absent)
}

// lacks are the columns that some rule needs and the log does not have.
func (l layout) lacks(rules []playbook.LogRule) []string {
	var out []string
	for _, r := range rules {
		for _, f := range r.Fields {
			c, _ := columnOf(strings.ToLower(f))
			there := l.at[c] != absent || l.at[colURI] != absent && (c == colStem || c == colQuery)
			if !there && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// path is the column of the path.
func (l layout) path() int {
	if l.at[colStem] != absent {
		return l.at[colStem]
	}
	return l.at[colURI]
}

// field is a column of a line whose number of columns was checked.
func field(line []byte, n int) []byte {
	for ; n > 0; n-- {
		line = line[bytes.IndexByte(line, ' ')+1:]
	}
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		return line[:i]
	}
	return line
}

// fieldBack is a column counted from the back, 1 is the last.
func fieldBack(line []byte, n int) []byte {
	for ; n > 1; n-- {
		line = line[:bytes.LastIndexByte(line, ' ')]
	}
	return line[bytes.LastIndexByte(line, ' ')+1:]
}
