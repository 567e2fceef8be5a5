package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

func TestWhetherAServerSaidThatItIsFixedIsAboutItsLastAnswer(t *testing.T) {
	t.Parallel()
	p, err := playbook.Builtin("toolshell")
	require.NoError(t, err)
	read := func(server, tool, build string, hour int) state.Evidence {
		return state.Evidence{
			Subject: state.Subject{Server: server}, Kind: state.KindBuild, Value: build, Source: state.SourceProbe, Tool: tool,
			Observed: morning.Add(time.Duration(hour) * time.Hour),
		}
	}
	for _, c := range []struct {
		name     string
		evidence []state.Evidence
		want     bool
	}{
		{"nobody looked", nil, false},
		{"another server", []state.Evidence{read("b", "file", fixed2019, 1)}, false},
		{"fixed", []state.Evidence{read("a", "file", fixed2019, 1)}, true},
		{"a vaguer reading beside it", []state.Evidence{read("a", "file", fixed2019, 1), read("a", "header", "16.0.10417", 1)}, true},
		{"only the vague one", []state.Evidence{read("a", "header", "16.0.10417", 1)}, false},
		{"a worse reading beside it", []state.Evidence{read("a", "file", fixed2019, 1), read("a", "header", "16.0.10416", 1)}, false},
		{"a worse reading before", []state.Evidence{read("a", "header", "16.0.10416", 0), read("a", "file", fixed2019, 1)}, true},
		{"a worse reading after", []state.Evidence{read("a", "file", fixed2019, 1), read("a", "header", "16.0.10416", 2)}, false},
		{"no number", []state.Evidence{read("a", "file", "x", 1)}, false},
	} {
		require.Equal(t, c.want, saidFixed(p.Rules(), c.evidence, state.Subject{Server: "a"}), c.name)
	}
}

func TestChangesOfAScanAreFromBeforeItToAfterIt(t *testing.T) {
	t.Parallel()
	r := &recorder{changes: map[string]state.Transition{}}
	r.learn([]state.Transition{{Server: "a", From: state.StatusReady, To: state.StatusUnknown}, {Server: "b", From: state.StatusUnknown, To: state.StatusExposed}})
	r.learn([]state.Transition{{Server: "a", From: state.StatusUnknown, To: state.StatusExposed}, {Server: "b", From: state.StatusExposed, To: state.StatusUnknown}})
	require.Equal(t, []state.Transition{{Server: "a", From: state.StatusReady, To: state.StatusExposed}}, r.transitions())
	require.Len(t, newsOf(r.transitions()).regressed, 1)
}
