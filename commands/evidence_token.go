package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// MaxEvidence is how long a document of evidence may be, in bytes.
const MaxEvidence = maxDocument

// TokenEvidence takes documents of evidence from who has a token instead of a name.
type TokenEvidence struct {
	store evidenceStore
	now   func() time.Time
}

// NewTokenEvidence takes evidence into a store.
func NewTokenEvidence(p Parts) TokenEvidence { return TokenEvidence{p.Store, p.Now} }

// Recorded is what became of a document.
type Recorded struct {
	Farm         string `json:"farm"`
	Observations int    `json:"observations"`
	// Already: the same document came before. Nothing was changed.
	Already bool             `json:"already,omitempty"`
	Servers []RecordedServer `json:"servers"`
	// Warnings are worth reading though all was recorded, a line each.
	Warnings []string `json:"warnings,omitempty"`
	// Digest is the SHA-256 of the document, hex.
	Digest string `json:"digest"`
}

// Repeated reports whether the same document came before.
func (r Recorded) Repeated() bool { return r.Already }

// RecordedServer is how a server of the farm stands now.
type RecordedServer struct {
	Name           string   `json:"name"`
	Status         string   `json:"status"`
	Missing        []string `json:"missing,omitempty"` // steps
	Contradictions []string `json:"contradictions,omitempty"`
	Signs          []string `json:"signs,omitempty"`
}

// Admit finds the token of a secret. state.ErrNotFound: it opens nothing here, for
// whatever reason.
func (c TokenEvidence) Admit(ctx context.Context, incident, farm, secret string) (state.Token, error) {
	f, err := c.store.Farm(ctx, incident, farm)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return state.Token{}, err
	}
	t, ok := f.Farm.Token(secret, c.now())
	if !ok || err != nil {
		return state.Token{}, state.ErrNotFound
	}
	return t, nil
}

// Take records a document that came with a token: all of it, or nothing. The same
// document again changes nothing. A *chat.Problem has what is wrong, by its rows.
func (c TokenEvidence) Take(ctx context.Context, incident, farm string, t state.Token, data []byte) (any, error) {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	call := chat.Call{Incident: incident, Request: chat.Request{
		ID: "token " + t.ID + " " + farm + " " + digest, Actor: chat.Actor{Person: t.By, Link: state.TokenLink + t.ID}, At: c.now(),
	}}
	d, err := evidenceAdd{store: admitted{c.store, t}, now: c.now, only: farm}.take(ctx, call, data)
	if err != nil {
		return nil, err
	}
	out := Recorded{Farm: d.farm, Observations: len(d.found), Already: d.already, Digest: digest}
	if gone := d.forgotten(); len(gone) > 0 {
		out.Warnings = append(out.Warnings, d.noLonger(gone).Plain())
	}
	for _, s := range d.after.Servers {
		r := RecordedServer{Name: s.Name, Status: s.Status.String(), Contradictions: s.Contradictions, Signs: s.Signs}
		for _, st := range s.Missing() {
			r.Missing = append(r.Missing, stepName(st))
		}
		out.Servers = append(out.Servers, r)
	}
	return out, nil
}

// admitted is a store in which a token that was revoked meanwhile changes nothing.
type admitted struct {
	evidenceStore
	token state.Token
}

// Update looks for the token once more, in the step that changes something.
func (a admitted) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	return a.evidenceStore.Update(ctx, w, incident, farms, func(tx *state.Tx) error {
		for _, name := range farms {
			f, err := tx.Farm(name)
			if err != nil {
				return err
			}
			if !f.Farm.HasToken(a.token, w.At) {
				return state.ErrNotFound
			}
		}
		return change(tx)
	})
}
