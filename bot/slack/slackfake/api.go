package slackfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// method is one method of the Web API.
type method struct {
	// run does it, under the lock.
	run func(*call) (object, *refusal)
	// scopes: one of them is needed.
	scopes []string
	tier   int // 1 to 4; 0 is not limited
	json   bool
	app    bool // takes the app's token
	// args are all that it knows; others are ignored by Slack.
	args string
	// key tells apart what is limited each for itself: posts by channel.
	key string
}

// call is a call under way.
type call struct {
	args
	name     string
	token    *token
	warnings []string
}

// serveAPI answers a call of the Web API.
func (s *Slack) serveAPI(w http.ResponseWriter, r *http.Request) {
	began, name := s.clock.Now(), r.PathValue("method")
	m, known := s.methods[name]
	if !known {
		s.complain(Unknown, "%s", name)
	}
	a, given, warnings, refused := s.readArgs(r, m)
	rec := &Call{Method: name, Args: a.shown(), At: began}
	fault, faulty := s.fault(name, rec)
	defer s.finish(rec, began)
	if faulty && !fault.After {
		if fault.hit(s, w, r, rec, a) {
			return
		}
	}
	answer := s.answer(name, m, known, a, given, warnings, refused, rec)
	if wait, ok := answer["retry_after"].(time.Duration); ok {
		tooMany(w, wait)
		return
	}
	if faulty && fault.After && fault.hit(s, w, r, rec, a) {
		return
	}
	if t := s.peek(given); t != nil {
		w.Header().Set("X-OAuth-Scopes", strings.Join(t.scopes, ","))
		w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	}
	fault.slow(r.Context(), w, answer)
}

func (s *Slack) peek(given string) *token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tokens[given]; t != nil {
		c := *t
		return &c
	}
	return nil
}

// answer does the call and says what Slack would.
func (s *Slack) answer(name string, m method, known bool, a args, given string, warnings []string, refused *refusal, rec *Call) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	if !known {
		rec.Error = "unknown_method"
		return object{"ok": false, "error": "unknown_method", "req_method": name}
	}
	tok, denied := s.authenticate(m, given)
	if denied == nil && refused != nil {
		denied = refused
		s.complainLocked(Malformed, "%s: %s", name, refused.word)
	}
	if denied == nil {
		if wait := s.pace(name, m, a); wait > 0 {
			rec.Error, rec.Status = "ratelimited", http.StatusTooManyRequests
			return object{"retry_after": wait}
		}
	}
	if denied != nil {
		rec.Error = denied.word
		return denied.object()
	}
	s.strangers(name, m, a)
	s.leaks(name, object(a))
	c := &call{args: a, name: name, token: tok, warnings: warnings}
	out, denied := m.run(c)
	if denied != nil {
		rec.Error, rec.Problems = denied.word, denied.messages
		s.badBlocks(name, denied)
		if denied.word == "invalid_blocks_format" || denied.word == "invalid_arguments" && len(denied.messages) == 0 {
			s.complainLocked(Malformed, "%s: %s", name, denied.word)
		}
		return denied.object()
	}
	out = merge(object{"ok": true}, out)
	if len(c.warnings) > 0 {
		out["warning"] = strings.Join(c.warnings, ",")
		meta := obj(cloneAny(out["response_metadata"]))
		out["response_metadata"] = merge(meta, object{"warnings": c.warnings})
	}
	return out
}

// badBlocks complains of blocks that break the rules: who falls back to plain text
// would not notice. That a workspace has no charts is nobody's mistake.
func (s *Slack) badBlocks(name string, r *refusal) {
	for _, problem := range r.messages {
		of := strings.Contains(problem, "json-pointer:/blocks") || strings.Contains(problem, "json-pointer:/view")
		if of && !strings.Contains(problem, "unsupported type: data_visualization") {
			s.complainLocked(BadBlocks, "%s: %s", name, problem)
			return
		}
	}
	if r.word == "msg_blocks_too_long" {
		s.complainLocked(BadBlocks, "%s: %s", name, r.word)
	}
}

// strangers are arguments that Slack would ignore in silence.
func (s *Slack) strangers(name string, m method, a args) {
	known := strings.Fields(m.args)
	for k := range a {
		if !slices.Contains(known, k) {
			s.complainLocked(Ignored, "%s knows no argument %q", name, k)
		}
	}
}

func respond(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(o)
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Retry-After", seconds(wait))
	w.WriteHeader(http.StatusTooManyRequests)
	_ = json.NewEncoder(w).Encode(object{"ok": false, "error": "ratelimited"})
}
