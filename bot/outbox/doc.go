// Package outbox delivers letters: it takes them from a store, renders them when
// they go out, and hands them to the platform of their place.
//
// Its promise: a letter is delivered at least once, and doubled only where a
// platform gives no way to look whether it arrived; nothing marked above the
// ceiling of a place gets there, in no part and no log; and every letter that is
// given up is visible with the reason. The rules against noise live here and
// nowhere else. It knows no platform by name, and not the process around it.
//
// # Decision: look before posting again
//
// Context: between a post and the note of it a process can die. Decision: a
// letter that was claimed before, and not put back in order since, is looked for
// by its key; only when it is not found is it posted. Consequence: the crash
// window costs one look, not a second message.
//
// # Decision: what only one person sees is shown at most once
//
// Context: an ephemeral answer can be neither found nor edited. Decision: when
// nobody can tell whether such a letter arrived, it is given up and visible as
// such. An edge that knows that nothing was posted says so with RetryAfter.
//
// # Decision: a card never goes back in time
//
// Context: letters of one card may be held, and overtake each other. Decision:
// what was shown is noted with the time of its notice, and an older notice of the
// same card counts as delivered. An answer is newer than all progress, whatever the
// clocks of two replicas say. Consequence: late progress never replaces a result.
package outbox
