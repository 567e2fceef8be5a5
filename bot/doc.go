// Package bot is the running process: it takes requests from any platform,
// finds out who asks and what, writes them down, runs commands and hands the
// answers to the outbox.
//
// Its promise: nothing acknowledged is lost, and nothing runs twice at the same
// time. A request is in the inbox before it is acknowledged, runs under a lease
// that is renewed, and its answer is stored in the same step that ends it. What
// somebody does after losing the lease is thrown away. It knows no platform by
// name and no store.
//
// # Decision: a command that is cut off by a shutdown is not answered
//
// Context: work that is still running when the drain time is over cannot say
// whether it was done. Decision: its lease is left to expire, and whoever takes
// the request next runs it again from the start; every change carries the
// request's id and a step, so what was done is not done twice. Consequence: the
// answer comes late, once, and is true.
//
// # Decision: a command that found the store away is run again
//
// Context: a write whose reply was lost may have been kept, so neither "done" nor
// "not done" would be known to be true. Decision: the request stays in the inbox,
// for a shortened lease, and is run again, a few times. Consequence: the answer
// waits for the store; only after the last time it says that it does not know.
//
// # Decision: the incident of a request is fixed when it is accepted
//
// Context: a line without --incident means the only open one. Decision: it is
// resolved before the request is written to the inbox, and stored with it.
// Consequence: a request that is resumed later never turns to another incident.
package bot
