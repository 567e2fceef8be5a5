package commands

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestTheCardSaysWhatIsKnownUnknownAndNext(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm sp-fin-01")
	b.must("resp-1", "claim sp-hr-01")
	m, err := Card(t.Context(), b.store, boardID, b.now, 0)
	require.NoError(t, err)
	require.Equal(t, `ToolShell · ts-1 · day 2
Not clear: 4 of 4 servers open.
0/4 2 unknown · 2 ready · 1 claimed, which proves nothing
Since 21 Jul 08:00: open 4 (=) · confirmed 0 (=)
? sp-edge-01 unknown since 21 Jul 08:00 · nobody has looked
? sp-hr-01 unknown since 21 Jul 08:00 · bob · nobody has looked
◉ sp-fin-01 ready since 15:03 · alice · all packages and the configuration are shown from inside
◉ sp-fin-02 ready since 15:03 · alice · all packages and the configuration are shown from inside
Waiting: 1 request for a second person
Seen: no complete scan of all servers is known · 4 not looked at
Reminders every 4 h · as of 22 Jul 15:03 UTC.
`, plain(m))
	require.Equal(t, chat.ToneWarn, m.Tone)
	require.Empty(t, m.Notify)
}

func TestTheCardShowsScansAndWhatTheyDidNotSee(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	scan := func(id, what string, started, ended time.Time, complete bool) {
		s := state.Scan{ID: id, Incident: boardID, Selection: what, Started: started, Total: 4, Note: aliveNote(b.now)}
		_, begun, err := b.store.BeginScan(t.Context(), s, time.Hour)
		require.NoError(t, err)
		require.True(t, begun)
		if !ended.IsZero() {
			s.Ended, s.Complete, s.Looked, s.Reached = ended, complete, 4, 3
			require.NoError(t, b.store.EndScan(t.Context(), s))
		}
	}
	scan("1", "all", b.now.Add(-5*time.Hour), b.now.Add(-4*time.Hour), true)
	scan("2", "group emea", b.now.Add(-time.Hour), b.now.Add(-30*time.Minute), false)
	scan("3", "all", b.now.Add(-time.Minute), time.Time{}, false)
	text := plain(b.must("view-1", "status"))
	require.Contains(t, text, "Seen: scan of all running since 07:59 · last scan (group emea) 30 min ago: 3 of 4 answered, not complete · all servers last asked 5 h ago · 4 not looked at")
	b.now = b.now.Add(2 * time.Hour)
	require.Contains(t, plain(b.must("view-1", "status")), "scan of all began 07:59 and never ended")
}

func TestStatusOfAPart(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	m := b.must("view-1", "status emea")
	require.Contains(t, plain(m), "group emea · 3 of 3 open\n0/3 1 unknown · 2 ready\n? sp-hr-01 unknown · bob · ")
	require.Equal(t, []string{"confirm --incident ts-1 --group emea"}, lines(m))
	require.Contains(t, plain(b.must("view-1", "status --owner bob")), "owner bob · 1 of 1 open")
	require.Contains(t, plain(b.must("view-1", "status fin")), "farm fin · 2 of 2 open")
	require.Contains(t, plain(b.must("view-1", "status ali")), "owner alice")
	require.Contains(t, plain(b.must("view-1", "status sp-e")), "? sp-edge-01 unknown")
	require.Contains(t, b.no("view-1", "status sp"), "More than one server begins with")
	require.Contains(t, b.no("view-1", "status nothing"), "There is no server")
	require.Contains(t, b.no("view-1", "status fin --group emea"), "One thing at a time")
	b.must("lead-1", "server add sp-x --farm apac")
	b.must("lead-1", "server add sp-y --farm apac")
	_, err := b.ask("view-1", "status apac")
	var p *chat.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, []chat.Button{
		{Label: "group apac", Line: "status --incident ts-1 --group apac"},
		{Label: "farm apac", Line: "status --incident ts-1 --farm apac"},
	}, p.Offer)
}

func TestTheCardOfAServer(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm sp-fin-01")
	m := b.must("lead-2", "status sp-fin-01")
	text := plain(m)
	require.Contains(t, text, "◉ sp-fin-01 ready\nSince: 15:03\nFarm: fin\nOwner: alice · emea\nFix: fixed: all packages and the configuration are shown from inside\nLooked at: not looked at\n")
	require.Contains(t, text, "● rotate of https://fin.example/ verified rotated · collector, 22 Jul 15:00")
	require.Contains(t, text, "Next: Ask for confirmation; a second person approves it.")
	require.Contains(t, text, "(confirm) waits for a second person; asked by lead-1 just now.")
	require.Len(t, lines(m), 2)
	require.Regexp(t, "^confirm --incident ts-1 --facts [0-9a-f]{8} sp-fin-01$", lines(m)[0])
	require.Equal(t, chat.About{Incident: "ts-1", Server: "sp-fin-01"}, m.About)
	require.Equal(t, []string{
		"claim --incident ts-1 sp-hr-01", "verify --incident ts-1 sp-hr-01", "server assign --incident ts-1 sp-hr-01",
		"except --incident ts-1 sp-hr-01", "audit --incident ts-1 sp-hr-01",
	}, lines(b.must("resp-1", "status sp-hr-01")))
}

func TestTheVerdictNeverSaysClearByItself(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	counts := func(open, confirmed, retired int) state.Counts {
		return state.Counts{Status: map[state.Status]int{state.StatusExposed: open, state.StatusConfirmed: confirmed, state.StatusRetired: retired}}
	}
	declared := &state.Declaration{By: "a", Second: "b", At: now, Confirmed: 3}
	for _, c := range []struct {
		f    facts
		want string
		tone chat.Tone
	}{
		{facts{counts: counts(0, 0, 0)}, "There are no servers yet.", chat.ToneWarn},
		{facts{counts: counts(0, 0, 2)}, "Every server is retired; there is nothing to declare clear.", chat.ToneWarn},
		{facts{counts: counts(1, 2, 0)}, "Not clear: 1 of 3 servers open.", chat.ToneBad},
		{facts{counts: counts(0, 3, 0)}, "Not declared clear. The rule for it holds: no server is open. A lead asks with incident clear, another approves.", chat.ToneWarn},
		{facts{counts: counts(0, 3, 0), overdue: 1}, "Not clear: no server is open, but 1 farm waits to be assessed anew first.", chat.ToneWarn},
		{facts{counts: counts(0, 3, 0), overdue: maxOverdue}, "Not clear: no server is open, but 100 farms or more wait to be assessed anew first.", chat.ToneWarn},
		{facts{counts: counts(0, 3, 0), inc: state.Incident{Clear: declared}}, "ALL CLEAR · declared 15:00 by a and b.", chat.ToneGood},
		{facts{counts: counts(1, 2, 0), inc: state.Incident{Clear: declared}}, "Not clear: it was declared clear 15:00, but 1 server is open.", chat.ToneBad},
	} {
		c.f.now = now
		text, tone := c.f.verdict()
		require.Equal(t, c.want, text.Plain())
		require.Equal(t, c.tone, tone)
		sentence, _ := outlook{facts: c.f}.track()
		require.Contains(t, sentence.Plain(), c.want)
	}
}

func TestTheDigestFollowsFromFactsAlone(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	all := state.Scan{Selection: "all", Complete: true, Started: now.Add(-time.Hour), Ended: now.Add(-50 * time.Minute)}
	with := func(s state.Status, n, confirmed int) state.Counts {
		return state.Counts{Status: map[state.Status]int{s: n, state.StatusConfirmed: confirmed}}
	}
	yesterday := func(open, confirmed int) []state.Point {
		return []state.Point{{At: now.Add(-24 * time.Hour), Counts: with(state.StatusInProgress, open, confirmed)}}
	}
	for _, c := range []struct {
		f    facts
		want string
	}{
		{facts{counts: with(state.StatusCompromised, 1, 0)}, "Off track: 1 server with signs of an attacker. "},
		{facts{counts: with(state.StatusExposed, 2, 0), inc: state.Incident{Rules: state.Rules{Due: at("2025-07-21 00:00")}}}, "Off track: 2 servers are exposed, and it was due on 21 Jul 2025. "},
		{facts{counts: with(state.StatusExposed, 2, 0), inc: state.Incident{Rules: state.Rules{Due: at("2025-07-22 00:00")}}}, "At risk: 2 servers are exposed. "},
		{facts{counts: with(state.StatusInProgress, 5, 1), past: yesterday(3, 3)}, "Off track: 2 more servers open than a day ago. "},
		{facts{counts: with(state.StatusUnknown, 1, 0)}, "At risk: nothing is known of 1 server. "},
		{facts{counts: with(state.StatusInProgress, 3, 1), past: yesterday(3, 1)}, "At risk: no server was confirmed in a day. "},
		{facts{counts: with(state.StatusInProgress, 3, 1)}, "At risk: no complete scan of all servers in a day. "},
		{facts{counts: with(state.StatusInProgress, 3, 1), scans: []state.Scan{all}, past: yesterday(4, 0)}, "On track: no server is exposed, suspected or unknown. "},
	} {
		c.f.now = now
		text, _ := outlook{facts: c.f}.track()
		require.Equal(t, c.want+fmt.Sprintf("Not clear: %d of %s open.", c.f.counts.Open(), plural(c.f.counts.Total(), "server")), text.Plain())
	}
}
