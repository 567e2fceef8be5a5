package fleet

import (
	"net/http"
	"slices"
	"strings"
)

// knocks reports whether a request looks like an attack of a campaign, or asks with a
// query, except where Exchange itself sends who asks for its start page.
func knocks(r *http.Request) bool {
	path := strings.ToLower(r.URL.Path)
	return slices.ContainsFunc(attacked(), func(s string) bool { return strings.Contains(path, s) }) ||
		r.URL.RawQuery != "" && path != "/owa/auth/logon.aspx"
}

// attacked is where the attacks of the campaigns knock. It is written down here once
// more, so that a test does not hold the scanner against its own list.
func attacked() []string {
	return []string{"toolpane.aspx", "_trust", "doauthentication.do", "/nf/", "autodiscover.json", "powershell"}
}

// respond is the server, or the farm behind a shared address, that answers for a host.
func (e *Estate) respond(host string) (func(*http.Request) answer, bool) {
	p, ok := e.byHost[host]
	return func(r *http.Request) answer { return e.answer(p, r) }, ok
}

// URL is the address under which a server answers for itself.
func (e *Estate) URL(server string) string {
	if _, ok := e.byName[server]; ok {
		return e.url(server)
	}
	return ""
}
