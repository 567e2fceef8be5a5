package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// deadmanFile is the part of the configuration about the second channel.
type deadmanFile struct {
	Webhook string `yaml:"webhook"`
	Format  string `yaml:"format"`
	Place   string `yaml:"place"`
	Scans   string `yaml:"scans"`
}

// deadmanConfig is where the dead-man speaks; the zero value is only in the log.
type deadmanConfig struct {
	Webhook secret // the URL of an incoming webhook: who has it can post
	Format  string // "slack" or "discord": how the webhook wants it
	Place   state.Place
	Scans   time.Duration // how old the newest complete scan may become
}

// The forms of incoming webhooks.
const (
	formatSlack   = "slack"
	formatDiscord = "discord"
)

// check turns the text into values. No problem that it tells of quotes the webhook.
func (f deadmanFile) check(wrong func(format string, args ...any)) deadmanConfig {
	c := deadmanConfig{Webhook: secret(f.Webhook), Format: f.Format, Scans: defaultScanAge}
	if f.Webhook != "" {
		u, err := url.Parse(f.Webhook)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
			wrong("deadman: webhook is no https:// URL (ALLCLEAR_DEADMAN_WEBHOOK)")
		} else if f.Format == "" {
			c.Format = formatOf(u.Hostname())
		}
	}
	if f.Format != "" && f.Format != formatSlack && f.Format != formatDiscord {
		wrong("deadman: format %q: want slack or discord", f.Format)
	}
	if f.Place != "" {
		parts := strings.Split(f.Place, ":")
		if len(parts) != 3 || parts[0] == "" || parts[2] == "" {
			wrong("deadman: place %q: want PLATFORM:WORKSPACE:CHANNEL, as slack:T0123:C0001", f.Place)
		} else {
			c.Place = state.Place{Platform: parts[0], Workspace: parts[1], Channel: parts[2], Ceiling: state.TLPClear}
		}
	}
	if f.Scans != "" {
		d, err := chat.ParseDuration(f.Scans)
		if err != nil || d < time.Hour || d > 30*24*time.Hour {
			wrong("deadman: scans %q: want a duration from 1h to 30d", f.Scans)
		}
		c.Scans = d
	}
	return c
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func formatOf(host string) string {
	if host == "discord.com" || strings.HasSuffix(host, ".discord.com") || host == "discordapp.com" {
		return formatDiscord
	}
	return formatSlack
}

// speaker is where the dead-man speaks; nil: nowhere but in the log.
func (c deadmanConfig) speaker(posters map[string]chat.Poster, now func() time.Time) (func(context.Context, string) error, error) {
	var all []func(context.Context, string) error
	if c.Webhook != "" {
		all = append(all, webhook{c.Webhook, c.Format, &http.Client{
			Timeout:       deadmanLook,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}.say)
	}
	if c.Place.Platform != "" {
		p, ok := posters[c.Place.Platform]
		if !ok {
			return nil, fmt.Errorf("deadman: place: the platform %q is not configured", c.Place.Platform)
		}
		all = append(all, func(ctx context.Context, text string) error {
			part := chat.Para{Mark: chat.Mark{TLP: state.TLPClear}, Text: chat.T(text)}
			_, err := p.Post(ctx, c.Place, chat.Say(part).With(chat.ToneBad), "dead-man "+now().UTC().Format(time.RFC3339)+" "+text)
			return err
		})
	}
	if len(all) == 0 {
		return nil, nil
	}
	return func(ctx context.Context, text string) error {
		var errs []error
		for _, say := range all {
			errs = append(errs, say(ctx, text))
		}
		for _, err := range errs {
			if err == nil {
				return nil // one channel is enough: to say it there again would be worse
			}
		}
		return errors.Join(errs...)
	}, nil
}

// webhook posts to an incoming webhook. Nobody is mentioned, and no error names the URL.
type webhook struct {
	url    secret
	format string
	client *http.Client
}

func (w webhook) say(ctx context.Context, text string) error {
	var body any = map[string]string{"text": text}
	if w.format == formatDiscord {
		body = map[string]any{"content": text, "allowed_mentions": map[string]any{"parse": []string{}}}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the webhook's message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(w.url), bytes.NewReader(raw))
	if err != nil {
		return errors.New("the webhook's URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("post to the webhook: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %d", resp.StatusCode)
	}
	return nil
}
