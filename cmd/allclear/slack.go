package main

import (
	"errors"
	"log/slog"

	"github.com/allclear-bot/allclear/bot/web"
)

func (o *outside) addSlack(config, *slog.Logger, *web.Metrics) error {
	return errors.New("slack is being built")
}

func platformEvents() []string { return nil }
