package state

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Limits of tokens.
const (
	MaxTokens    = 20 // of one farm, those that have ended left out
	MaxTokenLife = 90 * 24 * time.Hour
	tokenID      = 8 // hex digits
)

// TokenLink begins the identity under which evidence comes with a token.
const TokenLink = "token:"

// Token lets whoever holds its secret hand in evidence from inside one farm, and
// nothing else. The secret is not kept. What comes with it counts as told by the
// person who made it, who therefore is not a second person for it.
type Token struct {
	ID      string    `json:"id"`
	Hash    string    `json:"hash"` // SHA-256 of the secret, hex
	By      PersonID  `json:"by"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	Note    string    `json:"note,omitempty"`
}

// NewToken is the token of a secret, known by its hash (SHA-256, hex).
func NewToken(hash string, expires time.Time, note string) (Token, error) {
	if b, err := hex.DecodeString(hash); err != nil || len(b) != sha256.Size {
		return Token{}, refuse("The hash of a token is a SHA-256 in 64 hex digits.", "")
	}
	return Token{ID: "k" + hash[:tokenID], Hash: hash, Expires: expires, Note: note}, nil
}

// HashToken is the hash by which a secret is known.
func HashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Ended reports whether the token opens nothing any more.
func (t Token) Ended(now time.Time) bool { return !now.Before(t.Expires) }

// Token finds the token of a secret among those of the farm that have not ended.
// It takes the same time whichever of them it is, or none.
func (f Farm) Token(secret string, now time.Time) (Token, bool) {
	hash := []byte(HashToken(secret))
	var found Token
	ok := 0
	for _, t := range f.Tokens {
		if same := subtle.ConstantTimeCompare(hash, []byte(t.Hash)); same == 1 && !t.Ended(now) {
			found, ok = t, 1
		}
	}
	return found, ok == 1
}

// HasToken reports whether a token of the farm still opens it.
func (f Farm) HasToken(t Token, now time.Time) bool {
	return slices.ContainsFunc(f.Tokens, func(o Token) bool { return o.Hash == t.Hash && !o.Ended(now) })
}

// GrantToken gives a farm a token. Those that have ended make room.
func (tx *Tx) GrantToken(farm string, t Token) error {
	if err := tx.open(); err != nil {
		return err
	}
	f, err := tx.Farm(farm)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(f.Farm.Tokens), func(o Token) bool { return o.Ended(tx.Work.At) })
	switch {
	case len(f.Farm.Servers) == 0:
		return fmt.Errorf("farm %q: %w", farm, ErrNotFound)
	case !t.Expires.After(tx.Work.At), t.Expires.Sub(tx.Work.At) > MaxTokenLife:
		return refuse("A token ends after a day, or another time of up to 90 days.", "")
	case len(t.Note) > MaxReason:
		return refuse("The note is too long.", "")
	case len(left) >= MaxTokens:
		return refuse(fmt.Sprintf("Farm %s has %d tokens, the most there may be.", farm, MaxTokens), "Revoke those that nobody needs.")
	case slices.ContainsFunc(left, func(o Token) bool { return o.ID == t.ID }):
		return refuse(fmt.Sprintf("Farm %s has a token %s already.", farm, t.ID), "Make another one.")
	}
	t.By, t.At, t.Expires = tx.Work.By, tx.Work.At, plain(t.Expires)
	f.Farm.Tokens = append(left, t)
	tx.event("token made", farm, "", map[string]string{"id": t.ID, "expires": stamp(t.Expires), "note": t.Note})
	return nil
}

// RevokeTokens takes a token from a farm, or all of them when id is empty, and
// returns the ids of those.
func (tx *Tx) RevokeTokens(farm, id string) ([]string, error) {
	if err := tx.open(); err != nil {
		return nil, err
	}
	f, err := tx.Farm(farm)
	if err != nil {
		return nil, err
	}
	var gone []string
	left := slices.DeleteFunc(slices.Clone(f.Farm.Tokens), func(t Token) bool {
		if id != "" && t.ID != id {
			return false
		}
		gone = append(gone, t.ID)
		return true
	})
	if len(gone) == 0 {
		return nil, nil
	}
	f.Farm.Tokens = left
	for _, t := range gone {
		tx.event("token revoked", farm, "", map[string]string{"id": t})
	}
	return gone, nil
}
