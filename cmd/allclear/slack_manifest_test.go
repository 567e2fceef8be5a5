package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheManifestsThatAreShippedAreThoseOfTheCommands(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"manifest.yaml":      {"slack", "manifest"},
		"manifest-http.yaml": {"slack", "manifest", "--url", "https://allclear.example.com"},
	} {
		sys, out, errs := piped(t, "")
		require.Zero(t, run(t.Context(), args, sys), "%s", errs)
		path := filepath.Join(moduleRoot(t), "deploy", "slack", name)
		if *update {
			require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
		}
		shipped, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(shipped), out.String(), "run the test with -update")
	}
}

func TestAManifestForAnAddressThatSlackWouldNotReachIsRefused(t *testing.T) {
	t.Parallel()
	sys, out, errs := piped(t, "")
	require.Equal(t, exitUsage, run(t.Context(), []string{"slack", "manifest", "--url", "http://allclear.example.com"}, sys))
	require.Contains(t, errs.String(), "https")
	require.Empty(t, out.String())
}
