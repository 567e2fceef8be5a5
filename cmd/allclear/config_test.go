package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASecretNeverShowsItself(t *testing.T) {
	t.Parallel()
	const mark = "hunter2-marked"
	s := secret("redis://user:" + mark + "@host")
	c := config{Redis: s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, s), mark, verb)
		require.NotContains(t, fmt.Sprintf(verb, c), mark, verb)
		require.NotContains(t, fmt.Sprintf(verb, &c), mark, verb)
	}
	require.Equal(t, redacted, s.LogValue().String())
	b, err := s.MarshalText()
	require.NoError(t, err)
	require.Equal(t, redacted, string(b))
}

func TestAllProblemsOfAConfigurationAreToldAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("cadence: 1s\nlog: xml\nlevel: loud\ntheme: pink\ndata: /a\nredis: redis://b\npeople:\n  - {id: a, role: boss, links: [x]}\n  - {id: b, links: [x]}\n"), 0o600))
	sys, _, _ := piped(t, "", "ALLCLEAR_DATTA=/x", "ALLCLEAR_CONFIG="+file, "HOME=/x")
	_, err := loadConfig("", sys)
	require.Error(t, err)
	for _, part := range []string{
		"no variable ALLCLEAR_DATTA; did you mean ALLCLEAR_DATA?", `cadence "1s"`, `log "xml"`, `level "loud"`, `theme "pink"`,
		"data and redis are both set", `role "boss"`, `linked to both "a" and "b"`,
	} {
		require.ErrorContains(t, err, part)
	}
}

func TestAnUnknownKeyIsAnErrorWithItsLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("log: json\ncadense: 2h\n"), 0o600))
	sys, _, _ := piped(t, "")
	_, err := loadConfig(file, sys)
	require.ErrorContains(t, err, "cadense")
	require.ErrorContains(t, err, "[2:1]")
}

func TestWhoeverRunsItIsTheFirstLeadOnlyWhenThereIsNone(t *testing.T) {
	t.Parallel()
	c := config{}.withSelf()
	require.Len(t, c.People, 1)
	p, ok := c.People.ByLink(consoleLink())
	require.True(t, ok)
	require.EqualValues(t, "lead-1", p.ID)
	require.Equal(t, c.People, c.withSelf().People)
}

func TestATypeThatIsWrongHidesNoOtherProblem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`cadence: [1, 2]
cadense: 2h
log: xml
redis: {password: hunter2}
people:
  - {id: a, rolle: lead, links: [x]}
  - {id: b, role: boss, links: y: z}
slack: {bot_tokn: xoxb-hunter2}
`), 0o600))
	sys, _, _ := piped(t, "")
	_, err := loadConfig(file, sys)
	require.Error(t, err, "no YAML at all")
	require.NoError(t, os.WriteFile(file, []byte(`cadence: [1, 2]
cadense: 2h
log: xml
redis: {password: hunter2}
people:
  - {id: a, rolle: lead, links: [x]}
  - {id: b, role: boss, links: {y: z}}
slack: {bot_tokn: xoxb-hunter2}
groups: [x]
`), 0o600))
	_, err = loadConfig(file, sys)
	require.Error(t, err)
	for _, part := range []string{
		"[1:10] this cannot be here: want a text", `[2:1] there is no key "cadense"; did you mean cadence?`, `log "xml": want text or json`,
		"[4:", `[6:13] there is no key "rolle"; did you mean role?`, "[7:", "want a list of texts", `role "boss"`,
		`[8:9] there is no key "bot_tokn"; did you mean bot_token?`, "[9:", "want keys with values",
	} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

func TestAConfigurationMayUseWhatYAMLOffers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	sys, _, _ := piped(t, "")
	require.NoError(t, os.WriteFile(file, []byte("# nothing\n"), 0o600))
	_, err := loadConfig(file, sys)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("groups:\n  a: &all [x]\n  b: *all\n"), 0o600))
	c, err := loadConfig(file, sys)
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, c.Groups["b"])
	for _, text := range []string{"- 1\n", "just words\n", "a: b: c\n", "log: text\nlog: json\n", "log: text\n---\nlog: json\n", "\x00\xff", "people: !000 000"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := loadConfig(file, sys)
		require.Error(t, err, text)
	}
}

func TestAFileThatNeverEndsIsNoConfiguration(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip("NOT RUN: there is no endless file here")
	}
	sys, _, _ := piped(t, "")
	_, err := loadConfig("/dev/zero", sys)
	require.ErrorContains(t, err, "/dev/zero is larger than 1 MiB")
}

func FuzzAnyConfigurationIsReadOrRefused(f *testing.F) {
	for _, s := range []string{"log: json\n", "people: [{id: a}]\n", "slack: {roles: {a: b}}\n", "&a [*a]", "? {}\n: 1", "<<: {log: x}", "log: !!binary x", "people: !000 000", "people: [1, {}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		var c configFile
		if len(data) < 4096 && c.decode(data) == nil {
			c.check()
		}
	})
}
