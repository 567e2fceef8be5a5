// Package playbook reads playbooks: campaigns as data. It parses and validates a
// file whole, holds the built-in ones, and yields observers and indicators for a
// scan and state.Rules for the assessment.
//
// Its promise: a playbook that loads can be worked with. Every reference points
// at something, every pattern compiles, every step can be proved from inside,
// every request is a harmless one, nothing is left to be filled in, and whoever
// wrote the file hears of all mistakes at once, each with its line. It knows no
// incident, no server and no network.
//
// # The format
//
// A playbook is YAML without anchors, aliases or tags. An unknown key is an
// error. [Schema] describes the same to editors. This one is complete:
//
//	playbook: example
//	revision: 1 # goes up with every change that is published
//	title: Example
//	summary: What happened, and what done means.
//	item: site # what an item of a farm is; for steps with the scope item
//	window: 2025-01-05 # exploitation began; for proofs that cover it
//	due: 2025-01-20 # the earliest date an authority wants, or none
//	cves:
//	  - id: CVE-2025-12345
//	    title: Something is wrong
//	    grade: A # A to D, or I for an inference
//	    kev: {added: 2025-01-10, due: 2025-01-20} # if in CISA's catalogue
//	products:
//	  - id: seven
//	    name: Product 7
//	    note: Goes into the reason when the product alone decides.
//	    branches:
//	      - from: 7.0 # included
//	        below: 8.0 # not included
//	        fixed: 7.0.120 # the first fixed build, or none
//	        complete: true # of builds that begin like it, the list has all
//	        builds: # published ones, ascending: build, date, KB, partial
//	          - 7.0.110 2025-01-02 KB1000001 partial
//	          - 7.0.120 2025-01-09 KB1000002
//	steps: # in the order of work
//	  - id: patch
//	    title: Install the update
//	    scope: server # server, farm or item
//	    fix: true # the fix steps together make a server fixed
//	    advice: Install the update.
//	    proof: # any one of them
//	      - kind: package
//	        fixLine: true # the value is a build, held against the fix line
//	        sources: [collector, attestation] # and hunt; nothing seen from outside
//	        maxAge: 30d
//	  - id: rotate
//	    title: Rotate the keys
//	    scope: item
//	    products: [] # server steps only; empty: all
//	    after: [patch] # complete on the same subject, or on the whole farm if the scopes differ
//	    need: always # or compromised, or never: advised only
//	    advice: Rotate the keys of this site.
//	    proof:
//	      - kind: rotation
//	        good: [rotated]
//	        bad: [reverted]
//	        sources: [collector, attestation]
//	        dated: true # an event: the evidence says when, and does not age
//	  - id: hunt
//	    title: Hunt
//	    scope: server
//	    advice: Search the logs.
//	    proof:
//	      - {kind: hunt, good: [clean], bad: [hit], sources: [hunt], covers: true}
//	signs: # evidence that an attacker was there
//	  - {kind: hunt, values: [hit], proves: true}
//	observers: # harmless requests that reveal a build
//	  - id: header
//	    method: GET # or HEAD
//	    path: /
//	    header: X-Version # each value of it; without it, the body is read
//	    pattern: '^([0-9.]+)$' # RE2, with one group: the version
//	    parts: [0, 1, 3] # which of its numbers make the build; without it, all
//	    precision: 3 # how many numbers a build of this observer has
//	    caveat: What a reader must know of such a build.
//	    lookalikes: [{pattern: '^0\.', name: Something else}]
//	    examples: [{answer: 7.0.0.120, build: 7.0.120}] # tried when the file is read
//	  - id: icon
//	    method: GET
//	    path: /login/
//	    read: links # the paths that the page links to on its own server
//	    pattern: '^/static/([0-9]+\.[0-9]+)/'
//	    precision: 2
//	    caveat: Two numbers only.
//	    examples: [{answer: /static/7.0/icon.png, build: 7.0}]
//	  - id: way
//	    method: HEAD
//	    path: /app/
//	    read: redirect # where a redirect leads; it is followed on the same server only
//	    pattern: '/v([0-9.]+)/'
//	    precision: 3
//	    caveat: A proxy may answer.
//	  - id: made
//	    method: GET
//	    path: /static/texts.json.gz
//	    read: stamp # the time stamp in the header of a gzip file, which is not unpacked
//	    file: texts.json # the file's name in that header; without a name it was made by a proxy
//	    stamps: [1735800000 7.0.110, 1736400000 7.0.120] # without it, the date is the build: 2025.1.9
//	    caveat: A file may stay when the rest is changed.
//	    examples: [{answer: '1736400000', build: 7.0.120}]
//	  - id: sign
//	    method: GET
//	    path: /static/since-seven.js
//	    read: status # asked between names that cannot exist: they must get another status
//	    status: 200
//	    means: 7.0 # the build that this is the sign of; another status is the sign of nothing
//	    caveat: Tells the product, not the build.
//	indicators: # paths that exist only where an attacker was
//	  - {id: shell, path: /shell.php, grade: A}
//	logs: {settles: true, blind: The log holds no body of a request.} # what logs are worth
//	logRules: # a request that matches all of one
//	  - id: shell-asked
//	    title: The web shell was asked for
//	    shows: shell # or exploit, or keys
//	    confidence: high # medium proves nothing; low raises no suspicion either, and asks for a look
//	    grade: B
//	    source: A vendor
//	    fields: [cs-uri-stem, sc-status] # needed columns; without one: cannot tell
//	    names: [shell.php] # the decoded path has one of them; not needed with "known: true"
//	    stem: '(?i)/shell\.php$' # also method, query, referer, agent
//	    status: [200, 5xx] # the answers that the rule is about
//	    size: {column: sc-bytes, from: 10, to: 100000} # where the log has the column
//	    mistaken: [Somebody's own shell.php]
//	iocs: # type: ip, domain, sha256, filename, path-regex, user-agent
//	  - {type: ip, value: 192.0.2.1, role: exploitation, grade: C, source: A vendor, seen: 2025-01-06}
//	detections:
//	  - {kind: sigma, id: some-rule, repo: owner/name, path: rules/some.yml, licence: DRL-1.1}
//	sources:
//	  - {title: The vendor's advisory, at: example.com, for: fix lines, grade: A}
//
// A revision of a built-in playbook can be told by its differences alone: a fix
// line that moved, a newly published build. Each fix line belongs to the branch
// that it lies in.
//
//	playbook: toolshell
//	revision: 3
//	base: 2
//	builds: [16.0.18526.20600 2025-12-01 KB5009999]
//	fixed: [16.0.18526.20600]
//	due: none # without it, the base's; with cves (ids to keep), the earliest of theirs
//
// # Builds and branches
//
// A build is its numbers, however a vendor writes them: "16.0.10417.20037",
// "14.1-43.56" (which is 14.1.43.56) or "15.02.1118.020" (15.2.1118.20). They are
// compared from the left, as numbers. A build belongs to the branch whose range it
// lies in; each branch has its own fix line, so that a product with a fix for each
// of its lines, or for each cumulative update, has as many branches. A branch that
// ended before the fix, or begins after it, names the line of another branch of its
// product: all of its builds lack the fix, or have it. Branches do not overlap; what
// lies in none is of no product, and unknown.
//
// A build with fewer numbers than the fix line is a prefix: it stands for all
// builds that begin with it. It is below or above the line when all of those are.
// A prefix of the line itself is unknown, unless the list of builds is "complete"
// and all that it can stand for have the fix.
//
// A fix line is written whole. CVE records write some without the first numbers
// ("43.56" of the branch 14.1, "10393.20000" of 16.0): see [Draft].
//
// # What may be asked
//
// GET and HEAD of plain paths: no query, no host, no encoding, nothing of the list
// of [checks.Denied], which holds the shapes of known attacks. At most 48 requests
// a server before anything is found; the client adds its own budget of requests,
// bytes and time. Headers that carry what gives access are never read.
//
// # Scopes and order
//
// A step is about each server, the farm or each item. What it comes after must be
// complete on the same subject when both have the same scope, and else on all of
// the farm: sessions are ended after the update of every node. The hunt covers
// from the window to the end of exposure.
//
// # Logs
//
// A log rule is matched on the decoded path, query, referer and user agent. Without
// "settles: true" logs that show nothing are no clean hunt, however whole they are.
// What was asked and refused is an attempt; what was answered raises suspicion, if the
// confidence is not low; a web shell that answered 200, by a sure rule and in the
// server's own log, is proof.
//
// # Drafts
//
// [Draft] writes a playbook from CVE records, as far as they tell. What a person
// has to add is marked by comments and values that begin with "FILL IN", and such
// a file does not load.
//
// # Decision: a branch without a fix says so
//
// Context: a product out of support has no fix line, and a forgotten line looks
// the same. Decision: the key is required, and its value may be "none".
// Consequence: leaving something out never changes a verdict.
//
// # Decision: a list of builds has gaps unless it says that it is complete
//
// Context: a list that holds nothing but the fixed build would make every prefix
// of it "fixed". Decision: such a list decides nothing, unless its author says that
// it is complete. Consequence: who is lazy hears "unknown" more often.
//
// # Decision: nothing from outside proves a step
//
// Context: probes and reports see a header, not a server. Decision: the sources
// of a proof are collector, hunt and attestation; the others are refused here,
// when the file is read. Consequence: no playbook, however written, can make a
// server remediated because of what it answered.
package playbook
