package discord

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverythingThatIsCountedIsListed(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	counted := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\bCount\("([^"]+)"\)`).FindAllStringSubmatch(string(raw), -1) {
			counted[m[1]] = true
		}
	}
	require.NotEmpty(t, counted)
	for event := range counted {
		require.Contains(t, Events(), event)
	}
	require.Len(t, Events(), len(counted), "what is listed is counted somewhere")
}
