package playbook

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestShowTellsAllThatIsInAPlaybook(t *testing.T) {
	t.Parallel()
	golden(t, "toolshell.golden", toolshell(t).Text())
}

func TestABadFileIsToldAllItsMistakesAtOnce(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/bad.yaml")
	require.NoError(t, err)
	_, err = Parse(data, "bad.yaml")
	var problems Problems
	require.ErrorAs(t, err, &problems)
	require.Greater(t, len(problems), 8)
	golden(t, "bad.golden", err.Error()+"\n")
}
