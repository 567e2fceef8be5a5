package chat

import (
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Trigger says what made a request.
type Trigger string

// The triggers.
const (
	TriggerLine     Trigger = "line"     // typed
	TriggerButton   Trigger = "button"   // pressed on a message
	TriggerSchedule Trigger = "schedule" // a slot of the schedule
)

// Request is one thing asked of the bot, from whatever platform.
type Request struct {
	// ID is the same for every delivery of the same request.
	ID      string      `json:"id"`
	Trigger Trigger     `json:"trigger"`
	Actor   Actor       `json:"actor"`
	Place   state.Place `json:"place"`
	// Text is the command line without the root command: "scan --group emea".
	Text  string    `json:"text"`
	Files []File    `json:"files,omitempty"`
	At    time.Time `json:"at"`
	// Private: the answer is for who asked alone, whatever the command says.
	Private bool `json:"private,omitempty"`
	// Community is the id of the community that the place belongs to, "" when it is
	// the team's own. The process finds it out; what a platform says here is not read.
	Community string `json:"community,omitempty"`
}

// Actor is who asks. Link is proved by the platform; Person is empty for a
// stranger, who may only look.
type Actor struct {
	Link   string         `json:"link"`
	Person state.PersonID `json:"person,omitempty"`
	Name   string         `json:"name,omitempty"`
	Role   state.Role     `json:"role,omitempty"`
	// Admin: the platform says that they administer the workspace or guild of the place.
	Admin bool `json:"admin,omitempty"`
}

// File is something handed in with a request. Data is hostile.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
	// Ref is where the platform keeps it, when it was not read yet: that is done
	// when the request runs, not before it is acknowledged.
	Ref string `json:"ref,omitempty"`
}

// Call is a request that was understood and allowed, as a command gets it.
type Call struct {
	Request  Request
	Values   Values
	Incident string // the incident that it is about: named, or the only open one
	// Say posts or edits a message before the answer, for work that takes long.
	// Messages of one card replace each other.
	Say func(card string, m Message)
}

// Work is who changes what, for the store. Step keeps the changes of one request
// apart.
func (c Call) Work(step string, now time.Time) state.Work {
	return state.Work{Request: c.Request.ID, Step: step, By: c.Request.Actor.Person, Via: c.Request.Actor.Link, At: now}
}

// Problem is an error in words for the person who asked: what is wrong, and the
// nearest thing that works.
type Problem struct {
	What string
	Try  string
	// Offer are command lines that may be meant, offered as buttons.
	Offer []Button
	// Rows say where in a document that was handed in something is wrong, for
	// programs; What says it too.
	Rows []RowProblem
}

// RowProblem is what is wrong at a place of a document, counted from 1.
type RowProblem struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
}

func (p *Problem) Error() string {
	if p.Try == "" {
		return p.What
	}
	return p.What + " " + p.Try
}
