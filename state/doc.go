// Package state is the domain of allclear and its rules: what an incident, a
// server, evidence and a confirmation are, and what follows from what.
//
// Its promise: Assess is pure and total. The same rules, farm, evidence and
// moment give the same answer, with no clock and no I/O, and each answer says
// which evidence decided it and what is missing. No path leads to Confirmed
// without the proof that the playbook asks for.
//
// It imports nothing of ours and knows no store, no chat platform and no
// network. Other packages bring it evidence and carry away what it concluded.
//
// # Decision: bad news does not age, good news does
//
// Context: a probe's answer is true when it is given. Decision: an answer that
// proves a step ages by the playbook's limits and becomes stale; an answer that
// says "vulnerable" stays in force until newer evidence contradicts it.
// Consequence: silence never turns an exposed server into an unknown one.
//
// # Decision: the time of a step is the start of its unbroken run
//
// Context: keys must be rotated after the patch, but the patch is observed
// again and again. Decision: a step is complete since the first observation of
// the unbroken run of proving values (or the event's own time, when the source
// gives it); only a contradicting value breaks a run. Consequence: refreshing
// evidence never moves an order of events, and a restored snapshot always does.
//
// # Decision: a regression ends a confirmation for good
//
// Context: a confirmation holds while the hash of the deciding facts does, and after
// a regression the same facts may be shown again. Decision: a change drops the
// confirmations that something speaks against; proof that is only too old does not.
// Consequence: two persons look again after a regression, and not after a late scan.
//
// # Decision: a retired server was a way in until it was retired
//
// Context: the servers of a farm share keys. Decision: what must come after a step on
// every server comes after the retirement of those that never proved the step.
// Consequence: retiring a server that nobody patched still asks for new keys.
package state
