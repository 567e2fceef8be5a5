package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/bot/schedule"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// outside is where the process talks to people.
type outside struct {
	posters map[string]chat.Poster
	chats   map[string]platform
	pace    map[string]outbox.Pace
	mounts  map[string]http.Handler // what comes over HTTP, by its path
}

// meet makes the chat platforms of the configuration. It does no I/O. With a store that
// replicas share they take turns where one of them is enough, under the lease of the
// system; nil: there is one process.
func meet(c config, shared bot.Holder, sys system, log *slog.Logger, metrics *web.Metrics) (outside, error) {
	out := outside{
		posters: map[string]chat.Poster{}, chats: map[string]platform{}, pace: map[string]outbox.Pace{}, mounts: map[string]http.Handler{},
	}
	if c.Slack.set() {
		if err := out.addSlack(c, sys, log, metrics); err != nil {
			return out, err
		}
	}
	if c.Discord.set() {
		if err := out.addDiscord(c, shared, sys, log, metrics); err != nil {
			return out, err
		}
	}
	return out, nil
}

// addHTTP listens when somebody asked for it, or when a platform comes over HTTP.
// It is taken down after the platforms, so that health is told until the end.
func addHTTP(ctx context.Context, g *bot.Group, c config, a *app, out outside, m *web.Metrics, d *deadman, log *slog.Logger) error {
	if c.HTTP == "" && len(out.mounts) == 0 {
		return nil
	}
	parts := []web.Part{{Name: "store", Ready: d.storeReady}, {Name: "work", Ready: a.router.Ready}}
	for name, p := range out.chats {
		part := web.Part{Name: name, Ready: p.Ready}
		if n, ok := p.(interface{ Note() string }); ok {
			part.Note = n.Note
		}
		parts = append(parts, part)
	}
	out.mounts[web.EvidencePattern] = web.NewEvidence(web.EvidenceOptions{
		Taker: commands.NewTokenEvidence(a.parts), Most: commands.MaxEvidence, Count: m.Handed, Logger: log, Now: a.now,
	})
	s, err := web.New(ctx, web.Options{Addr: c.HTTP, Parts: parts, Mounts: out.mounts, Metrics: m, Version: stamped(), Logger: log})
	if err != nil {
		return fmt.Errorf("%w (http in the configuration, ALLCLEAR_HTTP)", err)
	}
	log.Info("HTTP", "address", s.Addr())
	g.Add("HTTP", s.Run)
	return nil
}

// platformEvents are what the platforms count, each once.
func platformEvents() []string {
	all := slices.Concat(slack.Events(), discord.Events())
	slices.Sort(all)
	return slices.Compact(all)
}

// lookTimeout bounds what a gauge may take.
const lookTimeout = 2 * time.Second

// newMetrics is what the process measures. Gauges ask the store when somebody looks.
func newMetrics(store *redisstore.Store) *web.Metrics {
	var paths []string
	for _, c := range commands.All(commands.Parts{}) {
		paths = append(paths, c.Spec().Path)
	}
	gauge := func(name, help string, read func(ctx context.Context) (float64, error)) web.Gauge {
		return web.Gauge{Name: name, Help: help, Read: func() (float64, bool) {
			ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
			defer cancel()
			v, err := read(ctx)
			return v, err == nil
		}}
	}
	age := func(n int, oldest time.Time, err error) (float64, error) {
		if n == 0 {
			return 0, err
		}
		return max(0, time.Since(oldest).Seconds()), err
	}
	return web.NewMetrics(web.Labels{
		Commands: paths, Outcomes: bot.Outcomes(), Letters: outbox.Outcomes(), Platforms: []string{slack.Name, discord.Name}, Events: platformEvents(),
		Slots: schedule.Outcomes(),
	},
		gauge("allclear_inbox_requests", "Requests that nobody has taken yet.", func(ctx context.Context) (float64, error) {
			n, _, err := store.Waiting(ctx)
			return float64(n), err
		}),
		gauge("allclear_inbox_age_seconds", "How long the oldest of them waits.", func(ctx context.Context) (float64, error) {
			return age(store.Waiting(ctx))
		}),
		gauge("allclear_outbox_letters", "Letters that wait or are being delivered.", func(ctx context.Context) (float64, error) {
			n, _, err := store.QueueSize(ctx)
			return float64(n), err
		}),
		gauge("allclear_outbox_age_seconds", "How old the oldest of them is.", func(ctx context.Context) (float64, error) {
			return age(store.QueueSize(ctx))
		}),
	)
}
