package playbook

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestEveryBuiltInRevisionLoads(t *testing.T) {
	t.Parallel()
	require.Contains(t, Builtins(), "toolshell")
	require.True(t, slices.IsSorted(Builtins()))
	files, err := filepath.Glob("builtin/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		p, err := embedded(filepath.Base(file))
		require.NoError(t, err)
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		require.Equal(t, name, p.Name)
		same, err := BuiltinRevision(name, p.Revision)
		require.NoError(t, err, "the revision is found by its number")
		require.Equal(t, p.Revision, same.Revision)
		newest, err := Builtin(name)
		require.NoError(t, err)
		require.LessOrEqual(t, p.Revision, newest.Revision, "<name>.yaml is the newest")
	}
}

func TestLoadFindsByNameRevisionOrPath(t *testing.T) {
	t.Parallel()
	p, err := Load("toolshell")
	require.NoError(t, err)
	require.Equal(t, 2, p.Revision)
	p, err = Load("toolshell@1")
	require.NoError(t, err)
	require.Equal(t, 1, p.Revision)
	p, err = Load("builtin/toolshell.yaml")
	require.NoError(t, err)
	require.Equal(t, 2, p.Revision)
}

func TestLoadSaysWhatIsWrongWithAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"toolshel":       `did you mean "toolshell"?`,
		"":               "built in are citrixbleed2, proxynotshell, sharepoint-2026-50522, toolshell",
		"toolshell@9":    "toolshell at revision 9",
		"toolshell@x":    `"x" is not a revision`,
		"none/there":     "no such file",
		"toolshell.yaml": "no such file",
	} {
		_, err := Load(name)
		require.ErrorContains(t, err, want, name)
	}
	_, err := Load("toolshel")
	require.ErrorIs(t, err, ErrUnknown)
	_, err = BuiltinRevision("toolshell", 7)
	require.ErrorIs(t, err, ErrUnknown)
}

func TestLoadFindsAPlaybookOfOnesOwnByTheNameOfItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, err := BuiltinSource("citrixbleed2")
	require.NoError(t, err)
	mine := strings.Replace(string(source), "playbook: citrixbleed2", "playbook: my-gateways", 1)
	for _, file := range []string{"my-gateways", "other", "toolshell"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file+".yaml"), []byte(mine), 0o600))
	}
	for _, name := range []string{"my-gateways", "my-gateways@1"} {
		p, err := load(dir, name)
		require.NoError(t, err)
		require.Equal(t, "my-gateways", p.Name)
	}
	p, err := load(dir, "toolshell")
	require.NoError(t, err)
	require.Equal(t, 2, p.Revision, "what is built in comes first")
	for name, want := range map[string]string{
		"other":         "the playbook in other.yaml is called my-gateways",
		"my-gateways@2": "my-gateways at revision 2: the file has revision 1",
		"elsewhere":     "there is no file elsewhere.yaml here either",
		"..":            "no such playbook",
		"My-Gateways":   "no such playbook",
	} {
		_, err := load(dir, name)
		require.ErrorContains(t, err, want, name)
	}
}

func TestAFileThatIsTooLargeIsNotReadWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "large.yaml")
	require.NoError(t, os.WriteFile(path, make([]byte, MaxSize+1), 0o600))
	_, err := Load(path)
	require.ErrorContains(t, err, "is larger than")
}

func TestTheFirstRevisionHoldsTheLinesOf8July(t *testing.T) {
	t.Parallel()
	p, err := BuiltinRevision("toolshell", 1)
	require.NoError(t, err)
	rules := p.Rules()
	require.Equal(t, 1, rules.Revision)
	require.Equal(t, []string{"CVE-2025-49704", "CVE-2025-49706"}, rules.CVEs)
	require.True(t, rules.Due.IsZero())
	for _, build := range []string{"16.0.5508.1000", "16.0.10417.20027", "16.0.18526.20424"} {
		require.Equal(t, state.VerdictFixed, rules.Judge(version(t, build)).Verdict, build)
		require.Equal(t, state.VerdictVulnerable, toolshell(t).Rules().Judge(version(t, build)).Verdict, build)
	}
	require.Equal(t, state.VerdictFixed, rules.Judge(version(t, "16.0.5508")).Verdict)
	require.Equal(t, state.VerdictUnknown, rules.Judge(version(t, "16.0.10417")).Verdict)
}

func TestDiffTellsWhatMoved(t *testing.T) {
	t.Parallel()
	first, err := BuiltinRevision("toolshell", 1)
	require.NoError(t, err)
	second := toolshell(t)
	require.Equal(t, []string{
		"fix line of SharePoint Server 2016: 16.0.5508.1000 -> 16.0.5513.1001",
		"fix line of SharePoint Server 2019: 16.0.10417.20027 -> 16.0.10417.20037",
		"fix line of SharePoint Server Subscription Edition: 16.0.18526.20424 -> 16.0.18526.20508",
		"CVE CVE-2025-53770 added",
		"CVE CVE-2025-53771 added",
		"due date: none -> 2025-07-21",
	}, Diff(first, second))
	require.Empty(t, Diff(second, toolshell(t)))
}

func TestDiffTellsOfStepsObserversAndIndicators(t *testing.T) {
	t.Parallel()
	parse := func(s string) Playbook {
		p, err := Parse([]byte(s), "p")
		require.NoError(t, err)
		return p
	}
	text := documented(t)[0]
	changed := strings.NewReplacer(
		"id: rotate", "id: rekey", "maxAge: 30d", "maxAge: 12h", "path: /shell.php", "path: /other.php",
		"method: GET #", "method: HEAD #", "value: 192.0.2.1", "value: 192.0.2.2", "fixed: 7.0.120", "fixed: none",
		" partial", "", "advice: Search the logs.", "advice: Search all logs.",
	).Replace(text)
	require.Equal(t, []string{
		"fix line of Product 7: 7.0.120 -> none",
		"step rekey added",
		"step rotate removed",
		"step patch: every server; part of being fixed; package at or above the fix line, from collector, attestation; counts for 30 days" +
			" -> every server; part of being fixed; package at or above the fix line, from collector, attestation; counts for 12 hours",
		"step hunt: other words",
		"observer header (HEAD /, header X-Version: a build of 3 numbers, ^([0-9.]+)$) added",
		"observer header (GET /, header X-Version: a build of 3 numbers, ^([0-9.]+)$) removed",
		"indicator /other.php added",
		"indicator /shell.php removed",
		"indicators of compromise: 1 added, 1 removed",
	}, Diff(parse(text), parse(changed)))
}

func TestARevisionToldByItsDifferencesIsValidatedToo(t *testing.T) {
	t.Parallel()
	head := "playbook: toolshell\nrevision: 3\nbase: 2\n"
	for text, want := range map[string]string{
		head + "fixd: []\n":                                          `p:4:1: unknown key "fixd" in the revision; did you mean "fixed"?`,
		head + "fixed: [12.0.1.1]\n":                                 "p:4:9: the build 12.0.1.1 lies in no branch of the base that has a fix",
		head + "fixed: [15.0.5545.1000]\n":                           "lies in no branch of the base that has a fix",
		head + "fixed: [16.0.5513.1]\n":                              "is none of the published builds",
		head + "fixed: [16.0.5513.1002, 16.0.5517.1000]\n":           "p:4:25: the branch of 16.0.5517.1000 has a fix line already",
		head + "builds: [16.0.5513.1002 2025-08-12]\n":               "the base has the build 16.0.5513.1002 already",
		head + "builds: [18.0.1.1]\n":                                "lies in no branch of the base",
		head + "cves: [CVE-2025-53772]\n":                            `did you mean "CVE-2025-53770"?`,
		head + "cves: []\n":                                          "no CVE is left",
		"playbook: toolshell\nrevision: 2\nbase: 2\n":                "cannot be based on itself",
		"playbook: toolshell\nrevision: 3\nbase: 1\nfixed: [1.2]\n":  "revision 1 of toolshell cannot be a base: revision 2 can",
		"playbook: toolshel\nrevision: 3\nbase: 2\nfixed: [1.2.3]\n": `did you mean "toolshell"?`,
	} {
		_, err := Parse([]byte(text), "p")
		require.ErrorContains(t, err, want, text)
	}
}
