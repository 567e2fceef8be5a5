package commands

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

func july(t *testing.T) *world {
	w := opened(t, 1, "name,farm,owner\nsp-1,fin,alice\nsp-2,hr,bob\nsp-3,lab,bob\n")
	w.remediate(t, "fin", july2019, "sp-1")
	w.confirm(t, "fin", "sp-1")
	w.remediate(t, "hr", fixed2019, "sp-2")
	w.confirm(t, "hr", "sp-2")
	return w
}

func TestARevisionIsShownBeforeItIsPutInForce(t *testing.T) {
	t.Parallel()
	w := july(t)
	m := w.run(t, "alice", "playbook revise toolshell")
	text := words(m)
	for _, want := range []string{
		"# ToolShell revision 2 instead of 1: 1 of 3 servers would change", "What moved:", "fix line of SharePoint Server 2019: 16.0.10417.20027 -> 16.0.10417.20037",
		"▼ 1 re-opened: sp-1 (was confirmed)", "Concerns: alice 1", "Nothing was changed.",
		"1 re-open.", "[Put it in force](playbook revise --incident toolshell-1 toolshell --apply ",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, state.StatusConfirmed, w.row(t, "sp-1").Status)
	require.Equal(t, "server,owner,group,from,to,why\n", string(fileIn(t, m).Data)[:31])
	require.Contains(t, string(fileIn(t, m).Data), "sp-1,alice,,confirmed,exposed,")
	require.Contains(t, w.refuse(t, "alice", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell")), "Only a lead")
}

// shownHash is the hash that is shown with what a revision would change.
func shownHash(t *testing.T, w *world, line string, files ...chat.File) string {
	t.Helper()
	m := regexp.MustCompile(`--apply ([0-9a-f]{16})`).FindStringSubmatch(words(w.run(t, "lead-1", "playbook revise "+line, files...)))
	require.NotNil(t, m)
	return m[1]
}

func fileIn(t *testing.T, m chat.Message) chat.Attachment {
	t.Helper()
	for _, p := range m.Parts {
		if a, ok := p.(chat.Attachment); ok {
			return a
		}
	}
	require.Fail(t, "the message has no file")
	return chat.Attachment{}
}

func TestOnlyWhatWasShownIsPutInForce(t *testing.T) {
	t.Parallel()
	w := july(t)
	one := []byte("playbook: toolshell\nrevision: 3\nbase: 2\nbuilds: [16.0.10417.20099 2025-12-01 KB5009999]\nfixed: [16.0.10417.20099]\n")
	other := []byte("playbook: toolshell\nrevision: 3\nbase: 2\nbuilds: [16.0.10417.20098 2025-12-01 KB5009998]\nfixed: [16.0.10417.20098]\n")
	hash := shownHash(t, w, "", chat.File{Name: "next.yaml", Data: one})
	line := "playbook revise --apply " + hash
	require.Contains(t, w.refuse(t, "lead-1", line, chat.File{Name: "next.yaml", Data: other}), "is not the hash of revision 3 of toolshell in place of revision 1")
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise toolshell --apply nonsense"), "without --apply")
	require.Equal(t, state.StatusConfirmed, w.row(t, "sp-1").Status)
	w.run(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
	require.Contains(t, w.refuse(t, "lead-1", line, chat.File{Name: "next.yaml", Data: one}), "in place of revision 2", "what was shown was shown of another revision in force")
	w.run(t, "lead-1", "playbook revise --apply "+shownHash(t, w, "", chat.File{Name: "next.yaml", Data: one}), chat.File{Name: "next.yaml", Data: one})
	require.Equal(t, state.StatusExposed, w.row(t, "sp-2").Status)
}

// letters are the notices of a kind that wait to be said.
func letters(t *testing.T, w *world, kind state.NoticeKind) []state.Notice {
	t.Helper()
	var out []state.Notice
	for {
		claimed, err := w.store.Claim(t.Context(), "reader", w.clock().Add(time.Hour), time.Minute, 1000)
		require.NoError(t, err)
		if len(claimed) == 0 {
			return out
		}
		for _, l := range claimed {
			if l.Letter.Notice.Kind == kind {
				out = append(out, l.Letter.Notice)
			}
			require.NoError(t, w.store.Delivered(t.Context(), l.Letter, l.Token, state.Receipt{MessageID: "m", At: w.clock()}))
		}
	}
}

func TestEachOwnerHearsOnceWhatARevisionDid(t *testing.T) {
	t.Parallel()
	w := july(t)
	w.run(t, "lead-1", "server import", chat.File{Name: "more.csv", Data: []byte("name,farm,owner\nsp-4,x,alice\nsp-5,y,carol\n")})
	for farm, server := range map[string]string{"x": "sp-4", "y": "sp-5"} {
		w.remediate(t, farm, july2019, server)
		w.confirm(t, farm, server)
	}
	w.wait(time.Minute)
	hash := shownHash(t, w, "toolshell")
	w.run(t, "lead-1", "playbook revise toolshell --apply "+hash)
	_, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	ns := letters(t, w, state.NoticeRevised)
	require.Len(t, ns, 2)
	slices.SortFunc(ns, func(a, b state.Notice) int { return strings.Compare(a.Owner, b.Owner) })
	require.Equal(t, []string{"alice", "carol"}, []string{ns[0].Owner, ns[1].Owner})
	text := words(render(t, w, ns[0]))
	for _, want := range []string{"alice: revision 2 of the playbook toolshell changes your servers", "Of yours: 2 re-open.", "Why: ", "fix line of SharePoint Server 2019: 16.0.10417.20027 -> 16.0.10417.20037", "sp-1 was confirmed", "sp-4 was confirmed", "now exposed"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "sp-5")
	require.Empty(t, letters(t, w, state.NoticeReopened), "and nothing a second time")
}

func render(t *testing.T, w *world, n state.Notice) chat.Message {
	t.Helper()
	m, err := NewVoice(w.parts).Render(t.Context(), []state.Notice{n}, state.Place{})
	require.NoError(t, err)
	return m
}

func TestARevisionThatWasCutOffIsToldWhenSomebodySweeps(t *testing.T) {
	t.Parallel()
	w := july(t)
	_, err := w.store.Update(t.Context(), state.Work{Request: "cut off", By: "lead-1", At: w.clock()}, "toolshell-1", nil, func(tx *state.Tx) error {
		pb, err := w.parts.Load("toolshell@2")
		require.NoError(t, err)
		return tx.ReviseFor(pb.Rules(), []string{"it moved"}, 0)
	})
	require.NoError(t, err)
	require.Empty(t, letters(t, w, state.NoticeRevised))
	for range 2 {
		_, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
		require.NoError(t, err)
	}
	require.Len(t, letters(t, w, state.NoticeRevised), 1)
}

func TestWhatARevisionDidIsToldThoughAnotherOneOvertakesIt(t *testing.T) {
	t.Parallel()
	w := july(t)
	next, err := playbook.Parse([]byte("playbook: toolshell\nrevision: 3\nbase: 2\nbuilds: [16.0.10417.20099 2025-12-01 KB5009999]\nfixed: [16.0.10417.20099]\n"), "next")
	require.NoError(t, err)
	two, err := w.parts.Load("toolshell@2")
	require.NoError(t, err)
	step := func(id string, farms []string, change func(*state.Tx) error) {
		_, err := w.store.Update(t.Context(), state.Work{Request: id, By: "lead-1", At: w.clock()}, "toolshell-1", farms, change)
		require.NoError(t, err)
	}
	step("two", nil, func(tx *state.Tx) error { return tx.ReviseFor(two.Rules(), []string{"it moved"}, 0) })
	step("touched", []string{"fin"}, func(tx *state.Tx) error { return tx.Reassess("fin") })
	require.Equal(t, state.StatusExposed, w.row(t, "sp-1").Status, "the second revision has re-opened it")
	step("three", nil, func(tx *state.Tx) error { return tx.ReviseFor(next.Rules(), []string{"it moved again"}, 0) })
	for range 2 {
		_, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
		require.NoError(t, err)
	}
	var owners []string
	for _, n := range letters(t, w, state.NoticeRevised) {
		owners = append(owners, n.Owner)
	}
	slices.Sort(owners)
	require.Equal(t, []string{"alice", "bob"}, owners, "of the second, and of the third")
}

func TestARevisionReopensWhatWasConfirmedAgainstTheOldLineAndTellsWhy(t *testing.T) {
	t.Parallel()
	w := july(t)
	m := w.run(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
	text := words(m)
	require.Contains(t, text, "# ToolShell revision 2 is in force")
	require.Contains(t, text, "3 farms assessed anew.")
	require.Contains(t, text, "▼ 1 re-opened: sp-1 (was confirmed)")
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Equal(t, state.StatusExposed, w.row(t, "sp-1").Status)
	require.Equal(t, state.StatusConfirmed, w.row(t, "sp-2").Status)
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise toolshell --apply x"), "not newer")
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise toolshell@1"), "revision 1 is not newer")
	n, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	require.Positive(t, n, "the owner is told")
}

func TestARevisionThatIsRunAgainTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	w := july(t)
	c, call := w.call(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
	_, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	n, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	w.wait(time.Minute)
	_, err = c.Run(t.Context(), call)
	require.NoError(t, err)
	again, _, err := w.store.QueueSize(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, again)
}

func TestAPlaybookMayBeHandedIn(t *testing.T) {
	t.Parallel()
	w := july(t)
	next := []byte("playbook: toolshell\nrevision: 3\nbase: 2\nbuilds: [16.0.10417.20099 2025-12-01 KB5009999]\nfixed: [16.0.10417.20099]\n")
	text := words(w.run(t, "alice", "playbook revise", chat.File{Name: "next.yaml", Data: next}))
	require.Contains(t, text, "revision 3 instead of 1: 2 of 3 servers would change")
	require.NotContains(t, text, "[Put it in force]", "a button cannot hand a file in again")
	require.Contains(t, w.refuse(t, "alice", "playbook revise", chat.File{Name: "next.yaml", Data: []byte("playbook: [")}), "The playbook is not in order: next.yaml:")

	path := filepath.Join(t.TempDir(), "next.yaml")
	require.NoError(t, os.WriteFile(path, next, 0o600))
	require.Contains(t, w.refuse(t, "alice", "playbook revise "+path), "Only a lead names a file")
	require.Contains(t, words(w.run(t, "lead-1", "playbook revise "+path+" --apply "+shownHash(t, w, path))), "ToolShell revision 3 is in force")
	require.Contains(t, w.refuse(t, "lead-1", "playbook revise nothing"), "no such playbook")
}

// spoiled is a store in which a farm cannot be assessed.
type spoiled struct {
	Store
	farm string
}

func (s spoiled) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if s.farm != "" && slices.Contains(farms, s.farm) {
		return state.Outcome{}, errors.New("its record is damaged")
	}
	return s.Store.Update(ctx, w, incident, farms, change)
}

func TestAFarmThatCannotBeAssessedKeepsNobodyElseFromHearingAndIsNamed(t *testing.T) {
	t.Parallel()
	w := july(t)
	w.run(t, "lead-1", "server import", chat.File{Name: "more.csv", Data: []byte("name,farm,owner\nsp-4,x,carol\n")})
	w.remediate(t, "x", july2019, "sp-4")
	w.confirm(t, "x", "sp-4")
	two, err := w.parts.Load("toolshell@2")
	require.NoError(t, err)
	_, err = w.store.Update(t.Context(), state.Work{Request: "two", By: "lead-1", At: w.clock()}, "toolshell-1", nil, func(tx *state.Tx) error {
		return tx.ReviseFor(two.Rules(), []string{"it moved"}, 0)
	})
	require.NoError(t, err)
	for range 2 {
		_, err = Sweep(t.Context(), spoiled{w.store, "x"}, "toolshell-1", w.clock())
		require.ErrorContains(t, err, "its record is damaged")
	}
	var about, texts []string
	for _, n := range letters(t, w, state.NoticeRevised) {
		about, texts = append(about, n.Owner), append(texts, words(render(t, w, n)))
	}
	require.ElementsMatch(t, []string{"alice", ""}, about, "each once")
	require.Contains(t, strings.Join(texts, ""), "1 farm could not be assessed by revision 2 of the playbook toolshell\nx. Their servers stand as")
	_, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	late := letters(t, w, state.NoticeReopened)
	require.Len(t, late, 1, "what could not be assessed then is told when it is")
	require.Equal(t, []string{"sp-4"}, late[0].Servers)
}
