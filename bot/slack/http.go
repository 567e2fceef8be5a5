package slack

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
)

// maxBody is how large a request of Slack's may be, in bytes.
const maxBody = 1 << 20

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// errNotTaken: nothing was done, and whoever sent it may send it again.
var errNotTaken = errors.New("it was not taken; send it again")

// Handler takes what Slack sends by HTTP: POST /slack/commands, /slack/interactions
// (also of lists that complete what is typed) and /slack/events. It works while Run
// runs; before and after, and when a request cannot be taken, it answers 503. A
// request that is not signed with our secret is 401, and so is one that was here
// before.
func (p *Platform) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/slack/commands", p.endpointFor(formType, func(body []byte, h http.Header) (delivery, error) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return delivery{}, errors.New("a form that cannot be read")
		}
		return readSlashForm(form)
	}))
	mux.Handle("/slack/interactions", p.endpointFor(formType, func(body []byte, h http.Header) (delivery, error) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return delivery{}, errors.New("a form that cannot be read")
		}
		return readInteraction([]byte(form.Get("payload")))
	}))
	mux.Handle("/slack/events", p.endpointFor(jsonType, func(body []byte, h http.Header) (delivery, error) {
		d, err := readEvent(body)
		times, _ := strconv.Atoi(h.Get("X-Slack-Retry-Num"))
		d.tried(times)
		return d, err
	}))
	return mux
}

// endpointFor takes one kind of request: it is looked at only when it is proved to be
// Slack's.
func (p *Platform) endpointFor(kind string, read func([]byte, http.Header) (delivery, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Get("ssl_check") == "1" {
			return // Slack looks at the certificate now and then
		}
		body, status, err := p.admit(w, r, kind)
		switch {
		case status == http.StatusUnauthorized:
			p.unproved(w, err)
			return
		case err != nil:
			http.Error(w, err.Error(), status)
			return
		}
		now := p.opt.Now()
		sign, at, err := verify(p.opt.SigningSecret, r.Header, body, now)
		if err == nil {
			err = p.in.replays.admit(sign, at, now)
		}
		if err != nil {
			p.unproved(w, err)
			return
		}
		d, err := read(body, r.Header)
		if err != nil {
			p.malformed(r.URL.Path, err)
			w.Header().Set("X-Slack-No-Retry", "1")
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.at = now
		if d.event != nil && d.event.Type == "url_verification" {
			acknowledge(w, struct {
				Challenge string `json:"challenge"`
			}{d.event.Challenge})
			return
		}
		t := p.serve(r.Context(), d)
		if t.refused {
			p.in.replays.release(sign)
			w.Header().Set("Retry-After", "1")
			http.Error(w, errNotTaken.Error(), http.StatusServiceUnavailable)
			return
		}
		acknowledge(w, t.body)
	})
}

// admit reads the body of a request that looks like one of Slack's.
func (p *Platform) admit(w http.ResponseWriter, r *http.Request, kind string) (body []byte, status int, err error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed, errors.New("only POST requests are taken here")
	}
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != kind {
		return nil, http.StatusUnsupportedMediaType, errors.New("only " + kind + " is taken here")
	}
	if err := presentable(r.Header, p.opt.Now()); err != nil {
		return nil, http.StatusUnauthorized, err
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		p.opt.Count("too large")
		return nil, http.StatusRequestEntityTooLarge, errors.New("the request is too large")
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("the request ended early")
	}
	return body, http.StatusOK, nil
}

// unproved refuses a request that is not Slack's, or not for the first time. What is
// wrong with it is for us to know.
func (p *Platform) unproved(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errReplayed):
		p.opt.Count("replay")
	case errors.Is(err, errClock):
		p.opt.Count("signature time")
	default:
		p.opt.Count("signature wrong")
	}
	p.opt.Logger.Warn("slack: a request was refused", "error", err)
	http.Error(w, "this is not a request of Slack's", http.StatusUnauthorized)
}

// acknowledge answers 200, with what there is to say.
func acknowledge(w http.ResponseWriter, body any) {
	if body == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		w.WriteHeader(http.StatusOK) // it is taken, whatever can be said of it
		return
	}
	w.Header().Set("Content-Type", jsonType+"; charset=utf-8")
	_, _ = w.Write(raw)
}
