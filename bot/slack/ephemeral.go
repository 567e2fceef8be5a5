package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// homeID is the name of an App Home among messages.
const homeID = "home"

// outside reports whether we cannot write where something is to be said: we are
// not in the channel, or whoever asked is not.
func outside(err error) bool {
	switch wordOf(err) {
	case "not_in_channel", "channel_not_found", "user_not_in_channel":
		return true
	}
	return false
}

// whisper shows a message to one person in a channel, where Slack lets us, and
// otherwise through the address that came with the request.
func (p *Platform) whisper(ctx context.Context, t target, m chat.Message, key string) (string, error) {
	id := ""
	r, err := p.drawn(p.setting(ctx, t, m), m, func(r rendered) (err error) {
		id, err = p.mutter(ctx, t, r.sheets[0])
		return err
	})
	switch {
	case err == nil:
	case outside(err) && t.reply != "":
		return p.respond(ctx, t, m, key, err)
	default:
		return "", p.toldIn(ctx, t.channel, "slack: show a message to one person", err)
	}
	for _, s := range r.sheets[1:] {
		err := p.patiently(ctx, func() error {
			_, err := p.mutter(ctx, t, s)
			return err
		})
		if err != nil {
			return "", partly(p.told("show the rest", err))
		}
	}
	return "ephemeral " + id, p.handFiles(ctx, t, r.files)
}

func (p *Platform) mutter(ctx context.Context, t target, s sheet) (string, error) {
	opts := append(wording(s), slackgo.MsgOptionPostEphemeral(t.user))
	if t.thread != "" {
		opts = append(opts, slackgo.MsgOptionTS(t.thread))
	}
	_, ts, _, err := p.api.SendMessageContext(ctx, t.channel, opts...)
	return ts, err
}

// handFiles sends files to one person directly, for nobody else may see them.
func (p *Platform) handFiles(ctx context.Context, t target, files []enclosure) error {
	if len(files) == 0 {
		return nil
	}
	im, err := p.converse(ctx, t.user)
	for _, f := range files {
		if err == nil {
			err = p.upload(ctx, im, "", f)
		}
		if errors.As(err, new(*chat.Permanent)) {
			p.opt.Logger.Warn("slack: a file is not shown", "error", err)
			_, err = p.mutter(ctx, t, sheet{Blocks: []slackgo.Block{missing(f, err)}, Text: "A file could not be attached."})
		}
	}
	if err != nil {
		return partly(err)
	}
	return nil
}

// reply is what is posted to a response_url
// (docs.slack.dev/interactivity/handling-user-interaction).
type reply struct {
	Text        string          `json:"text"`
	Blocks      []slackgo.Block `json:"blocks"`
	Type        string          `json:"response_type"`
	Replace     bool            `json:"replace_original"`
	Thread      string          `json:"thread_ts,omitempty"`
	UnfurlLinks bool            `json:"unfurl_links"`
	UnfurlMedia bool            `json:"unfurl_media"`
}

// respond answers through the address that came with a request: also where we are
// not in the channel. Slack takes five answers in half an hour.
// When they are over, it is as if there were no address: why is what went wrong before.
func (p *Platform) respond(ctx context.Context, t target, m chat.Message, key string, why error) (string, error) {
	s := p.setting(ctx, t, m)
	s.onward = "it goes on below"
	form := reply{Type: slackgo.ResponseTypeInChannel, Thread: t.thread}
	if t.user != "" {
		form.Type = slackgo.ResponseTypeEphemeral
	} else {
		s.files = ""
	}
	r, err := p.drawn(s, m, func(r rendered) error { return p.speak(ctx, t.reply, form, r.sheets[0]) })
	switch word := wordOf(err); {
	case word == "expired_url", word == "used_url":
		return "", p.toldIn(ctx, t.channel, "slack: answer a request", why)
	case err != nil:
		return "", p.told("slack: answer a request", err)
	}
	for _, s := range r.sheets[1:] {
		err := p.patiently(ctx, func() error { return p.speak(ctx, t.reply, form, s) })
		if err != nil {
			return "", partly(p.told("say the rest", err))
		}
	}
	id := "reply " + hashOf(key)
	if t.user != "" {
		return id, p.handFiles(ctx, t, r.files)
	}
	return id, nil
}

// speak posts one answer. Errors never hold the address.
func (p *Platform) speak(ctx context.Context, address string, form reply, s sheet) error {
	form.Text, form.Blocks = s.Text, s.Blocks
	body, err := json.Marshal(form)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address for answers is none")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := *p.opt.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return replied(resp)
}

// replied reads what a response_url says: "ok", or JSON with an error.
func replied(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &slackgo.RateLimitedError{RetryAfter: time.Duration(max(after, 1)) * time.Second}
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	switch {
	case json.Unmarshal(raw, &said) == nil && !said.OK && said.Error != "":
		return slackgo.SlackErrorResponse{Err: said.Error}
	case resp.StatusCode != http.StatusOK:
		return slackgo.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	return nil
}

// publish shows a message as the App Home of somebody.
func (p *Platform) publish(ctx context.Context, t target, m chat.Message) error {
	r := render(m, p.setting(ctx, t, m))
	_, err := p.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{
		UserID: t.user, View: slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: r.sheets[0].Blocks}},
	})
	return p.told("slack: publish an App Home", err)
}
