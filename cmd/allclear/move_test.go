package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// TestWhateverWasDoneMoves does something of every kind on the command line, and moves the store.
func TestWhateverWasDoneMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inventory := filepath.Join(dir, "servers.csv")
	require.NoError(t, os.WriteFile(inventory, []byte("name,url,farm,owner,group\nsp-1,"+answering(t, "16.0.0.5495")+",fin,ann,emea\nsp-2,,fin,ann,emea\n"), 0o600))
	for _, line := range []string{
		"incident open ts-1 --playbook toolshell", `server import "@` + inventory + `"`, "scan", "ping --send", "snooze sp-1 2h back at noon",
		"claim sp-1 patch done", "schedule add lunch 12:00 digest", "token new fin --for 3d",
		"attest sp-1 stale 16.0.5495 --ref CHG-1", `advisory draft "Patch now" "patch it"`, "feeds list", "digest",
	} {
		code, out, errs := typed(t, dir, "do", line)
		require.Zero(t, code, "%s: %s%s", line, out, errs)
	}
	file := filepath.Join(dir, "export")
	for _, args := range [][]string{{"export", file}, {"audit", "verify", file}} {
		code, out, errs := typed(t, dir, args...)
		require.Zero(t, code, "%s: %s%s", args, out, errs)
	}
	o, err := openStore(t.Context(), config{Data: filepath.Join(dir, "store")}, false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	requireMoves(t, o.Store, o.engine)
	require.NoError(t, o.Close())
}

// requireMoves moves a store to another engine, with every key that is in its own.
func requireMoves(t *testing.T, s *redisstore.Store, from *embedded.Engine) {
	t.Helper()
	ctx, c := t.Context(), from.Client()
	defer func() { _ = c.Close() }()
	e, err := embedded.OpenMemory(embedded.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	to := e.Client()
	defer func() {
		_ = to.Close()
		_ = e.Close()
	}()
	want, err := c.Keys(ctx, "*").Result()
	require.NoError(t, err)
	pr, pw := io.Pipe()
	go func() { _ = pw.CloseWithError(s.Export(ctx, pw)) }()
	other := redisstore.New(to, redisstore.Options{})
	require.NoError(t, other.Import(ctx, pr, false))
	got, err := to.Keys(ctx, "*").Result()
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
	was, err := s.Digest(ctx)
	require.NoError(t, err)
	is, err := other.Digest(ctx)
	require.NoError(t, err)
	require.Equal(t, was, is)
}
