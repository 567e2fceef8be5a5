package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/bwmarrin/discordgo"
)

// userAgent is what Discord wants to be called with
// (docs.discord.com/developers/reference, User Agent).
const userAgent = "DiscordBot (https://github.com/allclear-bot/allclear, 1)"

// rest makes requests of Discord's HTTP API with discordgo. It never waits and never
// tries again: what is too much is an error of the type *limited.
type rest struct {
	session *discordgo.Session
	limits  *limits
}

func newRest(o Options) (*rest, error) {
	s, err := discordgo.New("Bot " + o.Token)
	if err != nil {
		return nil, fmt.Errorf("discord: %w", err)
	}
	client, l := *o.Client, newLimits(o.Client.Transport)
	l.unpaced = o.Unpaced
	client.Transport = l
	s.Client, s.UserAgent = &client, userAgent
	s.MaxRestRetries, s.ShouldRetryOnRateLimit = 0, false
	return &rest{s, l}, nil
}

// enclosure is a file that goes with a message.
type enclosure struct {
	name, alt, kind string
	data            []byte
}

// call makes one request; in and out may be nil. discordgo's own buckets would wait
// without a context, so each request gets an empty one: ours are in limits.
func (r *rest) call(ctx context.Context, method, path string, in, out any, files ...enclosure) error {
	kind, body := "application/json", []byte(nil)
	var err error
	switch {
	case len(files) > 0:
		kind, body, err = multipart(in, files)
	case in != nil:
		body, err = json.Marshal(in)
	}
	if err != nil {
		return fmt.Errorf("write a request: %w", err)
	}
	bucket := &discordgo.Bucket{Remaining: 1}
	bucket.Lock()
	raw, err := r.session.RequestWithLockedBucket(method, discordgo.EndpointAPI+path, kind, body, bucket, 0, discordgo.WithContext(ctx))
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(raw, out) != nil {
		return errGarbled
	}
	return nil
}

// errGarbled: something was done, and what was answered cannot be read.
var errGarbled = errors.New("an answer that cannot be read")

func multipart(in any, files []enclosure) (string, []byte, error) {
	var list []*discordgo.File
	for _, f := range files {
		list = append(list, &discordgo.File{Name: f.name, ContentType: f.kind, Reader: bytes.NewReader(f.data)})
	}
	return discordgo.MultipartBodyWithJSON(in, list)
}

// codeOf is Discord's number for what is wrong, 0 when the error is not Discord's
// (docs.discord.com/developers/topics/opcodes-and-status-codes#json).
func codeOf(err error) int {
	var said *discordgo.RESTError
	var limited *limited
	switch {
	case errors.As(err, &said) && said.Message != nil:
		return said.Message.Code
	case errors.As(err, &limited):
		return limited.code
	}
	return 0
}

// statusOf is the HTTP status of an error of Discord's, 0 when it is none.
func statusOf(err error) int {
	var said *discordgo.RESTError
	if errors.As(err, &said) && said.Response != nil {
		return said.Response.StatusCode
	}
	return 0
}

// refusedToken reports whether Discord does not take our token.
func refusedToken(err error) bool { return statusOf(err) == http.StatusUnauthorized }
