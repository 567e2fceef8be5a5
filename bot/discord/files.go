package discord

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How a file is read.
const (
	maxName  = 100 // of a file, in characters
	fileTime = 2 * time.Minute
)

// file is a file that somebody handed in. It is read when the request runs. Without a Ref
// it is none of Discord's.
func (a attachment) file() chat.File {
	f := chat.File{Name: fileName(a.Name)}
	if u, err := url.Parse(a.URL); err == nil && discordHost(u) {
		f.Ref = a.URL
	}
	return f
}

// fileName is a name that is shown, and never a path.
func fileName(s string) string {
	s = cut(chat.Clean(path.Base(strings.ReplaceAll(s, `\`, "/"))), maxName)
	if s == "" || s == "." || s == "/" || s == ".." {
		return "file"
	}
	return s
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
		return f, &chat.Problem{What: fmt.Sprintf("The file %s is larger than %s.", f.Name, size(int(p.opt.MaxFile))), Try: "Divide it, or compress it with gzip."}
	case len(raw) == 0:
		return f, &chat.Problem{What: fmt.Sprintf("The file %s is empty.", f.Name), Try: "Hand in text: CSV, JSON or a log, also compressed with gzip."}
	case binary(raw):
		return f, &chat.Problem{What: fmt.Sprintf("The file %s is no text.", f.Name), Try: "Hand in text: CSV, JSON or a log, also compressed with gzip."}
	}
	return chat.File{Name: f.Name, Data: raw, Ref: f.Ref}, nil
}

// binary reports whether a file is neither text nor gzip.
func binary(b []byte) bool {
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) || bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return false
	}
	return bytes.IndexByte(b[:min(len(b), 8<<10)], 0) >= 0
}

func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
