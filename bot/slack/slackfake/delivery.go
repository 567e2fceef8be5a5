package slackfake

import (
	"encoding/json"
	"time"
)

// What is delivered to the app.
const (
	SlashCommands = "slash_commands"
	Interactive   = "interactive"
	EventsAPI     = "events_api"
)

// The outcomes of a delivery. Slack shows the person operation_timeout or
// dispatch_failed when a command was not acknowledged.
const (
	Waiting          = ""
	OK               = "ok"
	OperationTimeout = "operation_timeout"
	DispatchFailed   = "dispatch_failed"
)

// Delivery is something that was sent to the app, and what became of it.
type Delivery struct {
	Type       string // slash_commands, interactive, events_api
	EnvelopeID string
	Payload    map[string]any
	// Attempt counts the retries of an event, with the Reason for this one.
	Attempt int
	Reason  string
	At      time.Time

	// Acks counts acknowledgements; a duplicate has one of its own. Latency and
	// Reply are of the first.
	Acks    int
	Latency time.Duration
	Reply   map[string]any
	Outcome string
	// Words are what the person was told instead of an answer.
	Words string
	// Copies counts how often it was sent.
	Copies int

	then    func(d *Delivery) // what the acknowledgement does, under the lock
	settled chan struct{}
	done    bool
	stop    func()
	accepts bool
	failed  string // the reason of the next retry
	noRetry bool
	own     bool // an event of the app's own message
}

// copyOf is what is shown of a delivery.
func (d *Delivery) copyOf() Delivery {
	c := *d
	c.Payload, c.Reply = clone(d.Payload), clone(d.Reply)
	return c
}

// Deliveries are all that was sent to the app, oldest first. With types, of those
// types only.
func (s *Slack) Deliveries(types ...string) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Delivery
	for _, d := range s.deliveries {
		if len(types) == 0 || containsString(types, d.Type) {
			out = append(out, d.copyOf())
		}
	}
	return out
}

func containsString(l []string, s string) bool {
	for _, e := range l {
		if e == s {
			return true
		}
	}
	return false
}

// Acks counts the acknowledgements of all deliveries, duplicates with them.
func (s *Slack) Acks(types ...string) int {
	n := 0
	for _, d := range s.Deliveries(types...) {
		n += d.Acks
	}
	return n
}

// deliver sends something to the app. What follows from the acknowledgement is
// done by then. The lock is held.
func (s *Slack) deliver(kind string, payload object, then func(*Delivery)) *Delivery {
	d := &Delivery{
		Type: kind, EnvelopeID: newUUID(), Payload: tidy(payload), At: s.clock.Now(), then: then, settled: make(chan struct{}), accepts: kind != EventsAPI,
	}
	s.send(d)
	return d
}

func (s *Slack) send(d *Delivery) {
	s.deliveries = append(s.deliveries, d)
	if s.opt.HTTP != nil {
		s.post(d)
		return
	}
	c := s.choose()
	if c == nil {
		s.settle(d, DispatchFailed, "connection_failed")
		return
	}
	d.Copies++
	c.push(s.envelope(d))
	d.stop = s.after(s.opt.AckWithin, func() {
		s.do(func() { s.late(d) })
	})
}

// late: nobody acknowledged in time.
func (s *Slack) late(d *Delivery) {
	if !d.done {
		s.complainLocked(Unacked, "%s", describe(d))
		s.settle(d, OperationTimeout, "timeout")
	}
}

// settle ends a delivery that failed. Events are tried again.
func (s *Slack) settle(d *Delivery, outcome, reason string) {
	d.done, d.Outcome, d.failed = true, outcome, reason
	switch d.Type {
	case SlashCommands:
		d.Words = str(d.Payload["command"]) + " failed with the error \"" + outcome + "\""
	case Interactive:
		d.Words = "Sorry, this didn't work. Try again?"
	case EventsAPI:
		s.judge()
		s.retry(d)
	}
	close(d.settled)
	s.wake()
}

// acknowledged: the app answered.
func (s *Slack) acknowledged(d *Delivery, reply object) {
	d.Acks++
	s.wake()
	s.leaks("acknowledgement", reply)
	if d.done {
		return
	}
	d.done, d.Outcome, d.Reply, d.Latency = true, OK, reply, s.clock.Now().Sub(d.At)
	if d.stop != nil {
		d.stop()
	}
	if d.then != nil {
		d.then(d)
	}
	close(d.settled)
	s.wake()
}

// envelope wraps a delivery for Socket Mode.
func (s *Slack) envelope(d *Delivery) []byte {
	o := object{"type": d.Type, "envelope_id": d.EnvelopeID, "payload": d.Payload, "accepts_response_payload": d.accepts}
	if d.Type == EventsAPI {
		o["retry_attempt"], o["retry_reason"] = d.Attempt, d.Reason
	}
	raw, _ := json.Marshal(o)
	return raw
}

func describe(d *Delivery) string {
	switch d.Type {
	case SlashCommands:
		return str(d.Payload["command"]) + " " + str(d.Payload["text"])
	case EventsAPI:
		return "event " + str(obj(d.Payload["event"])["type"])
	}
	return str(d.Payload["type"])
}

// find finds a delivery by its envelope, newest first.
func (s *Slack) findDelivery(envelope string) *Delivery {
	for i := len(s.deliveries) - 1; i >= 0; i-- {
		if s.deliveries[i].EnvelopeID == envelope {
			return s.deliveries[i]
		}
	}
	return nil
}

// Again sends the last thing that a person did once more, the same envelope, over
// another connection when there is one: it happens, and it must run once.
func (s *Slack) Again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d *Delivery
	for _, each := range s.deliveries {
		if !each.own {
			d = each
		}
	}
	if d == nil {
		return
	}
	if s.opt.HTTP != nil {
		s.post(d)
		return
	}
	if c := s.choose(); c != nil {
		d.Copies++
		c.push(s.envelope(d))
	}
	s.wake()
}
