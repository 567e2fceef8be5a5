package slackfake

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// serveDownload gives the bytes to whoever has a token that may see them. Others
// are led to the page where people sign in, which answers 200 with HTML.
func (s *Slack) serveDownload(w http.ResponseWriter, r *http.Request) {
	began, rec := s.clock.Now(), &Call{Method: "download", At: s.clock.Now(), Args: map[string]any{"path": r.URL.Path}}
	defer s.finish(rec, began)
	fault, faulty := s.fault("download", rec)
	if faulty && fault.hit(s, w, r, rec, nil) {
		return
	}
	if r.URL.Query().Has("token") || r.URL.Query().Has("t") {
		s.complain(TokenInURL, "%s", r.URL.Path)
	}
	data, kind, ok := s.download(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.PathValue("id"))
	if !ok {
		rec.Error = "not_authed"
		http.Redirect(w, r, "/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if faulty && fault.Slow > 0 {
		for i := range data {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(fault.Slow / time.Duration(len(data))):
			}
			if _, err := w.Write(data[i : i+1]); err != nil {
				return
			}
		}
		return
	}
	_, _ = w.Write(data)
}

func (s *Slack) download(given, id string) ([]byte, string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[given]
	f := s.files[strings.TrimPrefix(id, TeamID+"-")]
	if t == nil || t.revoked != "" || !t.has("files:read") || f == nil || !f.uploaded || !s.sees(f) {
		return nil, "", false
	}
	return f.Data, f.Mimetype, true
}

func (s *Slack) serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Slack</title></head><body><h1>Sign in to Acme</h1></body></html>"))
}
