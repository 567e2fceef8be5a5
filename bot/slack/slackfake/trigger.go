package slackfake

import (
	"fmt"
	"time"
)

// trigger lets the app open something for a person who just did something.
type trigger struct {
	user string
	at   time.Time
	used bool
	view *view // the view in which it was pressed
}

func (s *Slack) newTrigger(user string, in *view) string {
	id := fmt.Sprintf("%d.%d.%s", s.clock.Now().UnixMilli(), s.lastTS, newSecret(16))
	s.triggers[id] = &trigger{user: user, at: s.clock.Now(), view: in}
	return id
}

// pull uses a trigger, once and in time.
func (s *Slack) pull(id string) (*trigger, *refusal) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case s.clock.Now().Sub(t.at) > s.opt.TriggerLife:
		return nil, refuse("expired_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	}
	t.used = true
	return t, nil
}
