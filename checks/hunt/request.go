package hunt

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
)

// request is one line of a log, split and decoded.
type request struct {
	at                                  time.Time
	method, path, query, referer, agent string
	client                              string
	status                              int // 0: not known
	sent, received                      int64
	lacks                               [columns]bool // columns that the log does not have
	known                               bool          // of an address that is listed or attacked
	front                               bool          // the log is of a front end
}

const (
	maxText   = 160 // runes that are kept of a path
	maxAgent  = 100
	maxParams = 8
)

// fit says whether a request is what a rule is about. What the log does not have is
// taken as it would have to be: then doubt names the columns.
func (q *request) fit(r *playbook.LogRule) (fits bool, doubt []string) {
	has := func(c column, name string, ok bool) bool {
		if q.lacks[c] {
			doubt = append(doubt, name)
			return true
		}
		return ok
	}
	fits = (!r.Known || q.known) &&
		(r.Method == "" || has(colMethod, "cs-method", strings.EqualFold(q.method, r.Method))) &&
		q.named(r.Names) &&
		(r.Stem == nil || r.Stem.MatchString(q.path)) &&
		(r.Query == nil || has(colQuery, "cs-uri-query", r.Query.MatchString(q.query))) &&
		(r.Referer == nil || has(colReferer, "cs(Referer)", r.Referer.MatchString(q.referer))) &&
		(r.Agent == nil || has(colAgent, "cs(User-Agent)", r.Agent.MatchString(q.agent))) &&
		q.answeredLike(r.Status) && q.sized(r.Size)
	return fits, doubt
}

func (q *request) named(names []string) bool {
	if len(names) == 0 {
		return true
	}
	lower := strings.ToLower(q.path)
	return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(lower, n) })
}

func (q *request) answeredLike(ranges []playbook.StatusRange) bool {
	return len(ranges) == 0 || q.status == 0 || slices.ContainsFunc(ranges, func(r playbook.StatusRange) bool {
		return q.status >= r.From && q.status <= r.To
	})
}

func (q *request) sized(s *playbook.SizeRange) bool {
	if s == nil {
		return true
	}
	c, n := colSent, q.sent
	if s.Column == "cs-bytes" {
		c, n = colReceived, q.received
	}
	return q.lacks[c] || n >= s.From && n <= s.To
}

// refused: the server did not do what was asked. Status alone proves nothing else.
func (q *request) refused() bool { return q.status >= 400 && q.status <= 499 }

// params are the names of the query's parameters, which tell variants of an attack apart.
func (q *request) params() string {
	var names []string
	for p := range strings.SplitSeq(q.query, "&") {
		name, _, _ := strings.Cut(p, "=")
		if name = checks.Clean(strings.ToLower(name), 24); name != "" && len(names) < maxParams && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, "&")
}

// scanner is how allclear's own requests begin their User-Agent.
const scanner = "allclear/"

// own reports whether the request is one of allclear's scan. What was answered is told
// all the same, whoever asked.
func (q *request) own() bool {
	return strings.HasPrefix(q.agent, scanner) && (q.method == "GET" || q.method == "HEAD") && q.refused()
}

// clientOf is the address of a column; of several, the last that is not private: the
// others are what the client said of itself.
func clientOf(s string) string {
	s = strings.ReplaceAll(s, "+", "")
	out := ""
	for part := range strings.SplitSeq(s, ",") {
		a, ok := addressOf(strings.TrimSpace(part))
		if ok && (out == "" || public(a)) {
			out = a.String()
		}
	}
	return out
}

func addressOf(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// public reports whether an address tells one client from another: a balancer has a
// private one, and stands for all.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

func publicText(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && public(a)
}

func number(b []byte) int64 {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
