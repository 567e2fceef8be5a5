// Package feeds reads what authorities publish about vulnerabilities: CVE records,
// CISA's catalogue of known exploited vulnerabilities (KEV) and CSAF 2.0 documents.
//
// Its promise: what a source says is handed on as it says it, with its marking and
// its revision, bounded and as text; nothing is concluded from it here. Diff tells
// what has changed between two states of a source that bears on certain CVEs. That
// something is no longer listed is told, and never read as good news.
//
// Two decisions would surprise. CSAF documents are decoded without complaint about
// members that the library does not know, for it misspells one that CISA uses; but
// they are validated, and a document with a marking that cannot be kept is refused.
// And fix lines stay texts: publishers drop prefixes, split a version over two members
// or write "publication" for it, so that only a playbook, with its own table, may
// turn them into builds.
//
// Fetcher asks only hosts that the operator named, within limits. Bears tells what of
// it the work does not know yet, and Revision makes a proposal of it; whether that is
// put in force, a lead decides.
package feeds
