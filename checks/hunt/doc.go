// Package hunt reads the logs of web servers and says what of a campaign is in them:
// which requests were attacks, how they were answered, which servers they touched
// together, and which time the logs can speak for at all.
//
// Its promise: silence is never read as innocence. A span of time is clean only when
// every rule could be evaluated on every line of it, when no line of it was lost, and
// when no stretch of it is longer without a line than somebody said is usual. What
// cannot be told is told as a gap, with its reason: missing hours, columns that were
// not logged, lines that cannot be read, a site whose log begins late. A log of a
// front end shows attacks, and proves nothing about the server behind it.
//
// Logs are hostile: whoever asks writes them. They are read in constant memory, with
// bounds on lines, columns, requests that are remembered, files and what an archive
// unpacks to. Nothing in them is followed or executed, and text of them is kept short
// and clean.
//
// It reads W3C extended logs as IIS writes them (by their #Fields, which may change in
// mid-file), the error log of HTTP.sys, and the common and combined formats of other
// servers; plain or packed with gzip.
//
// # Decision: one pass, columns only as far as they decide
//
// Context: a gigabyte of logs holds a few hundred lines that matter. Decision: of each
// line the minute, the path and the client are looked at, in that order, and the rest
// only when one of them is of interest. Consequence: a rule must say which names a path
// contains, or that it is about known addresses.
//
// # Decision: the answer makes the difference, not the request
//
// Context: the whole internet sends the exploit. Decision: what was refused (4xx) is an
// attempt; anything else was answered, also when the status is not known.
package hunt
