package playbook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
)

func schemaOf(t testing.TB) *jsonschema.Schema {
	t.Helper()
	var s jsonschema.Schema
	require.NoError(t, json.Unmarshal(Schema(), &s))
	return &s
}

func resolved(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	r, err := schemaOf(t).Resolve(nil)
	require.NoError(t, err)
	return r
}

// instance is a YAML file as an editor hands it to a validator.
func instance(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal(data, &v))
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

// files are all playbooks that are written down here.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for i, example := range documented(t) {
		out[fmt.Sprintf("the documented example %d", i)] = []byte(example)
	}
	entries, err := builtins.ReadDir("builtin")
	require.NoError(t, err)
	for _, e := range entries {
		data, err := builtins.ReadFile("builtin/" + e.Name())
		require.NoError(t, err)
		out[e.Name()] = data
	}
	return out
}

func TestEveryPlaybookFitsTheSchema(t *testing.T) {
	t.Parallel()
	shape := resolved(t)
	for name, data := range files(t) {
		require.NoError(t, shape.Validate(instance(t, data)), name)
	}
	for _, observer := range []string{
		`path: /a.gz, read: stamp, file: a`, `path: /a.js, read: status, status: 204, means: 14.1`, `path: /a, read: redirect, pattern: '(.+)', precision: 2`,
	} {
		data := withObserver(t, observer)
		_, err := Parse(data, "p")
		require.NoError(t, err)
		require.NoError(t, shape.Validate(instance(t, data)), observer)
	}
}

// TestTheSchemaHasTheKeysOfTheReader reads all playbooks and notes which objects
// the reader looks for, with which keys: the schema must know the same.
func TestTheSchemaHasTheKeysOfTheReader(t *testing.T) {
	t.Parallel()
	read := map[string][]field{}
	for name, data := range files(t) {
		r := &reader{file: name, watch: func(what string, fields []field) { read[what] = fields }}
		body := r.root(data)
		require.NotNil(t, body)
		if isOverlay(body) {
			r.overlay(body)
		} else {
			r.playbook(body)
		}
		require.Empty(t, r.problems, name)
	}
	seen := map[string]bool{}
	for name, def := range schemaOf(t).Defs {
		if def.Title == "" {
			continue // a value, not an object
		}
		seen[def.Title] = true
		fields, ok := read[def.Title]
		require.True(t, ok, "the reader knows no %q (%s)", def.Title, name)
		var all, required []string
		for _, f := range fields {
			all = append(all, f.key)
			if f.must && !(def.Title == "a branch" && f.key == "fixed") { // required only of what is affected
				required = append(required, f.key)
			}
		}
		keys := []string{}
		for k := range def.Properties {
			keys = append(keys, k)
		}
		require.ElementsMatch(t, all, keys, def.Title)
		require.ElementsMatch(t, required, def.Required, def.Title)
		require.NotNil(t, def.AdditionalProperties, "%s allows unknown keys", def.Title)
	}
	for what := range read {
		require.True(t, seen[what], "the schema knows no %q", what)
	}
}

func TestTheSchemaHasTheWordsOfTheReader(t *testing.T) {
	t.Parallel()
	defs := schemaOf(t).Defs
	words := func(def, key string) []string {
		s := defs[def].Properties[key]
		if s.Items != nil {
			s = s.Items
		}
		out := []string{}
		for _, v := range s.Enum {
			out = append(out, v.(string))
		}
		return out
	}
	require.ElementsMatch(t, ids(checks.Extracts(), checks.Extract.String), words("observer", "read"))
	require.Equal(t, []string{"GET", "HEAD"}, words("observer", "method"))
	var sources []string
	for _, s := range innerSources() {
		sources = append(sources, s.String())
	}
	require.ElementsMatch(t, sources, words("proof", "sources"))
	require.ElementsMatch(t, logFields(), words("logRule", "fields"))
	for kind := range iocForms() {
		require.Contains(t, words("ioc", "type"), kind)
	}
	for _, most := range []struct {
		def, key string
		most     int
	}{
		{"playbook", "cves", maxCVEs},
		{"playbook", "products", maxProducts},
		{"playbook", "steps", maxSteps},
		{"playbook", "observers", maxObservers},
		{"playbook", "indicators", maxIndicators},
		{"playbook", "logRules", maxLogRules},
		{"playbook", "iocs", maxIOCs},
		{"product", "branches", maxBranches},
		{"branch", "builds", maxBuilds},
		{"observer", "stamps", maxStamps},
	} {
		require.Equal(t, most.most, *defs[most.def].Properties[most.key].MaxItems, "%s %s", most.def, most.key)
	}
}

func TestTheSchemaRefusesWhatIsNoPlaybook(t *testing.T) {
	t.Parallel()
	shape := resolved(t)
	good := documented(t)[0]
	for name, c := range map[string][2]string{
		"unknown key":      {"summary:", "sumary:"},
		"missing key":      {"title: Example\n", ""},
		"unknown scope":    {"scope: item", "scope: sever"},
		"outside source":   {"sources: [hunt]", "sources: [probe]"},
		"method":           {"method: HEAD", "method: POST"},
		"query":            {"path: /shell.php", "path: /shell.php?x=y"},
		"absolute address": {"path: /shell.php", "path: 'https://h/shell.php'"},
		"grade":            {"grade: C, source", "grade: E, source"},
		"no number":        {"revision: 1 #", "revision: one #"},
		"extractor":        {"read: links", "read: lynx"},
		"stamps":           {"[1735800000 7.0.110", "[yesterday 7.0.110"},
		"base of a whole":  {"revision: 1 #", "base: 2\nrevision: 1 #"},
	} {
		require.Equal(t, 1, strings.Count(good, c[0]), name)
		bad := []byte(strings.Replace(good, c[0], c[1], 1))
		require.Error(t, shape.Validate(instance(t, bad)), name)
		_, err := Parse(bad, "p")
		require.Error(t, err, "%s: what the schema refuses, the reader refuses too", name)
	}
	require.True(t, json.Valid(Schema()))
	changed := Schema()
	changed[0] = 'x'
	require.True(t, slices.Equal(Schema()[:1], []byte("{")), "nobody can change it for others")
}
