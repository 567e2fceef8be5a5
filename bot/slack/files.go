package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How a file is read.
const (
	fileTime    = 2 * time.Minute
	fileRetries = 3
)

// Fetch reads a file that somebody handed in, from Slack and from nowhere else. A
// *chat.Problem says why it is not one that can be read: too large, no text, gone.
func (p *Platform) Fetch(ctx context.Context, place state.Place, f chat.File) (chat.File, error) {
	if place.Platform != Name || f.Ref == "" {
		return f, fmt.Errorf("slack: a file of %q", place.Platform)
	}
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	info, err := p.fileInfo(ctx, f.Ref)
	if err != nil {
		return f, err
	}
	name := chat.FileName(info.Name)
	address, err := p.fileAddress(name, info)
	if err != nil {
		return f, err
	}
	data, err := p.download(ctx, name, address)
	if err != nil {
		return f, err
	}
	if why := chat.Unreadable(data); why != "" {
		return f, &chat.Problem{What: fmt.Sprintf("The file %s %s.", name, why), Try: chat.HandInText}
	}
	return chat.File{Name: name, Data: data, Ref: f.Ref}, nil
}

// fileInfo asks Slack what a file is. It waits when it asks too often.
func (p *Platform) fileInfo(ctx context.Context, id string) (*slackgo.File, error) {
	for try := 1; ; try++ {
		info, _, _, err := p.api.GetFileInfoContext(ctx, id, 0, 0)
		switch {
		case err == nil:
			return info, nil
		case wordOf(err) == "file_not_found", wordOf(err) == "file_deleted", wordOf(err) == "access_denied", wordOf(err) == "not_visible":
			return nil, &chat.Problem{What: "The file is not there any more, or I may not read it.", Try: "Share it in a channel that I am in, or send it to me directly."}
		case lasting(err), try == fileRetries, ctx.Err() != nil:
			return nil, fmt.Errorf("slack: look up a file: %w", hushed(err))
		}
		bot.Pause(ctx, max(time.Second, p.dir.limited(err)))
	}
}

// fileAddress is where the bytes of a file are, when it is one that may be read.
func (p *Platform) fileAddress(name string, f *slackgo.File) (*url.URL, error) {
	if f.IsExternal || f.Mode == "external" {
		return nil, &chat.Problem{What: fmt.Sprintf("The file %s is not kept by Slack, and I go nowhere else.", name), Try: "Download it and hand it in itself."}
	}
	if int64(f.Size) > p.opt.MaxFile {
		return nil, p.tooLarge(name)
	}
	if kind, _, _ := strings.Cut(f.Mimetype, "/"); kind == "image" || kind == "video" || kind == "audio" {
		return nil, &chat.Problem{What: fmt.Sprintf("The file %s is no text (%s).", name, kind), Try: chat.HandInText}
	}
	raw := f.URLPrivateDownload
	if raw == "" {
		raw = f.URLPrivate
	}
	u, err := url.Parse(raw)
	if err != nil || !p.slackHost(u) {
		return nil, &chat.Problem{What: fmt.Sprintf("The file %s is not kept by Slack, and I go nowhere else.", name), Try: "Download it and hand it in itself."}
	}
	return u, nil
}

func (p *Platform) tooLarge(name string) *chat.Problem {
	return &chat.Problem{What: fmt.Sprintf("The file %s is larger than %s.", name, chat.FileSize(int(p.opt.MaxFile))), Try: "Divide it, or compress it with gzip."}
}

// slackHost reports whether an address may get our token: one of Slack's own, or
// the one that the Web API was set to.
func (p *Platform) slackHost(u *url.URL) bool {
	if p.opt.API != "" {
		if api, err := url.Parse(p.opt.API); err == nil && u.Scheme == api.Scheme && u.Host == api.Host {
			return true
		}
	}
	host := strings.ToLower(u.Hostname())
	for _, of := range []string{"slack.com", "slack-gov.com"} {
		if u.Scheme == "https" && (host == of || strings.HasSuffix(host, "."+of)) {
			return true
		}
	}
	return false
}

// errAstray is a redirect to where our token does not go.
var errAstray = errors.New("a redirect away from Slack")

// download reads the bytes of a file, no more than may be read.
func (p *Platform) download(ctx context.Context, name string, u *url.URL) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("slack: the address of a file is none")
	}
	req.Header.Set("Authorization", "Bearer "+p.opt.BotToken)
	client := *p.opt.Client
	client.Timeout = 0 // the context ends it: a large file takes its time
	client.CheckRedirect = func(to *http.Request, via []*http.Request) error {
		if !p.slackHost(to.URL) || len(via) > 3 {
			return errAstray
		}
		return nil
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, errAstray):
		return nil, &chat.Problem{What: fmt.Sprintf("The file %s is not kept by Slack, and I go nowhere else.", name), Try: "Download it and hand it in itself."}
	case err != nil:
		return nil, fmt.Errorf("slack: read a file: %w", hushed(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("slack: read a file: HTTP status %d", resp.StatusCode)
	}
	if resp.ContentLength > p.opt.MaxFile {
		return nil, p.tooLarge(name)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, p.opt.MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("slack: read a file: %w", hushed(err))
	case int64(len(data)) > p.opt.MaxFile:
		return nil, p.tooLarge(name)
	}
	return data, nil
}
