package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// write records the evidence, farm by farm in batches. What one farm cannot take keeps
// no other from being written.
func (b *bag) write(ctx context.Context, now func() time.Time) error {
	learned := newRecorder(b.store, b.call, now, b.inc.Rules)
	names := slices.Sorted(maps.Keys(b.evidence))
	steps, again, total := 0, 0, len(names)
	done := 0
	for part := range slices.Chunk(names, farmsAtOnce) {
		err := apart(part, func(some []string) error {
			out, n, err := b.batch(ctx, some, now())
			switch {
			case err == nil:
				if steps++; out.Already {
					again++
				}
				b.recorded += n
				done += len(some)
				learned.learn(out.Changes)
				return nil
			case len(some) == 1 && theirFault(err):
				b.lost, b.lostWhy = append(b.lost, some[0]), err.Error()
				return nil
			}
			return err
		})
		if err != nil {
			return huntCutShort(err, done, total)
		}
	}
	b.changes, b.already = learned.transitions(), steps > 0 && again == steps
	return nil
}

// batch records what was found on some farms, in one step. Owners of servers whose
// status it does not change, for they had signs before, hear of the new ones all the same.
func (b *bag) batch(ctx context.Context, names []string, now time.Time) (state.Outcome, int, error) {
	var content []string
	for _, n := range names {
		content = append(content, n)
		for _, e := range b.evidence[n] {
			content = append(content, e.NewID())
		}
	}
	recorded := 0
	work := b.call.Work("hunt "+digestOf(content), now)
	out, err := b.store.Update(ctx, work, b.inc.ID, names, func(tx *state.Tx) error {
		recorded = 0 // it may be run again
		for _, n := range names {
			f, err := tx.Farm(n)
			if err != nil {
				return err
			}
			before := f.Assess(tx.Incident.Rules, tx.Work.At)
			var es []state.Evidence
			for _, e := range b.evidence[n] {
				if s, ok := f.Farm.Server(e.Subject.Server); ok && s.Retired == nil && !covered(f.Evidence, e) {
					es = append(es, e)
				}
			}
			if err := tx.Record(n, es...); err != nil {
				return err
			}
			recorded += len(es)
			b.notify(tx, f.Farm, before, es)
		}
		return nil
	})
	return out, recorded, err
}

// covered reports whether the same was recorded of the same time before, whoever handed it in.
func covered(evidence []state.Evidence, e state.Evidence) bool {
	return slices.ContainsFunc(evidence, func(o state.Evidence) bool {
		return told([]state.Evidence{o}, e) && o.From.Equal(e.From) && o.To.Equal(e.To)
	})
}

// notify tells of new signs on servers that had some already.
func (b *bag) notify(tx *state.Tx, farm state.Farm, before state.Assessment, es []state.Evidence) {
	news := map[string]string{}
	for _, e := range es {
		if e.Kind == state.KindAttack && (e.Value == state.AttackShell || e.Value == state.AttackAnswered || e.Value == state.AttackKeys) && news[e.Subject.Server] == "" {
			news[e.Subject.Server] = fmt.Sprintf("new in its logs: %s %s (%s)", e.Tool, e.Value, e.Observed.UTC().Format("2006-01-02 15:04"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(news)) {
		a, _ := before.Server(name)
		if a.Status != state.StatusCompromised && a.Status != state.StatusSuspected {
			continue // the change of its status is told by itself
		}
		s, _ := farm.Server(name)
		tx.Notify(state.Notice{
			Key:  fmt.Sprintf("attack %s %s %s", tx.Incident.ID, name, tx.Work.Step),
			Kind: state.NoticeCompromised, Servers: []string{name}, Owner: s.Owner, Group: s.Group, Facts: map[string]string{"why": news[name]},
			Coalesce: fmt.Sprintf("%s %s %s", state.NoticeCompromised, tx.Incident.ID, s.Owner), Thread: tx.Incident.ThreadOf(name, s.Group),
		})
	}
}

// huntCutShort is why recording ended early.
func huntCutShort(err error, done, total int) error {
	if done == 0 {
		return err
	}
	return errors.Join(&chat.Problem{
		What: "Not all of it was recorded: " + plural(done, "farm") + " of " + plural(total, "farm") + ". It ended with: " + sentence(checks.Clean(err.Error(), 200)),
		Try:  "Hand the same logs in again: what is there already is not doubled.",
	}, err)
}
