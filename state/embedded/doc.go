// Package embedded is a Redis engine inside this process with a durable journal: the store that works when no Redis is
// configured. It adapts miniredis and knows nothing of keys, records or campaigns.
//
// Its promise: no reply is given before the journal record of its effects is synced to disk. That holds for reads too: what
// a reader is told is on disk, whoever wrote it. Once a write or a sync has gone wrong the engine answers nothing but
// errors, and the process must end; what was acknowledged is found again by the next [Open].
//
// # Decisions that may surprise
//
// The journal holds effects, never scripts.
// Context: a script may read the clock or a set in any order, and Lua dialects differ.
// Decision: what a script writes is journalled as plain commands between MULTI and EXEC, in order of execution.
// Consequence: a replay needs no Lua and gives the same state; scripts themselves are forgotten (NOSCRIPT reloads them).
// A journal without its frames is a stream for redis-cli --pipe.
//
// A reply waits for everything before it, not only for its own effects.
// Context: a read could show a change that a power cut then takes back, and the reader may already have told a person.
// Decision: each reply carries the number of the last effect that it may have seen and is held until that one is synced.
// Consequence: one rule for reads, writes and published messages; a read during a sync takes as long as that sync.
// A read alone takes 14 µs, beside one writer 26, beside eight 205 (two cores, one disk).
//
// At most one frame is unsynced, and a frame knows its place.
// Context: a cut tail is normal after a crash, a bad byte before the tail is not, and both look like a bad checksum.
// Decision: all effects of one sync are one frame; the checksum of its header covers its offset in the file.
// Consequence: a bad frame that any good frame follows is corruption and refuses to start ([CorruptError]). A bad
// last frame was never acknowledged: it is cut off and reported ([Recovery]).
//
// Expiry is ours, not miniredis'.
// Context: its clock walks all keys on each command, and a journal replayed later would find keys already expired.
// Decision: deadlines are absolute and kept here; an expired key becomes a DEL in the journal, replay runs with the clock at zero.
// Consequence: a key with a time to live costs a heap entry, one without costs nothing, and a replay never
// depends on when it happens. No expiry before 1970 or after 2190.
//
// Commands are an explicit list; the rest is refused.
// Context: some commands cannot be replayed (random, generated ids, consumer groups) and some would block the engine.
// Decision: SPOP, XADD with *, HEXPIRE, BLPOP, XREAD BLOCK, WAIT, SELECT of another database and the like get an error that says so.
// Consequence: what works here works on a real Redis, not the other way round. SCAN and KEYS are allowed
// for tools, but they sort all keys for each page: no product code may use them.
//
// The order of a large sorted set is kept here, beside miniredis.
// Context: miniredis sorts a whole set for each range of it: 50 ms for the five worst of 100,000 servers.
// Decision: from the first range that is asked of a set of 64 members or more, its order is kept, follows ZADD and ZREM,
// and answers ZRANGE, ZRANGEBYSCORE, ZRANGEBYLEX and ZCOUNT in their plain forms, for scripts too. Any other command that
// writes to the set ends its order; what is unusual miniredis answers, as before.
// Consequence: a range costs what it returns, except the first after a start or after such a command. The keys and the
// journal are as they were.
//
// # Limits
//
// One database, one process, one writer at a time: a script that never ends stops the engine for good. A script costs
// 0.5 to 0.8 ms of CPU to start, so some two thousand changes a second is what two cores give. All data is in memory, and
// a compaction holds everybody up while it writes it. The version that WATCH keeps of each name stays until the process
// ends, as does each different script text: names may come and go by the million, script texts may not.
package embedded
