package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsWrongInTheConfigurationIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`level: loud
people:
  - {id: a, role: lead}
  - id: b
    role: king
feeds:
  sources: [{kind: kev, at: x}, {kind: rss, at: y}]
`), 0o600))
	sys, _, _ := piped(t, "", "ALLCLEAR_CADENCE=x")
	_, err := loadConfig(path, sys)
	for _, want := range []string{
		"configuration " + path + ": [1:1] level \"loud\"",
		"configuration " + path + ": [5:5] people[1] b: role \"king\"",
		"configuration " + path + ": [7:", "sources[1]: there is no kind of source",
		`ALLCLEAR_CADENCE: cadence "x"`,
	} {
		require.ErrorContains(t, err, want)
	}
}
