package slackfake

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Limits of scheduled messages (docs.slack.dev/reference/methods/chat.scheduleMessage).
const (
	maxAhead     = 120 * 24 * time.Hour
	maxPerWindow = 30
	window       = 5 * time.Minute
)

func (s *Slack) scheduleMessage(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	sec, err := strconv.ParseInt(c.str("post_at"), 10, 64)
	if err != nil {
		return nil, refuse("invalid_time")
	}
	at, now := time.Unix(sec, 0), s.clock.Now()
	switch {
	case !at.After(now):
		return nil, refuse("time_in_past")
	case at.After(now.Add(maxAhead)):
		return nil, refuse("time_too_far")
	}
	near := 0
	for _, other := range s.scheduled {
		if other.channel == ch.ID && other.at.Truncate(window).Equal(at.Truncate(window)) {
			near++
		}
	}
	if near >= maxPerWindow {
		return nil, refuse("restricted_too_many")
	}
	m, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	job := &scheduled{id: newID("Q"), channel: ch.ID, at: at, made: now, m: m}
	s.scheduled = append(s.scheduled, job)
	s.after(at.Sub(now), func() { s.do(func() { s.due(job) }) })
	return object{"channel": ch.ID, "scheduled_message_id": job.id, "post_at": sec, "message": object{"text": m.text, "bot_id": BotID}}, nil
}

// due posts a scheduled message that was not taken back.
func (s *Slack) due(job *scheduled) {
	i := slices.Index(s.scheduled, job)
	if i < 0 {
		return
	}
	s.scheduled = slices.Delete(s.scheduled, i, i+1)
	s.put(s.channelByID(job.channel), job.m)
}

func (s *Slack) deleteScheduled(c *call) (object, *refusal) {
	i := slices.IndexFunc(s.scheduled, func(j *scheduled) bool {
		return j.id == c.str("scheduled_message_id") && j.channel == c.str("channel")
	})
	if i < 0 {
		return nil, refuse("invalid_scheduled_message_id")
	}
	s.scheduled = slices.Delete(s.scheduled, i, i+1)
	return nil, nil
}

func (s *Slack) listScheduled(c *call) (object, *refusal) {
	found := []any{}
	for _, j := range s.scheduled {
		if !c.has("channel") || j.channel == c.str("channel") {
			found = append(found, object{
				"id": j.id, "channel_id": j.channel, "post_at": j.at.Unix(), "date_created": j.made.Unix(), "text": j.m.text,
			})
		}
	}
	return object{"scheduled_messages": found, "response_metadata": object{"next_cursor": ""}}, nil
}

func jsonLength(o object) int {
	raw, err := json.Marshal(o)
	if err != nil {
		return 0
	}
	return length(string(raw))
}
