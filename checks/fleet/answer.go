package fleet

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// manner is how an answer is given.
type manner uint8

const (
	polite manner = iota
	hanging
	resetting
	endless
)

// answer is what is sent; it is made under the lock and sent without it.
type answer struct {
	manner manner
	status int
	header [][2]string // as it is spelled
	body   string
}

func (a *answer) set(name, value string) {
	for i := range a.header {
		if a.header[i][0] == name {
			a.header[i][1] = value
			return
		}
	}
	a.header = append(a.header, [2]string{name, value})
}

func (a *answer) drop(name string) {
	for i := range a.header {
		if a.header[i][0] == name {
			a.header = append(a.header[:i], a.header[i+1:]...)
			return
		}
	}
}

// Names of headers, spelled as SharePoint spells them.
const (
	versionHeader = "MicrosoftSharePointTeamServices"
	contentType   = "Content-Type"
)

// write sends an answer.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for _, nv := range a.header {
		h[nv[0]] = []string{nv[1]} // not Set, which would change the spelling
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	if a.manner == endless {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(a.body)); err != nil {
				return
			}
		}
		return
	}
	_, _ = w.Write([]byte(a.body)) // a client that is gone misses nothing
}

// answer finds out what a host says to a request.
func (f *Fleet) answer(h host, r *http.Request) answer {
	id := f.requestID()
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := h.server
	if h.balanced != nil {
		s = h.balanced.turn()
		if s == nil {
			return answer{status: http.StatusServiceUnavailable, body: "no server is available\n"}
		}
	}
	switch {
	case s.disconnected || s.trait == TraitResets:
		return answer{manner: resetting}
	case s.trait == TraitHangs:
		return answer{manner: hanging}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return s.page(id, http.StatusMethodNotAllowed, "405 METHOD NOT ALLOWED")
	}
	return s.answer(id, strings.ToLower(r.URL.Path))
}

// turn is the server whose turn it is at the balancer; nil: none is there.
func (fm *cluster) turn() *machine {
	var up []*machine
	for _, s := range fm.servers {
		if !s.app && !s.disconnected {
			up = append(up, s)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[(fm.next.Add(1)-1)%uint64(len(up))]
}

// requestID is different each time and needs no chance.
func (f *Fleet) requestID() string {
	n := f.counter.Add(1)
	x := (n + f.opts.Seed) * 0x9e3779b97f4a7c15
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(x>>32), uint16(x>>16), x&0xfff, (x>>12)&0xfff, n&0xffffffffffff)
}

// answer is what a server says to a GET of a path in lower case.
func (s *machine) answer(id, path string) answer {
	var a answer
	switch s.line.id {
	case ProductOnline:
		a = s.online(id, path)
	case ProductAlfresco:
		a = s.alfresco(path)
	default:
		a = s.sharePoint(id, path)
	}
	return s.oddly(a, path)
}

func (s *machine) sharePoint(id, path string) answer {
	switch {
	case path == "/":
		return s.welcome(id)
	case path == "/_vti_pvt/service.cnf":
		return s.serviceFile(id)
	case path == "/_vti_pvt/buildversion.cnf" && s.buildFile:
		return s.text(id, "vti_encoding:SR|utf8-nl\nvti_buildversion:SR|"+s.file.String()+"\n")
	case s.planted(path):
		return s.text(id, "make-believe: this file stands for one that an attacker left. It does nothing.\n")
	case path == "/_layouts/15/start.aspx":
		return s.start(id)
	case looksLikeAttack(path):
		return s.unauthorized(id)
	}
	return s.page(id, http.StatusNotFound, "404 NOT FOUND")
}

func (s *machine) welcome(id string) answer {
	if !s.anonymous {
		return s.unauthorized(id)
	}
	return s.page(id, http.StatusOK, "Home")
}

func (s *machine) start(id string) answer {
	if !s.anonymous {
		return s.unauthorized(id)
	}
	a := s.page(id, http.StatusOK, "Start")
	a.body += "<script>var _spPageContextInfo={webServerRelativeUrl:\"\\u002f\",siteClientTag:\"0$$" + threePart(s.header) + "\"};</script>\n"
	return a
}

func (s *machine) serviceFile(id string) answer {
	if !s.openService {
		return s.unauthorized(id)
	}
	return s.text(id, "vti_encoding:SR|utf8-nl\nvti_extenderversion:SR|"+threePart(s.header)+"\n")
}

// planted tells whether an attacker left a file at a path. LAYOUTS is one folder
// under three addresses.
func (s *machine) planted(path string) bool {
	rest, ok := strings.CutPrefix(path, "/_layouts/")
	if !ok {
		return false
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "15/"), "16/")
	for _, file := range s.files {
		if rest == file {
			return true
		}
	}
	return false
}

// threePart is a build as the header has it: no revision, and a zero for it.
func threePart(build state.Version) string {
	p := strings.Split(build.String(), ".")
	if len(p) < 3 {
		return build.String()
	}
	return p[0] + ".0.0." + p[2]
}

// base has the headers of every answer of a SharePoint server.
func (s *machine) base(id string, status int) answer {
	return answer{status: status, header: [][2]string{
		{"Cache-Control", "private"},
		{"Server", "Microsoft-IIS/10.0"},
		{"X-AspNet-Version", "4.0.30319"},
		{"X-Powered-By", "ASP.NET"},
		{"X-MS-InvokeApp", "1; RequireReadOnly"},
		{"X-SharePointHealthScore", strconv.Itoa(s.health)},
		{"SPRequestGuid", id},
		{"request-id", id},
		{"SPRequestDuration", strconv.Itoa(3 + s.health*7)},
		{"SPIisLatency", strconv.Itoa(s.health % 2)},
		{versionHeader, threePart(s.header)},
	}}
}

func (s *machine) unauthorized(id string) answer {
	a := s.base(id, http.StatusUnauthorized)
	a.set("WWW-Authenticate", "NTLM")
	a.set(contentType, "text/plain; charset=utf-8")
	a.body = "401 UNAUTHORIZED\n"
	return a
}

func (s *machine) page(id string, status int, title string) answer {
	a := s.base(id, status)
	a.set(contentType, "text/html; charset=utf-8")
	a.body = "<!DOCTYPE html>\n<html><head><title>" + title + "</title><meta name=\"GENERATOR\" content=\"Microsoft SharePoint\"></head><body><h1>" + title + "</h1></body></html>\n"
	return a
}

func (s *machine) text(id, body string) answer {
	a := s.base(id, http.StatusOK)
	a.set(contentType, "text/plain; charset=utf-8")
	a.body = body
	return a
}
