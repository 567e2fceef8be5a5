package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// progressEvery is how often the message of a running scan changes at most.
const progressEvery = 2 * time.Second

// firstProgress is how long a scan may take before it says how far it is.
const firstProgress = 50 * time.Millisecond

// keptReasons bounds how many different reasons are counted.
const keptReasons = 200

// watch follows a scan: what was seen so far, and the message about it.
type watch struct {
	call     chat.Call
	now      func() time.Time
	rec      state.Scan
	inc      state.Incident
	recorder *recorder
	sum      checks.Summary

	said    time.Time
	noURL   int
	unclear int            // answered, and it cannot be told
	reasons map[string]int // why not
}

func newWatch(call chat.Call, now func() time.Time, rec state.Scan, inc state.Incident) *watch {
	return &watch{call: call, now: now, rec: rec, inc: inc, said: now().Add(firstProgress - progressEvery), reasons: map[string]int{}}
}

// add counts a result.
func (w *watch) add(res checks.Result) {
	w.rec.Looked++
	switch {
	case res.Reached:
		w.rec.Reached++
		if res.Judgement.Verdict == state.VerdictUnknown {
			w.unclear++
			if why := checks.Gist(res.Judgement.Reason); w.reasons[why] > 0 || len(w.reasons) < keptReasons {
				w.reasons[why]++
			}
		}
	case res.URL == "":
		w.noURL++
	default:
		w.rec.NotReached++
		if len(w.rec.Unreached) < keptUnreached {
			w.rec.Unreached = append(w.rec.Unreached, res.Server)
		}
	}
}

// due reports whether the message may change again.
func (w *watch) due() bool { return w.now().Sub(w.said) >= progressEvery }

// progress tells how far the scan is, to people and to the store.
func (w *watch) progress(ctx context.Context, store Scans) {
	w.said = w.now()
	// For those who ask meanwhile, and to go on holding the selection. The scan does
	// not depend on it.
	_, _, _ = store.BeginScan(ctx, w.rec, w.said.Sub(w.rec.Started)+scanTTL)
	if w.call.Say == nil {
		return
	}
	legend := fmt.Sprintf("%d of %d · %d changed · %d no answer%s", w.rec.Looked, w.rec.Total, len(w.recorder.changes), w.rec.NotReached, w.left())
	// The message becomes the answer.
	w.call.Say("", chat.Say(
		chat.P("Scan ", chat.C(w.rec.ID), " of ", selected(w.rec.Selection)),
		chat.Bar(w.rec.Looked, w.rec.Total, legend),
		chat.Row(press("Cancel", w.inc.ID, "scan", "--cancel")),
	))
}

// left is a guess at the time that the rest takes.
func (w *watch) left() string {
	took := w.now().Sub(w.rec.Started)
	if w.rec.Looked == 0 || took <= 0 {
		return ""
	}
	rest := time.Duration(float64(took) / float64(w.rec.Looked) * float64(w.rec.Total-w.rec.Looked))
	return " · ~" + seconds(rest) + " left"
}

func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return "1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

// end writes the last of a scan and says what came of it.
func (w *watch) end(ctx context.Context, store Scans, broken error) (chat.Message, error) {
	w.rec.Ended = w.now()
	w.rec.Complete = w.sum.Complete && broken == nil
	changes := w.recorder.transitions()
	w.rec.Changes = slices.Clone(changes[:min(len(changes), keptChanges)])
	for i := range w.rec.Changes {
		w.rec.Changes[i].Why = checks.Clean(w.rec.Changes[i].Why, keptWhy)
	}
	if len(changes) > keptChanges {
		w.rec.Note = fmt.Sprintf("%d changes, of which %d are kept here", len(changes), keptChanges)
	}
	if broken != nil {
		w.rec.Note = "ended early: " + checks.Clean(broken.Error(), 200)
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := store.EndScan(rest, w.rec); err != nil {
		broken = errors.Join(broken, fmt.Errorf("write the end of scan %s: %w", w.rec.ID, err))
	}
	if broken != nil && (len(w.recorder.lostSigns) == 0 || hopeless(broken)) {
		return chat.Message{}, fmt.Errorf("scan %s, %d of %d servers looked at: %w", w.rec.ID, w.rec.Looked, w.rec.Total, broken)
	}
	return w.result(changes), nil
}
