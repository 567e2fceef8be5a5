package slackfake

import (
	"slices"
	"time"
)

// subscribed reports whether the app receives an event.
func (s *Slack) subscribed(name string) bool { return slices.Contains(s.opt.Subscriptions, name) }

// Event delivers an event, whatever it is, if the app is subscribed to its type.
func (s *Slack) Event(inner map[string]any) {
	s.do(func() { s.eventLocked(inner) })
}

// eventLocked delivers an event to the app, nil when it is not subscribed.
func (s *Slack) eventLocked(inner object) *Delivery {
	name := str(inner["type"])
	if name == "message" {
		name = map[string]string{"channel": "message.channels", "group": "message.groups", "im": "message.im"}[str(inner["channel_type"])]
	}
	if !s.subscribed(name) || s.unsubscribed || s.limited() {
		return nil
	}
	inner = merge(object{"event_ts": s.nextTS()}, inner)
	payload := object{
		"token": "verification", "team_id": TeamID, "api_app_id": AppID, "event": inner, "type": "event_callback",
		"event_id": newID("Ev"), "event_time": s.clock.Now().Unix(), "event_context": "4-" + newSecret(8),
		"authorizations": []any{object{"enterprise_id": nil, "team_id": TeamID, "user_id": BotUser, "is_bot": true, "is_enterprise_install": false}},
	}
	if s.opt.EnterpriseID != "" {
		payload["enterprise_id"] = s.opt.EnterpriseID
	}
	if ch := s.channelByID(str(inner["channel"])); ch != nil {
		payload["is_ext_shared_channel"] = ch.ExtShared
	}
	return s.deliver(EventsAPI, payload, nil)
}

// limited: too many events in an hour; the app is told once a minute.
func (s *Slack) limited() bool {
	now := s.clock.Now()
	s.events = slices.DeleteFunc(s.events, func(at time.Time) bool { return now.Sub(at) > time.Hour })
	if len(s.events) < s.opt.EventsPerHour {
		s.events = append(s.events, now)
		return false
	}
	minute := now.Unix() / 60 * 60
	for _, d := range slices.Backward(s.deliveries) {
		if d.Payload["type"] == "app_rate_limited" && now.Sub(d.At) < time.Minute {
			return true
		}
	}
	s.deliver(EventsAPI, object{
		"type": "app_rate_limited", "token": "verification", "team_id": TeamID, "minute_rate_limited": minute, "api_app_id": AppID,
	}, nil)
	return true
}

// retry delivers an event again, when there are attempts left.
func (s *Slack) retry(d *Delivery) {
	if d.noRetry || d.Attempt >= len(s.opt.Retries) || s.closed {
		return
	}
	wait := s.opt.Retries[d.Attempt]
	again := &Delivery{
		Type: d.Type, EnvelopeID: newUUID(), Payload: clone(d.Payload), Attempt: d.Attempt + 1, Reason: d.failed,
		settled: make(chan struct{}), then: d.then,
	}
	s.after(wait, func() {
		s.do(func() {
			again.At = s.clock.Now()
			s.send(again)
		})
	})
}

// joined is the event of somebody who joined a conversation.
func (s *Slack) joined(ch *conversation, user string) object {
	kind := "C"
	if ch.Private {
		kind = "G"
	}
	return object{"type": "member_joined_channel", "user": user, "channel": ch.ID, "channel_type": kind, "team": TeamID, "inviter": Lead1}
}

// judge ends the subscriptions when more than 95 % of the events of an hour failed
// (docs.slack.dev/apis/events-api).
func (s *Slack) judge() {
	all, failed := 0, 0
	for _, d := range s.deliveries {
		if d.Type == EventsAPI && d.done && s.clock.Now().Sub(d.At) < time.Hour {
			all++
			if d.Outcome != OK {
				failed++
			}
		}
	}
	if all >= s.opt.DisableAfter && failed*100 > all*95 {
		s.unsubscribed = true
	}
}

// Unsubscribed reports whether Slack ended the subscriptions to events.
func (s *Slack) Unsubscribed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsubscribed
}
