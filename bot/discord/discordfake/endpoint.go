package discordfake

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// SetEndpoint makes interactions go to an address over HTTP and no more through the
// gateway; "" changes back. As Discord does, it first sends a PING, which must be
// answered with PONG, and one with a bad signature, which must be answered with 401.
// https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint
func (f *Fake) SetEndpoint(ctx context.Context, address string) error {
	if address != "" {
		if err := f.ping(ctx, address); err != nil {
			return err
		}
		if err := f.testSignature(ctx, address, forgeries()[0]); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endpoint = address
	f.change()
	return nil
}

// TestSignatures sends requests with every kind of bad signature, as Discord does
// from time to time. One that is not answered with 401 is an offence and an error.
func (f *Fake) TestSignatures(ctx context.Context) error {
	f.mu.Lock()
	address := f.endpoint
	f.mu.Unlock()
	if address == "" {
		return fmt.Errorf("no address for interactions is set")
	}
	for _, forgery := range forgeries() {
		if err := f.testSignature(ctx, address, forgery); err != nil {
			return err
		}
	}
	return f.ping(ctx, address)
}

// forgery changes a signed request so that its signature is bad.
type forgery struct {
	name  string
	forge func(h http.Header, body []byte) []byte
}

func forgeries() []forgery {
	const signature, at = "X-Signature-Ed25519", "X-Signature-Timestamp"
	header := func(name string, change func(string) string) func(http.Header, []byte) []byte {
		return func(h http.Header, body []byte) []byte {
			h.Set(name, change(h.Get(name)))
			return body
		}
	}
	return []forgery{
		{"the signature of another key", func(h http.Header, body []byte) []byte {
			_, key, _ := ed25519.GenerateKey(nil)
			h.Set(signature, hex.EncodeToString(ed25519.Sign(key, append([]byte(h.Get(at)), body...))))
			return body
		}},
		{"another body", func(_ http.Header, body []byte) []byte { return append(body, ' ') }},
		{"another time", header(at, func(s string) string { return s + "0" })},
		{"a short signature", header(signature, func(s string) string { return s[:62] })},
		{"a signature that is no hexadecimal", header(signature, func(s string) string { return "zz" + s[2:] })},
		{"no signature", func(h http.Header, body []byte) []byte { h.Del(signature); return body }},
		{"no time", func(h http.Header, body []byte) []byte { h.Del(at); return body }},
	}
}

func (f *Fake) pingBody() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, _ := json.Marshal(map[string]any{
		"id": f.snowflake(), "application_id": f.app.ID, "type": kindPing, "token": "ping" + secret(30), "version": 1,
		"user": userJSON(f.users[f.app.ID]), "entitlements": []any{},
	})
	return raw
}

func (f *Fake) ping(ctx context.Context, address string) error {
	status, body, kind, err := f.post(ctx, address, f.pingBody(), nil)
	if err != nil {
		return fmt.Errorf("send a PING: %w", err)
	}
	var pong struct{ Type int }
	media, _, _ := mime.ParseMediaType(kind)
	if status != http.StatusOK || media != "application/json" || json.Unmarshal(body, &pong) != nil || pong.Type != respondPong {
		return fmt.Errorf("a PING was answered with %d, %q, %.100q, not with a PONG in application/json", status, kind, body)
	}
	return nil
}

func (f *Fake) testSignature(ctx context.Context, address string, bad forgery) error {
	status, _, _, err := f.post(ctx, address, f.pingBody(), bad.forge)
	if err != nil {
		return fmt.Errorf("send a request with %s: %w", bad.name, err)
	}
	if status == http.StatusUnauthorized {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offend(Forgeable, "a request with %s was answered with %d", bad.name, status)
	return fmt.Errorf("a request with %s was answered with %d, not with 401", bad.name, status)
}

// post sends a signed request, or a forged one.
func (f *Fake) post(ctx context.Context, address string, body []byte, forge func(http.Header, []byte) []byte) (int, []byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	stop := context.AfterFunc(f.ended, cancel)
	defer stop()
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Discord-Interactions/1.0 (+https://discord.com)"}}
	at := strconv.FormatInt(f.Now().Unix(), 10)
	h.Set("X-Signature-Timestamp", at)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(f.app.Key, append([]byte(at), body...))))
	if forge != nil {
		body = forge(h, bytes.Clone(body))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	r.Header = h
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxRequest))
	return resp.StatusCode, raw, resp.Header.Get("Content-Type"), err
}

// postInteraction sends an interaction over HTTP and takes the response in the
// answer; 202 without one means that it comes by itself.
func (f *Fake) postInteraction(address string, i *interaction, raw []byte) {
	status, body, kind, err := f.post(f.ended, address, raw, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.change()
	if err != nil {
		i.refused = "(" + err.Error() + ")"
		return
	}
	if status == http.StatusAccepted && len(body) == 0 {
		return
	}
	if status != http.StatusOK {
		i.refused = fmt.Sprintf("(the address answered %d)", status)
		return
	}
	media, params, _ := mime.ParseMediaType(kind)
	req := &request{f: f, http: &http.Request{}, route: &route{method: "ANSWER", pattern: "to an interaction over HTTP"}, at: time.Now()}
	form, files, wrong := readContent(media, params["boundary"], body)
	req.form, req.files = form, files
	if wrong == nil {
		wrong = req.respond(i)
	}
	if wrong != nil {
		text, _ := json.Marshal(wrong.body())
		i.refused = "(the answer was refused: " + string(text) + ")"
	}
}
