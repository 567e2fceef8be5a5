package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

// marked makes a part of every kind in which each text names its marking.
func marked(tlp state.TLP, kind, n int) chat.Part {
	mark := chat.Mark{TLP: tlp}
	s := fmt.Sprintf("secret-%d-%d-", tlp, n)
	line := chat.T(s+"a", chat.C(s+"b"))
	switch kind {
	case 0:
		return chat.Heading{Mark: mark, Text: line}
	case 1:
		return chat.Para{Mark: mark, Text: line}
	case 2:
		return chat.List{Mark: mark, Items: []chat.Text{line}}
	case 3:
		return chat.Fields{Mark: mark, Fields: []chat.Field{{Name: s + "name", Value: line}}}
	case 4:
		return chat.Table{Mark: mark, Columns: []string{s + "column"}, Rows: [][]chat.Text{{line}}}
	case 5:
		return chat.Progress{Mark: mark, Done: 1, Total: 2, Legend: line}
	case 6:
		return chat.CodeBlock{Mark: mark, Text: s}
	case 7:
		return chat.Picture{Mark: mark, Name: s + ".png", Alt: s + "alt", PNG: []byte(s)}
	case 8:
		return chat.Attachment{Mark: mark, Name: s + ".csv", Data: []byte(s)}
	case 9:
		return chat.Buttons{Mark: mark, Buttons: []chat.Button{{Label: s, Line: s, Confirm: s}}}
	}
	return chat.Note{Mark: mark, Text: line}
}

const partKinds = 11

func TestNoByteAboveTheCeilingLeaves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ceiling := state.TLP(rapid.IntRange(0, 4).Draw(rt, "ceiling"))
		count := rapid.IntRange(1, 6).Draw(rt, "parts")
		fails := rapid.IntRange(0, 3).Draw(rt, "failure")
		place := team
		place.Ceiling = ceiling
		place.Form = rapid.SampledFrom([]state.Form{state.FormText, state.FormText, state.FormAnnouncement, state.FormForum}).Draw(rt, "form")
		if rapid.IntRange(0, 4).Draw(rt, "alone") == 0 {
			place.Person, place.Named = "test:reader", rapid.Bool().Draw(rt, "named")
		}
		var parts []chat.Part
		may := 0
		for n := range count {
			tlp := state.TLP(rapid.IntRange(0, 4).Draw(rt, "marking"))
			parts = append(parts, marked(tlp, rapid.IntRange(0, partKinds-1).Draw(rt, "kind"), n))
			if place.Sees(tlp) {
				may++
			}
		}
		m := chat.Say(parts...)
		topic := state.TLP(rapid.IntRange(0, 4).Draw(rt, "topic"))
		m.Topic = chat.Topic{TLP: topic, Title: fmt.Sprintf("secret-%d-topic", topic), Tags: []string{fmt.Sprintf("secret-%d-tag", topic)}}
		payload, err := json.Marshal(m)
		require.NoError(rt, err)
		n := state.Notice{Key: "a", Payload: payload}
		if rapid.Bool().Draw(rt, "answers") {
			n.Kind = chat.KindAnswer
		}
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{GiveUp: 20 * time.Second, Poll: 5 * time.Second})
			n.At = time.Now()
			require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{place})))
			f.ch.fail(func(string, state.Place) error {
				return []error{nil, errors.New("502"), &chat.RetryAfter{After: time.Second}, &chat.Permanent{Err: errors.New("gone")}}[fails]
			})
			f.run(t, 2*time.Minute)
			for tlp := state.TLPRed; tlp <= state.TLPClear; tlp++ {
				if !place.Sees(tlp) {
					requireNowhere(t, f, fmt.Sprintf("secret-%d-", tlp))
				}
			}
			if fails == 0 && may > 0 {
				require.Len(t, f.ch.messages, 1)
				require.Equal(t, count-may > 0, strings.Contains(f.ch.messages[0].all, "withheld"))
			}
		})
	})
}

func requireNowhere(t *testing.T, f *office, secret string) {
	t.Helper()
	require.NotContains(t, f.log.String(), secret)
	for _, m := range f.ch.messages {
		require.NotContains(t, m.all, secret)
	}
	raw, err := json.Marshal([]any{f.store.Buried(), f.store.Receipts()})
	require.NoError(t, err)
	require.NotContains(t, string(raw), secret)
	for _, l := range f.store.Queue() {
		require.NotContains(t, l.Held, secret)
	}
}

func TestWhatIsOnlyForNamedPersonsIsGivenUpAndAnAnswerSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		red := chat.Para{Mark: chat.Mark{TLP: state.TLPRed}, Text: chat.T("red")}
		f.post(t, state.Notice{Key: "a", Payload: document(red)}, state.Notice{Key: "b", Kind: chat.KindAnswer, Payload: document(red)})
		f.run(t, 5*time.Second)
		require.Contains(t, f.store.Buried()["a @ test//team//"], "TLP:RED")
		require.Equal(t, []string{"1 part is withheld: this place may see TLP:AMBER+STRICT."}, f.ch.texts())
	})
}

func TestNobodyIsMentionedInAMessageOfWhichNothingIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		m := chat.Say(chat.P("SP-1 is exposed"))
		m.Notify = []string{"owner:sp"}
		raw, err := json.Marshal(m)
		require.NoError(t, err)
		public := team
		public.Ceiling = state.TLPClear
		n := state.Notice{Key: "a", Payload: raw, At: time.Now()}
		require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{team, public}[1:])))
		f.run(t, 5*time.Second)
		require.Empty(t, f.ch.messages[0].notify)
		f.post(t, state.Notice{Key: "b", Payload: raw})
		f.run(t, 5*time.Second)
		require.Equal(t, []string{"owner:sp"}, f.ch.messages[1].notify)
	})
}

func TestADocumentThatCannotBeReadIsGivenUpWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newOffice(t, outbox.Options{})
		f.post(t, state.Notice{Key: "a", Payload: []byte(`{"parts":[{"type":"secret-x","part":{}}]}`)})
		f.run(t, 5*time.Second)
		require.Equal(t, "its document cannot be read", f.store.Buried()["a @ test//team//"])
		requireNowhere(t, f, "secret")
	})
}

func TestAPlaceHearsWhatItMayBeToldWhenItIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now   state.TLP
		bound bool
		want  []string
	}{
		{state.TLPAmberStrict, true, []string{"SP-1 is exposed"}},
		{state.TLPGreen, true, nil},
		{state.TLPAmberStrict, false, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newOffice(t, outbox.Options{
				Render: func(context.Context, []state.Notice, state.Place) (chat.Message, error) {
					return chat.Say(chat.P("SP-1 is exposed")), nil
				},
				Heard: func(_ context.Context, ns []state.Notice, p state.Place) ([]state.Notice, state.Place, error) {
					p.Ceiling = c.now
					if !c.bound {
						return nil, p, nil
					}
					return ns, p, nil
				},
			})
			f.post(t, state.Notice{Key: "a"})
			f.run(t, 5*time.Second)
			require.Equal(t, c.want, f.ch.texts())
			require.Empty(t, f.store.Queue())
		})
	}
}
