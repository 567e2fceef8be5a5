package commands

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// looks is a check that answers as the name of a server says.
type looks struct{ w *world }

func (l looks) Look(_ context.Context, t checks.Target, _ *checks.Client) checks.Result {
	if t.Server.URL == "" {
		return checks.Result{}
	}
	e := state.Evidence{Subject: state.Subject{Server: t.Server.Name}, Kind: state.KindReach, Value: state.ReachAnswered, Source: state.SourceProbe, Observed: l.w.clock()}
	if t.SpeaksForFarm() {
		e.Subject = state.Subject{}
	}
	away := t.Server.Name == "away" || t.Server.Name == "off"
	if away {
		e.Value = "no"
	}
	return checks.Result{Reached: !away, Evidence: []state.Evidence{e}}
}

func TestEveryServerIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,via,farm\nlb-1,https://f.example/,lb,f\nlb-2,https://f.example/,lb,f\none,https://one.example/,,\nno-url,,,\naway,https://away.example/,,\noff,https://off.example/,,\n")
	w.parts.Jobs = checks.NewLocal(checks.NewRunner(checks.Options{Concurrency: 1, Now: w.clock}), func(checks.Plan) checks.Check { return looks{w} })
	for _, c := range append(scanCommands(w.parts), boardCommands(w.parts)...) {
		w.cmds[c.Spec().Path] = c
		w.specs = append(w.specs, c.Spec())
	}
	w.wait(time.Minute)
	_, err := w.store.Update(t.Context(), state.Work{Request: "off", Step: "1", By: "alice", Via: "console:alice", At: w.clock()}, "toolshell-1", []string{"off"}, func(tx *state.Tx) error {
		return tx.Record("off", state.Evidence{Subject: state.Subject{Server: "off"}, Kind: state.KindContained, Value: "yes", Source: state.SourceCollector, Tool: "x", Observed: w.clock()})
	})
	require.NoError(t, err)
	w.wait(time.Minute)
	require.Contains(t, words(w.run(t, "alice", "scan")), "5 of 6 looked at, 3 answered")
	require.Contains(t, words(w.run(t, "alice", "scan show")), "5 of 6 looked at, 3 answered")
	require.Contains(t, words(w.run(t, "alice", "status")), "3 of 6 answered · 2 seen only through a balancer · 1 not looked at · 1 gave no answer · 1 disconnected")
	require.Contains(t, words(w.run(t, "alice", "status lb-1")), "Looked at: through a balancer or shared address only: what answered there is about the farm")
	counts, err := w.store.Counts(t.Context(), "toolshell-1", state.Filter{})
	require.NoError(t, err)
	require.Equal(t, blind{total: 6, through: 2, notLooked: 1, silent: 1, contained: 1}, blindIn(counts))
}

func TestTheClassesOfServersSumToTheirNumber(t *testing.T) {
	t.Parallel()
	now := at("2025-07-21 08:00")
	pb, err := playbook.BuiltinRevision("toolshell", 2)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		c := state.Counts{Status: map[state.Status]int{}, Flags: map[string]int{}}
		answered := 0
		for range rapid.IntRange(0, 6).Draw(t, "farms") {
			f := state.Farm{Name: "f"}
			var es []state.Evidence
			for _, n := range []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "servers")] {
				s := state.Server{Name: n, Farm: "f", URL: rapid.SampledFrom([]string{"", "https://x.example/", "https://y.example/"}).Draw(t, "url"), Via: rapid.SampledFrom([]string{"", "lb"}).Draw(t, "via")}
				if rapid.IntRange(0, 5).Draw(t, "retired") == 0 {
					s.Retired = &state.Retirement{At: now}
				}
				f.Servers = append(f.Servers, s)
			}
			for range rapid.IntRange(0, 6).Draw(t, "looks") {
				sub := state.Subject{Server: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "subject")}
				e := state.Evidence{Subject: sub, Kind: state.KindReach, Value: rapid.SampledFrom([]string{state.ReachAnswered, "no"}).Draw(t, "reach"), Source: state.SourceProbe}
				if sub.Server != "" && rapid.IntRange(0, 3).Draw(t, "disconnected") == 0 {
					e.Kind, e.Value, e.Source = state.KindContained, "yes", state.SourceCollector
				}
				e.Observed = now.Add(-time.Duration(rapid.IntRange(1, 50).Draw(t, "when")) * time.Minute)
				es = append(es, e)
			}
			for _, a := range state.Assess(pb.Rules(), f, es, now).Servers {
				r := state.Row{Name: a.Name, Status: a.Status, Seen: a.Seen, Contained: a.Contained, LastLook: a.LastLook, LastReached: a.LastReached}
				c.Status[r.Status]++
				for _, flag := range r.Flags() {
					c.Flags[flag]++
				}
				if a.Seen == state.SeenAnswered {
					answered++
				}
			}
		}
		b := blindIn(c)
		if b.through+b.notLooked+b.silent+b.contained+answered != c.Total() {
			t.Fatalf("%+v and %d that answered", b, answered)
		}
	})
}
