package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// signOfLife is after how long a digest of the schedule is said though nothing has
// changed. A little less than a week: it is asked for at hours, not at seconds.
const signOfLife = 7*24*time.Hour - time.Hour

// quiet reports whether the schedule asks for a digest that would say nothing new in
// its place, and notes what is said otherwise. since is when it was said, if it is
// said again only as a sign of life.
func (c digest) quiet(ctx context.Context, call chat.Call, audience string, f outlook) (since time.Time, quiet bool, err error) {
	if call.Request.Trigger != chat.TriggerSchedule {
		return time.Time{}, false, nil
	}
	if !f.inc.Closed.IsZero() {
		return time.Time{}, true, nil
	}
	facts, err := f.news()
	if err != nil {
		return time.Time{}, false, err
	}
	left, err := c.store.PingsLeft(ctx, f.inc.ID)
	if err != nil {
		return time.Time{}, false, err
	}
	for _, to := range slices.Sorted(maps.Keys(left)) { // who was left to the digest hears of it there, or nowhere
		facts = digestOf([]string{facts, to, fmt.Sprint(left[to])})
	}
	key := audience + " " + call.Request.Place.Key()
	told := f.inc.Told[key]
	same := told.Facts == facts && told.Request != call.Request.ID // what was cut off while it was said is said
	if same && f.now.Sub(told.At) < signOfLife {
		return time.Time{}, true, nil
	}
	_, err = c.store.Update(ctx, call.Work("digest", f.now), f.inc.ID, nil, func(tx *state.Tx) error { return tx.Tell(key, facts) })
	if err != nil {
		return time.Time{}, false, fmt.Errorf("note what is said: %w", err)
	}
	if same {
		since = told.At
	}
	return since, false, nil
}

// news is a hash of what a digest says, without what changes by the clock alone.
func (f outlook) news() (string, error) {
	var worst, waiting []string
	for _, r := range f.worst {
		worst = append(worst, r.Name+" "+r.Status.String()+" "+r.Owner+" "+r.Next)
	}
	for _, p := range f.proposals {
		waiting = append(waiting, p.ID)
	}
	why, bad := f.off()
	raw, err := json.Marshal([]any{
		f.counts, worst, waiting, why, bad, len(f.held) > 0, f.overdue > 0, f.stale(), f.inc.Clear, f.inc.Rules.Revision, f.inc.Title,
		len(f.ending.risks.Items) + f.ending.risks.More, f.inc.Deadline(),
	})
	if err != nil {
		return "", fmt.Errorf("compare with what was said: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}
