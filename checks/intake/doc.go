// Package intake reads what others found: reports of Shadowserver and Shodan,
// results of nuclei, Nmap and Nessus, and any table whose columns somebody names.
//
// Its promise: a report never makes a server look better. What a report does not
// list is as unknown as before, and what it calls fixed is counted and proves
// nothing. A rule that is known not to guess opens work; any other raises a
// question. Each finding names its tool and rule, where it stands in the file and
// the digest of its row, and carries no secret: request headers, cookies, tokens,
// keys and passwords are dropped before anything is kept.
//
// A file is hostile. It is read in constant memory whatever its size, with bounds
// on its length, records, fields, columns and depth; nothing in it is followed,
// expanded or executed. Whole gives no finding before the file was read to its end.
//
// Three decisions would surprise. A file in a wrong encoding, or one that ends
// early, is refused whole, but a row that cannot be is refused alone, with its
// line. Times without a zone are taken as their makers document them and are else
// refused. And a finding at an address that several servers share is about their
// farm; when their farms differ it is a question to each, never a verdict.
package intake
