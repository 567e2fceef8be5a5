// Package fleet is a make-believe fleet of SharePoint servers on loopback: real
// HTTP answers for the demo, for drills and for tests.
//
// Its promise: the same options make the same fleet; what a server answers
// follows from its true inner state, and [Fleet.Truth] tells that state, so that
// a test can prove that nobody was called fixed who is not. It holds no exploit
// and no payload: what lies at an indicator path is a harmless line of text.
//
// A Fleet is ToolShell's; an [Estate] is the servers of another campaign that is
// shipped as a playbook, with the same promise ([Estate.Truth]).
//
// It imports the records of state and knows no check, no store and no chat.
//
// # Decision: one listener, virtual hosts
//
// Context: 8,000 servers must fit into a laptop, and only 127.0.0.1 can be
// counted on. Decision: one port; a server is found by the Host of the request
// (name.fleet.test), and its row of the inventory carries 127.0.0.1 as the only
// address that may be dialled. Consequence: a server costs a few hundred bytes
// and no goroutine; one that refuses does so by a reset after the connection was
// accepted, because a shared port cannot be closed for one name.
//
// # Decision: operations are told when they happen
//
// Context: the order of events decides what is proved. Decision: every operation
// takes its time as an argument, and the fleet never asks a clock. Consequence:
// days of work can be played in a second, and two runs are equal.
//
// # Decision: what is written at PSConfig lags behind the truth, never ahead
//
// Context: the header is a value that IIS was given when the farm was last
// configured. Decision: header and build file change at PSConfig, or not even
// then ([TraitStaleHeader]); patches never go down except by a restored snapshot,
// which takes the header along. Consequence: no SharePoint server of the fleet
// claims more than it has, so "fixed" for a vulnerable one is the reader's error.
package fleet
