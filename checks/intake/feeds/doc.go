// Package feeds reads what authorities publish about vulnerabilities: CVE records,
// CISA's catalogue of known exploited vulnerabilities (KEV) and CSAF 2.0 documents.
//
// Its promise: what a source says is handed on as it says it, with its marking and
// its revision, bounded and as text; nothing is concluded from it here. Diff tells
// what has changed between two states of a source that bears on certain CVEs. That
// something is no longer listed is told, and never read as good news.
//
// The package fetches nothing: it reads what it is given.
package feeds

import _ "github.com/gocsaf/csaf/v3/csaf"
