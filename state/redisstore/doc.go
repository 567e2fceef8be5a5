// Package redisstore keeps the records of allclear on any Redis: single, Sentinel, Cluster, or the embedded engine. It is
// the only code that knows keys.
//
// Its promise: a change and everything that follows from it (records, counters, indexes, reminders, letters, the audit
// entry) is applied in one atomic step or not at all, and once, however often it is tried and whichever reply was lost.
// It decides nothing about incidents: that is package state. It knows no platform and no command.
//
// # Decision: one small program per write, checked before it is run
//
// Context: Redis does not roll a script back, and logic in Lua is hard to test on two engines. Decision: Go computes
// what to write and sends it as a list of checks and operations; one script makes all checks, then all writes.
// Consequence: the script knows nothing of incidents; what is atomic is what is in one program. Times and hashes are made
// in Go, the script handles strings and integers only, and every key is passed in KEYS under one hash tag.
//
// # Decision: the marker of a request is the proof that it was applied
//
// Context: a reply can be lost after the script ran. Decision: each change leaves a marker (request, step) with the hash
// of its audit entry. Consequence: sending it again is always safe; the same hash means "it was this very attempt", another
// one "somebody else did it". A client that retries by itself does no harm. Markers are pruned by the hour, never
// those of a request that is unfinished.
//
// # Decision: documents in 256 buckets, everything enumerable
//
// Context: SCAN is too slow on the embedded engine, one hash for all servers too big for a real Redis. Decision: rows and
// farms are fields of 256 hashes per incident; every other key can be named from an index. Consequence: export, digest
// and verification walk by name. No key has a time to live.
//
// # Decision: what a look needs is kept ready
//
// Context: a status card must cost the same at 8,000 servers and at 800,000, on both engines. Decision: what it reads is kept
// with each change: counters, servers by urgency, farms by the hour in which they are due and by the revision that they were
// assessed at, servers by when an accepted risk or a claim of theirs ends, letters that are held back. Consequence: a look
// reads what it shows. These lists came with schema 2 and 3; a store of an older schema, which no release has written, is
// refused.
//
// # Decision: the store looks at the board itself before clear is written
//
// Context: between the look at the board and the declaration a server may re-open. Decision: a change that declares clear
// is written only if the board, read again here, has the declared hash, and has not changed when the script runs.
// Consequence: a declaration costs a walk over all rows; nothing else does.
package redisstore
