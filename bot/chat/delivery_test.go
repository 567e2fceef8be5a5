package chat_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestWhatAPlatformSaysIsFoundBehindItsClassification(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("post: %w", &chat.RetryAfter{After: time.Second, Err: io.ErrUnexpectedEOF})
	var again *chat.RetryAfter
	require.ErrorAs(t, err, &again)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "post: asked too often, again in 1s: unexpected EOF", err.Error())
	require.Equal(t, "asked too often, again in 1m0s", (&chat.RetryAfter{After: time.Minute}).Error())

	err = &chat.Permanent{Err: io.ErrClosedPipe}
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Equal(t, io.ErrClosedPipe.Error(), err.Error())
	require.False(t, errors.As(err, &again))
}

func TestAReferenceIsShortAndTellsNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, chat.Reference("a"), chat.Reference("a"))
	require.NotEqual(t, chat.Reference("a"), chat.Reference("b"))
	require.Regexp(t, "^[A-Z2-7]{8}$", chat.Reference("server-1.example.org"))
}

func TestNobodyIsMentionedWhereSomethingIsWithheld(t *testing.T) {
	t.Parallel()
	m := chat.Say(chat.P("SP-1 is exposed"), chat.Note{Mark: chat.Mark{TLP: state.TLPClear}, Text: chat.T("Look.")})
	m.Notify = []string{"owner:sp"}
	less, n := m.Withhold(state.TLPClear)
	require.Equal(t, 1, n)
	require.Len(t, less.Parts, 2)
	require.Empty(t, less.Notify, "a name is not for everybody")
	all, n := m.Withhold(state.TLPAmberStrict)
	require.Zero(t, n)
	require.Equal(t, m.Notify, all.Notify)
}
