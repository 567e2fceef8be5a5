package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// EvidencePattern is where documents of evidence are handed in.
const EvidencePattern = "POST /evidence/{incident}/{farm}"

// Bounds of handing in evidence, of one process.
const (
	evidenceAtOnce = 8               // requests; more are told to come again
	evidenceBurst  = 10              // documents of one token
	evidenceEvery  = 6 * time.Second // and then one in this time
	maxSecret      = 256             // bytes
)

// What becomes of a document.
const (
	handedRecorded = "recorded"
	handedRepeated = "repeated"
	handedRefused  = "refused" // something in it is wrong
	handedDenied   = "denied"  // no such token
	handedLimited  = "limited"
	handedTooLarge = "too_large"
	handedFailed   = "failed"
)

// HandedOutcomes lists what may become of a document of evidence.
func HandedOutcomes() []string {
	return []string{handedRecorded, handedRepeated, handedRefused, handedDenied, handedLimited, handedTooLarge, handedFailed}
}

// EvidenceTaker knows tokens and records documents.
type EvidenceTaker interface {
	// Admit finds the token of a secret. state.ErrNotFound: it opens nothing here.
	Admit(ctx context.Context, incident, farm, secret string) (state.Token, error)
	// Take records all of a document, or nothing. What it returns is answered as JSON.
	// A *chat.Problem or a *state.Refusal tells why it was not recorded.
	Take(ctx context.Context, incident, farm string, t state.Token, data []byte) (any, error)
}

// EvidenceOptions are the parts of the endpoint.
type EvidenceOptions struct {
	Taker EvidenceTaker
	Most  int64 // bytes of a document
	// Count is told what became of each document; may be nil.
	Count  func(outcome string)
	Logger *slog.Logger
	Now    func() time.Time
}

// NewEvidence makes the endpoint at which administrators and their collectors hand in
// evidence with a token. What comes without one is not read. Nothing of a document
// or of a secret is logged.
func NewEvidence(o EvidenceOptions) http.Handler {
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &evidence{EvidenceOptions: o, room: make(chan struct{}, evidenceAtOnce), spent: map[string]time.Time{}}
}

type evidence struct {
	EvidenceOptions
	room chan struct{}

	mu    sync.Mutex
	spent map[string]time.Time // by token: until when its turns are used up
}

// handed is the answer about a document.
type handed struct {
	Result   string            `json:"result"`
	What     string            `json:"what,omitempty"`
	Problems []chat.RowProblem `json:"problems,omitempty"`
	Recorded any               `json:"recorded,omitempty"`

	status int
	wait   time.Duration
	token  string
	bytes  int
}

func (e *evidence) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	var h handed
	select {
	case e.room <- struct{}{}:
		h = e.inside(w, r)
	default:
		h = handed{Result: handedLimited, What: "Too many hand something in at once. Nothing was recorded; try again.", status: http.StatusServiceUnavailable, wait: time.Second}
	}
	e.Count(h.Result)
	e.Logger.Info("evidence over HTTP", "token", h.token, "outcome", h.Result, "bytes", h.bytes, "took", time.Since(begun).Round(time.Millisecond))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if h.wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((h.wait+time.Second-1)/time.Second)))
	}
	if h.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="evidence"`)
	}
	w.WriteHeader(h.status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(h) // the client has gone
}

// inside is hand for who has room, which is given back whatever happens.
func (e *evidence) inside(w http.ResponseWriter, r *http.Request) handed {
	defer func() { <-e.room }()
	return e.hand(w, r)
}

// hand finds out what becomes of a document.
func (e *evidence) hand(w http.ResponseWriter, r *http.Request) handed {
	incident, farm := r.PathValue("incident"), r.PathValue("farm")
	t, err := e.admit(r, incident, farm)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return handed{Result: handedDenied, What: "There is no such token for this incident and farm, or it has ended. Nothing was read.", status: http.StatusUnauthorized}
	case err != nil:
		return e.failed(err, handed{})
	}
	h := handed{token: t.ID}
	if wait := e.turn(incident + "\x00" + farm + "\x00" + t.ID); wait > 0 {
		h.Result, h.status, h.wait = handedLimited, http.StatusTooManyRequests, wait
		h.What = fmt.Sprintf("This token is used too often: one document every %s. Nothing was recorded.", evidenceEvery)
		return h
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		h.Result, h.status, h.What = handedRefused, http.StatusUnsupportedMediaType, "Send the document as it is, not compressed."
		return h
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.Most))
	h.bytes = len(data)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		h.Result, h.status = handedTooLarge, http.StatusRequestEntityTooLarge
		h.What = fmt.Sprintf("A document may have %d bytes. Nothing was recorded; hand in the servers in several documents.", e.Most)
		return h
	case err != nil:
		h.Result, h.status, h.What = handedFailed, http.StatusBadRequest, "The document did not come to its end. Nothing was recorded."
		return h
	}
	return e.take(r.Context(), incident, farm, t, data, h)
}

// admit finds the token that a request carries.
func (e *evidence) admit(r *http.Request, incident, farm string) (state.Token, error) {
	kind, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(kind, "Bearer") || secret == "" || len(secret) > maxSecret {
		return state.Token{}, state.ErrNotFound
	}
	return e.Taker.Admit(r.Context(), incident, farm, secret)
}

func (e *evidence) take(ctx context.Context, incident, farm string, t state.Token, data []byte, h handed) handed {
	out, err := e.Taker.Take(ctx, incident, farm, t, data)
	var p *chat.Problem
	var no *state.Refusal
	switch {
	case err == nil:
		h.Result, h.status, h.Recorded = handedRecorded, http.StatusOK, out
		if r, ok := out.(interface{ Repeated() bool }); ok && r.Repeated() {
			h.Result = handedRepeated
		}
	case errors.As(err, &p):
		h.Result, h.status, h.What, h.Problems = handedRefused, http.StatusUnprocessableEntity, p.Error(), p.Rows
		if len(p.Rows) > 0 {
			h.What, _, _ = strings.Cut(p.What, "\n")
		}
	case errors.As(err, &no):
		h.Result, h.status, h.What = handedRefused, http.StatusConflict, no.Error()
	case errors.Is(err, state.ErrNotFound):
		h.Result, h.status, h.What = handedDenied, http.StatusUnauthorized, "The token was revoked meanwhile. Nothing was recorded."
	default:
		return e.failed(err, h)
	}
	return h
}

// failed is the answer when it is not the document's fault. Why is in the log.
func (e *evidence) failed(err error, h handed) handed {
	e.Logger.Warn("evidence over HTTP", "token", h.token, "error", err)
	h.Result, h.status, h.wait = handedFailed, http.StatusServiceUnavailable, 10*time.Second
	h.What = "Not done: the store cannot be used at the moment. Nothing was recorded; try again."
	return h
}

// turn takes one of a token's turns, or says how long to wait for the next.
func (e *evidence) turn(token string) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.Now()
	until := e.spent[token]
	if until.Before(now) {
		until = now
	}
	if wait := until.Sub(now) - (evidenceBurst-1)*evidenceEvery; wait > 0 {
		return wait
	}
	if len(e.spent) > 10_000 { // only of who had a token; most of them are long over
		for k, t := range e.spent {
			if t.Before(now) {
				delete(e.spent, k)
			}
		}
	}
	e.spent[token] = until.Add(evidenceEvery)
	return 0
}

// Handed counts a document of evidence by what became of them.
func (m *Metrics) Handed(outcome string) {
	m.handed.WithLabelValues(known(HandedOutcomes(), outcome)).Inc()
}
