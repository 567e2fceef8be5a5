package chat

import (
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Spec is all that is known of a command without running it. Help, completion
// and the registrations on the platforms are made from it.
type Spec struct {
	// Path is how it is called: "scan", "incident open".
	Path    string
	Summary string // one line, in the imperative, no full stop
	Args    []Arg
	Flags   []Arg
	// Examples are executed by a test.
	Examples []Example
	// Role is the least role that may run it.
	Role state.Role
	// Private answers only to the person who asked.
	Private bool
	// Global commands need no incident.
	Global bool
	// Community commands are all that can be asked for in a place of a community.
	Community bool
}

// Arg is a positional argument or a flag.
type Arg struct {
	Name string
	Help string
	Type Type
	// Optional arguments come last. Flags are optional unless they are Needed; what a flag
	// is needed for, the command says when it is missing.
	Optional bool
	Needed   bool
	// Rest takes all that is left of the line (the last argument only).
	Rest bool
	// Choices limits a Word.
	Choices []string
}

// Type is what an argument must be.
type Type uint8

// The types. A name of a server, owner, group, farm or incident may be given by
// an unambiguous prefix.
const (
	Word Type = iota
	Switch
	Number
	Duration
	Time
	Server
	Owner
	Person // somebody of the directory
	Group
	Farm
	Incident
	Step
	Upload // a file handed in, or inline text
)

// Example is a line that works, and what it does.
type Example struct {
	Line string
	Does string
}

// Usage is the command with its arguments: "scan [SERVER] [--group GROUP]".
func (s Spec) Usage() string {
	var b strings.Builder
	b.WriteString(s.Path)
	for _, a := range s.Args {
		name := strings.ToUpper(a.Name)
		if a.Rest {
			name += "…"
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		b.WriteString(" " + name)
	}
	for _, f := range s.Flags {
		text := "--" + f.Name
		if f.Type != Switch {
			text += " " + strings.ToUpper(f.Name)
		}
		if !f.Needed {
			text = "[" + text + "]"
		}
		b.WriteString(" " + text)
	}
	return b.String()
}
