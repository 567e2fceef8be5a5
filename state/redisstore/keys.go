package redisstore

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// hashTag puts all keys into one slot of a Cluster, so that one script may touch any of them.
const hashTag = "{s00}:"

// buckets is how many hashes hold the documents of an incident.
const buckets = 256

// maxLanes is how many writers can be alive at once without taking lanes from each other.
const maxLanes = 64

// auditSegment is how many audit entries one list holds.
const auditSegment = 1000

// keys names every key. The parts that people choose come last, so that no two names can be mistaken for each other.
type keys struct{ prefix string }

func (k keys) of(name string) string { return k.prefix + hashTag + name }

func bucketOf(s string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	n := h.Sum32()
	return int((n ^ n>>8 ^ n>>16 ^ n>>24) % buckets)
}

func hex2(b int) string { return fmt.Sprintf("%02x", b) }

// Of the whole store.
func (k keys) meta() string               { return k.of("meta") }                              // hash: schema, instance, created
func (k keys) incidents() string          { return k.of("incidents") }                         // zset: id -> opened
func (k keys) heads() string              { return k.of("heads") }                             // hash: id -> IncidentHead
func (k keys) seq() string                { return k.of("audit:seq") }                         // string: last audit entry
func (k keys) lane(i int) string          { return k.of("lane:" + strconv.Itoa(i)) }           // hash: n, hash, holder, epoch, until
func (k keys) segment(i int64) string     { return k.of("audit:" + strconv.FormatInt(i, 10)) } // list of entries
func (k keys) mark(field string) string   { return k.markIn(bucketOf(field)) }                 // hash: request and step -> seq hash
func (k keys) markIn(b int) string        { return k.of("mark:" + hex2(b)) }
func (k keys) hours() string              { return k.of("hours") }           // zset: kind:hour -> hour, of what can be pruned
func (k keys) old(kindHour string) string { return k.of("old:" + kindHour) } // set: what was made in that hour

func (k keys) desk() string        { return k.of("desk") }        // hash: rev, doc
func (k keys) advisories() string  { return k.of("advisories") }  // hash: number -> Advisory
func (k keys) communities() string { return k.of("communities") } // hash: id -> Community
func (k keys) reports() string     { return k.of("reports") }     // hash: id -> Report
func (k keys) bearings() string    { return k.of("bearings") }    // hash: id -> Bearing
func (k keys) feeds() string       { return k.of("feeds") }       // hash: source -> what it said last

func (k keys) inBody() string          { return k.of("in:body") }   // hash: id -> payload
func (k keys) inJob() string           { return k.of("in:job") }    // hash: id -> accepted attempt nonce
func (k keys) inLease() string         { return k.of("in:lease") }  // hash: id -> attempt holder
func (k keys) inQueue() string         { return k.of("in:queue") }  // zset: id -> n
func (k keys) inLeased() string        { return k.of("in:leased") } // zset: id -> until
func (k keys) inCount() string         { return k.of("in:n") }
func (k keys) inSeen(id string) string { return k.inSeenIn(bucketOf(id)) } // hash: id -> accepted nonce
func (k keys) inSeenIn(b int) string   { return k.of("in:seen:" + hex2(b)) }

func (k keys) letter(id string) string    { return k.letterIn(bucketOf(id)) } // hash: id -> letter
func (k keys) letterIn(b int) string      { return k.of("out:letter:" + hex2(b)) }
func (k keys) receipt(id string) string   { return k.receiptIn(bucketOf(id)) } // hash: id -> receipt
func (k keys) receiptIn(b int) string     { return k.of("out:receipt:" + hex2(b)) }
func (k keys) card(id string) string      { return k.cardIn(bucketOf(id)) } // hash: card and place -> receipt
func (k keys) cardIn(b int) string        { return k.of("out:card:" + hex2(b)) }
func (k keys) places() string             { return k.of("out:places") }         // zset: place -> when to look at its queue
func (k keys) queue(place string) string  { return k.of("out:queue:" + place) } // zset: n+id -> due
func (k keys) claims(place string) string { return k.of("out:state:" + place) } // hash: id -> due n notbefore until claims token held
func (k keys) letters() string            { return k.of("out:all") }            // zset: id -> created
func (k keys) dead() string               { return k.of("out:dead") }           // hash: id -> letter
func (k keys) held() string               { return k.of("out:held") }           // hash: id -> place
func (k keys) outCount() string           { return k.of("out:n") }

func (k keys) cursors() string     { return k.of("cron") }       // hash: job -> next slot
func (k keys) cursorTries() string { return k.of("cron:fired") } // hash: job -> nonce of the last fire
func (k keys) holds() string       { return k.of("hold") }       // hash: name -> epoch until holder

// Of an incident.
func (k keys) incident(i string) string          { return k.of("incident:" + i) }       // hash: rev, doc, rules, board
func (k keys) farm(i, farm string) string        { return k.farmIn(i, bucketOf(farm)) } // hash: farm -> FarmState
func (k keys) farmIn(i string, b int) string     { return k.of("farm:" + hex2(b) + ":" + i) }
func (k keys) farmRev(i, farm string) string     { return k.farmRevIn(i, bucketOf(farm)) } // hash: farm -> rev revision
func (k keys) farmRevIn(i string, b int) string  { return k.of("rev:" + hex2(b) + ":" + i) }
func (k keys) row(i, server string) string       { return k.rowIn(i, bucketOf(server)) } // hash: server -> Row
func (k keys) rowIn(i string, b int) string      { return k.of("row:" + hex2(b) + ":" + i) }
func (k keys) trail(i, server string) string     { return k.trailIn(i, bucketOf(server)) } // hash: server -> audit entries
func (k keys) trailIn(i string, b int) string    { return k.of("trail:" + hex2(b) + ":" + i) }
func (k keys) revisions(i string) string         { return k.of("revisions:" + i) }              // hash: revision -> farms
func (k keys) revised(i, revision string) string { return k.of("farms-" + revision + ":" + i) } // zset: farm -> 0
func (k keys) counts(i string) string            { return k.of("count:" + i) }                  // hash: s:status or f:flag -> n
func (k keys) countsBy(kind, i string) string    { return k.of("count-" + kind + ":" + i) }     // hash: name|s:status -> n
func (k keys) index(i string) string             { return k.of("index:" + i) }                  // zset: server -> -priority
func (k keys) indexBy(kind, i, name string) string {
	return k.of("index-" + kind + ":" + i + ":" + name)
}

func (k keys) ending(e state.Ending, i string) string { // zset: server -> when
	return k.of("ends-" + string(e) + ":" + i)
}
func (k keys) names(kind, i string) string  { return k.of("names-" + kind + ":" + i) }  // zset: lower NUL name -> 0
func (k keys) dueHours(i string) string     { return k.of("due:" + i) }                 // zset: hour -> hour
func (k keys) due(i, hour string) string    { return k.of("due-" + hour + ":" + i) }    // zset: farm -> until
func (k keys) proposals(i string) string    { return k.of("proposals:" + i) }           // hash: id -> ProposalRef
func (k keys) historyDays(i string) string  { return k.of("history:" + i) }             // zset: day -> day
func (k keys) history(i, day string) string { return k.of("history-" + day + ":" + i) } // hash: minute -> counts
func (k keys) pace(i, day string) string    { return k.of("pace-" + day + ":" + i) }    // hash: stretch|group -> servers finished
func (k keys) pings(i string) string        { return k.of("pings:" + i) }               // hash: who was reminded -> PingMemory
func (k keys) pingsLeft(i string) string    { return k.of("pings-left:" + i) }          // hash: who was not reminded -> n
func (k keys) scans(i string) string        { return k.of("scan:" + i) }                // hash: id -> doc
func (k keys) scanOrder(i string) string    { return k.of("scan-order:" + i) }          // zset: id -> n
func (k keys) scanRuns(i string) string     { return k.of("scan-runs:" + i) }           // hash: selection -> until id
func (k keys) scanEnds(i string) string     { return k.of("scan-ends:" + i) }           // hash: id -> who wants it to end

func hourOf(t time.Time) string { return strconv.FormatInt(t.Unix()/3600, 10) }

func dayOf(t time.Time) string { return strconv.FormatInt(t.Unix()/86400, 10) }

// millis is the moment in whole milliseconds, cut off: what is due is never found late.
func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
