package commands

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// slot runs a line as the schedule does, as the request of this id.
func (b *board) slot(p state.Place, id, line string) chat.Message {
	b.t.Helper()
	spec, words, err := chat.Find(specsOf(All(b.parts)), line)
	require.NoError(b.t, err)
	v, err := chat.Parse(spec, words, nil)
	require.NoError(b.t, err)
	for _, c := range All(b.parts) {
		if c.Spec().Path != spec.Path {
			continue
		}
		m, err := c.Run(b.t.Context(), chat.Call{
			Request: chat.Request{ID: id, Trigger: chat.TriggerSchedule, Place: p, At: b.now, Actor: chat.Actor{Link: "schedule"}},
			Values:  v, Incident: boardID,
		})
		require.NoError(b.t, err)
		return m
	}
	return chat.Message{}
}

func TestADigestOfTheScheduleIsSaidWhenSomethingChangedAndOnceAWeek(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	said := func(p state.Place, id string) bool { return len(b.slot(p, id, "digest").Parts) > 0 }
	require.True(t, said(channelOf, "1"), "the first one")
	require.True(t, said(channelOf, "1"), "what was cut off is said when it is run again")
	b.now = b.now.Add(8 * time.Hour)
	require.False(t, said(channelOf, "2"), "nothing changed")
	other := channelOf
	other.Channel = "C2"
	require.True(t, said(other, "3"), "this place has not heard of it")
	require.NotEmpty(t, b.slot(channelOf, "4", "digest --for responders").Parts, "nor have these readers")
	require.NotEmpty(t, b.must("view-1", "digest").Parts, "who asks is answered")
	b.must("resp-1", "claim sp-hr-01")
	require.True(t, said(channelOf, "5"))
	b.now = b.now.Add(16 * time.Hour)
	b.slot(channelOf, "6", "digest") // the claim is older than a claim may be: whatever is said of that
	told := b.now
	for day := 1; day < 7; day++ {
		b.now = told.Add(time.Duration(day) * 24 * time.Hour)
		require.False(t, said(channelOf, fmt.Sprint("day ", day)), day)
	}
	b.now = told.Add(7 * 24 * time.Hour)
	m := b.slot(channelOf, "7", "digest")
	require.Contains(t, plain(m), "Nothing has changed since ")
	require.Contains(t, plain(m), "weekly sign that somebody still looks")
	b.now = b.now.Add(24 * time.Hour)
	require.False(t, said(channelOf, "8"), "the next one in a week")
}

func TestADigestOfTheScheduleEndsWithTheIncident(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("lead-1", "incident close given up")
	require.Empty(t, b.slot(channelOf, "1", "digest").Parts)
	require.NotEmpty(t, b.must("view-1", "digest").Parts)
}

func TestTheDigestOfManagersAndThatOfResponders(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("resp-1", "claim sp-hr-01")
	b.must("lead-1", "confirm sp-fin-01")
	text := plain(b.must("view-1", "digest"))
	for _, want := range []string{
		"ToolShell · ts-1 · day 2\n", "Not clear: 4 of 4 servers open.", "Open: 4 (=) since 21 Jul 08:00\n",
		"Estimate: cannot be told. Servers were finished in 0 quarters of an hour in the last 31 h; 5 are needed.\n",
		"In the way\n", "Claims that go back to the pool, unless proved or renewed\n", "sp-hr-01 in 4 h · claimed by resp-1 ",
		"Requests that lapse without a second person\n", "confirm sp-fin-01 in 24 h · asked by lead-1\n",
		"Not seen from outside: 4 not looked at. What proves these comes from inside alone.\n",
		"Waiting: 1 request for a second person\n", "Seen: no complete scan of all servers is known\n",
	} {
		require.Contains(t, text, want)
	}
	m := b.must("view-1", "digest --for responders")
	text = plain(m)
	for _, want := range []string{"First\n", "? sp-edge-01 unknown since 21 Jul 08:00 · no owner · ", "sp-hr-01 in 4 h", "Not seen from outside: 4 not looked at"} {
		require.Contains(t, text, want)
	}
	require.Contains(t, fmt.Sprint(tableOf(m)), "[[emea 3 0 1 2 0] [apac 1 0 1 0 0]]")
	require.Contains(t, b.no("view-1", "digest --for everybody"), "managers")
}

func tableOf(m chat.Message) (rows [][]string) {
	for _, p := range m.Parts {
		if tab, ok := p.(chat.Table); ok {
			for _, r := range tab.Rows {
				var cells []string
				for _, c := range r {
					cells = append(cells, c.Plain())
				}
				rows = append(rows, cells)
			}
		}
	}
	return rows
}

func TestTheEstimateInWords(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	in := func(d time.Duration) time.Time { return now.Add(d) }
	day := 72 * time.Hour
	for _, c := range []struct {
		f    forecast
		want string
	}{
		{forecast{}, ""},
		{forecast{open: 3, points: 4, over: day}, "Estimate: cannot be told. Servers were finished in 4 quarters of an hour in the last 3 days; 5 are needed."},
		{
			forecast{open: 5, points: 9, over: day, blocks: []lane{{group: "team-b", open: 3}}, rest: band{in(80 * time.Minute), in(200 * time.Minute)}},
			"Estimate: cannot be told because of team-b (3 open): nothing, or too little, was finished there in the last 3 days. Without that: between 16:15 and 18:30 UTC.",
		},
		{
			forecast{open: 5, points: 9, over: day, blocks: []lane{{group: "", open: 3}, {group: "a", open: 2}, {group: "b", open: 1}, {group: "c", open: 1}}},
			"Estimate: cannot be told because of what has no group (3 open), a (2 open), b (1 open) and 1 group more: nothing, or too little, was finished there in the last 3 days.",
		},
		{
			forecast{open: 5, points: 9, over: day, all: band{in(30*time.Hour + time.Minute), in(48*time.Hour + time.Minute)}, last: lane{group: "team-b", open: 3}, rest: band{in(time.Hour), in(2 * time.Hour)}},
			"Estimate: nothing is open between 23 Jul 21:00 and 24 Jul 16:00 UTC, at the pace in the last 3 days; then two persons declare it. team-b (3 open) decides; without that: between 16:00 and 17:00 UTC.",
		},
		{
			forecast{open: 5, points: 9, over: day, all: band{early: in(30 * time.Hour)}, last: lane{group: "team-b", open: 3}},
			"Estimate: nothing is open not before 23 Jul 21:00 UTC, and no latest time can be told, at the pace in the last 3 days; then two persons declare it.",
		},
		{
			forecast{open: 5, points: 9, over: day, last: lane{group: "team-b", open: 3}},
			"Estimate: no end can be told: at the pace in the last 3 days it takes more than 90 days, or as much opens again as is finished. team-b (3 open) decides.",
		},
	} {
		text := strings.TrimSpace(plain(chat.Say(outlook{facts: facts{now: now}, forecast: c.f}.expected()...)))
		require.Equal(t, c.want, text)
	}
}

func TestTheEstimateIsPartOfTheVerdict(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	f := facts{
		now: now, inc: state.Incident{Due: now.Add(10 * time.Hour), Zone: "Europe/Berlin"},
		counts: state.Counts{Status: map[state.Status]int{state.StatusInProgress: 3}},
		scans:  []state.Scan{{Selection: "all", Complete: true, Started: now.Add(-time.Hour), Ended: now}},
	}
	for _, c := range []struct {
		all  band
		want string
	}{
		{band{}, "On track: "},
		{band{now.Add(time.Hour), now.Add(9 * time.Hour)}, "On track: "},
		{band{now.Add(time.Hour), now.Add(11 * time.Hour)}, "At risk: at this pace it may not be done by 23 Jul 2025. "},
		{band{early: now.Add(time.Hour)}, "At risk: at this pace it may not be done by 23 Jul 2025. "},
		{band{now.Add(11 * time.Hour), now.Add(12 * time.Hour)}, "Off track: at this pace it is not done by 23 Jul 2025. "},
	} {
		text, _ := outlook{facts: f, forecast: forecast{all: c.all}}.track()
		require.True(t, strings.HasPrefix(text.Plain(), c.want), text.Plain())
	}
}

func TestAPictureTellsWhenTheFixLinesMoved(t *testing.T) {
	t.Parallel()
	start := at("2025-07-21 00:00")
	b := Burn{Until: start.Add(10 * time.Hour)}
	for h := range 10 {
		b.Points = append(b.Points, state.Point{At: start.Add(time.Duration(h) * time.Hour), Counts: state.Counts{Status: map[state.Status]int{state.StatusExposed: h}}})
	}
	require.Equal(t, "Servers not confirmed", b.plot().Title)
	require.Empty(t, b.moves())
	b.Moved = []time.Time{start.Add(3*time.Hour + 30*time.Minute)}
	p := b.plot()
	require.Equal(t, "Servers not confirmed, fix lines moved at ⚑", p.Title)
	require.LessOrEqual(t, len([]rune(p.Title)), 50, "Slack takes no more")
	require.Equal(t, []string{"21 Jul 03:00", "21 Jul 04:00 ⚑", "21 Jul 05:00"}, p.Labels[2:5])
	require.Equal(t, " The fix lines moved 21 Jul 03:30 UTC.", b.moves())
	b.Moved = append(b.Moved, b.Moved[0].Add(time.Hour), b.Moved[0].Add(2*time.Hour), b.Moved[0].Add(3*time.Hour))
	require.Equal(t, " The fix lines moved 21 Jul 04:30 UTC, 21 Jul 05:30 UTC, 21 Jul 06:30 UTC.", b.moves())
}

func TestADigestTellsTheTimeOfTheIncidentAlsoWhenTheClocksAreMoved(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, c := range []struct {
		now, early, late string // UTC
		words            string
	}{
		{"2025-07-22 15:00", "2025-07-22 16:20", "2025-07-22 18:20", "between 18:15 and 20:30 CEST"},
		{"2025-01-22 15:00", "2025-01-22 16:20", "2025-01-22 18:20", "between 17:15 and 19:30 CET"},
		{"2025-10-25 22:00", "2025-10-26 00:20", "2025-10-26 02:20", "between 26 Oct 02:15 CEST and 03:30 CET"},
		{"2025-10-25 22:00", "2025-10-26 01:20", "2025-10-26 02:20", "between 26 Oct 02:15 CET and 03:30 CET"},
		{"2025-03-29 22:00", "2025-03-30 00:20", "2025-03-30 01:20", "between 30 Mar 01:15 CET and 03:30 CEST"},
		{"2025-10-27 15:00", "2025-10-30 16:20", "2025-10-31 18:20", "between 30 Oct 17:00 and 31 Oct 20:00 CET"},
	} {
		got := band{at(c.early), at(c.late)}.words(at(c.now).In(berlin))
		require.Equal(t, c.words, got)
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	require.Equal(t, "between 23 Jul 20:00 and 24 Jul 01:00 IST", band{at("2025-07-23 15:00"), at("2025-07-23 19:10")}.words(at("2025-07-22 15:00").In(kolkata)), "whole hours there")
	saoPaulo, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(t, err)
	require.Equal(t, "22 Jul 12:00 UTC-03", asOf(at("2025-07-22 15:00").In(saoPaulo)))
	require.Equal(t, "22 Jul 15:00 UTC", asOf(at("2025-07-22 15:00").In(time.Local)), "no reader knows the clock of the machine")

	b := newBoard(t, 2)
	b.zone("Europe/Berlin")
	b.must("resp-1", "claim sp-hr-01")
	var drawn Burn
	b.parts.Draw = func(burn Burn, w io.Writer) (string, error) {
		drawn = burn
		_, err := w.Write([]byte("png"))
		return "4 open", err
	}
	b.now = at("2025-07-21 21:30")
	text := plain(b.must("view-1", "digest"))
	require.Contains(t, text, "As of 21 Jul 23:30 CEST.")
	require.Contains(t, text, "claimed by resp-1 10:00\n")
	require.Contains(t, text, "unknown since 10:00 ")
	require.Equal(t, "Europe/Berlin", drawn.Zone.String())
	require.Contains(t, plain(b.must("view-1", "status")), "as of 21 Jul 23:30 CEST.")
}
