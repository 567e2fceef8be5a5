package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// farmsAtOnce is how many farms one change touches at most.
const farmsAtOnce = 64

// sweeps is what a sweep needs of a store.
type sweeps interface {
	tellStore
	Sweeper
}

// Swept is what a sweep came to.
type Swept struct {
	Farms   int // that were assessed anew
	Changes []state.Transition
	failed  []string // farms that could not be, each by itself
}

// Sweep assesses anew every farm of an incident that was assessed by another
// revision of the playbook, or at which time may have changed something. It may
// run at the same time as others, and again after it was cut off. A farm that fails
// stops no other; the errors are joined.
func Sweep(ctx context.Context, store sweeps, incident string, now time.Time) (Swept, error) {
	request := fmt.Sprintf("sweep %s %d", incident, now.UnixNano())
	return sweep(ctx, store, incident, now, func(step string) state.Work {
		return state.Work{Request: request, Step: step, Via: "sweep", At: now}
	})
}

func sweep(ctx context.Context, store sweeps, incident string, now time.Time, work func(step string) state.Work) (Swept, error) {
	var out Swept
	var errs error
	once := func(farms []string) error {
		o, err := store.Update(ctx, work(fmt.Sprintf("sweep %d %s", now.UnixNano(), digestOf(farms))), incident, farms, reassess(farms))
		if err == nil {
			out.Farms += len(farms)
			out.Changes = append(out.Changes, o.Changes...)
			return nil
		}
		if len(farms) == 1 && !hopeless(err) {
			out.failed = append(out.failed, farms...)
		}
		return fmt.Errorf("assess farms %s of %s anew: %w", fewOf(farms, 5), incident, err)
	}
	behind := func(limit int) ([]string, error) { return store.Behind(ctx, incident, limit) }
	due := func(limit int) ([]string, error) { return store.Due(ctx, incident, now, limit) }
	seen := map[string]bool{}
	for _, list := range []func(int) ([]string, error){behind, due} {
		for {
			farms, err := fresh(list, seen)
			if err != nil {
				return out, errors.Join(errs, fmt.Errorf("find farms of %s to assess anew: %w", incident, err))
			}
			if len(farms) == 0 {
				break
			}
			err = apart(farms, once)
			if err != nil && (hopeless(err) || ctx.Err() != nil) {
				return out, errors.Join(errs, err)
			}
			errs = errors.Join(errs, err)
		}
	}
	return out, errors.Join(errs, tellRevision(ctx, store, incident, now, out.failed))
}

// fresh lists farms that this sweep has not had: one that stays on a list does
// not keep the others from their turn.
func fresh(list func(int) ([]string, error), seen map[string]bool) ([]string, error) {
	var out []string
	for limit := farmsAtOnce; len(out) == 0; limit += farmsAtOnce {
		found, err := list(limit)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !seen[f] && len(out) < farmsAtOnce {
				out = append(out, f)
			}
		}
		if len(found) < limit {
			break
		}
	}
	for _, f := range out {
		seen[f] = true
	}
	return out, nil
}

// reassess touches farms and nothing else. In a closed incident that takes them
// off the lists.
func reassess(farms []string) func(*state.Tx) error {
	return func(tx *state.Tx) error {
		for _, f := range farms {
			if err := tx.Reassess(f); err != nil {
				return err
			}
		}
		return nil
	}
}

// digestOf is a short name for the content of a change: the same content again is
// the same step.
func digestOf(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
