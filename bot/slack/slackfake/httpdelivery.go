package slackfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// post delivers by a signed request. Its answer is the acknowledgement. The lock is
// held.
func (s *Slack) post(d *Delivery) {
	d.Copies++
	if s.closed {
		return
	}
	s.work.Go(func() {
		reply, failed, noRetry := s.request(d)
		s.do(func() {
			if s.closed {
				return
			}
			if failed == "" {
				s.acknowledged(d, reply)
				return
			}
			if d.done {
				return
			}
			d.noRetry = noRetry
			outcome := DispatchFailed
			if failed == "http_timeout" {
				outcome = OperationTimeout
				s.complainLocked(Unacked, "%s", describe(d))
			}
			s.settle(d, outcome, failed)
		})
	})
}

// request sends a delivery and reads the answer. Failed is the reason of a retry.
func (s *Slack) request(d *Delivery) (reply object, failed string, noRetry bool) {
	ctx, cancel := context.WithTimeout(s.ctx, s.opt.AckWithin)
	defer cancel()
	to, kind, body := s.encode(d)
	if to == "" {
		return nil, "connection_failed", true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, "connection_failed", true
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	s.Sign(req.Header, body)
	if d.Attempt > 0 {
		req.Header.Set("X-Slack-Retry-Num", strconv.Itoa(d.Attempt))
		req.Header.Set("X-Slack-Retry-Reason", d.Reason)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, "http_timeout", false
		}
		return nil, "connection_failed", false
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, "http_timeout", false
	}
	if resp.StatusCode/100 != 2 {
		return nil, "http_error", resp.Header.Get("X-Slack-No-Retry") == "1"
	}
	return readReply(resp.Header.Get("Content-Type"), raw), "", false
}

// readReply reads the body of an acknowledgement: JSON, or a text to show.
func readReply(kind string, raw []byte) object {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	if strings.HasPrefix(kind, "application/json") {
		v, err := decode(raw)
		if err != nil {
			return nil
		}
		return obj(v)
	}
	return object{"text": string(raw)}
}

// encode says where a delivery goes, and as what.
func (s *Slack) encode(d *Delivery) (to, kind string, body []byte) {
	raw, _ := json.Marshal(d.Payload)
	h := s.opt.HTTP
	switch d.Type {
	case SlashCommands:
		form := url.Values{}
		for k, v := range d.Payload {
			form.Set(k, fmt.Sprint(v))
		}
		return h.Commands, "application/x-www-form-urlencoded", []byte(form.Encode())
	case EventsAPI:
		return h.Events, "application/json", raw
	}
	to = h.Interactivity
	if d.Payload["type"] == "block_suggestion" && h.Options != "" {
		to = h.Options
	}
	return to, "application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(raw)}}.Encode())
}

// Sign signs a body as Slack does: v0, the time and the raw body under HMAC-SHA256
// (docs.slack.dev/authentication/verifying-requests-from-slack). The time is the
// real one, moved by SkewSignatures, for the app checks it against its own clock.
func (s *Slack) Sign(h http.Header, body []byte) {
	s.mu.Lock()
	skew := s.skew
	s.mu.Unlock()
	at := strconv.FormatInt(time.Now().Add(skew).Unix(), 10)
	mac := hmac.New(sha256.New, []byte(s.opt.HTTP.SigningSecret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", at, body)
	h.Set("X-Slack-Request-Timestamp", at)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// SkewSignatures moves the time of signatures, as a replayed request would have it.
func (s *Slack) SkewSignatures(d time.Duration) { s.do(func() { s.skew = d }) }

// VerifyURL does what Slack does when an address for events is entered: it sends a
// challenge that must come back.
func (s *Slack) VerifyURL(ctx context.Context) error {
	challenge := newSecret(16)
	body, _ := json.Marshal(object{"token": "verification", "challenge": challenge, "type": "url_verification"})
	ctx, cancel := context.WithTimeout(ctx, s.opt.AckWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opt.HTTP.Events, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("verify %s: %w", s.opt.HTTP.Events, err)
	}
	req.Header.Set("Content-Type", "application/json")
	s.Sign(req.Header, body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("verify %s: %w", s.opt.HTTP.Events, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("verify %s: %w", s.opt.HTTP.Events, err)
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), challenge) {
		return fmt.Errorf("verify %s: status %d and no challenge in %.100q", s.opt.HTTP.Events, resp.StatusCode, raw)
	}
	return nil
}
