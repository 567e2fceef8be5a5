//go:build chaos

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/schedule"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// note writes down what was accepted since the last time, and what came of it. What people asked for is of the word.
func (c *saga) note(w *word) error {
	ids, err := c.accepted()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if c.seen[id] {
			continue
		}
		c.seen[id] = true
		switch {
		case strings.HasPrefix(id, "slot "):
			c.slots[id] = true
		case w != nil:
			w.requests = append(w.requests, id)
		}
	}
	if w != nil {
		w.answers = nil
		for _, id := range w.requests {
			w.answers = append(w.answers, c.receipts(chat.AnswerKey(id), c.places(w.who))...)
		}
	}
	return c.reminded()
}

// accepted are the requests that the store remembers.
func (c *saga) accepted() (ids []string, err error) {
	db, ctx := c.redis.Client(c.t), c.t.Context()
	defer func() { _ = db.Close() }()
	buckets, err := db.Keys(ctx, "allclear:{s00}:in:seen:*").Result()
	for _, b := range buckets {
		some, e := db.HKeys(ctx, b).Result()
		ids, err = append(ids, some...), errors.Join(err, e)
	}
	return ids, err
}

// places are where a person is answered in the channel: before all, or alone.
func (c *saga) places(who string) []string {
	open := state.Place{Platform: "slack", Workspace: slackfake.TeamID, Channel: slackfake.Incident}
	alone := open
	if p, ok := c.people.ByID(state.PersonID(who)); ok {
		alone.Person = p.Links[0]
	}
	return []string{open.Key(), alone.Key()}
}

// receipts are the messages that a notice became at places.
func (c *saga) receipts(notice string, places []string) (messages []string) {
	for _, p := range places {
		if r, err := c.store.ReceiptOf(c.t.Context(), notice+" @ "+p); err == nil {
			messages = append(messages, r.MessageID)
		}
	}
	return messages
}

// reminder is one of which the record says that it was to be sent.
type reminder struct {
	slot time.Time
	to   string
}

// reminded reads on in the record, and looks which reminders were shown.
func (c *saga) reminded() error {
	for {
		entries, err := c.store.Audit(c.t.Context(), c.seq+1, 1000)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			shown := c.fake.Messages(storyChannel)
			c.awaited = slices.DeleteFunc(c.awaited, func(r reminder) bool { return c.arrived(r, shown) })
			return nil
		}
		for _, e := range entries {
			c.seq = e.Seq
			for _, ev := range e.Events {
				var r struct {
					Slot time.Time `json:"slot"`
					To   []string  `json:"to"`
				}
				if ev.Type != "reminded" || json.Unmarshal(ev.Data, &r) != nil {
					continue
				}
				for _, to := range r.To {
					c.awaited = append(c.awaited, reminder{r.Slot, to})
				}
			}
		}
	}
}

// arrived reports whether a reminder is among the messages, or nothing was left to say.
func (c *saga) arrived(r reminder, shown []slackfake.Message) bool {
	got := c.receipts(fmt.Sprintf("ping %s %s %s", incidentName, r.slot.Format(time.RFC3339), r.to), c.places(""))
	switch {
	case len(got) == 0:
		return false
	case got[0] == "":
		c.unsaid++
	case !holds(shown, got[0]):
		return false
	default:
		c.delivered++
	}
	return true
}

// ended checks what people see in the end, and returns the incident.
func (c *saga) ended() state.Incident {
	t := c.t
	inc, err := c.store.Incident(t.Context(), incidentName)
	require.NoError(t, err)
	require.NotNil(t, inc.Clear)
	require.Equal(t, "ALL CLEAR", inc.Clear.Words())
	require.Equal(t, []state.PersonID{lead, second}, []state.PersonID{inc.Clear.By, inc.Clear.Second}, "two persons")
	c.fake.In(storyChannel).Sees("ALL CLEAR: toolshell")
	closing := c.fake.In(storyElsewhere).Sees("ALL CLEAR: toolshell")
	require.Contains(t, fmt.Sprint(closing.Blocks), "type:data_visualization", "with a picture")
	for _, channel := range []string{storyChannel, storyElsewhere} {
		require.True(t, eventually(settled, func() bool {
			pins := c.fake.Pins(channel)
			return len(pins) == 1 && strings.Contains(pins[0].Text, "ALL CLEAR")
		}), "one card is pinned in %s, and tells it: %v", channel, c.fake.Pins(channel))
	}
	return inc
}

// spoken checks that nobody was reminded behind the end, and counts the messages that are there twice.
func (c *saga) spoken(end state.Incident) (doubled int) {
	times := map[string]int{}
	for _, channel := range []string{storyChannel, storyElsewhere} {
		for _, m := range c.fake.Messages(channel) {
			load, _ := m.Metadata["event_payload"].(map[string]any)
			if key, _ := load["key"].(string); key != "" {
				times[channel+" "+key]++
			}
		}
	}
	for _, n := range times {
		doubled += n - 1
	}
	require.NotEmpty(c.t, times)
	require.Empty(c.t, c.awaited, "reminders that were never delivered")
	for _, e := range c.entries() {
		for _, ev := range e.Events {
			require.False(c.t, ev.Type == "reminded" && e.At.After(end.Clear.At.Add(2*mostSkew)), "reminded at %s, and clear since %s", e.At, end.Clear.At)
		}
	}
	return doubled
}

func (c *saga) entries() []state.AuditEntry {
	all, err := c.store.Audit(c.t.Context(), 1, 1_000_000)
	require.NoError(c.t, err)
	return all
}

// exact holds the record against itself, against what is stored, against what people did, and against the truth.
func (c *saga) exact(end state.Incident) {
	t := c.t
	url := "redis://" + c.redis.Addr
	file := filepath.Join(t.TempDir(), "export.jsonl")
	for _, line := range [][]string{{"audit", "verify", "--redis", url}, {"export", "--redis", url, file}, {"audit", "verify", file}} {
		sys, out, errs := piped(t, "")
		require.Zero(t, run(t.Context(), line, sys), "%s: %s%s", line, out, errs)
	}
	nothingLeft(t, c.store)
	inc, err := c.store.Incident(t.Context(), incidentName)
	require.NoError(t, err)
	require.NotNil(t, inc.Clear, "it stays clear")
	c.proved(inc)
	c.asked()
	c.fired(end)
}

// proved checks every server: what is stored of it is what the record says, the evidence alone makes it what it is called,
// and it is so.
func (c *saga) proved(inc state.Incident) {
	t, ctx := c.t, c.t.Context()
	past := state.NewPast(incidentName, func(string) bool { return true })
	recorded := map[string]bool{} // evidence
	for _, e := range c.entries() {
		require.NoError(t, past.Apply(e))
		for _, ev := range e.Events {
			var proof state.Evidence
			if ev.Type == "evidence" && json.Unmarshal(ev.Data, &proof) == nil {
				recorded[proof.ID] = true
			}
		}
	}
	farms, err := c.store.AllFarms(ctx, incidentName, "", 100_000)
	require.NoError(t, err)
	servers := 0
	for _, name := range farms {
		f, err := c.store.Farm(ctx, incidentName, name)
		require.NoError(t, err)
		then, ok := past.Farm(name)
		require.True(t, ok, name)
		now := f.Assess(inc.Rules, c.Now())
		bare := f
		bare.Farm.Confirmations = nil
		unsigned := bare.Assess(inc.Rules, c.Now())
		for server, row := range f.Rows {
			servers++
			require.Equal(t, row.Status, then.Rows[server].Status, "%s: the record tells another status", server)
			got, ok := now.Server(server)
			require.True(t, ok, server)
			require.Equal(t, got.Status, row.Status, "%s: its evidence says %s", server, got.Status)
			c.really(row)
			if row.Status != state.StatusConfirmed {
				require.Equal(t, state.StatusRetired, row.Status, server)
				continue
			}
			without, _ := unsigned.Server(server)
			require.Equal(t, state.StatusReady, without.Status, "%s: without the word of two persons", server)
			require.Empty(t, got.Missing(), server)
			require.NotEmpty(t, got.Steps, server)
			for _, step := range got.Steps {
				require.True(t, step.Evidence == "" && step.Status == state.StepExcepted || recorded[step.Evidence], "%s: the proof of %s is in the record: %+v", server, step.Step, step)
			}
		}
	}
	require.Len(t, past.Rows, servers)
	require.Equal(t, inc.Clear.Hash, past.Incident.Clear.Hash)
	require.Equal(t, servers, inc.Clear.Confirmed+inc.Clear.Retired)
	counts, err := c.store.Counts(ctx, incidentName, state.Filter{})
	require.NoError(t, err)
	require.Equal(t, past.Counts().Status, counts.Status, "counters are what a recount says")
}

// really checks a server against the truth.
func (c *saga) really(row state.Row) {
	truth, err := c.stage.fleet.Truth(row.Name)
	require.NoError(c.t, err)
	if row.Status == state.StatusConfirmed {
		require.True(c.t, truth.Remediated() && truth.Affected, "%s is confirmed: %+v", row.Name, truth)
		return
	}
	require.True(c.t, !truth.Affected || truth.Product == "sp2013" && truth.Disconnected, "%s is %s: %+v", row.Name, row.Status, truth)
}

// asked checks that what was acknowledged is in the record, and that what was said again did nothing again.
func (c *saga) asked() {
	t := c.t
	of := map[string][]state.AuditEntry{}
	for _, e := range c.entries() {
		of[e.Request] = append(of[e.Request], e)
	}
	for _, w := range c.words {
		require.GreaterOrEqual(t, len(w.requests), w.promised, "%s: %q was acknowledged, and is lost", w.who, w.line)
		did := map[string]int{}
		for _, id := range w.requests {
			for _, e := range of[id] {
				for _, ev := range e.Events {
					what := effect(ev)
					if ev.Type == "claim" {
						what += " by " + id // who claims again renews it
					}
					did[what]++
				}
			}
		}
		for what, n := range did {
			require.Equal(t, 1, n, "%s: %q did it more than once: %s", w.who, w.line, what)
		}
		if changes(w.line) {
			require.NotEmpty(t, did, "%s: %q is not in the record", w.who, w.line)
		}
	}
}

// effect names what an event did, so that the same again has the same name.
func effect(ev state.Event) string {
	var e state.Evidence
	if ev.Type == "evidence" && json.Unmarshal(ev.Data, &e) == nil {
		return "evidence " + ev.Farm + " " + e.NewID()
	}
	var p state.Proposal
	if ev.Type == "proposed" && json.Unmarshal(ev.Data, &p) == nil {
		what := ""
		if p.Evidence != nil {
			what = p.Evidence.NewID()
		}
		return fmt.Sprint("proposed ", ev.Farm, " ", ev.Server, " ", p.Kind, " ", p.Hash, what)
	}
	var j state.Scheduled
	if ev.Type == "job scheduled" && json.Unmarshal(ev.Data, &j) == nil {
		return ev.Type + " " + j.Name
	}
	return ev.Type + " " + ev.Farm + " " + ev.Server
}

// changes reports whether a line of the story always changes something.
func changes(line string) bool {
	return slices.ContainsFunc([]string{"incident open", "server import", "evidence add", "claim ", "server retire ", "playbook revise --", "scan"}, func(begin string) bool {
		return strings.HasPrefix(line, begin)
	})
}

// fired checks that every slot of the time table was fired.
func (c *saga) fired(end state.Incident) {
	t := c.t
	for _, j := range end.Jobs {
		table, err := schedule.Parse(j.Spec, j.Zone)
		require.NoError(t, err)
		for at := table.Next(j.Since); at.Before(end.Clear.At); at = table.Next(at) {
			id := fmt.Sprintf("slot %s %s", j.Key(end.ID), at.UTC().Format(time.RFC3339))
			require.True(t, c.slots[id], "%s was never fired", id)
		}
	}
	require.Greater(t, len(c.slots), 5)
}
