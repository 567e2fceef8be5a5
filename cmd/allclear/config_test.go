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
	require.NoError(t, os.WriteFile(file, []byte("cadence: 1s\nlog: xml\nlevel: loud\ndata: /a\nredis: redis://b\npeople:\n  - {id: a, role: boss, links: [x]}\n  - {id: b, links: [x]}\n"), 0o600))
	sys, _, _ := piped(t, "", "ALLCLEAR_DATTA=/x", "ALLCLEAR_CONFIG="+file, "HOME=/x")
	_, err := loadConfig("", sys)
	require.Error(t, err)
	for _, part := range []string{
		"no variable ALLCLEAR_DATTA; did you mean ALLCLEAR_DATA?", `cadence "1s"`, `log "xml"`, `level "loud"`,
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
