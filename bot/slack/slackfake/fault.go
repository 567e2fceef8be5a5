package slackfake

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Fault is what goes wrong with a call.
type Fault struct {
	// Status answers with a status of HTTP: 500, 503. 429 comes with RetryAfter.
	Status     int
	RetryAfter time.Duration
	// Error answers with an error of Slack's.
	Error string
	// Drop cuts the connection, Hang says nothing until the caller goes away,
	// Garbage answers with something that is no JSON.
	Drop, Hang, Garbage bool
	// Slow waits before the answer, and sends it byte by byte.
	Slow time.Duration
	// After lets the call be done first: the caller does not learn of it.
	After bool
}

// Lost never arrived.
func Lost() Fault { return Fault{Drop: true} }

// LostAnswer was done, but nobody learns of it.
func LostAnswer() Fault { return Fault{Drop: true, After: true} }

// ServerError was not done.
func ServerError() Fault { return Fault{Status: http.StatusInternalServerError} }

// HalfDone was done, and yet the answer is an error.
func HalfDone() Fault { return Fault{Status: http.StatusInternalServerError, After: true} }

// RateLimited was not done, and may be tried again after a while.
func RateLimited(after time.Duration) Fault {
	return Fault{Status: http.StatusTooManyRequests, RetryAfter: after}
}

// NextCalls breaks the next n calls of a method, every call of it when n is
// negative. The method "*" means any; response_url and upload are methods here too.
func (s *Slack) NextCalls(name string, n int, f Fault) {
	s.do(func() { s.faults[name] = append(s.faults[name], ordered{f, n}) })
}

// ordered is a fault for the next calls, negative when for all.
type ordered struct {
	Fault
	left int
}

// Heal forgets all faults that were ordered.
func (s *Slack) Heal() { s.do(func() { s.faults = map[string][]ordered{} }) }

// fault takes the next fault of a method.
func (s *Slack) fault(name string, rec *Call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{name, "*"} {
		if queue := s.faults[key]; len(queue) > 0 {
			f := queue[0].Fault
			if queue[0].left--; queue[0].left == 0 {
				s.faults[key] = queue[1:]
			}
			if f.Slow == 0 || f.Status != 0 || f.Drop || f.Hang || f.Garbage || f.Error != "" {
				rec.Error = "fault"
			}
			return f, true
		}
	}
	return Fault{}, false
}

// hit answers as the fault says. It reports false when the call goes on.
func (f Fault) hit(s *Slack, w http.ResponseWriter, r *http.Request, rec *Call, a args) bool {
	rec.Status = f.Status
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Hang:
		<-r.Context().Done()
	case f.Garbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Bad gateway</body></html>"))
	case f.Status == http.StatusTooManyRequests:
		key := rec.Method
		if m := s.methods[rec.Method]; m.key != "" {
			key += " " + a.str(m.key)
		}
		s.do(func() { s.holdOff(key, f.RetryAfter) })
		tooMany(w, f.RetryAfter)
	case f.Status != 0:
		http.Error(w, "<html>error</html>", f.Status)
	case f.Error != "":
		respond(w, refuse(f.Error).object())
	default:
		return false
	}
	return true
}

// slow sends an answer, byte by byte when the fault says so.
func (f Fault) slow(ctx context.Context, w http.ResponseWriter, answer object) {
	if f.Slow == 0 {
		respond(w, answer)
		return
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	pause := f.Slow / time.Duration(len(raw))
	for _, b := range raw {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		if fl, ok := w.(http.Flusher); ok {
			fl.Flush()
		}
	}
}
