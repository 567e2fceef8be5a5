package commands

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// said are the notices that wait, as the outbox would take and deliver them.
func (b *board) said() []state.Notice {
	b.t.Helper()
	var out []state.Notice
	for {
		ls, err := b.store.Claim(b.t.Context(), "test", b.now.Add(time.Minute), time.Hour, 50)
		require.NoError(b.t, err)
		for _, l := range ls {
			out = append(out, l.Letter.Notice)
			require.NoError(b.t, b.store.Delivered(b.t.Context(), l.Letter, l.Token, state.Receipt{Place: l.Letter.Place, MessageID: "m", At: b.now}))
		}
		if len(ls) == 0 {
			return out
		}
	}
}

// fired fires the reminders of the slot that now lies in, and returns whom they go to.
func (b *board) fired() []string {
	b.t.Helper()
	b.n++
	at := slotOf(b.now, 4*time.Hour)
	c := ping{b.store, newPinger(b.parts)}
	m, err := c.Run(b.t.Context(), chat.Call{
		Request:  chat.Request{ID: fmt.Sprint("slot ", b.n, at), Trigger: chat.TriggerSchedule, At: at, Actor: chat.Actor{Link: "schedule"}},
		Values:   chat.NewValues(map[string]string{"send": "yes"}),
		Incident: boardID,
	})
	require.NoError(b.t, err)
	require.Empty(b.t, m.Parts, "the reminders speak for themselves")
	var out []string
	for _, n := range b.said() {
		if n.Kind == NoticePing {
			out = append(out, n.Owner)
		}
	}
	slices.Sort(out)
	return out
}

// render is a notice in words, as it would be delivered now.
func (b *board) render(n state.Notice) chat.Message {
	b.t.Helper()
	m, err := NewVoice(b.parts).Render(b.t.Context(), []state.Notice{n}, state.Place{})
	require.NoError(b.t, err)
	return m
}

const malicious = `evidence add {"schema":"allclear/evidence/1","farm":"%s","observed":"%s","servers":{"%s":{"modules":"malicious"}}}`

func (b *board) attack(farm, server string) {
	b.t.Helper()
	b.must("resp-1", fmt.Sprintf(malicious, farm, b.now.Format(time.RFC3339), server))
}

func TestRemindersAreShownAsTheyWillBeSent(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "ping")
	require.Contains(t, plain(m), "alice: 2 servers are open in ts-1\n? sp-fin-01 unknown, open to the internet · Save the memory")
	require.Contains(t, plain(m), "bob: 1 server is open in ts-1")
	require.Contains(t, plain(m), "group apac: 1 server is open in ts-1\n? sp-edge-01 unknown, open to the internet", "what has no owner is its group's")
	require.Contains(t, plain(m), "Without an owner nobody is asked to act.")
	require.Empty(t, m.Notify, "a preview mentions nobody")
	for _, line := range []string{
		"claim --incident ts-1 sp-fin-01", "verify --incident ts-1 sp-fin-01", "snooze --incident ts-1 sp-fin-01 4h",
		"server assign --incident ts-1 sp-fin-01", "except --incident ts-1 sp-fin-01", "ping --incident ts-1 --send",
	} {
		require.Contains(t, lines(m), line)
	}
	require.Empty(t, b.said())
	require.NotContains(t, plain(b.must("resp-1", "ping --owner bo")), "alice")
	require.Contains(t, b.no("resp-1", "ping --owner carol"), "There is no owner")
}

func TestAReminderIsSentOnceInASlot(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "ping --send")
	require.Contains(t, plain(m), "3 reminders on the way: alice, bob, group apac.\nOne for each person in the slot from 08:00 to 12:00 UTC.")
	b.now = b.now.Add(time.Hour)
	m = b.must("lead-1", "ping --send")
	require.Contains(t, plain(m), "Nobody is reminded now.\nNot reminded\nalice of sp-fin-01, sp-fin-02: had a reminder in this slot already, until 12:00")
	ls := b.said()
	require.Len(t, ls, 3)
	require.Equal(t, "ping ts-1 2025-07-21T08:00:00Z owner:alice", ls[0].Key)
	b.now = b.now.Add(3 * time.Hour)
	b.must("lead-1", "ping --send --owner alice")
	require.Len(t, b.said(), 1)
}

func TestRemindersOfAPersonAndOfTheClockAreTheSame(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "ping --send")
	require.Len(t, b.said(), 3)
	require.Empty(t, b.fired())
}

func TestAPersonOfSeveralOwnersGetsOneReminder(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.people[2].Owns = []string{"alice", "bob"} // resp-1
	require.Equal(t, []string{"group apac", "resp-1"}, b.fired())
	m := b.render(state.Notice{Kind: NoticePing, Incident: boardID, Owner: "resp-1", Facts: map[string]string{"to": "person:resp-1", "slot": "2025-07-21T08:00:00Z"}})
	require.Contains(t, plain(m), "resp-1: 3 servers are open in ts-1")
	require.Equal(t, []string{"person:resp-1"}, m.Notify)
	require.Contains(t, plain(b.must("resp-1", "ping --owner alice")), "resp-1 of sp-fin-01, sp-hr-01, sp-fin-02: had a reminder")
}

func TestTheSameIsRepeatedMoreSeldomAndAnAttackAtOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.change(nil, func(tx *state.Tx) error { return tx.SetDue(at("2025-07-30 00:00")) }) // phases are another matter
	var said []int
	for i := range 8 {
		if slices.Contains(b.fired(), "bob") {
			said = append(said, i)
		}
		b.now = b.now.Add(4 * time.Hour)
	}
	require.Equal(t, []int{0, 2, 6}, said)
	require.Contains(t, plain(b.must("resp-1", "ping")), "alice: 2 servers", "who asks sees it all the same")
	b.attack("sp-hr-01", "sp-hr-01")
	require.Equal(t, []string{"bob"}, b.fired())
}

func TestWhoWorkedOnItIsNotReminded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "claim sp-hr-01")
	require.Contains(t, plain(b.must("resp-1", "ping")), "bob of sp-hr-01: somebody worked on it, until 13:00")
	b.must("resp-1", "claim sp-fin-01") // alice has another one
	require.Contains(t, plain(b.must("resp-1", "ping")), "alice: 1 server is open in ts-1\n? sp-fin-02")
	b.now = b.now.Add(5 * time.Hour)
	require.Contains(t, plain(b.must("resp-1", "ping")), "bob: 1 server is open")
	require.Contains(t, plain(b.must("resp-1", "ping")), "alice: 2 servers are open")

	b.must("resp-1", "claim sp-hr-01") // no claim keeps quiet about an attacker
	b.attack("sp-hr-01", "sp-hr-01")
	require.Contains(t, plain(b.must("resp-1", "ping")), "✖ sp-hr-01 compromised, attacked just now, open to the internet, claimed by resp-1 just now")
}

func TestASnoozeHoldsUntilAnAttack(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.Contains(t, b.no("resp-1", "snooze sp-hr-01 4h"), "A snooze needs a reason.")
	require.Contains(t, b.no("resp-1", "snooze sp-hr-01 30d holidays"), "Nobody is left alone for more than 7 days")
	require.Contains(t, plain(b.must("resp-1", "snooze sp-hr 6h window at night")), "Nobody is reminded of sp-hr-01 until 14:00 UTC: window at night.")
	require.Contains(t, plain(b.must("resp-1", "ping")), "bob of sp-hr-01: snoozed by resp-1: window at night, until 14:00")
	require.NotContains(t, b.fired(), "bob")
	b.must("resp-1", "snooze sp-hr-01 0m")
	require.Contains(t, plain(b.must("resp-1", "ping")), "bob: 1 server")
	b.must("resp-1", "snooze sp-hr-01 6h window at night")
	b.now = b.now.Add(4 * time.Hour)
	b.attack("sp-hr-01", "sp-hr-01")
	require.Contains(t, plain(b.must("resp-1", "ping")), "its snooze ended early")
	require.Contains(t, b.fired(), "bob")
	entries, err := b.store.AuditOf(t.Context(), boardID, "sp-hr-01", 10)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(entries, func(e state.AuditEntry) bool {
		return slices.ContainsFunc(e.Events, func(e state.Event) bool { return e.Type == "snoozed" })
	}), "it is in the record")
}

func TestAReminderSaysWhatIsTrueWhenItIsDelivered(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	n := state.Notice{Kind: NoticePing, Incident: boardID, Owner: "bob", At: b.now}
	m, err := NewVoice(b.parts).Render(t.Context(), []state.Notice{n, n}, state.Place{})
	require.NoError(t, err)
	require.Equal(t, []string{"owner:bob"}, m.Notify)
	require.Contains(t, plain(m), "bob: 1 server is open in ts-1")
	b.must("resp-1", "claim sp-hr-01")
	require.Equal(t, chat.Message{}, b.render(n))
}

func TestADisconnectedServerIsRemindedOfQuietly(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-21T08:00:00Z","servers":{"sp-hr-01":{"contained":"yes"}}}`)
	require.Equal(t, state.StatusContained, b.status("sp-hr-01"))
	b.now = b.now.Add(5 * time.Hour)
	require.Contains(t, b.fired(), "bob", "it is not dropped")
	m := b.render(state.Notice{Kind: NoticePing, Incident: boardID, Owner: "bob"})
	require.Contains(t, plain(m), "◇ sp-hr-01 contained")
	require.Empty(t, m.Notify)
}

func TestQuietHoursHoldOneMessageForTheMorning(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1
	b.now = at("2025-07-22 00:00")
	m := b.must("lead-1", "ping --send --owner bob")
	require.Contains(t, plain(m), "1 reminder held by quiet hours: resp-1 at 07:00.")
	require.Empty(t, b.said(), "nothing goes out at night")
	b.now = at("2025-07-22 04:00")
	require.Contains(t, plain(b.must("lead-1", "ping")), "resp-1 of sp-hr-01: a reminder waits for the end of quiet hours, until 07:00")
	require.NotContains(t, b.fired(), "resp-1")
	b.now = at("2025-07-22 07:00")
	ls := b.said()
	require.Len(t, ls, 1)
	require.Contains(t, plain(b.render(ls[0])), "resp-1: 1 server is open in ts-1")
	b.now = at("2025-07-22 23:30")
	b.attack("sp-hr-01", "sp-hr-01")
	b.said()
	b.now = at("2025-07-23 00:00")
	require.Contains(t, b.fired(), "resp-1")
	require.Contains(t, plain(b.render(state.Notice{Kind: NoticePing, Incident: boardID, Facts: map[string]string{
		"to": "person:resp-1", "why": "in your quiet hours, because sp-hr-01 shows new signs of an attacker",
	}})), "Sent in your quiet hours, because sp-hr-01 shows new signs of an attacker.")
}

func TestTheDeadlineEscalates(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.parts.Reminders = Reminders{Duty: "lead-1", Manager: "lead-2"}
	b.change(nil, func(tx *state.Tx) error { return tx.SetDue(at("2025-07-22 00:00")) })
	tend := func() int {
		n, err := Tend(t.Context(), b.parts, boardID, b.now)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, tend())
	require.Equal(t, []string{"alice", "bob", "group apac"}, b.fired())
	b.now = at("2025-07-21 20:00")
	require.Equal(t, 4, tend())
	require.Zero(t, tend(), "a phase is told once")
	var texts string
	for _, n := range b.said() {
		require.Equal(t, NoticePhase, n.Kind)
		texts += plain(b.render(n))
	}
	require.Contains(t, texts, "Deadline in 4 h · alice: 2 servers are open in ts-1\n? sp-fin-01 unknown")
	require.Contains(t, texts, "From now on reminders go to the groups too.")
	require.Equal(t, []string{"alice", "bob", "group apac", "group emea"}, b.fired())
	b.now = at("2025-07-22 00:00")
	require.Equal(t, 5, tend())
	b.said()
	require.Equal(t, []string{"alice", "bob", "group apac", "group emea", "lead-1"}, b.fired())
	m := b.render(state.Notice{Kind: NoticePing, Incident: boardID, Facts: map[string]string{"to": "person:lead-1", "as": asDuty, "slot": "2025-07-22T00:00:00Z"}})
	require.Contains(t, plain(m), "lead-1: 4 servers are open in ts-1\nDeadline passed just now. You are told as duty lead.")
	b.now = at("2025-07-22 04:00")
	require.Equal(t, 6, tend())
	b.said()
	require.Contains(t, b.fired(), "lead-2")
	b.change(nil, func(tx *state.Tx) error { return tx.SetDue(at("2025-07-25 00:00")) })
	require.Zero(t, tend(), "a deadline that was moved tells nobody")
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, state.PhaseBefore, inc.Phase)
}

func TestWhereNoPlaceMaySeeNamesItIsSaidThatNobodyIsReminded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	b.change(nil, func(tx *state.Tx) error {
		for _, p := range inc.Places {
			p.Ceiling = state.TLPGreen
			if err := tx.Bind(p); err != nil {
				return err
			}
		}
		return nil
	})
	require.Contains(t, b.no("resp-1", "ping --send"), "no place of ts-1 may see the names of servers")
	before, err := b.store.Pings(t.Context(), boardID)
	require.NoError(t, err)
	require.Empty(t, before, "nobody is taken for reminded")
}

func TestWhatIsTooMuchForAPersonIsLeftToTheDigest(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.parts.Reminders.Mentions = 1
	b.now = at("2025-07-21 11:59")
	b.must("resp-1", "ping --send --owner bob")
	require.NotEmpty(t, b.slot(channelOf, "before", "digest").Parts)
	b.now = at("2025-07-21 12:01")
	require.Empty(t, b.slot(channelOf, "same", "digest").Parts)
	require.Contains(t, plain(b.must("resp-1", "ping --send --owner bob")), "bob of sp-hr-01: had 1 mentions in an hour: left to the digest, until 12:59")
	require.Len(t, b.said(), 1)
	require.Contains(t, plain(b.must("lead-1", "digest")), "Had enough mentions for an hour, so reminders were left to this digest: bob (1).")
	require.Contains(t, plain(b.slot(channelOf, "left", "digest")), "left to this digest: bob (1).", "though nothing else has changed")
	require.Empty(t, b.slot(channelOf, "told", "digest").Parts)
	b.now = at("2025-07-21 13:00")
	b.must("resp-1", "ping --send --owner bob")
	require.NotContains(t, plain(b.must("lead-1", "digest")), "left to this digest")
}

// between lets something happen right before the first change after it.
type between struct {
	Store
	happen func()
}

func (s *between) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if happen := s.happen; happen != nil {
		s.happen = nil
		happen()
	}
	return s.Store.Update(ctx, w, incident, farms, change)
}

// slotBetween fires the reminders of a slot, with something happening after it was
// decided and before it is stored.
func (b *board) slotBetween(happen func()) (chat.Message, error) {
	c := ping{&between{b.store, happen}, newPinger(b.parts)}
	at := slotOf(b.now, 4*time.Hour)
	return c.Run(b.t.Context(), chat.Call{
		Request: chat.Request{ID: fmt.Sprint("slot between ", at), Trigger: chat.TriggerSchedule, At: at, Actor: chat.Actor{Link: "schedule"}},
		Values:  chat.NewValues(map[string]string{"send": "yes"}), Incident: boardID,
	})
}

func (b *board) bind(channel, group string) state.Place {
	p := state.Place{Platform: "console", Channel: channel, Ceiling: state.TLPAmberStrict}
	b.change(nil, func(tx *state.Tx) error {
		if err := tx.Bind(p); err != nil || group == "" {
			return err
		}
		return tx.BindGroup(group, p.Key())
	})
	return p
}

func TestASlotGoesToThePlaceThatIsBoundWhenItIsStored(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	ops, other := state.Place{Platform: "console", Channel: "ops"}, b.bind("other", "")
	m, err := b.slotBetween(func() { b.change(nil, func(tx *state.Tx) error { return tx.Unbind(ops.Key()) }) })
	require.NoError(t, err)
	require.Empty(t, m.Parts)
	var to, places []string
	for _, n := range b.said() {
		to, places = append(to, n.Facts["to"]), append(places, n.Only)
	}
	require.ElementsMatch(t, []string{"owner:alice", "owner:bob", "group:apac"}, to)
	require.Equal(t, []string{other.Key(), other.Key(), other.Key()}, places)
}

func TestASlotThatNoPlaceHearsAnyMoreIsToldAndNobodyIsTakenForReminded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	_, err := b.slotBetween(func() {
		b.change(nil, func(tx *state.Tx) error { return tx.Unbind(tx.Incident.Places[0].Key()) })
	})
	var p *chat.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, "Not reminded: alice, bob, group apac: no place of ts-1 may see the names of servers.", p.What)
	memory, err := b.store.Pings(t.Context(), boardID)
	require.NoError(t, err)
	require.Empty(t, memory)
	entries, err := b.store.Audit(t.Context(), 1, 1000)
	require.NoError(t, err)
	last := entries[len(entries)-1].Events
	require.Equal(t, "not reminded", last[len(last)-1].Type, "it is in the record")
	b.bind("new", "")
	require.Equal(t, []string{"alice", "bob", "group apac"}, b.fired(), "the same slot, as soon as somebody hears")
}

func TestWhatQuietHoursHoldMovesWithThePlaceAndIsSaidOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1
	b.now = at("2025-07-22 00:00")
	b.must("lead-1", "ping --send --owner bob")
	b.bind("other", "")
	b.now = at("2025-07-22 01:00")
	b.must("lead-1", "incident unbind")
	b.now = at("2025-07-22 07:00")
	said := b.heard()
	require.Empty(t, said["ops"])
	require.Len(t, said["other"], 1)
	require.Contains(t, said["other"][0], "resp-1: 1 server is open in ts-1")
}

func TestAGroupIsRemindedInItsChannelWhenRemindersEscalate(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.change(nil, func(tx *state.Tx) error { return tx.SetDue(at("2025-07-21 12:00")) })
	require.Contains(t, b.no("lead-1", "incident bind --group nobodys"), "There is no group")
	require.Contains(t, plain(b.must("lead-1", "incident bind --group emea")), "The group emea is reminded here")
	emea := b.bind("emea", "emea")
	where := map[string]string{}
	b.fired2(where)
	require.Equal(t, map[string]string{
		"alice": "console//ops//", "bob": "console//ops//", "group apac": "console//ops//", "group emea": emea.Key(),
	}, where)
	require.Contains(t, plain(b.must("view-1", "incident show")), "console emea (of emea)")
	b.change(nil, func(tx *state.Tx) error { return tx.Unbind(emea.Key()) })
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Empty(t, inc.GroupPlaces)
}

// fired2 fires a slot and notes where each reader is reminded.
func (b *board) fired2(where map[string]string) {
	b.t.Helper()
	_, err := b.slotBetween(nil)
	require.NoError(b.t, err)
	for _, n := range b.said() {
		if n.Kind == NoticePing {
			where[n.Owner] = n.Only
		}
	}
}

func TestTheQueueSaysWhatQuietHoursHoldAndWhatBrokeThrough(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.zone("Europe/Berlin")
	b.people[2].Owns, b.people[2].Quiet = []string{"bob"}, "22:00-07:00" // resp-1, in the zone of the incident
	b.now = at("2025-07-21 22:00")
	b.must("lead-1", "ping --send --owner bob")
	b.now = at("2025-07-21 23:00")
	require.Contains(t, plain(b.must("view-1", "queue")), "1 message held by quiet hours:\nping of ts-1 for resp-1 in console ops, held since 00:00 CEST, until 07:00 CEST\n")
	b.attack("sp-hr-01", "sp-hr-01")
	b.now = at("2025-07-22 00:00")
	require.Contains(t, b.fired(), "resp-1")
	b.now = at("2025-07-22 04:00")
	require.Contains(t, plain(b.must("view-1", "queue")), "Broke through in the last day:\nping of ts-1 for resp-1 at 02:00 CEST, in your quiet hours, because sp-hr-01 shows new signs of an attacker\n")
	b.now = at("2025-07-23 04:00")
	require.NotContains(t, plain(b.must("view-1", "queue")), "Broke through")
}

// zone puts the incident elsewhere.
func (b *board) zone(name string) {
	b.change(nil, func(tx *state.Tx) error {
		tx.Incident.Zone = name
		return tx.SetDue(at("2025-12-30 00:00")) // and so it is written
	})
}
