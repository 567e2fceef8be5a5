package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// secretIn is the secret that an answer shows.
func secretIn(t *testing.T, m chat.Message) string {
	t.Helper()
	for _, p := range m.Parts {
		if b, ok := p.(chat.CodeBlock); ok && strings.HasPrefix(b.Text, tokenMark) {
			return b.Text
		}
	}
	require.Fail(t, "no secret", plain(m))
	return ""
}

func TestATokenIsShownOnceAndOnlyItsHashIsKept(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m, err := b.askAs("once", "lead-1", `token new FIN --for 3d --note "farm admins"`)
	require.NoError(t, err)
	secret := secretIn(t, m)
	require.Contains(t, plain(m), "of farm fin, until 24 Jul 08:00 UTC")
	require.Contains(t, plain(m), "/evidence/ts-1/fin")
	f, err := b.store.Farm(t.Context(), boardID, "fin")
	require.NoError(t, err)
	require.Len(t, f.Farm.Tokens, 1)
	require.Equal(t, state.HashToken(secret), f.Farm.Tokens[0].Hash)

	_, err = b.askAs("once", "lead-1", `token new FIN --for 3d --note "farm admins"`)
	require.ErrorContains(t, err, "a secret is shown once", "the same request again")
	list := plain(b.must("lead-1", "token list"))
	require.Contains(t, list, f.Farm.Tokens[0].ID)
	require.Contains(t, list, "farm admins")
	for _, text := range []string{list, plain(b.must("lead-1", "audit"))} {
		require.NotContains(t, text, secret)
		require.NotContains(t, text, f.Farm.Tokens[0].Hash)
	}
	require.Contains(t, b.no("resp-1", "token list"), "may not")
	require.Contains(t, b.no("lead-1", "token new fin --for 200d"), "up to 90 days")
	require.Contains(t, b.no("lead-1", "token new fin --hash abc"), "64 hex digits")
	require.Contains(t, b.no("lead-1", "token new fine"), "Did you mean: fin")
	require.Contains(t, b.no("lead-1", "token revoke fin k0"), "has no token")
	require.Contains(t, plain(b.must("lead-1", "token revoke sp-hr-01")), "has no token")
}

// farmDocument is evidence about the farm fin, seen at the time of the board.
func farmDocument(b *board, servers string) []byte {
	return []byte(`{"schema":"allclear/evidence/1","farm":"fin","observed":"` + b.now.Format(time.RFC3339) + `","servers":` + servers + `}`)
}

func TestATokenOpensOneFarmOfOneIncidentUntilItEndsOrIsRevoked(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	take := NewTokenEvidence(b.parts)
	secret := secretIn(t, b.must("lead-1", "token new fin --for 3d"))
	admit := func(incident, farm, secret string) error {
		_, err := take.Admit(t.Context(), incident, farm, secret)
		return err
	}
	require.NoError(t, admit(boardID, "fin", secret))
	for _, c := range [][3]string{
		{boardID, "sp-hr-01", secret},
		{"ts-2", "fin", secret},
		{boardID, "nowhere", secret},
		{boardID, "fin", secret + "x"},
		{boardID, "fin", ""},
		{boardID, "fin", state.HashToken(secret)},
	} {
		require.ErrorIs(t, admit(c[0], c[1], c[2]), state.ErrNotFound, c)
	}
	tok, err := take.Admit(t.Context(), boardID, "fin", secret)
	require.NoError(t, err)

	_, err = take.Take(t.Context(), boardID, "fin", tok, []byte(strings.Replace(string(farmDocument(b, `{}`)), `"fin"`, `"sp-hr-01"`, 1)))
	require.ErrorContains(t, err, `this token is for farm "fin", and for no other`)
	_, err = take.Take(t.Context(), boardID, "fin", tok, farmDocument(b, `{"sp-hr-01":{"modules":"clean"}}`))
	require.ErrorContains(t, err, "farm fin has no server")
	var p *chat.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, 1, p.Rows[0].Line)

	b.now = b.now.Add(72 * time.Hour)
	require.ErrorIs(t, admit(boardID, "fin", secret), state.ErrNotFound, "it has ended")
	_, err = take.Take(t.Context(), boardID, "fin", tok, farmDocument(b, `{"sp-fin-01":{"modules":"clean"}}`))
	require.ErrorIs(t, err, state.ErrNotFound, "it ended between")

	secret = secretIn(t, b.must("lead-1", "token new fin"))
	tok, err = take.Admit(t.Context(), boardID, "fin", secret)
	require.NoError(t, err)
	require.Contains(t, plain(b.must("lead-2", "token revoke fin")), tok.ID)
	require.ErrorIs(t, admit(boardID, "fin", secret), state.ErrNotFound)
	_, err = take.Take(t.Context(), boardID, "fin", tok, farmDocument(b, `{"sp-fin-01":{"modules":"clean"}}`))
	require.ErrorIs(t, err, state.ErrNotFound, "it was revoked between")
}

func TestADocumentWithATokenWarnsOfItemsThatItNoLongerLists(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	take := NewTokenEvidence(b.parts)
	tok, err := take.Admit(t.Context(), boardID, "fin", secretIn(t, b.must("lead-1", "token new fin")))
	require.NoError(t, err)
	listing := func(items string) Recorded {
		b.now = b.now.Add(time.Minute)
		out, err := take.Take(t.Context(), boardID, "fin", tok, []byte(`{"schema":"allclear/evidence/1","farm":"fin","observed":"`+b.now.Format(time.RFC3339)+`","items":[`+items+`]}`))
		require.NoError(t, err)
		return out.(Recorded)
	}
	require.Empty(t, listing(`"https://a.example/","https://b.example/"`).Warnings)
	require.Equal(t, []string{"No longer listed as web application: https://b.example/. If one still exists, it needs its own proof."}, listing(`"https://a.example/"`).Warnings)
}

func TestADocumentThatIsReplayedChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	take := NewTokenEvidence(b.parts)
	tok, err := take.Admit(t.Context(), boardID, "fin", secretIn(t, b.must("lead-1", "token new fin")))
	require.NoError(t, err)
	old := farmDocument(b, `{"sp-fin-01":{"psconfig":{"state":"done"},"modules":"clean"}}`)
	out, err := take.Take(t.Context(), boardID, "fin", tok, old)
	require.NoError(t, err)
	require.Equal(t, 2, out.(Recorded).Observations)
	require.False(t, out.(Recorded).Repeated())
	f, err := b.store.Farm(t.Context(), boardID, "fin")
	require.NoError(t, err)
	for _, e := range f.Evidence {
		require.Equal(t, state.PersonID("lead-1"), e.By, "who made the token is not a second person for it")
	}
	seq, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)

	out, err = take.Take(t.Context(), boardID, "fin", tok, old)
	require.NoError(t, err)
	require.True(t, out.(Recorded).Repeated())
	require.Equal(t, seq, must(b.store.AuditSeq(t.Context())), "nothing was written")

	// A later document says worse; the old one, come again when the store has forgotten
	// the request, does not take that back.
	b.now = b.now.Add(time.Hour)
	_, err = take.Take(t.Context(), boardID, "fin", tok, farmDocument(b, `{"sp-fin-01":{"modules":"malicious"}}`))
	require.NoError(t, err)
	require.Equal(t, state.StatusCompromised, b.status("sp-fin-01"))
	b.now = b.now.Add(96 * time.Hour)
	_, err = b.store.Prune(t.Context(), b.now)
	require.NoError(t, err)
	_, err = take.Take(t.Context(), boardID, "fin", tok, old)
	require.NoError(t, err)
	require.Equal(t, state.StatusCompromised, b.status("sp-fin-01"))
}

func TestACollectorThatComesByItselfKeepsNobodyFromBeingReminded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	take := NewTokenEvidence(b.parts)
	tok, err := take.Admit(t.Context(), boardID, "fin", secretIn(t, b.must("lead-1", "token new fin")))
	require.NoError(t, err)
	_, err = take.Take(t.Context(), boardID, "fin", tok, farmDocument(b, `{"sp-fin-01":{"modules":"clean"}}`))
	require.NoError(t, err)
	row, err := b.store.Row(t.Context(), boardID, "sp-fin-01")
	require.NoError(t, err)
	require.Zero(t, row.Acted)

	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "evidence add", chat.File{Name: "e.json", Data: farmDocument(b, `{"sp-fin-01":{"modules":"clean"}}`)})
	row, err = b.store.Row(t.Context(), boardID, "sp-fin-01")
	require.NoError(t, err)
	require.Equal(t, b.now, row.Acted, "a person did something")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
