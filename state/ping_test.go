package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var slot = time.Date(2025, 7, 21, 12, 0, 0, 0, time.UTC)

// openRow is a server that has been exposed since the morning.
func openRow(name string) Row {
	return Row{Name: name, Status: StatusExposed, Since: slot.Add(-6 * time.Hour), Added: slot.Add(-6 * time.Hour)}
}

// asked is a question about one reader's servers, at noon.
func asked(rows ...Row) PingQuestion {
	return PingQuestion{
		Now: slot, Slot: slot, Cadence: 2 * time.Hour, Shares: []PingShare{{To: "person:alice", Rows: rows}},
		Readers: map[string]PingReader{}, Memory: map[string]PingMemory{},
	}
}

// at moves a question to another slot.
func (q PingQuestion) at(t time.Time, m PingMemory) PingQuestion {
	q.Now, q.Slot = t, t
	q.Memory = map[string]PingMemory{"person:alice": m}
	return q
}

func holds(p PingPlan) (out []string) {
	for _, h := range p.Holds {
		out = append(out, h.Server+": "+h.Why)
	}
	return out
}

func TestWhoIsNotRemindedAndWhy(t *testing.T) {
	t.Parallel()
	with := func(change func(*Row)) Row {
		r := openRow("a")
		change(&r)
		return r
	}
	recently := slot.Add(-time.Hour)
	snooze := Snooze{Server: "a", Reason: "window at night", By: "bob", At: recently, Until: slot.Add(time.Hour)}
	for name, c := range map[string]struct {
		row  Row
		want string // "" is a ping
	}{
		"open":                                   {openRow("a"), ""},
		"worked on":                              {with(func(r *Row) { r.Acted = recently }), "somebody worked on it"},
		"worked on too long ago":                 {with(func(r *Row) { r.Acted = slot.Add(-2 * time.Hour) }), ""},
		"worked on before it became worse":       {with(func(r *Row) { r.Acted, r.Since = recently, recently.Add(time.Minute) }), ""},
		"worked on, with signs of an attacker":   {with(func(r *Row) { r.Acted, r.Status = recently, StatusSuspected }), ""},
		"snoozed":                                {with(func(r *Row) { r.Snooze = snooze }), "snoozed by bob: window at night"},
		"snoozed until before":                   {with(func(r *Row) { r.Snooze = snooze; r.Snooze.Until = slot }), ""},
		"snoozed, and attacked after that":       {with(func(r *Row) { r.Snooze, r.Attacked = snooze, recently.Add(time.Minute) }), ""},
		"snoozed, and attacked before that":      {with(func(r *Row) { r.Snooze, r.Attacked = snooze, recently.Add(-time.Minute) }), "snoozed by bob: window at night"},
		"contained":                              {with(func(r *Row) { r.Status = StatusContained }), ""},
		"compromised, snoozed with that in mind": {with(func(r *Row) { r.Status, r.Snooze = StatusCompromised, snooze }), "snoozed by bob: window at night"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := PlanPings(asked(c.row))
			if c.want == "" {
				require.Len(t, plan.Pings, 1)
				require.Empty(t, plan.Holds)
				require.Equal(t, c.row.Status != StatusContained, plan.Pings[0].Loud)
				return
			}
			require.Empty(t, plan.Pings)
			require.Equal(t, []string{"a: " + c.want}, holds(plan))
		})
	}
}

func TestWhoReachesItAndWhoAttackedItComesFirst(t *testing.T) {
	t.Parallel()
	inside, attacked, old, worse := openRow("inside"), openRow("attacked"), openRow("old"), openRow("worse")
	inside.Exposure, inside.Status = ExposureInternal, StatusCompromised
	attacked.Attacked = slot.Add(-time.Hour)
	old.Added = slot.Add(-24 * time.Hour)
	worse.Status = StatusCompromised
	p := PlanPings(asked(inside, openRow("new"), old, worse, attacked)).Pings[0]
	var names []string
	for _, r := range p.Rows {
		names = append(names, r.Name)
	}
	require.Equal(t, []string{"attacked", "worse", "old", "new", "inside"}, names)
}

// TestTheSameIsSaidMoreAndMoreSeldom walks through slots of two hours.
func TestTheSameIsSaidMoreAndMoreSeldom(t *testing.T) {
	t.Parallel()
	q, m := asked(openRow("a")), PingMemory{}
	var said []int
	walk := func(from, to int) {
		for i := from; i < to; i++ {
			plan := PlanPings(q.at(slot.Add(time.Duration(i)*q.Cadence), m))
			if len(plan.Pings) == 1 {
				said, m = append(said, i), plan.Pings[0].Next
			}
		}
	}
	walk(0, 16)
	require.Equal(t, []int{0, 2, 6, 10, 14}, said)
	said = nil
	q.Shares[0].Rows[0].Attacked = slot.Add(15*q.Cadence + time.Minute) // attacked: full cadence
	walk(16, 19)
	require.Equal(t, []int{16, 18}, said)
	said = nil
	q.Shares[0].Rows[0].Status = StatusSuspected // regressed
	walk(19, 20)
	q.Phase = PhaseAt
	walk(20, 21)
	q.Phase = PhaseAfter
	walk(21, 22)
	require.Equal(t, []int{19, 20, 21}, said)
}

func TestQuietHoursHoldAndReleaseAsOne(t *testing.T) {
	t.Parallel()
	night, err := ParseHours("11:00-13:00", "")
	require.NoError(t, err)
	after, err := ParseHours("12:30-15:00", "")
	require.NoError(t, err)
	q := asked(openRow("a"))
	q.Readers["person:alice"] = PingReader{Quiet: []Hours{night, after}}
	plan := PlanPings(q)
	require.Len(t, plan.Pings, 1)
	require.Equal(t, slot.Add(3*time.Hour), plan.Pings[0].NotBefore)
	m := plan.Pings[0].Next
	require.Equal(t, []string{"a: a reminder waits for the end of quiet hours"}, holds(PlanPings(q.at(slot.Add(2*time.Hour), m))))

	q.Shares[0].Rows[0].Attacked = slot.Add(time.Hour) // an attacker breaks through, and it is said why
	plan = PlanPings(q.at(slot.Add(2*time.Hour), m))
	require.Zero(t, plan.Pings[0].NotBefore)
	require.Equal(t, "in your quiet hours, because a shows new signs of an attacker", plan.Pings[0].Why)

	q = asked(openRow("a"))
	q.Readers["person:alice"] = PingReader{Quiet: []Hours{night}, Leads: true}
	q.Phase = PhaseAfter
	require.Equal(t, "in your quiet hours, because the deadline has passed", PlanPings(q).Pings[0].Why)
	q.Readers["person:alice"] = PingReader{Quiet: []Hours{night}}
	require.Empty(t, PlanPings(q).Pings[0].Why)
}

func TestMentionsAboveTheBudgetAreLeftToTheDigest(t *testing.T) {
	t.Parallel()
	q := asked(openRow("a"))
	q.Readers["person:alice"] = PingReader{Budget: 2}
	m := PingMemory{Slot: slot.Add(-time.Hour), Facts: "other", Mentions: []time.Time{slot.Add(-61 * time.Minute), slot.Add(-30 * time.Minute), slot.Add(-time.Minute)}}
	plan := PlanPings(q.at(slot, m))
	require.Equal(t, []string{"a: had 2 mentions in an hour: left to the digest"}, holds(plan))
	require.Equal(t, slot.Add(30*time.Minute), plan.Holds[0].Until)
	require.Equal(t, 1, plan.Left["person:alice"].Left)
	require.Len(t, PlanPings(q.at(slot.Add(time.Hour), plan.Left["person:alice"])).Pings, 1)
	q.Shares[0].Rows[0].Status = StatusContained // who is not mentioned needs no budget
	require.Len(t, PlanPings(q.at(slot, m)).Pings, 1)
}

func TestAPersonOfManySharesGetsOneMessage(t *testing.T) {
	t.Parallel()
	q := asked(openRow("a"))
	q.Shares = append(q.Shares, PingShare{To: "person:alice", Rows: []Row{openRow("b")}, More: 3}, PingShare{To: "person:alice", As: "duty lead", Rows: []Row{openRow("a"), openRow("c")}, More: 7})
	plan := PlanPings(q)
	require.Len(t, plan.Pings, 1)
	require.Len(t, plan.Pings[0].Rows, 3)
	require.Equal(t, 7, plan.Pings[0].More)
	require.Equal(t, []string{"", "duty lead"}, plan.Pings[0].As)
}

// TestNothingOpenIsDroppedAndNobodyGetsTwo holds for whatever is asked: each open
// server of each reader is in their one ping, or held with a reason.
func TestNothingOpenIsDroppedAndNobodyGetsTwo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			return slot.Add(time.Duration(rapid.IntRange(-600, 60).Draw(t, "minutes")) * time.Minute)
		})
		readers := []string{"person:alice", "person:bob", "group:emea", "owner:x", ""}
		q := PingQuestion{
			Now: slot.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "late")) * time.Minute), Slot: slot, Cadence: 2 * time.Hour,
			Phase: Phase(rapid.IntRange(0, int(PhaseLate)).Draw(t, "phase")), Asked: rapid.Bool().Draw(t, "asked"),
			Readers: map[string]PingReader{}, Memory: map[string]PingMemory{},
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "shares") {
			s := PingShare{To: rapid.SampledFrom(readers).Draw(t, "to"), As: rapid.SampledFrom([]string{"", "group", "duty lead"}).Draw(t, "as"), More: rapid.IntRange(0, 2).Draw(t, "more")}
			for j := range rapid.IntRange(0, 4).Draw(t, "rows") {
				r := Row{
					Name: fmt.Sprint("s", (i+j)%6), Status: rapid.SampledFrom(Statuses()).Draw(t, "status"), Contained: rapid.Bool().Draw(t, "contained"),
					Since: moment.Draw(t, "since"), Acted: moment.Draw(t, "acted"), Attacked: moment.Draw(t, "attacked"), Added: moment.Draw(t, "added"),
				}
				if rapid.Bool().Draw(t, "snoozed") {
					r.Snooze = Snooze{Reason: "r", By: "b", At: moment.Draw(t, "at"), Until: moment.Draw(t, "until")}
				}
				s.Rows = append(s.Rows, r)
			}
			q.Shares = append(q.Shares, s)
		}
		for _, to := range readers {
			h := rapid.IntRange(0, 23).Draw(t, "hour")
			q.Readers[to] = PingReader{
				Quiet: []Hours{{From: h * 60, To: (h + rapid.IntRange(0, 10).Draw(t, "hours")) % 24 * 60, Zone: time.UTC}}, Budget: rapid.IntRange(0, 2).Draw(t, "budget"),
			}
			if rapid.Bool().Draw(t, "known") {
				q.Memory[to] = PingMemory{
					Slot: moment.Draw(t, "slot"), At: moment.Draw(t, "said"), Until: moment.Draw(t, "until"), Level: rapid.IntRange(0, 2).Draw(t, "level"),
					Mentions: []time.Time{moment.Draw(t, "mention")}, Phase: q.Phase, Facts: PlanPings(q).factsOf(to),
				}
			}
		}
		plan := PlanPings(q)
		told, more := map[string]map[string]bool{}, map[string]bool{}
		for _, p := range plan.Pings {
			require.Nil(t, told[p.To], "two messages to %q", p.To)
			told[p.To] = map[string]bool{}
			more[p.To] = p.More > 0
			for _, r := range p.Rows {
				require.False(t, told[p.To][r.Name], "%s twice in one message", r.Name)
				require.False(t, r.Status.Settled())
				told[p.To][r.Name] = true
			}
			require.True(t, p.NotBefore.IsZero() || p.NotBefore.After(q.Now))
			require.Equal(t, q.Slot, p.Next.Slot)
		}
		held := map[string]bool{}
		for _, h := range plan.Holds {
			require.NotEmpty(t, h.Why)
			held[h.To+" "+h.Server] = true
		}
		for _, s := range q.Shares {
			for _, r := range s.Rows {
				require.True(t, r.Status.Settled() || told[s.To][r.Name] || held[s.To+" "+r.Name], "%s of %q is in no ping and not held", r.Name, s.To)
			}
			require.True(t, s.More == 0 || more[s.To] || held[s.To+" "], "what was not looked at of %q is dropped", s.To)
		}
		require.Equal(t, plan, PlanPings(q), "the same question, the same answer")
	})
}

// factsOf is what a plan says to a reader, by its short name.
func (plan PingPlan) factsOf(to string) string {
	for _, p := range plan.Pings {
		if p.To == to {
			return p.Next.Facts
		}
	}
	return ""
}

func TestPhasesOfADeadline(t *testing.T) {
	t.Parallel()
	due := slot
	for _, c := range []struct {
		hours float64
		want  Phase
	}{{-5, PhaseBefore}, {-4, PhaseAt}, {-0.1, PhaseAt}, {0, PhaseAfter}, {3.9, PhaseAfter}, {4, PhaseLate}, {1000, PhaseLate}} {
		require.Equal(t, c.want, PhaseOf(due, slot.Add(time.Duration(c.hours*float64(time.Hour)))), "%v h", c.hours)
	}
	require.Equal(t, PhaseNone, PhaseOf(time.Time{}, slot))

	inc := Incident{Opened: slot.Add(-48 * time.Hour), Zone: "America/New_York", Rules: Rules{Due: time.Date(2025, 7, 21, 0, 0, 0, 0, time.UTC)}}
	require.Equal(t, time.Date(2025, 7, 22, 4, 0, 0, 0, time.UTC), inc.Deadline(), "the day ends where the incident is")
	inc.Opened = slot.Add(48 * time.Hour)
	require.Zero(t, inc.Deadline(), "a day that had passed is no deadline")
	inc.Due = slot.Add(50 * time.Hour)
	require.Equal(t, inc.Due, inc.Deadline())
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hours, zone, now, end string }{
		{"22:00-07:00", "UTC", "2025-07-21 21:59", ""},
		{"22:00-07:00", "UTC", "2025-07-21 22:00", "2025-07-22 07:00"},
		{"22:00-07:00", "UTC", "2025-07-21 06:59", "2025-07-21 07:00"},
		{"22:00-07:00", "UTC", "2025-07-21 07:00", ""},
		{"12:00-13:00", "UTC", "2025-07-21 12:30", "2025-07-21 13:00"},
		{"22:00-07:00", "Europe/Berlin", "2025-07-21 20:30", "2025-07-22 05:00"},
		{"22:00-02:30", "Europe/Berlin", "2025-03-29 22:30", "2025-03-30 01:30"}, // 02:30 is skipped
		{"22:00-07:00", "America/New_York", "2025-11-02 03:00", "2025-11-02 12:00"},
	} {
		h, err := ParseHours(c.hours, c.zone)
		require.NoError(t, err)
		now, err := time.Parse("2006-01-02 15:04", c.now)
		require.NoError(t, err)
		got := ""
		if end := h.End(now); !end.IsZero() {
			got = end.Format("2006-01-02 15:04")
		}
		require.Equal(t, c.end, got, "%v", c)
	}
	for _, bad := range []string{"22:00", "7-8", "22:00-22:00", "25:00-07:00", "x"} {
		_, err := ParseHours(bad, "")
		require.Error(t, err, bad)
	}
}
