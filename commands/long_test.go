package commands

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
)

// TestWhatAnybodyTypesIsBoundedBeforeItIsStored types a very long text for each argument
// of each command, as a lead and in a community that is not set up, and looks for it in
// the files of the store.
func TestWhatAnybodyTypesIsBoundedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	const typed, most = 30_000, state.MaxSummary
	dir := t.TempDir()
	e, err := embedded.Open(dir, embedded.Options{})
	require.NoError(t, err)
	b := newBoardOn(t, e, 1)
	b.must("lead-2", `advisory draft "First" words`)
	b.withCommunity()
	all := All(b.parts)
	slices.SortStableFunc(all, func(x, y Command) int { // what ends the incident, last
		last := func(c Command) int { return strings.Count("incident clear, incident close", c.Spec().Path) }
		return last(x) - last(y)
	})
	tried := 0
	for _, c := range all {
		s := c.Spec()
		example, err := chat.Words(strings.TrimPrefix(s.Examples[0].Line, s.Path))
		require.NoError(t, err)
		given, err := chat.Parse(s, example, nil)
		require.NoError(t, err)
		for _, a := range slices.Concat(s.Args, s.Flags) {
			if len(a.Choices) > 0 || a.Type == chat.Switch || a.Type == chat.Number {
				continue
			}
			tried++
			long := strings.Repeat("x", typed)
			b.run(c, given.With(a.Name, long), false)
			if s.Community {
				b.run(c, given.With(a.Name, long), true)
			}
			if a.Type == chat.Upload {
				words := map[string]string{}
				for _, o := range slices.Concat(s.Args, s.Flags) {
					if given.Has(o.Name) && o.Name != a.Name {
						words[o.Name] = given.String(o.Name)
					}
				}
				b.run(c, chat.NewValues(words, chat.File{Name: "x.txt", Data: []byte(long)}), s.Community)
			}
		}
	}
	require.Greater(t, tried, 80)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if at := bytes.Index(data, bytes.Repeat([]byte("x"), most+1)); at >= 0 {
			require.Fail(t, "it was stored", "%q", data[max(0, at-300):at])
		}
		return nil
	}))
}

// run runs a command by what was typed, as a lead or as the administrator of a community
// that is not set up. Whether it is refused does not matter.
func (b *board) run(c Command, v chat.Values, community bool) {
	b.n++
	id := fmt.Sprintf("long-%d", b.n)
	r := chat.Request{
		ID: id, Actor: chat.Actor{Link: "console:lead-1", Person: "lead-1", Role: state.RoleLead}, At: b.now,
		Place: state.Place{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict},
	}
	if community {
		r.Community, r.Place, r.Actor = "console:stranger", guildPlace("stranger", state.TLPGreen), chat.Actor{Link: "console:" + id, Admin: true}
	}
	_, _ = c.Run(b.t.Context(), chat.Call{Request: r, Values: v, Incident: boardID, Say: func(string, chat.Message) {}})
}
