package discordfake

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRequest is how large a request may be, in bytes.
// https://docs.discord.com/developers/resources/message#create-message
const maxRequest = 25 << 20

// request is one call of the API on its way through.
type request struct {
	f      *Fake
	http   *http.Request
	route  *route
	params map[string]string
	raw    []byte
	form   field
	files  []upload
	at     time.Time
	hash   string // what makes a retry the same call
}

// serve is everything that listens on the fake's port: the API, the gateway, the
// files and, for whole processes, a proxy.
func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	switch {
	case r.Method == http.MethodConnect:
		f.connect(w, r)
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		f.serveGateway(w, r)
	case host == cdnHost, host == mediaHost, strings.HasPrefix(r.URL.Path, "/attachments/"), strings.HasPrefix(r.URL.Path, "/ephemeral-attachments/"):
		f.serveFile(w, r)
	default:
		f.serveAPI(w, r)
	}
}

func (f *Fake) serveAPI(w http.ResponseWriter, r *http.Request) {
	req := &request{f: f, http: r, at: time.Now()}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return
	}
	req.raw = raw
	wrong := req.find()
	f.noteLeaks(r)
	var fault *Fault
	if wrong == nil {
		fault = f.fault(req.route)
	}
	if fault != nil && fault.before(f, w, r) {
		f.record(req, 0, 0, fault)
		return
	}
	var body any
	status := http.StatusOK
	switch {
	case wrong != nil:
	case fault != nil && fault.answer != nil:
		wrong = fault.answer
		f.punish(req, w.Header(), wrong)
	default:
		if wrong = f.admit(req, w.Header()); wrong == nil {
			body, wrong = req.run()
		}
	}
	if made, ok := body.(created); ok {
		status, body = http.StatusCreated, made.body
	}
	if body == nil {
		status = http.StatusNoContent
	}
	if wrong != nil {
		status, body = wrong.Status, wrong.body()
		f.countInvalid(wrong)
	}
	code := 0
	if wrong != nil {
		code = wrong.Code
	}
	f.record(req, status, code, fault)
	if fault != nil && fault.dropAfter {
		hangUp(w)
		return
	}
	if fault != nil && fault.garbage {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": "12`)
		return
	}
	if wrong != nil && wrong.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wrong.After.Seconds()+0.999)))
		if wrong.Scope != "" {
			w.Header().Set("X-RateLimit-Scope", wrong.Scope)
		}
		if wrong.Global {
			w.Header().Set("X-RateLimit-Global", "true")
		}
	}
	reply(w, status, body)
}

func reply(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body)
}

// created is a body that is answered with 201.
type created struct{ body any }

// find works out which route is called and with what.
func (req *request) find() *apiError {
	r := req.http
	if !strings.HasPrefix(r.UserAgent(), "DiscordBot (") {
		return errUserAgent
	}
	if len(req.raw) > maxRequest {
		return errTooLarge
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/")
	if !ok {
		return errNoRoute
	}
	version, path, _ := strings.Cut(rest, "/")
	switch version {
	case "v9", "v10":
	case "v6", "v7", "v8", "v3", "v4", "v5":
		return errVersion
	default:
		return errNoRoute // without a version it is v6, which is deprecated
	}
	var err *apiError
	req.route, req.params, err = findRoute(req.f.routes, r.Method, path)
	if err != nil {
		return err
	}
	req.hash = r.Method + " " + r.URL.Path + " " + string(bytes.TrimSpace(req.raw))
	return nil
}

// run executes the call: the form is read, the token looked at, then the handler.
func (req *request) run() (any, *apiError) {
	if err := req.readBody(); err != nil {
		return nil, err
	}
	if req.route.alone {
		return req.route.run(req)
	}
	f := req.f
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := req.route.run(req)
	f.change()
	return body, err
}

// authorised reports whether the request carries the bot's token.
func (req *request) authorised() bool {
	token, ok := strings.CutPrefix(req.http.Header.Get("Authorization"), "Bot ")
	req.f.mu.Lock()
	defer req.f.mu.Unlock()
	return ok && token == req.f.app.Token && !req.f.lockedOut
}

// hangUp closes a connection without an answer.
func hangUp(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// query is a number in the query, between limits.
func (req *request) query(name string, least, most, otherwise int) (int, *apiError) {
	s := req.http.URL.Query().Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		p := &problems{}
		p.add([]string{name}, "NUMBER_TYPE_MAX", "int value should be between "+strconv.Itoa(least)+" and "+strconv.Itoa(most)+".")
		return 0, p.err()
	}
	return n, nil
}
