package discord

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func TestAButtonRunsItsLineWhoeverPressesIt(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	long := "claim sp-01 patch " + strings.Repeat("a long note ", 20)
	m := chat.Say(chat.P("card"), chat.Row(
		chat.Button{Label: "Scan", Line: "scan sp-01 --incident toolshell-1"},
		chat.Button{Label: "Long", Line: long},
		chat.Button{Label: "Cancel", Line: "scan --cancel", Confirm: "Cancel the scan of sp-01?", Danger: true},
	))
	_, err := st.p.Post(t.Context(), st.here(), m, "card")
	require.NoError(t, err)
	card := st.In("responders").Sees("card")
	require.Len(t, card.Buttons, 3)
	for _, b := range card.Buttons {
		require.LessOrEqual(t, len(b.CustomID), maxCustomID)
	}

	req := st.answers(t, d, st.User("responder").Presses(card, "Scan"), "one")
	require.Equal(t, "scan sp-01 --incident toolshell-1", req.Text)
	require.Equal(t, chat.TriggerButton, req.Trigger)
	require.Equal(t, Link(st.User("responder").ID()), req.Actor.Link)
	st.answers(t, d, st.User("lead-1").Presses(card, "Long"), "two")
	require.Equal(t, long, d.last(t).Text)

	asked := st.User("lead-1").Presses(card, "Cancel").GetsPrivately("Cancel the scan of sp-01?")
	require.NotContains(t, d.lines(), "--cancel", "it is asked first")
	st.answers(t, d, st.User("lead-1").Presses(asked, "Cancel"), "three")
	require.Equal(t, "scan --cancel", d.last(t).Text)
}

func TestAButtonAsksFirstAndTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	m := chat.Say(chat.P("card"), chat.Row(
		chat.Button{Label: "Can't, because…", Line: "except sp-01", Ask: []string{"reason", "for", "kind?", "all?"}},
		chat.Button{Label: "Take", Line: "intake", Ask: []string{"report"}},
	))
	_, err := st.p.Post(t.Context(), st.here(), m, "card")
	require.NoError(t, err)
	card := st.In("responders").Sees("card")
	lead := st.User("lead-1")
	opened := lead.Presses(card, "Can't, because…")
	require.Equal(t, []string{"Reason", "For", "Kind", "All"}, opened.Opens("Can't, because…").Inputs)
	lead.Fills(opened, map[string]string{"Reason": "no <@1> window", "For": "soon"}).GetsPrivately("You had written under reason: no <@1> window")

	opened = lead.Presses(card, "Can't, because…")
	opened.Opens("Can't")
	st.answers(t, d, lead.Fills(opened, map[string]string{"Reason": "no window", "For": "2d", "Kind": "b"}), "excepted")
	require.Equal(t, `except "--reason=no window" --for=2d --kind=b sp-01`, d.last(t).Text)

	lead.Presses(card, "Take").Opens("Take")
}

func TestAButtonWithoutItsNoteSaysSo(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "n", "n1", "r1", "r1 ", "x1 scan", "nn 1", strings.Repeat("r", 200), "n1 scan"} {
		_, ok := readPress(id, &message{})
		require.False(t, ok, id)
		_, ok = readPress(id, nil)
		require.False(t, ok, id)
	}
	_, ok := readPress("n1", &message{Embeds: []embedIn{{URL: "https://evil.example/x?b=eyIxIjp7ImwiOiJzY2FuIn19"}}})
	require.False(t, ok, "a note is ours")
}

func TestWhatAButtonStandsForIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, maxButtons).Draw(rt, "number")
		p := press{Line: strings.ToValidUTF8(rapid.StringN(1, 300, 300).Draw(rt, "line"), "?"), Confirm: rapid.SampledFrom([]string{"", "sure?"}).Draw(rt, "confirm")}
		if strings.TrimSpace(p.Line) == "" {
			rt.Skip()
		}
		id, noted := p.id(n)
		require.LessOrEqual(rt, len(id), maxCustomID)
		no := note{Key: "k"}
		if noted {
			no.Presses = map[int]press{n: p}
		}
		address, fits := no.address()
		require.True(rt, fits)
		got, ok := readPress(id, &message{Embeds: []embedIn{{}, {URL: address}}})
		require.True(rt, ok)
		require.Equal(rt, p, got)
	})
}

func FuzzNote(f *testing.F) {
	f.Add("https://allclear.invalid/k?b=eyIxIjp7ImwiOiJzY2FuIn19", "n1")
	f.Add("https://allclear.invalid/%zz", "r1 scan")
	f.Fuzz(func(t *testing.T, address, id string) {
		readPress(id, &message{Embeds: []embedIn{{URL: address}}})
	})
}
