package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How a file is read.
const (
	maxFileName = 100 // of a file, in characters
	fileTime    = 2 * time.Minute
)

// file is a file that somebody handed in. It is read when the request runs. Without a Ref
// it is none of Discord's.
func (a attachment) file() chat.File {
	f := chat.File{Name: chat.FileName(a.Name)}
	if u, err := url.Parse(a.URL); err == nil && discordHost(u) {
		f.Ref = a.URL
	}
	return f
}

// discordHost reports whether an address is one where Discord keeps files.
func discordHost(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && u.User == nil && (host == "cdn.discordapp.com" || host == "media.discordapp.net")
}

// errAstray is a redirect to where Discord keeps no files.
var errAstray = errors.New("a redirect away from Discord")

// Fetch reads a file that somebody handed in, from Discord and from nowhere else. A
// *chat.Problem says why it is not one that can be read: too large, no text, gone.
func (p *Platform) Fetch(ctx context.Context, place state.Place, f chat.File) (chat.File, error) {
	u, err := url.Parse(f.Ref)
	if place.Platform != Name || err != nil || !discordHost(u) {
		return f, fmt.Errorf("discord: a file of %q", place.Platform)
	}
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return f, errors.New("discord: the address of a file cannot be read")
	}
	req.Header.Set("User-Agent", userAgent)
	client := *p.opt.Client
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 || !discordHost(r.URL) {
			return errAstray
		}
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return f, fmt.Errorf("discord: read a file: %w", hushed(err))
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusGone:
		return f, &chat.Problem{What: "The file is not there any more.", Try: "Hand it in again."}
	case resp.StatusCode != http.StatusOK:
		return f, fmt.Errorf("discord: read a file: HTTP status %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, p.opt.MaxFile+1))
	switch {
	case err != nil:
		return f, errors.New("discord: a file broke off")
	case int64(len(raw)) > p.opt.MaxFile:
		return f, &chat.Problem{What: fmt.Sprintf("The file %s is larger than %s.", f.Name, chat.FileSize(int(p.opt.MaxFile))), Try: "Divide it, or compress it with gzip."}
	}
	if why := chat.Unreadable(raw); why != "" {
		return f, &chat.Problem{What: fmt.Sprintf("The file %s %s.", f.Name, why), Try: chat.HandInText}
	}
	return chat.File{Name: f.Name, Data: raw, Ref: f.Ref}, nil
}
