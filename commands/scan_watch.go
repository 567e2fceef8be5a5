package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// progressEvery is how often the message of a running scan changes at most.
const progressEvery = 2 * time.Second

// firstProgress is how long a scan may take before it says how far it is.
const firstProgress = 50 * time.Millisecond

// firstBeat is when a scan is first told of though no server has answered. Most
// scans of a few servers have ended by then.
const firstBeat = 300 * time.Millisecond

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

	mu      sync.Mutex // for the beat: what is below, and rec
	said    time.Time
	flushed time.Time // when what was seen was last written down
	changed int
	noURL   int
	unclear int            // answered, and it cannot be told
	reasons map[string]int // why not
}

func newWatch(call chat.Call, now func() time.Time, rec state.Scan, inc state.Incident) *watch {
	return &watch{call: call, now: now, rec: rec, inc: inc, said: now().Add(firstProgress - progressEvery), flushed: now().Add(firstProgress - progressEvery), reasons: map[string]int{}}
}

// askEvery is how often a scan looks whether somebody, at whatever replica, wants it
// to end.
const askEvery = time.Second

// beats goes on holding the selection, tells how far the scan is, and ends it when
// somebody wants that, until it is stopped.
func (w *watch) beats(ctx context.Context, store Scans, end func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { // stop waits for it
		defer close(ended)
		next := time.NewTimer(firstBeat)
		defer next.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-next.C:
			}
			w.progress(ctx, store)
			if _, asked, _ := store.EndAsked(ctx, w.inc.ID, w.rec.ID); asked {
				end() // again, if the scan has not begun yet
			}
			next.Reset(askEvery)
		}
	}()
	return func() { cancel(); <-ended }
}

// add counts a result.
func (w *watch) add(res checks.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
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

// due reports whether what was seen is to be written down now, and takes it for done.
func (w *watch) due() bool {
	now := w.now()
	if now.Sub(w.flushed) < progressEvery {
		return false
	}
	w.flushed = now
	return true
}

// moved notes how many servers have changed so far.
func (w *watch) moved(changed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = changed
}

// progress tells how far the scan is, to people and to the store: to those who ask
// meanwhile, and to go on holding the selection. Too often it does nothing.
func (w *watch) progress(ctx context.Context, store Scans) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.said) < progressEvery {
		return
	}
	w.said, w.rec.Note = now, aliveNote(now)
	_, _, _ = store.BeginScan(ctx, w.rec, now.Sub(w.rec.Started)+scanTTL)
	if w.call.Say == nil {
		return
	}
	legend := fmt.Sprintf("%d of %d · %d changed · %d no answer%s", w.rec.Looked, w.rec.Total, w.changed, w.rec.NotReached, w.left())
	// The message becomes the answer.
	w.call.Say("", chat.Say(
		chat.P("Scan ", chat.C(w.rec.ID), " of ", selected(w.rec.Selection), " runs"),
		chat.Bar(w.rec.Looked, w.rec.Total, legend),
		chat.Row(press("Cancel", w.inc.ID, "scan", "--cancel", "--id", w.rec.ID)),
	))
}

// The note of a scan that runs says when it was last heard of.
const aliveWords = "runs; last heard of "

func aliveNote(at time.Time) string { return aliveWords + at.UTC().Format(time.RFC3339Nano) }

// heardOf is when a scan that has not ended was last heard of.
func heardOf(s state.Scan) time.Time {
	at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(s.Note, aliveWords))
	if err != nil || at.Before(s.Started) {
		return s.Started
	}
	return at
}

// alive reports whether a scan runs, as far as can be known: one that dies without
// a word is given up when it was not heard of for its time to live.
func alive(s state.Scan, now time.Time) bool {
	return s.Ended.IsZero() && now.Sub(heardOf(s)) <= scanTTL
}

// left is a guess at the time that the rest takes.
func (w *watch) left() string {
	took := w.now().Sub(w.rec.Started)
	if w.rec.Looked == 0 || w.rec.Looked*10 < w.rec.Total || took <= 0 {
		return "" // too early: those who answer at once say nothing of the others
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
	w.rec.Ended, w.rec.Note = w.now(), ""
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
		return chat.Message{}, fmt.Errorf("scan %s, %s: %w", w.rec.ID, scanCounted(w.rec), broken)
	}
	return w.result(changes), nil
}
