// Package redisjobs runs scans on all replicas that share a Redis.
//
// A scan is cut into chunks. Each is a task of asynq, which brings it to one of
// the replicas; whoever takes a chunk holds it for a few seconds at a time and
// writes what it saw into a list in Redis. The replica that was asked for the scan
// reads that list from its beginning, and so does the one that takes over from it:
// nothing is asked again because of that.
//
// asynq only carries: that a chunk is held once, seen once and ended once is
// decided by the scripts of this package, by the clock of Redis. asynq would miss
// a dead worker for a minute and a half, and can lose a task in a failover; whoever
// reads the list therefore offers a chunk again that nobody holds. asynq's scheduler
// is not used.
//
// A scan of a few servers, and every scan on the embedded store, runs in its own
// process: see checks.Local. What is kept here is kept for hours at most; it is not
// part of the store, and never exported.
package redisjobs
