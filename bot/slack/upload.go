package slack

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// maxAlt is how long the alternative text of an image is, in characters
// (docs.slack.dev/reference/methods/files.getUploadURLExternal).
const maxAlt = 1000

// upload shares a file in a channel, or in a thread of it. It may be done twice: a
// file that was shared a moment ago is not in the thread yet when somebody looks.
func (p *Platform) upload(ctx context.Context, channel, thread string, f enclosure) error {
	params := slackgo.GetUploadURLExternalParameters{FileName: f.fileName(), FileSize: len(f.data)}
	if f.alt != "" {
		params.AltTxt = clipped(f.alt, maxAlt)
	}
	var at *slackgo.GetUploadURLExternalResponse
	err := p.patiently(ctx, func() (err error) {
		at, err = p.api.GetUploadURLExternalContext(ctx, params)
		return err
	})
	if err != nil {
		return p.unattached("begin to upload a file", err)
	}
	err = p.api.UploadToURL(ctx, slackgo.UploadToURLParameters{UploadURL: at.UploadURL, Reader: bytes.NewReader(f.data), Filename: params.FileName})
	if err != nil {
		return p.unattached("upload a file", err)
	}
	err = p.patiently(ctx, func() error {
		_, err := p.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
			Files: []slackgo.FileSummary{{ID: at.FileID, Title: clipped(f.name, maxFileTitle)}}, Channel: channel, ThreadTimestamp: thread,
		})
		return err
	})
	return p.unattached("share a file", err)
}

// unattached is told for a file: whatever Slack will say again in a moment is
// permanent, for a message does not wait until its files can be attached.
func (p *Platform) unattached(doing string, err error) error {
	told := p.told(doing, err)
	var status slackgo.StatusCodeError
	refused := errors.As(err, &status) && status.Code >= 400 && status.Code < 500 && status.Code != http.StatusTooManyRequests && status.Code != http.StatusRequestTimeout
	if errors.As(told, new(*chat.RetryAfter)) || errors.As(told, new(*chat.Permanent)) || !refused && !lasting(err) {
		return told
	}
	return &chat.Permanent{Err: told}
}

// maxFileTitle is how long the title of a file is, in units. It is ours.
const maxFileTitle = 100
