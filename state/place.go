package state

import (
	"fmt"
	"strings"
)

// TLP is a marking of the Traffic Light Protocol 2.0 (FIRST), ordered from the
// widest audience to the narrowest. The zero value is the narrowest, RED, so
// that what nobody marked goes nowhere.
type TLP uint8

// The markings. Compare them with Allows, not with <.
const (
	TLPRed TLP = iota
	TLPAmberStrict
	TLPAmber
	TLPGreen
	TLPClear
)

var tlpNames = []string{"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}

func (t TLP) String() string { return "TLP:" + nameOf(tlpNames, int(t)) }

// Allows reports whether something marked m may go to a place whose ceiling is t.
// RED goes to no place at all: it is for named persons. No place has the ceiling
// RED either, so a ceiling that nobody set lets only CLEAR through.
func (t TLP) Allows(m TLP) bool {
	if t == TLPRed {
		return m == TLPClear
	}
	return m != TLPRed && m <= TLPClear && m >= t
}

// Narrower is the ceiling that lets the less through of two. As a place has never
// the ceiling RED, that means a ceiling that nobody set.
func Narrower(a, b TLP) TLP {
	if a == TLPRed || b == TLPRed {
		return TLPClear
	}
	return max(a, b)
}

// ParseTLP reads a marking in the spellings that are found in the field.
func ParseTLP(s string) (TLP, error) {
	n := strings.ToUpper(strings.TrimSpace(s))
	n = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(n, "TLP:"), "TLP "))
	switch n {
	case "RED":
		return TLPRed, nil
	case "AMBER+STRICT", "AMBER-STRICT", "AMBER_AND_STRICT", "AMBER_STRICT", "AMBER STRICT":
		return TLPAmberStrict, nil
	case "AMBER":
		return TLPAmber, nil
	case "GREEN":
		return TLPGreen, nil
	case "CLEAR", "WHITE":
		return TLPClear, nil
	}
	return TLPRed, fmt.Errorf("%.40q is not a TLP marking: red, amber+strict, amber, green or clear", s)
}

// MarshalText makes a marking its name in JSON.
func (t TLP) MarshalText() ([]byte, error) { return []byte(nameOf(tlpNames, int(t))), nil }

// UnmarshalText reads any spelling that ParseTLP reads.
func (t *TLP) UnmarshalText(b []byte) error {
	v, err := ParseTLP(string(b))
	*t = v
	return err
}

// Place is where a message can go.
type Place struct {
	Platform  string `json:"platform"`            // "console", "slack", …
	Workspace string `json:"workspace,omitempty"` // workspace or guild
	Channel   string `json:"channel"`
	Thread    string `json:"thread,omitempty"`
	// Person limits the message to one reader in that place (an ephemeral answer, a direct message).
	Person string `json:"person,omitempty"`
	// Ceiling is the narrowest marking that may be shown there.
	Ceiling TLP `json:"ceiling"`
	// Threads: a message there can have a thread.
	Threads bool `json:"threads,omitempty"`
	// Quiet are hours in which nobody is reminded there, like "22:00-07:00", in the
	// time zone of the incident.
	Quiet string `json:"quiet,omitempty"`
	// Reply is where the platform takes an answer for a short while, also where it
	// would not let us post. It is as good as a password: it is never logged, and
	// never part of a place that is bound.
	Reply string `json:"reply,omitempty"`
	// Form is how messages are shown there, when that is not as in a usual channel.
	Form Form `json:"form,omitempty"`
	// Named: Person was named as a reader of something marked TLP:RED. Only what is
	// addressed to that person alone is.
	Named bool `json:"named,omitempty"`
}

// Form is a kind of place. The zero value is a channel of messages.
type Form string

// The forms. What is announced is passed on to places that nobody here knows.
const (
	FormText         Form = ""
	FormAnnouncement Form = "announcement"
	FormForum        Form = "forum"
)

// Sees reports whether something marked m may be shown there: what the ceiling
// allows, in an announcement nothing but CLEAR, and RED to whom it names alone.
func (p Place) Sees(m TLP) bool {
	if m == TLPRed {
		return p.Named && p.Person != "" && p.Top().Allows(TLPAmberStrict)
	}
	return p.Top().Allows(m)
}

// Top is the ceiling that holds, whatever the place was bound for.
func (p Place) Top() TLP {
	if p.Form == FormAnnouncement {
		return TLPClear
	}
	return p.Ceiling
}

// Direct is the place in which a person is written to alone, by a platform
// identity of theirs; false when the identity names no platform.
func Direct(link string) (Place, bool) {
	parts := strings.Split(link, ":")
	if len(parts) < 2 || parts[0] == "" {
		return Place{}, false
	}
	p := Place{Platform: parts[0], Person: link, Ceiling: TLPAmberStrict, Named: true}
	if len(parts) > 2 {
		p.Workspace = parts[1]
	}
	return p, true
}

// Key identifies the place, without its ceiling, what it can, and where it takes answers.
func (p Place) Key() string {
	return strings.Join([]string{p.Platform, p.Workspace, p.Channel, p.Thread, p.Person}, "/")
}
