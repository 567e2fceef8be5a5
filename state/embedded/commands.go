package embedded

import (
	"fmt"
	"strconv"
	"strings"
)

// kind is how the engine treats a command. The zero value is a command that is not on the list: refused.
type kind uint8

const (
	refused kind = iota
	read         // answers from the state
	write        // changes the state: its effect is journalled
	session      // belongs to the connection or the process: not from a script, not journalled
	script       // runs Lua: its effects are journalled
	message      // publishes
)

// kindOf is a list, not a question to miniredis: a command that an update brings must be looked at before it is let in.
func kindOf(cmd string) kind {
	switch cmd {
	case "EXISTS", "KEYS", "SCAN", "RANDOMKEY", "TOUCH", "TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "OBJECT", "MEMORY",
		"GET", "MGET", "GETRANGE", "STRLEN", "GETBIT", "BITCOUNT", "BITPOS",
		"HEXISTS", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "HSTRLEN", "HVALS", "HSCAN", "HRANDFIELD",
		"LINDEX", "LPOS", "LLEN", "LRANGE",
		"SCARD", "SDIFF", "SINTER", "SINTERCARD", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SRANDMEMBER", "SUNION", "SSCAN",
		"ZCARD", "ZCOUNT", "ZINTER", "ZLEXCOUNT", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK", "ZREVRANGE",
		"ZREVRANGEBYLEX", "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCORE", "ZMSCORE", "ZUNION", "ZSCAN", "ZRANDMEMBER",
		"XLEN", "XREAD", "XRANGE", "XREVRANGE", "XINFO",
		"DBSIZE", "INFO", "TIME", "ECHO", "PING":
		return read
	case "COPY", "DEL", "UNLINK", "EXPIRE", "EXPIREAT", "PEXPIRE", "PEXPIREAT", "PERSIST", "RENAME", "RENAMENX",
		"SET", "SETEX", "PSETEX", "SETNX", "MSET", "MSETNX", "GETSET", "GETDEL", "GETEX", "APPEND", "SETRANGE", "SETBIT",
		"INCR", "INCRBY", "INCRBYFLOAT", "DECR", "DECRBY",
		"HSET", "HMSET", "HSETNX", "HDEL", "HINCRBY", "HINCRBYFLOAT",
		"LPUSH", "LPUSHX", "RPUSH", "RPUSHX", "LPOP", "RPOP", "LMPOP", "RPOPLPUSH", "LMOVE", "LINSERT", "LREM", "LSET", "LTRIM",
		"SADD", "SREM", "SMOVE", "SDIFFSTORE", "SINTERSTORE", "SUNIONSTORE",
		"ZADD", "ZINCRBY", "ZREM", "ZREMRANGEBYLEX", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZINTERSTORE", "ZUNIONSTORE",
		"ZPOPMIN", "ZPOPMAX", "ZMPOP",
		"XADD", "XDEL", "XTRIM",
		"FLUSHALL", "FLUSHDB":
		return write
	case "AUTH", "HELLO", "SELECT", "QUIT", "CLIENT", "COMMAND", "SCRIPT", "PUBSUB", "WATCH", "UNWATCH",
		"SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "MULTI", "EXEC", "DISCARD":
		return session
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO":
		return script
	case "PUBLISH":
		return message
	}
	return refused
}

// replayable gives the error for a command of the list that this engine cannot honour, or "".
func (e *Engine) replayable(cmd string, a []string) string {
	switch cmd {
	case "SELECT":
		if len(a) == 1 && a[0] != "0" {
			return "ERR DB index is out of range: the embedded store has one database"
		}
	case "COPY":
		if len(a) > 3 || len(a) == 3 && !strings.EqualFold(a[2], "REPLACE") {
			return "ERR the embedded store has one database"
		}
	case "XREAD":
		for _, w := range a {
			if strings.EqualFold(w, "BLOCK") {
				return notHere("XREAD BLOCK")
			}
			if strings.EqualFold(w, "STREAMS") {
				break
			}
		}
	case "XADD":
		return explicitID(a)
	case "XTRIM":
		if len(a) < 3 {
			return "ERR wrong number of arguments for 'xtrim' command"
		}
	case "SET", "SETEX", "PSETEX", "GETEX", "EXPIRE", "EXPIREAT", "PEXPIRE", "PEXPIREAT":
		return e.badExpiry(cmd, a)
	}
	return ""
}

func notHere(what string) string {
	return fmt.Sprintf("ERR %s is not available in the embedded store: it cannot be replayed from a journal or would block", what)
}

// explicitID accepts only XADD with an id that the caller chose. It also stands before two faults of miniredis: an empty
// stream left behind by a refused id, and a panic on options that are cut short.
func explicitID(a []string) string {
	const wrong = "ERR wrong number of arguments for 'xadd' command"
	i := 1
	if i < len(a) && strings.EqualFold(a[i], "NOMKSTREAM") {
		i++
	}
	if i < len(a) && (strings.EqualFold(a[i], "MAXLEN") || strings.EqualFold(a[i], "MINID")) {
		i++
		if i < len(a) && (a[i] == "~" || a[i] == "=") {
			i++
		}
		i++
	}
	if len(a) < i+3 || (len(a)-i)%2 == 0 {
		return wrong
	}
	if strings.HasSuffix(a[i], "*") {
		return notHere("XADD with a generated id")
	}
	ms, seq, _ := strings.Cut(a[i], "-")
	if seq == "" {
		seq = "0"
	}
	m, err1 := strconv.ParseUint(ms, 10, 64)
	s, err2 := strconv.ParseUint(seq, 10, 64)
	switch {
	case err1 != nil || err2 != nil:
		return "ERR Invalid stream ID specified as stream command argument"
	case m == 0 && s == 0:
		return "ERR The ID specified in XADD must be greater than 0-0"
	}
	return ""
}
