package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// feedsConfig is what authorities are asked; the zero value asks nobody.
type feedsConfig struct {
	Every   time.Duration
	Hosts   []string
	Sources []feeds.Source
}

// feedsFile is the part of the configuration file about sources.
type feedsFile struct {
	Every   string       `yaml:"every"`
	Hosts   []string     `yaml:"hosts"`
	Sources []sourceFile `yaml:"sources"`
}

type sourceFile struct {
	Kind string `yaml:"kind"`
	At   string `yaml:"at"`
}

// Bounds of the time between two looks at all sources.
const (
	feedsEvery = time.Hour
	leastFeeds = 5 * time.Minute
	mostFeeds  = 7 * 24 * time.Hour
)

func (f feedsFile) check(wrong func(format string, args ...any)) feedsConfig {
	c := feedsConfig{Every: feedsEvery, Hosts: f.Hosts}
	if f.Every != "" {
		var err error
		if c.Every, err = chat.ParseDuration(f.Every); err != nil || c.Every < leastFeeds || c.Every > mostFeeds {
			wrong("feeds: every %q: want a duration from 5m to 7d", f.Every)
		}
	}
	fetcher := feeds.NewFetcher(f.Hosts, "", nil)
	for i, s := range f.Sources {
		one := feeds.Source{Kind: feeds.Kind(s.Kind), At: s.At}
		if err := errors.Join(one.Check(), fetcher.Allowed(s.At)); err != nil {
			wrong("feeds: sources[%d]: %w", i, err)
		}
		c.Sources = append(c.Sources, one)
	}
	return c
}

// feeds are the sources as the commands look at them.
func (c feedsConfig) feeds(transport http.RoundTripper) commands.Feeds {
	return commands.Feeds{Sources: c.Sources, Get: feeds.NewFetcher(c.Hosts, userAgent(), transport).Get}
}

func userAgent() string { return "allclear/" + stamped() }

// feedsSlot names the lease under which one replica looks at all sources.
const feedsSlot = "feeds"

// watchFeeds looks at all sources once in a while. Of several replicas one does.
func (a *app) watchFeeds(every time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		return a.every(ctx, min(every, time.Minute), "look at sources", func(ctx context.Context) error { return a.feedsOnce(ctx, every) })
	}
}

// feedsOnce looks at all sources, if their time has come.
func (a *app) feedsOnce(ctx context.Context, every time.Duration) error {
	last, err := a.store.Cursors(ctx, []string{feedsSlot})
	now := a.now().UTC()
	if err != nil || now.Before(last[0].Next) {
		return err
	}
	mine, err := a.store.Fire(ctx, state.Firing{Job: feedsSlot, Was: last[0], Is: state.Cursor{Next: now.Truncate(every).Add(every)}})
	if err != nil || !mine {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, every)
	defer cancel()
	n, err := commands.CheckFeeds(ctx, a.parts, fmt.Sprintf("feeds %s", now.Truncate(every).Format(time.RFC3339)))
	if len(n) > 0 {
		a.log.Info("sources were looked at", "sources", len(n))
		a.outbox.Wake()
	}
	return err
}
