package commands

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

const (
	// tokenLife is how long a token works unless somebody says otherwise.
	tokenLife = 7 * 24 * time.Hour
	// tokenMark begins every secret, so that whoever finds one knows what it is.
	tokenMark = "allclear_"
)

// NewSecret makes the secret of a token.
func NewSecret() string { return tokenMark + rand.Text() }

// EvidencePath is where a process takes evidence of a farm over HTTP.
func EvidencePath(incident, farm string) string {
	return "/evidence/" + url.PathEscape(incident) + "/" + url.PathEscape(farm)
}

// tokenNew gives a farm a token, with which its administrators can hand in
// evidence over HTTP.
type tokenNew struct {
	store evidenceStore
	now   func() time.Time
}

func (tokenNew) Spec() chat.Spec {
	return chat.Spec{
		Path: "token new", Summary: "Make a token with which evidence about one farm can be handed in over HTTP; it is shown once",
		Args: []chat.Arg{{Name: "farm", Help: "the farm, or a server that has none", Type: chat.Farm}},
		Flags: []chat.Arg{
			{Name: "for", Help: "how long it works, up to 90d; 7d if not given", Type: chat.Duration},
			{Name: "note", Help: "who has it"},
			{Name: "hash", Help: "the SHA-256 of a secret that was made elsewhere, which then is not shown (allclear token new does this)"},
		},
		Examples: []chat.Example{{Line: `token new fin --for 3d --note "farm admins"`, Does: "makes a token for three days; evidence that comes with it counts as yours"}},
		Role:     state.RoleLead, Private: true,
	}
}

func (c tokenNew) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	farm, err := otherName(ctx, c.store, call.Incident, "farm", call.Values.String("farm"), func(n string) string {
		return press("", call.Incident, "token new", n).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	secret, hash := "", strings.ToLower(call.Values.String("hash"))
	if hash == "" {
		secret = NewSecret()
		hash = state.HashToken(secret)
	}
	now := c.now()
	t, err := state.NewToken(hash, now.Add(call.Values.Duration("for", tokenLife)), call.Values.String("note"))
	if err != nil {
		return chat.Message{}, err
	}
	out, err := c.store.Update(ctx, call.Work("token", now), call.Incident, []string{farm}, func(tx *state.Tx) error { return tx.GrantToken(farm, t) })
	if err != nil {
		return chat.Message{}, err
	}
	if out.Already {
		return chat.Message{}, &chat.Problem{
			What: "This token was made before, and a secret is shown once.", Try: "Revoke it and make another: " + typed("token", "revoke", farm),
		}
	}
	return c.made(call, farm, t, secret), nil
}

func (c tokenNew) made(call chat.Call, farm string, t state.Token, secret string) chat.Message {
	m := chat.Say(chat.P("Token ", chat.C(t.ID), " of farm ", chat.C(farm), ", until ", timeOf(t.Expires, c.now()), "."))
	if secret != "" {
		m.Add(chat.Block(secret), chat.N("It is shown this once. Give it to those who run the collector, and to nobody else."))
	}
	m.Add(chat.P("To use it, where allclear is reached over HTTP:"), chat.Block(TokenUse("https://YOUR-ALLCLEAR", call.Incident, farm)),
		chat.N("Evidence that comes with it counts as handed in by you: somebody else approves what rests on it."),
		chat.Row(press("Revoke", call.Incident, "token revoke", farm, t.ID)))
	return m
}

// TokenUse is a command line that hands a document in.
func TokenUse(base, incident, farm string) string {
	return `curl --fail-with-body -H "Authorization: Bearer $TOKEN" --data-binary @evidence.json ` + strings.TrimRight(base, "/") + EvidencePath(incident, farm)
}

// tokenList shows the tokens of a farm, or of all.
type tokenList struct {
	store evidenceStore
	now   func() time.Time
}

func (tokenList) Spec() chat.Spec {
	return chat.Spec{
		Path: "token list", Summary: "Show which tokens there are, never their secrets",
		Args:     []chat.Arg{{Name: "farm", Help: "only those of one farm", Type: chat.Farm, Optional: true}},
		Examples: []chat.Example{{Line: "token list", Does: "shows who made each, and until when it works"}},
		Role:     state.RoleLead, Private: true,
	}
}

// maxTokensShown is how many rows an answer has.
const maxTokensShown = 50

func (c tokenList) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	tab := chat.Tab("token", "farm", "made by", "until", "note")
	now := c.now()
	add := func(f state.FarmState) error {
		for _, t := range f.Farm.Tokens {
			until := when(t.Expires, now) + " UTC"
			switch {
			case t.Ended(now):
				until = "ended"
			case len(tab.Rows) == maxTokensShown:
				tab.More++
				continue
			}
			tab.Rows = append(tab.Rows, []chat.Text{
				chat.T(chat.C(t.ID)), chat.T(chat.C(f.Farm.Name)), chat.T(chat.C(string(t.By))), chat.T(until), chat.T(chat.C(t.Note)),
			})
		}
		return nil
	}
	var err error
	if given := call.Values.String("farm"); given != "" {
		err = c.of(ctx, call.Incident, given, add)
	} else {
		err = eachFarm(ctx, c.store, call.Incident, add)
	}
	if err != nil {
		return chat.Message{}, err
	}
	if len(tab.Rows) == 0 {
		return chat.Say(chat.P("There is no token. Make one: ", chat.C("token new FARM"))), nil
	}
	return chat.Say(tab), nil
}

func (c tokenList) of(ctx context.Context, incident, given string, add func(state.FarmState) error) error {
	farm, err := otherName(ctx, c.store, incident, "farm", given, nil)
	if err != nil {
		return err
	}
	f, err := c.store.Farm(ctx, incident, farm)
	if err != nil {
		return err
	}
	return add(f)
}

// tokenRevoke makes tokens open nothing any more, at once.
type tokenRevoke struct {
	store evidenceStore
	now   func() time.Time
}

func (tokenRevoke) Spec() chat.Spec {
	return chat.Spec{
		Path: "token revoke", Summary: "Make a token of a farm, or all of them, open nothing any more",
		Args: []chat.Arg{
			{Name: "farm", Help: "the farm", Type: chat.Farm},
			{Name: "token", Help: "one of its tokens (token list); all if not given", Optional: true},
		},
		Examples: []chat.Example{{Line: "token revoke fin", Does: "ends all tokens of the farm at once; what was recorded stays"}},
		Role:     state.RoleLead, Private: true,
	}
}

func (c tokenRevoke) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	farm, err := otherName(ctx, c.store, call.Incident, "farm", call.Values.String("farm"), func(n string) string {
		return press("", call.Incident, "token revoke", n, call.Values.String("token")).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	var gone []string
	id := call.Values.String("token")
	out, err := c.store.Update(ctx, call.Work("revoke", c.now()), call.Incident, []string{farm}, func(tx *state.Tx) error {
		gone, err = tx.RevokeTokens(farm, id)
		return err
	})
	switch {
	case err != nil:
		return chat.Message{}, err
	case out.Already:
		return chat.Say(chat.P("The tokens of farm ", chat.C(farm), " were revoked before.")), nil
	case len(gone) == 0 && id != "":
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("Farm %s has no token %.40q.", farm, id), Try: typed("token", "list", farm) + " shows them."}
	case len(gone) == 0:
		return chat.Say(chat.P("Farm ", chat.C(farm), " has no token; nothing was revoked.")), nil
	}
	slices.Sort(gone)
	return chat.Say(chat.P(plural(len(gone), "token")+" of farm ", chat.C(farm), " revoked: ", chat.C(strings.Join(gone, ", ")), ". Nothing can be handed in with it any more; what was handed in before stays recorded.")), nil
}
