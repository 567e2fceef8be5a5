package main

import (
	"context"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/state"
)

// gauged is what the gauges ask the store.
type gauged interface {
	AuditSeq(ctx context.Context) (int64, error)
	Audit(ctx context.Context, from int64, limit int) ([]state.AuditEntry, error)
	Incidents(ctx context.Context) ([]state.IncidentHead, error)
	LastScans(ctx context.Context, incident string, limit int) ([]state.Scan, error)
}

// read asks for a number, within lookTimeout.
func read(name, help string, labels map[string]string, ask func(ctx context.Context) (float64, bool, error)) web.Gauge {
	return web.Gauge{Name: name, Help: help, Labels: labels, Read: func() (float64, bool) {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		v, ok, err := ask(ctx)
		return v, ok && err == nil
	}}
}

// freshGauges tell how fresh is what is known.
func freshGauges(store gauged, now func() time.Time) []web.Gauge {
	e := &newestEvidence{store: store}
	return []web.Gauge{
		read("allclear_store_up", "Whether the store answers.", nil, func(ctx context.Context) (float64, bool, error) {
			if _, err := store.AuditSeq(ctx); err != nil {
				return 0, true, nil
			}
			return 1, true, nil
		}),
		read("allclear_scan_age_seconds", "How long ago the newest complete scan of all servers began, of the open incident where that is longest.", nil,
			func(ctx context.Context) (float64, bool, error) { return scanAge(ctx, store, now()) }),
		read("allclear_evidence_age_seconds", "How long ago the newest evidence was recorded.", nil, func(ctx context.Context) (float64, bool, error) {
			at, err := e.read(ctx)
			return max(0, now().Sub(at).Seconds()), !at.IsZero(), err
		}),
	}
}

// scanAge is known when each open incident had a complete scan.
func scanAge(ctx context.Context, store gauged, now time.Time) (seconds float64, known bool, err error) {
	heads, err := store.Incidents(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		all, _, err := lastOfAll(ctx, store, h.ID, now)
		if err != nil {
			return 0, false, err
		}
		if all.IsZero() {
			return 0, false, nil
		}
		seconds, known = max(seconds, now.Sub(all).Seconds()), true
	}
	return seconds, known, nil
}

// newestEvidence follows the record, so that only what is new is read.
type newestEvidence struct {
	store gauged
	mu    sync.Mutex
	seq   int64
	at    time.Time
}

// perLook is how many entries of the record are read at a time.
const perLook = 500

func (e *newestEvidence) read(ctx context.Context) (time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, err := e.store.AuditSeq(ctx)
	if err != nil {
		return e.at, err
	}
	if last < e.seq { // the store was replaced
		e.seq, e.at = 0, time.Time{}
	}
	from := max(e.seq+1, last-perLook+1)
	if from > last {
		return e.at, nil
	}
	entries, err := e.store.Audit(ctx, from, perLook)
	for _, entry := range entries {
		for _, ev := range entry.Events {
			if ev.Type == "evidence" && entry.At.After(e.at) {
				e.at = entry.At
			}
		}
		e.seq = max(e.seq, entry.Seq)
	}
	return e.at, err
}

// stateGauges tell what is connected, and what the dead-man found wrong.
func (d *deadman) stateGauges(chats map[string]platform) []web.Gauge {
	var out []web.Gauge
	for name, p := range chats {
		out = append(out, web.Gauge{
			Name: "allclear_connected", Help: "Whether a platform can be reached.", Labels: map[string]string{"platform": name},
			Read: func() (float64, bool) { return oneIf(p.Ready() == nil), true },
		})
		if s, ok := p.(stander); ok {
			out = append(out, web.Gauge{
				Name: "allclear_standby", Help: "Whether another replica is connected to a platform in our place.", Labels: map[string]string{"platform": name},
				Read: func() (float64, bool) { return oneIf(s.Standby() != ""), true },
			})
		}
	}
	for _, c := range causes() {
		out = append(out, web.Gauge{
			Name: "allclear_deadman", Help: "Whether something is wrong that could make allclear silent, by cause.", Labels: map[string]string{"cause": c},
			Read: func() (float64, bool) { return oneIf(d.is(c)), true },
		})
	}
	return out
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
