package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"
)

// delivery is one thing that Slack delivered, over whichever transport. One of the
// payloads is set.
type delivery struct {
	at    time.Time // when it came
	retry bool      // Slack says that it delivered it before
	last  bool      // and that it will not do so again
	// garbled: there are bytes in it that are not text.
	garbled bool

	slash *slashCommand
	act   *interaction
	event *callback
}

// slashCommand is a command that was typed
// (docs.slack.dev/interactivity/implementing-slash-commands).
type slashCommand struct {
	Command     string `json:"command"`
	Text        string `json:"text"`
	Team        string `json:"team_id"`
	Channel     string `json:"channel_id"`
	User        string `json:"user_id"`
	ResponseURL string `json:"response_url"`
	TriggerID   string `json:"trigger_id"`
	check       bool   // Slack only looks whether somebody is there
}

// interaction is something that was pressed, submitted or typed into a list
// (docs.slack.dev/reference/interaction-payloads).
type interaction struct {
	Type        string `json:"type"`
	CallbackID  string `json:"callback_id"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	ActionTS    string `json:"action_ts"`
	User        struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Type      string `json:"type"`
		Channel   string `json:"channel_id"`
		MessageTS string `json:"message_ts"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Message message  `json:"message"`
	Actions []action `json:"actions"`
	View    view     `json:"view"`

	// Of what is being typed into a list.
	BlockID string `json:"block_id"`
	Value   string `json:"value"`
}

// message is the message that something was done with.
type message struct {
	TS       string                `json:"ts"`
	ThreadTS string                `json:"thread_ts"`
	User     string                `json:"user"`
	BotID    string                `json:"bot_id"`
	Metadata slackgo.SlackMetadata `json:"metadata"`
}

// action is one control that was used.
type action struct {
	ActionID string  `json:"action_id"`
	BlockID  string  `json:"block_id"`
	ActionTS string  `json:"action_ts"`
	Value    string  `json:"value"`
	Selected *option `json:"selected_option"`
}

type option struct {
	Value string `json:"value"`
}

// view is a form, or somebody's App Home.
type view struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Callback string `json:"callback_id"`
	Metadata string `json:"private_metadata"`
	State    struct {
		// Values are the answers, by block and action.
		Values map[string]map[string]answer `json:"values"`
	} `json:"state"`
}

// answer is what was filled in.
type answer struct {
	Type     string   `json:"type"`
	Value    string   `json:"value"`
	Selected *option  `json:"selected_option"`
	Checked  []option `json:"selected_options"`
	Moment   int64    `json:"selected_date_time"`
	Files    []file   `json:"files"`
}

// file is a file that was handed in.
type file struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// callback is what the Events API delivers (docs.slack.dev/apis/events-api).
type callback struct {
	Type      string          `json:"type"`
	Challenge string          `json:"challenge"`
	Team      string          `json:"team_id"`
	ID        string          `json:"event_id"`
	Shared    bool            `json:"is_ext_shared_channel"`
	Event     json.RawMessage `json:"event"`
	kind      string          // the type of the event
}

// spoken is an event of somebody who writes: app_mention and message.
type spoken struct {
	Subtype     string          `json:"subtype"`
	User        string          `json:"user"`
	BotID       string          `json:"bot_id"`
	Team        string          `json:"team"`
	UserTeam    string          `json:"user_team"`
	Source      string          `json:"source_team"`
	Text        string          `json:"text"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	Channel     string          `json:"channel"`
	ChannelType string          `json:"channel_type"`
	Edited      json.RawMessage `json:"edited"`
	Files       []file          `json:"files"`
}

// lastRetry is the last time that Slack delivers an event again
// (docs.slack.dev/apis/events-api, Retries).
const lastRetry = 3

// tried notes how often something was delivered before.
func (d *delivery) tried(times int) { d.retry, d.last = times > 0, times >= lastRetry }

// readSlashForm reads a command as HTTP brings it.
func readSlashForm(form url.Values) (delivery, error) {
	c := &slashCommand{
		Command: form.Get("command"), Text: form.Get("text"), Team: form.Get("team_id"), Channel: form.Get("channel_id"), User: form.Get("user_id"),
		ResponseURL: form.Get("response_url"), TriggerID: form.Get("trigger_id"), check: form.Get("ssl_check") == "1",
	}
	if c.check {
		return delivery{slash: c}, nil
	}
	return delivery{slash: c, garbled: !utf8.ValidString(c.Text)}, c.validate()
}

// readSlash reads a command as Socket Mode brings it.
func readSlash(raw []byte) (delivery, error) {
	c := &slashCommand{}
	if err := json.Unmarshal(raw, c); err != nil {
		return delivery{}, fmt.Errorf("a slash command: %w", shape(err))
	}
	return delivery{slash: c, garbled: !utf8.Valid(raw)}, c.validate()
}

func (c *slashCommand) validate() error {
	if c.User == "" || c.Team == "" || c.Channel == "" || c.TriggerID == "" {
		return errors.New("a slash command without who, where or a trigger")
	}
	return nil
}

// readInteraction reads what was pressed.
func readInteraction(raw []byte) (delivery, error) {
	i := &interaction{}
	if err := json.Unmarshal(raw, i); err != nil {
		return delivery{}, fmt.Errorf("an interaction: %w", shape(err))
	}
	if i.Type == "" || i.User.ID == "" {
		return delivery{}, errors.New("an interaction without a type or a user")
	}
	return delivery{act: i, garbled: !utf8.Valid(raw)}, nil
}

// readEvent reads what the Events API brings.
func readEvent(raw []byte) (delivery, error) {
	c := &callback{}
	if err := json.Unmarshal(raw, c); err != nil {
		return delivery{}, fmt.Errorf("an event: %w", shape(err))
	}
	if c.Type == "event_callback" {
		var inner struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(c.Event, &inner); err != nil || inner.Type == "" || c.ID == "" {
			return delivery{}, errors.New("an event without a type or an id")
		}
		c.kind = inner.Type
	}
	return delivery{event: c, garbled: !utf8.Valid(raw)}, nil
}

// shape is what is wrong with JSON, without anything that was in it.
func shape(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("its field %q is of the wrong type", kind.Field)
	}
	return errors.New("it is not JSON")
}
