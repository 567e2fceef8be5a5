package discord

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

const (
	// maxBody is how large a request of Discord's may be, in bytes.
	maxBody = 4 << 20
	// signatureWindow is how old a signed request may be. Discord says nothing of it; the
	// answer to an interaction is too late after three seconds.
	signatureWindow = 5 * time.Minute
)

// Handler takes what Discord sends by HTTP: POST /discord/interactions. It works while Run
// runs; before and after it answers 503. A request that is not signed with the key of our
// application is 401, and so is one whose time is far from ours.
func (p *Platform) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /discord/interactions", func(w http.ResponseWriter, r *http.Request) {
		raw, status, err := p.admit(w, r)
		if err != nil {
			p.opt.Logger.Warn("discord: a request was refused", "error", err)
			http.Error(w, http.StatusText(status), status)
			return
		}
		i, err := readInteraction(raw)
		switch {
		case err != nil:
			p.malformed("interaction", err)
			http.Error(w, "an interaction that cannot be read", http.StatusBadRequest)
		case i.Type == kindPing:
			respond(w, response{Type: int(discordgo.InteractionResponsePong)})
		default:
			said, ok := p.serve(r.Context(), i)
			if !ok {
				http.Error(w, "nobody is there", http.StatusServiceUnavailable)
				return
			}
			respond(w, said)
		}
	})
	return mux
}

// admit reads a request that is proved to be Discord's.
func (p *Platform) admit(w http.ResponseWriter, r *http.Request) (body []byte, status int, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		p.opt.Count("too large")
		return nil, http.StatusRequestEntityTooLarge, errors.New("the request is too large")
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("the request ended early")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(p.key) != ed25519.PublicKeySize || !discordgo.VerifyInteraction(r, ed25519.PublicKey(p.key)) {
		p.opt.Count("signature wrong")
		return nil, http.StatusUnauthorized, errors.New("the signature is wrong")
	}
	at, err := strconv.ParseInt(r.Header.Get("X-Signature-Timestamp"), 10, 64)
	if age := p.opt.Now().Sub(time.Unix(at, 0)); err != nil || age > signatureWindow || age < -signatureWindow {
		p.opt.Count("signature time")
		return nil, http.StatusUnauthorized, errors.New("the time of the request is not ours")
	}
	return body, http.StatusOK, nil
}

func respond(w http.ResponseWriter, r response) {
	raw, err := json.Marshal(r)
	if err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}
