package slackfake

import (
	"slices"
	"strings"
)

// token is what a caller proves itself with.
type token struct {
	kind    string // "bot" or "app"
	scopes  []string
	revoked string // the error it gives since it was revoked
}

// RevokeTokens makes every token useless: "token_revoked", "account_inactive",
// "invalid_auth" or whatever else Slack may say. An empty word makes them work again.
func (s *Slack) RevokeTokens(with string) {
	s.do(func() {
		for _, t := range s.tokens {
			t.revoked = with
		}
	})
}

// Grant sets the scopes of the bot's token.
func (s *Slack) Grant(scopes ...string) {
	s.do(func() { s.tokens[s.opt.BotToken].scopes = scopes })
}

// AddBotToken makes another bot token with scopes of its own.
func (s *Slack) AddBotToken(scopes ...string) string {
	name := "xoxb-" + newSecret(6) + "-" + newSecret(12)
	s.do(func() { s.tokens[name] = &token{kind: "bot", scopes: scopes} })
	return name
}

// authenticate finds the token and checks that it may call the method. The lock
// is held.
func (s *Slack) authenticate(m method, given string) (*token, *refusal) {
	if given == "" {
		return nil, refuse("not_authed")
	}
	t := s.tokens[given]
	switch {
	case t == nil:
		return nil, refuse("invalid_auth")
	case t.revoked != "":
		return nil, refuse(t.revoked)
	case m.app != (t.kind == "app"):
		return nil, refuse("not_allowed_token_type")
	}
	return t, t.need(m.scopes...)
}

// need refuses when none of the scopes was granted. An empty list needs none.
func (t *token) need(scopes ...string) *refusal {
	if len(scopes) == 0 || slices.ContainsFunc(scopes, t.has) {
		return nil
	}
	return &refusal{word: "missing_scope", more: object{"needed": scopes[0], "provided": strings.Join(t.scopes, ",")}}
}

func (t *token) has(scope string) bool { return slices.Contains(t.scopes, scope) }
