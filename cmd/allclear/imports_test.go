package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// This file keeps the layers of the house apart. A breach is a failing test, not a remark in a review. To change a
// direction, change the table and its reason here, together with the code that needs it.

const modulePath = "github.com/allclear-bot/allclear"

// A layer says what of ours the files of a folder may import. A folder written with "/..." stands for itself and all
// below it, and packages inside one such subtree may import each other. "*" allows everything. The first layer that
// matches a folder decides; a folder that none matches has no place in the house.
type layer struct {
	folder string
	mayUse []string
	reason string
}

var layers = []layer{
	{"cmd/...", []string{"*"}, "cmd wires everything, and nothing imports it"},

	{"state", nil, "the domain and its rules depend on nothing, so that Assess stays pure"},
	{"state/embedded/...", nil, "an engine: it speaks Redis and knows nothing of what is stored in it"},
	{"state/redisstore/...", []string{"state"}, "a store keeps the records of the domain and knows neither chat nor checks"},
	{"state/redisjobs/...", []string{"state", "state/redisstore", "checks"}, "a queue of scan jobs, over the store's client"},
	{"state/statetest/...", []string{"state"}, "the suite knows what a store promises, not which one it tests"},

	{"checks", []string{"state"}, "a check yields evidence as records: no store, no chat"},
	{"checks/...", []string{"state", "checks/..."}, "a check yields evidence as records: no store, no chat"},

	{"commands/...", []string{"bot/chat", "state", "checks/..."}, "a command returns a message: it knows no platform, no store, and does not send"},

	{"bot/chat/...", []string{"state"}, "the vocabulary of a conversation knows nobody who speaks it"},
	{"bot", []string{"bot/chat", "state"}, "the process declares the interfaces it needs; cmd hands it platforms, commands and stores"},
	{"bot/outbox/...", []string{"bot/chat", "state"}, "the outbox delivers for anybody: it must not know the process, nor a platform by name"},
	{"bot/schedule/...", []string{"bot/chat", "state"}, "a slot becomes a request like any other: the schedule must not know the process"},
	{"bot/chart/...", nil, "a picture is drawn from numbers"},
	{"bot/slack/...", []string{"bot", "bot/chat", "state"}, "a platform translates a transport and holds no policy"},
	{"bot/discord/...", []string{"bot", "bot/chat", "state"}, "a platform translates a transport and holds no policy"},
	{"bot/console/...", []string{"bot", "bot/chat", "state"}, "a platform translates a transport and holds no policy"},
	{"bot/web/...", []string{"bot", "bot/chat", "state"}, "HTTP shows what the process tells it"},
	{"bot/bottest/...", []string{"bot", "bot/chat", "state"}, "the suite knows what a platform promises, not which one it tests"},
}

// testsMayAlsoUse is what _test.go files may import beyond their layer, wherever they are: the real engines and the
// shared suites instead of mocks, the pictures, and the make-believe fleet and the built-in playbooks as their data.
var testsMayAlsoUse = []string{
	"state/embedded", "state/redisstore", "state/redisjobs", "state/statetest",
	"checks/playbook", "checks/fleet", "bot/bottest", "bot/chart",
}

// A home says where alone a third-party library may be imported, in tests too.
type home struct {
	library string
	folders []string
}

var homes = []home{
	{"github.com/slack-go/slack", []string{"bot/slack/..."}},
	{"github.com/bwmarrin/discordgo", []string{"bot/discord/..."}},
	{"github.com/redis/go-redis", []string{"state/..."}},
	{"github.com/alicebob/miniredis", []string{"state/..."}},
	{"github.com/hibiken/asynq", []string{"state/..."}},
	{"github.com/robfig/cron", []string{"bot/schedule/..."}},
	{"gonum.org/v1/plot", []string{"bot/chart/..."}},
	{"github.com/prometheus", []string{"bot/web/..."}},
	{"github.com/gocsaf/csaf", []string{"checks/intake/..."}},
	{"github.com/spf13/cobra", []string{"cmd/allclear/..."}},
	{"github.com/goccy/go-yaml", []string{"checks/playbook/...", "cmd/..."}},
}

// testLibraries may be imported by test code only.
var testLibraries = []string{"github.com/stretchr/testify", "pgregory.net/rapid"}

// topLevel is all that the top of the repository holds, besides dot-files and what .gitignore names.
var topLevel = []string{
	"cmd", "bot", "commands", "checks", "state", "deploy", "go.mod", "go.sum", "Dockerfile", "README.md", "LICENSE",
}

func TestImportsAndHabitsFollowTheDesign(t *testing.T) {
	t.Parallel()
	house, err := survey(os.DirFS(moduleRoot(t)))
	require.NoError(t, err)
	require.NotZero(t, house.files, "the walk saw no Go file: it looks in the wrong place")
	for _, idle := range house.idleRules() {
		t.Log("nothing is there (yet):", idle)
	}
	require.Empty(t, house.breaches, "%d breaches:\n%s", len(house.breaches), strings.Join(house.breaches, "\n"))
}

func TestTopLevelHoldsOnlyWhatTheDesignLists(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	ignored, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	require.NoError(t, err)
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.Empty(t, strays(names, string(ignored)), "the top level holds %v and dot-files, nothing else", topLevel)
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, dir, filepath.Dir(dir), "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
}

// strays returns the names that have no place at the top level.
func strays(names []string, gitignore string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		if strings.HasPrefix(name, ".") || slices.Contains(topLevel, name) {
			return true
		}
		for pattern := range strings.Lines(gitignore) {
			if ok, _ := path.Match(strings.Trim(strings.TrimSpace(pattern), "/"), name); ok {
				return true
			}
		}
		return false
	})
}

// A house is what the survey of a module saw.
type house struct {
	files    int
	folders  map[string]bool
	imports  map[string]bool
	breaches []string
}

// survey parses every Go file of a module, whatever its build constraints, and collects the breaches.
func survey(root fs.FS) (*house, error) {
	seen := &house{folders: map[string]bool{}, imports: map[string]bool{}}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipFolder(root, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return seen.add(name, source)
	})
	return seen, err
}

// skipFolder leaves out what the go command leaves out too: hidden folders, testdata and modules inside the module.
func skipFolder(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "vendor" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (h *house) add(name string, source []byte) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", name, err)
	}
	h.files++
	h.folders[path.Dir(name)] = true
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("import in %s: %w", name, err)
		}
		h.imports[imported] = true
		if reason := breach(name, imported); reason != "" {
			h.breaches = append(h.breaches, fmt.Sprintf("%s imports %q: %s", name, imported, reason))
		}
	}
	for _, habit := range badHabits(file) {
		if !isTestCode(name) {
			h.breaches = append(h.breaches, fmt.Sprintf("%s: %s", files.Position(habit.at), habit.reason))
		}
	}
	return nil
}

// idleRules names the rules that nothing in the module comes under. They are only told, not a failure: a folder is made
// when its first file is written.
func (h *house) idleRules() []string {
	var idle []string
	for _, l := range layers {
		if !anyKey(h.folders, func(folder string) bool { return matches(l.folder, folder) }) {
			idle = append(idle, "folder "+l.folder)
		}
	}
	for _, rule := range homes {
		if !anyKey(h.imports, func(imported string) bool { return isWithin(rule.library, imported) }) {
			idle = append(idle, "library "+rule.library)
		}
	}
	return idle
}

func anyKey(set map[string]bool, found func(string) bool) bool {
	for key := range set {
		if found(key) {
			return true
		}
	}
	return false
}

// breach says why a file must not import a package, or "" when it may.
func breach(file, imported string) string {
	if imported == modulePath {
		return "there is no package at the top level"
	}
	if ours, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		return breachInside(file, ours)
	}
	return breachOutside(file, imported)
}

func breachInside(file, imported string) string {
	folder := path.Dir(file)
	i := slices.IndexFunc(layers, func(l layer) bool { return matches(l.folder, folder) })
	if i < 0 {
		return fmt.Sprintf("folder %s is in no layer; add it to the design first and then to the table in this test", folder)
	}
	if isTestFolder(imported) && !isTestCode(file) {
		return "packages whose name ends in test are for test code only"
	}
	allowed := slices.Clone(layers[i].mayUse)
	if strings.HasSuffix(layers[i].folder, "/...") {
		allowed = append(allowed, layers[i].folder)
	}
	if strings.HasSuffix(file, "_test.go") {
		// An external test (package x_test) also imports the package that it tests.
		allowed = append(allowed, folder)
		allowed = append(allowed, testsMayAlsoUse...)
	}
	if slices.ContainsFunc(allowed, func(pattern string) bool { return pattern == "*" || matches(pattern, imported) }) {
		return ""
	}
	return layers[i].reason
}

func breachOutside(file, imported string) string {
	for _, library := range testLibraries {
		if isWithin(library, imported) && !isTestCode(file) {
			return "a library for tests: only in _test.go files and in packages whose name ends in test"
		}
	}
	for _, rule := range homes {
		atHome := slices.ContainsFunc(rule.folders, func(pattern string) bool { return matches(pattern, path.Dir(file)) })
		if isWithin(rule.library, imported) && !atHome {
			return "each library has one home, so that its types stop there; this one lives in " + strings.Join(rule.folders, " and ")
		}
	}
	return ""
}

// matches reports whether a folder is the one that a pattern names, or is below it when the pattern ends in "/...".
func matches(pattern, folder string) bool {
	base, tree := strings.CutSuffix(pattern, "/...")
	return folder == base || tree && isWithin(base, folder)
}

func isWithin(base, name string) bool {
	return name == base || strings.HasPrefix(name, base+"/")
}

func isTestCode(file string) bool {
	return strings.HasSuffix(file, "_test.go") || isTestFolder(path.Dir(file))
}

func isTestFolder(folder string) bool {
	return strings.HasSuffix(folder, "test")
}

type habit struct {
	at     token.Pos
	reason string
}

// badHabits finds init functions and uses of time.Sleep, also under another name of the package.
func badHabits(file *ast.File) []habit {
	clock := localName(file, "time")
	var found []habit
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if node.Recv == nil && node.Name.Name == "init" {
				found = append(found, habit{node.Pos(), "func init: lists are explicit, nothing registers itself"})
			}
		case *ast.SelectorExpr:
			if name, ok := node.X.(*ast.Ident); ok && name.Name == clock && node.Sel.Name == "Sleep" {
				found = append(found, habit{node.Pos(), "time.Sleep hears no cancellation: wait on a timer and the context"})
			}
		}
		return true
	})
	return found
}

// localName returns the name by which a file knows a package of the standard library, or "" when it does not import it.
func localName(file *ast.File, imported string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(imported) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(imported)
	}
	return ""
}

func TestBreachTellsAllowedImportsFromForbiddenOnes(t *testing.T) {
	t.Parallel()
	const ours = modulePath + "/"
	for _, c := range []struct {
		file, imported string
		why            string // part of the reason; "" when the import is allowed
	}{
		{"cmd/allclear/serve.go", ours + "bot/slack", ""},
		{"cmd/allclear/serve.go", ours + "state/redisstore", ""},
		{"cmd/allclear/serve.go", ours + "state/statetest", "test code only"},
		{"cmd/allclear/serve_test.go", ours + "state/statetest", ""},
		{"commands/scan.go", ours + "cmd/allclear", "knows no platform"},

		{"state/assess.go", "fmt", ""},
		{"state/assess.go", ours + "bot/chat", "stays pure"},
		{"state/assess.go", ours + "state/embedded", "stays pure"},
		{"state/assess_test.go", ours + "state", ""},
		{"state/assess_test.go", ours + "state/statetest", ""},
		{"state/assess_test.go", ours + "checks/playbook", ""},
		{"state/assess_test.go", ours + "commands", "stays pure"},
		{"state/embedded/journal.go", ours + "state", "an engine"},
		{"state/embedded/internal/log/log.go", ours + "state/embedded", ""},
		{"state/redisstore/keys.go", ours + "state", ""},
		{"state/redisstore/keys.go", ours + "state/embedded", "keeps the records"},
		{"state/redisstore/keys_test.go", ours + "state/embedded", ""},
		{"state/redisjobs/jobs.go", ours + "state/redisstore", ""},
		{"state/statetest/suite.go", ours + "state", ""},
		{"state/statetest/suite.go", ours + "state/redisstore", "not which one"},
		{"state/statetest/suite_test.go", ours + "state/redisstore", ""},

		{"checks/runner.go", ours + "state", ""},
		{"checks/runner.go", ours + "state/redisstore", "no store"},
		{"checks/runner.go", ours + "checks/probe", "no store"},
		{"checks/probe/http.go", ours + "checks", ""},
		{"checks/probe/http.go", ours + "checks/playbook", ""},
		{"checks/probe/http.go", ours + "bot/chat", "no chat"},
		{"checks/probe/http_test.go", ours + "checks/fleet", ""},

		{"commands/scan.go", ours + "checks/hunt", ""},
		{"commands/scan.go", ours + "bot/chat", ""},
		{"commands/scan.go", ours + "bot", "does not send"},
		{"commands/scan.go", ours + "bot/slack", "knows no platform"},
		{"commands/scan_test.go", ours + "state/redisstore", ""},
		{"commands/scan_test.go", ours + "bot/slack", "knows no platform"},

		{"bot/router.go", ours + "bot/chat", ""},
		{"bot/router.go", ours + "commands", "declares the interfaces"},
		{"bot/router_test.go", ours + "bot", ""},
		{"bot/chat/message.go", ours + "checks", "vocabulary"},
		{"bot/outbox/outbox.go", ours + "bot", "must not know the process"},
		{"bot/outbox/outbox_test.go", ours + "bot", "must not know the process"},
		{"bot/schedule/slots.go", ours + "bot", "must not know the process"},
		{"bot/chart/burndown.go", ours + "state", "from numbers"},
		{"bot/slack/adapter.go", ours + "bot", ""},
		{"bot/slack/adapter.go", ours + "bot/slack/slacktest", "test code only"},
		{"bot/slack/adapter_test.go", ours + "bot/slack/slacktest", ""},
		{"bot/slack/slacktest/server.go", ours + "bot/slack", ""},
		{"bot/slack/adapter.go", ours + "bot/discord", "translates a transport"},
		{"bot/slack/adapter_test.go", ours + "bot/bottest", ""},
		{"bot/util/strings.go", ours + "state", "no layer"},
		{"deploy/gen.go", ours + "state", "no layer"},
		{"bot/router.go", modulePath, "no package at the top"},
		{"bot/router.go", modulePath + "-other/bot/slack", ""},

		{"bot/slack/adapter.go", "github.com/slack-go/slack/socketmode", ""},
		{"bot/outbox/outbox.go", "github.com/slack-go/slack", "one home"},
		{"commands/scan.go", "github.com/bwmarrin/discordgo", "one home"},
		{"state/redisstore/keys.go", "github.com/redis/go-redis/v9", ""},
		{"cmd/allclear/serve.go", "github.com/redis/go-redis/v9", "one home"},
		{"commands/scan_test.go", "github.com/alicebob/miniredis/v2", "one home"},
		{"state/redisjobs/jobs.go", "github.com/hibiken/asynq", ""},
		{"bot/web/metrics.go", "github.com/prometheus/client_golang/prometheus", ""},
		{"bot/router.go", "github.com/prometheus/client_golang/prometheus", "one home"},
		{"bot/router.go", "github.com/robfig/cron/v3", "one home"},
		{"bot/web/board.go", "gonum.org/v1/plot/vg", "one home"},
		{"checks/probe/http.go", "github.com/gocsaf/csaf/v3/csaf", "one home"},
		{"commands/scan.go", "github.com/spf13/cobra", "one home"},
		{"cmd/allclear/config.go", "github.com/goccy/go-yaml", ""},
		{"checks/hunt/rules.go", "github.com/goccy/go-yaml", "one home"},
		{"state/assess.go", "github.com/stretchr/testify/require", "for tests"},
		{"state/assess_test.go", "pgregory.net/rapid", ""},
		{"state/statetest/suite.go", "github.com/stretchr/testify/require", ""},
		{"commands/fuzzy.go", "github.com/lithammer/fuzzysearch/fuzzy", ""},
	} {
		t.Run(c.file+" imports "+c.imported, func(t *testing.T) {
			t.Parallel()
			reason := breach(c.file, c.imported)
			if c.why == "" {
				require.Empty(t, reason)
				return
			}
			require.Contains(t, reason, c.why)
		})
	}
}

func TestSurveyNamesFileImportAndReason(t *testing.T) {
	t.Parallel()
	house, err := survey(fstest.MapFS{
		"bot/outbox/outbox.go":       {Data: []byte("package outbox\n\nimport _ \"" + modulePath + "/bot\"\n")},
		"bot/outbox/testdata/bad.go": {Data: []byte("this is not Go")},
		"deploy/tool/go.mod":         {Data: []byte("module other\n")},
		"deploy/tool/main.go":        {Data: []byte("package main\n\nimport _ \"" + modulePath + "/bot\"\n")},
		".cache/x.go":                {Data: []byte("this is not Go")},
		"state/windows.go":           {Data: []byte("//go:build windows\n\npackage state\n\nimport _ \"" + modulePath + "/checks\"\n")},
		"checks/wait.go": {Data: []byte("package checks\n\nimport clock \"time\"\n\nfunc init() { clock.Sleep(1) }\n\n" +
			"type T struct{}\n\nfunc (T) init() { var time T; time.Sleep() }\n\nfunc (T) Sleep() {}\n")},
		"checks/wait_test.go":      {Data: []byte("package checks\n\nimport \"time\"\n\nfunc wait() { time.Sleep(1) }\n")},
		"state/statetest/suite.go": {Data: []byte("package statetest\n\nimport \"time\"\n\nfunc wait() { time.Sleep(1) }\n")},
	})
	require.NoError(t, err)
	require.Equal(t, 5, house.files)
	require.Len(t, house.breaches, 4)
	all := strings.Join(house.breaches, "\n")
	require.Contains(t, all, `bot/outbox/outbox.go imports "`+modulePath+`/bot": the outbox delivers`)
	require.Contains(t, all, `state/windows.go imports "`+modulePath+`/checks": the domain`)
	require.Contains(t, all, "checks/wait.go:5:1: func init")
	require.Contains(t, all, "checks/wait.go:5:15: time.Sleep")
	require.Contains(t, house.idleRules(), "folder bot/chart/...")
	require.NotContains(t, house.idleRules(), "folder state")
}

func TestSurveyFailsOnAFileThatDoesNotParse(t *testing.T) {
	t.Parallel()
	_, err := survey(fstest.MapFS{"state/broken.go": {Data: []byte("package")}})
	require.ErrorContains(t, err, "state/broken.go")
}

func TestStraysFindsWhatTheTopLevelMustNotHold(t *testing.T) {
	t.Parallel()
	names := []string{".github", "cmd", "docs", "allclear", "x.test", "Makefile", "go.mod"}
	require.Equal(t, []string{"docs", "Makefile"}, strays(names, "/allclear\n/dist/\n*.test\n\n"))
}
