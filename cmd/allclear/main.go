// Command allclear runs the response to a mass exploitation of servers until
// every server is proved remediated. It maps flags and environment to parts and
// runs them; signals are handled here and nowhere else.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/allclear-bot/allclear/state/redisstore"
)

// version is stamped by the build: -ldflags "-X main.version=v1.2.3".
var version string

func main() { os.Exit(start(process())) }

func start(sys system) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	redisstore.ClientLog(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	sys.Release = stop
	return run(ctx, os.Args[1:], sys)
}
