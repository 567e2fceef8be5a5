package commands

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestHelpShowsWhatThisPersonMayDo(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	viewer := plain(b.must("view-1", "help"))
	require.Contains(t, viewer, "\nstatus: Show how things are")
	require.Contains(t, viewer, "With the role responder also: ")
	require.NotContains(t, viewer, "\nclaim: Say that")
	lead := plain(b.must("lead-1", "help"))
	require.Contains(t, lead, "\nclaim: Say that")
	require.Contains(t, lead, "\nattest: Vouch for")
	require.NotContains(t, lead, "With the role")
	for _, p := range b.must("lead-1", "help").Parts {
		require.Equal(t, state.TLPClear, p.Marking())
	}
	require.Equal(t, `claim
Say that you work on a server, or that a step of it is done; it proves nothing.
Usage: claim SERVER [STEP] [NOTE…]
SERVER: its name or the beginning of it
STEP: a step of the playbook, like patch
NOTE: what you want others to know
claim sp-fin-01 patch: shows the patch of sp-fin-01 as claimed by you
Needs the role responder.
`, plain(b.must("view-1", "help claim")))
	require.Contains(t, plain(b.must("view-1", "help advisory")), "advisory draft TITLE BODY… [--tlp TLP]")
	require.Contains(t, plain(b.must("view-1", "help help")), "Only you see the answer.")
	require.Contains(t, b.no("view-1", "help clam"), "Did you mean: claim")
}

func TestEverySpecIsComplete(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	seen := map[string]bool{}
	for _, c := range All(b.parts) {
		s := c.Spec()
		require.False(t, seen[s.Path], s.Path)
		seen[s.Path] = true
		require.NotEmpty(t, s.Summary, s.Path)
		require.False(t, strings.HasSuffix(s.Summary, "."), s.Path)
		require.NotEmpty(t, s.Examples, s.Path)
		names, optional := map[string]bool{}, false
		for i, a := range s.Args {
			require.NotEmpty(t, a.Help, "%s %s", s.Path, a.Name)
			require.False(t, names[a.Name], "%s %s", s.Path, a.Name)
			require.False(t, optional && !a.Optional, "%s: %s comes after what is optional", s.Path, a.Name)
			require.True(t, !a.Rest || i == len(s.Args)-1, "%s: %s takes the rest", s.Path, a.Name)
			names[a.Name], optional = true, optional || a.Optional
		}
		for _, f := range s.Flags {
			require.NotEmpty(t, f.Help, "%s --%s", s.Path, f.Name)
			require.False(t, names[f.Name], "%s --%s", s.Path, f.Name)
			names[f.Name] = true
		}
	}
}

func TestEveryExampleWorks(t *testing.T) {
	t.Parallel()
	var all []chat.Spec
	for _, c := range All(newBoard(t, 1).parts) {
		all = append(all, c.Spec())
	}
	for _, s := range all {
		for _, e := range s.Examples {
			t.Run(e.Line, func(t *testing.T) {
				t.Parallel()
				b := newBoard(t, 1)
				b.prove()
				b.must("lead-2", `attest sp-hr-01 preserved done --at "2025-07-21 18:00" --ref CHG-1`)
				b.must("lead-2", `advisory draft "First" words`)
				found, _, err := chat.Find(all, e.Line)
				require.NoError(t, err)
				require.Equal(t, s.Path, found.Path)
				require.NotEmpty(t, e.Does)
				if strings.HasPrefix(s.Path, "feeds ") {
					b.withBearing()
				}
				if s.Community || strings.HasPrefix(s.Path, "sighting ") {
					b.withCommunity()
				}
				if s.Community && s.Path != "help" {
					m, err := b.fromGuild("friends", "console:admin", true, state.TLPGreen, e.Line)
					require.NoError(t, err)
					require.NotEmpty(t, m.Parts)
					return
				}
				if s.Path == "incident clear" {
					b.settle()
				}
				m := b.must("lead-1", e.Line)
				require.NotEmpty(t, m.Parts)
			})
		}
	}
}

// settle gets every server out of the way of clear.
func (b *board) settle() {
	b.must("lead-1", "confirm --farm fin")
	b.must("lead-1", "except sp-hr-01 --for 72h --reason x")
	b.must("lead-1", "except sp-edge-01 --for 72h --reason x")
	b.must("lead-2", "approve all")
}

func TestAFlagThatIsNeededIsNotShownAsOptional(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for line, want := range map[string]string{
		"help except":        "] --reason REASON [",
		"help attest":        "] --ref REF [",
		"help server retire": "server retire SERVER --reason REASON",
	} {
		require.Contains(t, plain(b.must("view-1", line)), want, line)
	}
	for _, line := range []string{"except sp-fin-01 --for 72h", "attest sp-fin-01 preserved done", "server retire sp-fin-01"} {
		b.no("lead-1", line)
	}
	require.Contains(t, b.no("resp-1", "scan cancel"), "To end the running scan: scan --cancel")
}
