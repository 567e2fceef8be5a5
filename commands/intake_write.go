package commands

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake"
	"github.com/allclear-bot/allclear/state"
)

// taken is a report on its way into an incident.
type taken struct {
	*intake.Take
	call   chat.Call
	inc    state.Incident
	now    time.Time
	active int // servers of the inventory
	tally  intake.Tally

	recorded wrote
	changes  []state.Transition
	already  bool     // this request had recorded all of it before
	lost     []string // farms of which it could not be recorded
	lostWhy  string
}

// wrote is what was recorded, in numbers.
type wrote struct {
	open, builds, questions, reached int
	older                            int // readings that a newer look of ours has overtaken
	known                            int // observations that are there already
	asked                            map[string]bool
}

func (w *wrote) add(o wrote) {
	w.open, w.builds, w.questions = w.open+o.open, w.builds+o.builds, w.questions+o.questions
	w.reached, w.older, w.known = w.reached+o.reached, w.older+o.older, w.known+o.known
	if w.asked == nil {
		w.asked = map[string]bool{}
	}
	maps.Copy(w.asked, o.asked)
}

// farms are those that the report says something about. An answer of a server is
// only worth a word where somebody says that it is disconnected.
func (t *taken) farms() []string {
	names := slices.Collect(maps.Keys(t.Farms))
	for name := range t.Reached {
		if _, ok := t.Farms[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// write records the evidence in batches of farms. Each batch is a step of its own, by
// its content: a request that is run again goes on where it was. What one farm
// cannot take keeps no other from being written.
func (t *taken) write(ctx context.Context, store inventoryStore, now func() time.Time) error {
	learned := newRecorder(store, t.call, now, t.inc.Rules)
	names, steps, again, done := t.farms(), 0, 0, 0
	total := len(names)
	for len(names) > 0 {
		n, pieces := 0, 0
		for n < len(names) && n < farmsAtOnce && (n == 0 || pieces+len(t.Farms[names[n]]) <= resultsAtOnce) {
			pieces += len(t.Farms[names[n]])
			n++
		}
		err := apart(names[:n], func(some []string) error {
			out, w, err := t.batch(ctx, store, some, now())
			switch {
			case err == nil:
				steps, done = steps+1, done+len(some)
				if out.Already {
					again++
				}
				t.recorded.add(w)
				learned.learn(out.Changes)
				return nil
			case len(some) == 1 && theirFault(err):
				t.lost, t.lostWhy = append(t.lost, some[0]), err.Error()
				return nil
			}
			return err
		})
		if err != nil {
			return intakeCutShort(err, done, total)
		}
		names = names[n:]
	}
	t.changes, t.already = learned.transitions(), steps > 0 && again == steps
	return nil
}

// batch records what the report says of some farms, in one step.
func (t *taken) batch(ctx context.Context, store Changer, names []string, now time.Time) (state.Outcome, wrote, error) {
	var content []string
	for _, n := range names {
		content = append(content, n)
		for _, e := range slices.Concat(t.Farms[n], t.Reached[n]) {
			content = append(content, e.NewID())
		}
	}
	var w wrote
	out, err := store.Update(ctx, t.call.Work("intake "+digestOf(content), now), t.inc.ID, names, func(tx *state.Tx) error {
		w = wrote{} // it may be run again
		for _, n := range names {
			f, err := tx.Farm(n)
			if err != nil {
				return err
			}
			es, some := t.fresh(*f, tx.Incident.Rules, tx.Work.At)
			w.add(some)
			if err := tx.Record(n, es...); err != nil {
				return err
			}
		}
		return nil
	})
	return out, w, err
}

// fresh is the evidence that still says something of a farm as it is now.
func (t *taken) fresh(f state.FarmState, r state.Rules, now time.Time) ([]state.Evidence, wrote) {
	w := wrote{asked: map[string]bool{}}
	var out []state.Evidence
	for _, e := range t.Farms[f.Farm.Name] {
		if s, ok := f.Farm.Server(e.Subject.Server); e.Subject.Server != "" && (!ok || s.Retired != nil) {
			continue // retired or moved in the meantime
		}
		switch {
		case overtaken(f.Evidence, e):
			w.older++
			continue
		case told(f.Evidence, e):
			w.known++
			continue
		case e.Kind == state.KindBuild:
			w.builds++
		case e.Value == state.ReportedQuestion:
			w.questions++
			w.asked[askedOf(f.Farm.Name, e.Subject)] = true
		default:
			w.open++
		}
		out = append(out, e)
	}
	if len(t.Reached[f.Farm.Name]) > 0 {
		a := f.Assess(r, now)
		for _, e := range t.Reached[f.Farm.Name] {
			if s, _ := a.Server(e.Subject.Server); s.Contained && !told(f.Evidence, e) {
				out = append(out, e) // it is said to be disconnected, and somebody had an answer from it
				w.reached++
			}
		}
	}
	return out, w
}

func askedOf(farm string, s state.Subject) string {
	if s.Server != "" {
		return s.Server
	}
	return "farm " + farm
}

// told reports whether the same observation is there already, whoever handed it in.
func told(evidence []state.Evidence, e state.Evidence) bool {
	return slices.ContainsFunc(evidence, func(o state.Evidence) bool {
		return o.Subject == e.Subject && o.Kind == e.Kind && o.Source == e.Source && o.Tool == e.Tool && o.Value == e.Value && o.Observed.Equal(e.Observed)
	})
}

// overtaken reports whether we looked later than somebody else, at the same header of
// the same subject: then what they read is history.
func overtaken(evidence []state.Evidence, e state.Evidence) bool {
	if e.Kind != state.KindBuild {
		return false
	}
	_, observer, _ := strings.Cut(e.Tool, "/")
	return slices.ContainsFunc(evidence, func(o state.Evidence) bool {
		return o.Kind == state.KindBuild && o.Source == state.SourceProbe && o.Tool == observer && o.Subject == e.Subject && o.Observed.After(e.Observed)
	})
}

// preview works out what recording it would change.
func (t *taken) preview(ctx context.Context, store farmReader) error {
	return readFarms(ctx, store, t.inc.ID, t.farms(), func(f state.FarmState) error {
		es, w := t.fresh(f, t.inc.Rules, t.now)
		t.recorded.add(w)
		before := f.Assess(t.inc.Rules, t.now)
		f.Evidence = slices.Concat(f.Evidence, es)
		for _, s := range f.Assess(t.inc.Rules, t.now).Servers {
			if old, _ := before.Server(s.Name); old.Status != s.Status {
				t.changes = append(t.changes, state.Transition{Server: s.Name, From: old.Status, To: s.Status})
			}
		}
		t.changes = sortTransitions(t.changes)
		return nil
	})
}

// intakeCutShort is why recording ended early.
func intakeCutShort(err error, done, total int) error {
	if done == 0 {
		return err
	}
	return errors.Join(&chat.Problem{
		What: "Not all of it was recorded: " + plural(done, "farm") + " of " + plural(total, "farm") + ". It ended with: " + sentence(checks.Clean(err.Error(), 200)),
		Try:  "Hand the same report in again: what is there already is not doubled.",
	}, err)
}
