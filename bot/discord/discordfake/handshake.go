package discordfake

import (
	"encoding/json"
	"time"
)

// identify starts a session.
// https://docs.discord.com/developers/events/gateway#identifying
func (c *conn) identify(d json.RawMessage) {
	var id struct {
		Token      string
		Intents    *Intent
		Compress   bool
		Shard      *[2]int64
		Properties json.RawMessage
	}
	f := c.f
	switch {
	case json.Unmarshal(d, &id) != nil || id.Intents == nil || len(id.Properties) == 0:
		c.closeWith(4002, "Error while decoding payload.")
		return
	case c.session != nil:
		c.closeWith(4005, "Already authenticated.")
		return
	case !c.authentic(id.Token):
		return
	case *id.Intents&^knownIntents != 0 || *id.Intents < 0:
		c.closeWith(4013, "Invalid intent(s).")
		return
	case *id.Intents&privileged&^f.app.Privileged != 0:
		c.closeWith(4014, "Disallowed intent(s).")
		return
	}
	sh := shard{}
	if id.Shard != nil {
		sh = shard{uint64(id.Shard[0]), uint64(id.Shard[1])}
		if id.Shard[0] < 0 || id.Shard[1] < 1 || id.Shard[0] >= id.Shard[1] {
			c.closeWith(4010, "Invalid shard.")
			return
		}
	}
	if c.tooManyGuilds(sh) || !c.countIdentify(sh) {
		return
	}
	c.compress = id.Compress
	f.begin(c, *id.Intents, sh, c.version)
	c.poke()
}

func (c *conn) tooManyGuilds(sh shard) bool {
	n := 0
	for _, g := range c.f.myGuilds() {
		if sh.takes(g.id) {
			n++
		}
	}
	if n > guildsPerShard {
		c.closeWith(4011, "Sharding required.")
	}
	return n > guildsPerShard
}

// storm is how many sessions no client starts in so short a time, unless something is
// wrong with it.
var storm = Rate{5, 15 * time.Second}

// countIdentify counts towards the 1000 a day, after which the token is reset.
func (c *conn) countIdentify(sh shard) bool {
	f := c.f
	limits, now := f.limiter.limits, f.now()
	f.identifies = recent(f.identifies, limits.Identifies, now)
	if n := len(f.identifies); limits.IdentifyEvery > 0 && n > 0 && now.Sub(f.identifies[n-1]) < limits.IdentifyEvery {
		f.identifies = append(f.identifies, now)
		c.say(opInvalid, false)
		return false
	}
	if _, used := over(f.identifies, limits.Identifies, now); used {
		f.offend(TokenReset, "%d IDENTIFYs within %s: Discord ends all sessions and resets the token", limits.Identifies.N+1, limits.Identifies.Per)
		f.lockedOut = true
		for other := range f.conns {
			other.closeWith(4004, "Authentication failed.")
		}
		f.sessions = nil
		return false
	}
	f.identifies = append(f.identifies, now)
	if n := len(recent(f.identifies, storm, now)); n == storm.N {
		f.offend(Reidentified, "%d IDENTIFYs within %s", n, storm.Per)
	}
	for _, s := range f.sessions {
		if s.conn == nil && s.shard == sh && now.Sub(s.left) <= sessionLife {
			f.offend(Reidentified, "IDENTIFY though the session %.6s… could be resumed", s.id)
			break
		}
	}
	return true
}

// resume goes on with a session and sends what was missed.
// https://docs.discord.com/developers/events/gateway#resuming
func (c *conn) resume(d json.RawMessage) {
	var r struct {
		Token   string
		Session string `json:"session_id"`
		Seq     *int
	}
	switch {
	case json.Unmarshal(d, &r) != nil || r.Seq == nil || r.Session == "":
		c.closeWith(4002, "Error while decoding payload.")
		return
	case c.session != nil:
		c.closeWith(4005, "Already authenticated.")
		return
	case !c.authentic(r.Token):
		return
	}
	s := c.f.resumable(r.Session)
	if s == nil {
		c.say(opInvalid, false)
		return
	}
	if *r.Seq < 0 || *r.Seq > len(s.events) {
		c.f.endSession(s)
		c.closeWith(4007, "Invalid seq.")
		return
	}
	if old := s.conn; old != nil { // the client lost a connection that we did not
		old.session = nil
		old.closeWith(4000, "The session was resumed elsewhere.")
	}
	s.conn, c.session, c.sent = c, s, *r.Seq
	c.f.countTogether(s.shard)
	s.push("RESUMED", map[string]any{"_trace": []any{}}, nil)
}

// Connected is how many connections have a session.
func (f *Fake) Connected() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.connected()
}

// Together is how many sessions of one shard were connected at once, at most. Discord
// allows more than one; whoever promises that there is one looks here.
func (f *Fake) Together() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.together
}

// countTogether notes how many sessions of a shard are connected. The lock is held.
func (f *Fake) countTogether(sh shard) {
	n := 0
	for _, s := range f.sessions {
		if s.conn != nil && s.conn.last == nil && s.shard == sh {
			n++
		}
	}
	f.together = max(f.together, n)
}

func (f *Fake) connected() int {
	n := 0
	for c := range f.conns {
		if c.session != nil && c.last == nil {
			n++
		}
	}
	return n
}

// Heartbeats is how many heartbeats the connection has sent that sent the fewest; 0
// without a connection.
func (f *Fake) Heartbeats() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	least := -1
	for c := range f.conns {
		if least < 0 || c.beats < least {
			least = c.beats
		}
	}
	return max(least, 0)
}

// Identifies is how many sessions were started.
func (f *Fake) Identifies() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readies
}

// each does something with every connection.
func (f *Fake) each(do func(*conn)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		do(c)
	}
	f.change()
}

// Cut breaks every connection to the gateway without a word. Sessions can be
// resumed.
func (f *Fake) Cut() {
	for _, c := range f.liveConns() {
		f.mu.Lock()
		f.leave(c, 0)
		f.mu.Unlock()
		c.drop()
	}
}

// CloseGateway closes every connection with a code. Sessions can be resumed after
// all codes but 4004 and 4007 to 4014.
func (f *Fake) CloseGateway(code int, reason string) {
	f.each(func(c *conn) {
		if s := c.session; s != nil && (code == 4004 || code >= 4007) {
			f.endSession(s)
		}
		c.closeWith(code, reason)
	})
}

// AskReconnect sends RECONNECT: the clients are to come back and resume.
func (f *Fake) AskReconnect() {
	f.each(func(c *conn) {
		c.say(opReconnect, nil)
	})
}

// InvalidateSessions sends INVALID SESSION. Sessions that are not resumable are
// over: the client has to IDENTIFY.
func (f *Fake) InvalidateSessions(resumable bool) {
	f.each(func(c *conn) {
		if s := c.session; s != nil {
			s.conn, s.left = nil, f.now()
			if !resumable {
				f.endSession(s)
			}
		}
		c.session = nil
		c.say(opInvalid, resumable)
	})
}

// AskHeartbeat asks the clients for a heartbeat at once.
func (f *Fake) AskHeartbeat() {
	f.each(func(c *conn) {
		c.say(opHeartbeat, nil)
	})
}

// Zombie makes the present connections dead without closing them: no heartbeat is
// acknowledged, no event sent.
func (f *Fake) Zombie() { f.each(func(c *conn) { c.zombie = true }) }

// Acknowledge says whether heartbeats are acknowledged, on new connections too.
func (f *Fake) Acknowledge(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = !yes
}

func (req *request) getGateway() (any, *apiError) {
	return map[string]any{"url": "wss://" + gatewayHost}, nil
}

func (req *request) getGatewayBot() (any, *apiError) {
	f := req.f
	limit, now := f.limiter.limits.Identifies, f.now()
	f.identifies = recent(f.identifies, limit, now)
	after := limit.Per
	if len(f.identifies) > 0 {
		after = f.identifies[0].Add(limit.Per).Sub(now)
	}
	return map[string]any{"url": "wss://" + gatewayHost, "shards": 1, "session_start_limit": map[string]any{
		"total": limit.N, "remaining": max(limit.N-len(f.identifies), 0), "reset_after": after.Milliseconds(), "max_concurrency": 1,
	}}, nil
}
