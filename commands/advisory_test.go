package commands

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// backlog is a queue with what it is told to have.
type backlog struct {
	Store
	held        []state.Letter
	n, requests int
	oldest      time.Time
}

func (b backlog) Held(context.Context, int) ([]state.Letter, error) { return b.held, nil }
func (b backlog) NotYet(context.Context, time.Time, int) ([]state.Letter, bool, error) {
	return nil, false, nil
}
func (b backlog) Incidents(context.Context) ([]state.IncidentHead, error) { return nil, nil }
func (b backlog) QueueSize(context.Context) (int, time.Time, error)       { return b.n, b.oldest, nil }

func (b backlog) Waiting(context.Context) (int, time.Time, error) {
	return b.requests, b.oldest, nil
}

func TestTheQueueSaysWhatIsHeldAndWhy(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	run := func(b backlog) chat.Message {
		m, err := queue{b, func() time.Time { return now }}.Run(t.Context(), chat.Call{})
		require.NoError(t, err)
		return m
	}
	require.Equal(t, "0 messages to be said · 0 requests not started.\nNo message is held.\n", plain(run(backlog{})))
	m := run(backlog{n: 2, requests: 1, oldest: now.Add(-time.Hour), held: []state.Letter{{
		Notice: state.Notice{Kind: "ping", Incident: "ts-1"}, Place: state.Place{Platform: "slack", Channel: "C1"},
		Created: now.Add(-time.Hour), Tries: 3, Held: "not_in_channel",
	}}})
	require.Equal(t, "2 messages to be said (oldest 1 h ago) · 1 request not started (oldest 1 h ago).\n1 message held:\nping of ts-1 for slack C1, made 1 h ago, tried 3 times, held: not_in_channel\n", plain(m))
	require.Equal(t, chat.ToneWarn, m.Tone)
}

func TestADigestHasAPictureWhenSomebodyCanDraw(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	var drawn Burn
	b.parts.Draw = func(burn Burn, w io.Writer) (string, error) {
		drawn = burn
		_, err := w.Write([]byte("png"))
		return "4 open", err
	}
	m := b.must("view-1", "digest")
	require.Equal(t, BurnMark{At: at("2025-07-21 08:00"), Label: "opened"}, drawn.Marks[0])
	require.Len(t, drawn.Points, 3)
	i := slices.IndexFunc(m.Parts, func(p chat.Part) bool { _, ok := p.(chat.Picture); return ok })
	require.GreaterOrEqual(t, i, 0)
	pic := m.Parts[i].(chat.Picture)
	require.Equal(t, "burn-down.png 4 open png", strings.Join([]string{pic.Name, pic.Alt, string(pic.PNG)}, " "))
	require.Equal(t, state.TLPAmberStrict, pic.TLP)
	require.Len(t, pic.Plot.Labels, 3)
	require.Equal(t, []float64{4, 4, 4}, pic.Plot.Series[0].Values, "what is open, for platforms that draw themselves")
	require.Contains(t, plain(m), "Open: 4 (=) since 21 Jul 08:00\nExposed or worse: 0 (=)")
	b.parts.Draw = func(Burn, io.Writer) (string, error) { return "", errors.New("no font") }
	require.Contains(t, plain(b.must("view-1", "digest")), "The picture could not be drawn.")
	b.parts.Draw = nil
	require.Contains(t, plain(b.must("view-1", "digest")), "Open servers over time: ████████████████████████ 4")
}

func TestTheLowestBlockOfALineMeansZero(t *testing.T) {
	t.Parallel()
	start := at("2025-07-21 00:00")
	p := func(h, open int) state.Point {
		return state.Point{At: start.Add(time.Duration(h) * time.Hour), Counts: state.Counts{Status: map[state.Status]int{state.StatusExposed: open}}}
	}
	b := Burn{Points: []state.Point{p(0, 100), p(12, 50), p(18, 1)}, Until: start.Add(24 * time.Hour)}
	require.Equal(t, "████▄▄▂▂ 1", sparkline(b, 8))
	b.Points = append(b.Points, p(23, 0))
	b.Until = start.Add(46 * time.Hour)
	require.Equal(t, "███▄▁▁▁▁ 0", sparkline(b, 8))
	require.Equal(t, "█ 100", sparkline(Burn{Points: []state.Point{p(0, 100)}, Until: start}, 8))
	require.Empty(t, sparkline(Burn{}, 8))
}
