package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state/redisstore"
)

var (
	variableName = regexp.MustCompile(`ALLCLEAR_[A-Z_]+`)
	redisURL     = regexp.MustCompile(`rediss?(-sentinel|-cluster)?://[^\s'"|` + "`" + `]+`)
)

// What people copy must be what the program takes.
func TestTheExamplesOfDeployingNameWhatThereIs(t *testing.T) {
	t.Parallel()
	files := []string{"../../README.md"}
	require.NoError(t, filepath.WalkDir("../../deploy", func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".service") {
			files = append(files, path)
		}
		return err
	}))
	require.Greater(t, len(files), 5)
	for _, path := range files {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		text := strings.ReplaceAll(string(raw), "${REDIS_PASSWORD:?}", "password")
		if filepath.Base(filepath.Dir(path)) != "" && path != files[0] {
			for _, name := range variableName.FindAllString(text, -1) {
				_, known := variables()[name]
				require.True(t, known || strings.HasSuffix(name, "_"), "%s: %s", path, name)
			}
		}
		for _, url := range redisURL.FindAllString(text, -1) {
			c, err := redisstore.Dial(strings.TrimRight(url, ".,;)"), redisstore.DialOptions{})
			require.NoError(t, err, "%s: %s", path, url)
			require.NoError(t, c.Close())
		}
		if filepath.Ext(path) == ".yaml" {
			_, err := parser.ParseBytes(raw, 0)
			require.NoError(t, err, path)
		}
	}
	raw, err := os.ReadFile("../../deploy/compose/allclear.yaml")
	require.NoError(t, err)
	var f configFile
	require.NoError(t, yaml.UnmarshalWithOptions(raw, &f, yaml.Strict()))
}
