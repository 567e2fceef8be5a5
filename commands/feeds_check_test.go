package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// real is a document as it was published.
func real(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../checks/intake/feeds/testdata/" + name)
	require.NoError(t, err)
	return data
}

// withBearing lets a source say that a fix line moved.
func (b *board) withBearing() {
	b.t.Helper()
	_, err := b.store.UpdateDesk(b.t.Context(), state.Work{Request: "bear", Step: "1", At: b.now}, boardID, state.DeskNeed{}, func(tx *state.Tx) error {
		_, _, err := tx.Bear(state.Bearing{Key: "k", Source: "cve", TLP: state.TLPClear, Lines: []string{"due date moved"}})
		return err
	})
	require.NoError(b.t, err)
}

// accepts is the line behind the button that accepts a proposal, as it is shown now.
func (b *board) accepts(id string) string {
	b.t.Helper()
	return acceptLine(b.t, b.must("view-1", "feeds show "+id), id)
}

func acceptLine(t *testing.T, m chat.Message, id string) string {
	t.Helper()
	for _, button := range buttons(m) {
		if button.Label == "Accept "+id {
			return button.Line
		}
	}
	require.Fail(t, "nothing accepts "+id, plain(m))
	return ""
}

func TestWhatSourcesSayBecomesAProposalAndOnceAcceptedARevisionAndADraft(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "advisory draft Inside words")
	b.must("lead-1", "advisory publish 1")
	docs := map[string][]byte{"cve/CVE-2025-53770": real(t, "CVE-2025-53770.json"), "kev": real(t, "kev.json")}
	asked := 0
	b.parts.Feeds = Feeds{
		Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve/{cve}"}, {Kind: feeds.KindKEV, At: "kev"}},
		Get: func(_ context.Context, at, mark string, _ int) (feeds.Got, error) {
			asked++
			data, ok := docs[at]
			now := fmt.Sprint(len(data), bytes.Count(data, []byte("20099")))
			switch {
			case !ok:
				return feeds.Got{}, errors.New("it answers 404")
			case mark == now:
				return feeds.Got{Mark: mark, Same: true}, nil
			}
			return feeds.Got{Data: data, Mark: now}, nil
		},
	}
	text := plain(b.must("resp-1", "feeds check"))
	require.Contains(t, text, "5 sources looked at.")
	require.Contains(t, text, "cve cve/CVE-2025-49704 · could not be read: it answers 404")
	require.Contains(t, text, "cve cve/CVE-2025-53770 · nothing that is new to an open incident")
	require.Contains(t, plain(b.must("resp-1", "feeds check")), "cve cve/CVE-2025-53770 · the same as last time")

	docs["cve/CVE-2025-53770"] = bytes.ReplaceAll(docs["cve/CVE-2025-53770"], []byte("16.0.10417.20037"), []byte("16.0.10417.20099"))
	text = plain(b.must("resp-1", "feeds check"))
	require.Contains(t, text, "fix line of Microsoft SharePoint Server 2019: 16.0.10417.20037 → 16.0.10417.20099")
	require.Contains(t, text, "A revision of the playbook is proposed; every server would be assessed anew:")
	require.Contains(t, text, "16.0.10417.20099")
	require.NotContains(t, plain(b.must("resp-1", "feeds check")), "F2", "the same is proposed once")
	require.Contains(t, plain(b.must("view-1", "feeds list")), "F1 · cve says of ts-1:")
	require.Contains(t, b.no("view-1", "feeds accept F1"), "may not")
	m := b.must("view-1", "feeds show F1")
	file, ok := m.Parts[len(m.Parts)-1].(chat.Attachment)
	require.True(t, ok)
	require.Contains(t, string(file.Data), "base: 2\nbuilds:\n  - 16.0.10417.20099\nfixed:\n  - 16.0.10417.20099\n")
	require.NotEmpty(t, b.letters(), "the places of the incident hear of it")

	text = plain(b.must("lead-1", b.accepts("F1")))
	require.Contains(t, text, "F1 was accepted.")
	require.Contains(t, text, "Advisory 1 has the draft of a new version: advisory preview 1")
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, 3, inc.Rules.Revision, "every server is assessed anew by it")
	require.Contains(t, plain(b.must("view-1", "advisory show 1")), "is fixed from 16.0.10417.20099 on, not 16.0.10417.20037")
	require.Contains(t, b.no("lead-1", "feeds accept F1"), "was accepted")
	require.Contains(t, b.no("lead-1", "feeds reject F9"), "No source said anything that is called")

	docs["kev"] = bytes.Replace(docs["kev"], []byte(`"knownRansomwareCampaignUse": "Known"`), []byte(`"knownRansomwareCampaignUse": "Unknown"`), -1)
	text = plain(b.must("resp-1", "feeds check"))
	require.Contains(t, text, "used in ransomware campaigns")
	require.Contains(t, plain(b.must("lead-1", "feeds reject F2")), "F2 was rejected.")
	require.Contains(t, plain(b.must("view-1", "feeds list")), "Nothing waits for a decision.")
}

func TestAProposalThatIsOldIsNotAcceptedAsIfItWereInForce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	propose := func(key, build string) {
		v, err := state.ParseVersion(build)
		require.NoError(t, err)
		moved := []state.MovedLine{{New: v}}
		base, text, diff, err := onTop(playbook.OfRules(inc.Rules), moved)
		require.NoError(t, err)
		_, err = b.store.UpdateDesk(t.Context(), state.Work{Request: key, Step: "1", At: b.now}, boardID, state.DeskNeed{}, func(tx *state.Tx) error {
			_, _, err := tx.Bear(state.Bearing{Key: key, Source: "cve", TLP: state.TLPClear, Lines: []string{build}, Moved: moved, Base: base, Playbook: text, Diff: diff})
			return err
		})
		require.NoError(t, err)
	}
	propose("one", "16.0.10417.20099")
	propose("two", "16.0.5513.1099")
	propose("three", "16.0.10417.20099")
	old := b.accepts("F2")
	require.Contains(t, plain(b.must("lead-1", "feeds accept F1")), "Nothing was accepted yet. This is what F1 would change in revision 2", "typed by somebody who may not have seen it")
	require.Contains(t, plain(b.must("lead-1", b.accepts("F1"))), "F1 was accepted.")
	b.letters()
	require.Contains(t, plain(b.must("lead-1", old)), "Nothing was accepted yet. Revision 3 was put in force since F2 was proposed.")
	told := b.letters()
	require.Len(t, told, 1, "who did not ask sees the new diff as well")
	var card chat.Message
	for _, card = range told {
		require.Contains(t, plain(card), "F2 · cve says of ts-1:", "it still waits for a decision")
	}
	require.Contains(t, plain(b.must("lead-2", old)), "Nothing was accepted yet. This is what F2 would change in revision 3", "the old card shows another diff")
	require.Contains(t, plain(b.must("lead-1", b.accepts("F3"))), "F3 was accepted.", "the same is in force")
	require.Contains(t, plain(b.must("lead-2", acceptLine(t, card, "F2"))), "F2 was accepted.", "on top of the one that is in force")
	inc, err = b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, 4, inc.Rules.Revision)
	for _, line := range []string{"16.0.10417.20099", "16.0.5513.1099"} {
		require.Contains(t, fmt.Sprint(fixLines(inc.Rules)), line)
	}
}

// documents are sources as they are at one moment.
type documents map[string][]byte

func (d documents) get(_ context.Context, at, mark string, _ int) (feeds.Got, error) {
	data, ok := d[at]
	now := digestOf([]string{string(data)})
	switch {
	case !ok:
		return feeds.Got{}, errors.New("it answers 404")
	case mark == now:
		return feeds.Got{Mark: mark, Same: true}, nil
	}
	return feeds.Got{Data: data, Mark: now}, nil
}

// fixedFrom is the record in which SharePoint 2019 is fixed from another build on.
func fixedFrom(t *testing.T, build string) []byte {
	t.Helper()
	return bytes.ReplaceAll(real(t, "CVE-2025-53770.json"), []byte("16.0.10417.20037"), []byte(build))
}

func TestAProposalComesAgainOnlyWhenTheDocumentSaysSomethingNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		steps string   // the build that the record says; or what is decided; or something else happens
		want  []string // what is proposed at the look that follows; "-": there is none
	}{
		{"one that waits is not proposed again", "20037 20099 20099 again", []string{"", "F1", "", ""}},
		{"nor is one that was rejected", "20037 20099 reject/F1 20099 again", []string{"", "F1", "-", "", ""}},
		{"until the document says something else", "20037 20099 reject/F1 20111 again", []string{"", "F1", "-", "F2", ""}},
		{"or said something else meanwhile", "20037 20099 reject/F1 20037 20099 again", []string{"", "F1", "-", "F2", "F3", ""}},
		{"or for another incident", "20037 20099 reject/F1 open 20099 again", []string{"", "F1", "-", "-", "F2", ""}},
		{"one that was accepted never", "20099 accept/F1 20099 again", []string{"F1", "-", "", ""}},
		{"not even at a mirror", "20037 20099 accept/F1 mirror again", []string{"", "F1", "-", "", ""}},
		{"unless the line was put back by hand", "20099 accept/F1 back again accept/F2 again", []string{"F1", "-", "F2", "", "-", ""}},
		{"and then it was rejected", "20099 accept/F1 back reject/F2 again", []string{"F1", "-", "F2", "-", ""}},
		{"one that was rejected neither", "20037 20099 reject/F1 mirror again", []string{"", "F1", "-", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, 2)
			docs := documents{"cve": fixedFrom(t, "16.0.10417.20037")}
			b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve"}}, Get: docs.get}
			b.must("resp-1", "feeds check")
			for i, step := range strings.Fields(c.steps) {
				verb, id, decides := strings.Cut(step, "/")
				switch {
				case verb == "accept":
					b.must("lead-1", b.accepts(id))
				case decides:
					b.must("lead-1", "feeds "+verb+" "+id)
				case step == "back":
					b.revise(4)
				case step == "open":
					b.must("lead-1", "incident open second")
				case step == "mirror":
					docs["mirror"] = docs["cve"]
					b.parts.Feeds.Sources = append(b.parts.Feeds.Sources, feeds.Source{Kind: feeds.KindCVE, At: "mirror"})
				case step != "again":
					docs["cve"] = fixedFrom(t, "16.0.10417."+step)
				}
				if c.want[i] == "-" {
					continue
				}
				got := strings.Join(regexp.MustCompile(`F\d+ · cve`).FindAllString(plain(b.must("resp-1", "feeds check")), -1), " ")
				require.Equal(t, c.want[i], strings.ReplaceAll(got, " · cve", ""), "%d: %s", i, step)
			}
		})
	}
}

// revise puts an own playbook in force: the built-in one with this revision.
func (b *board) revise(revision int) {
	b.t.Helper()
	own, err := playbook.BuiltinSource("toolshell")
	require.NoError(b.t, err)
	own = bytes.Replace(own, []byte("\nrevision: 2\n"), fmt.Appendf(nil, "\nrevision: %d\n", revision), 1)
	own = bytes.Replace(own, []byte("title: "), []byte("title: Our own "), 1)
	shown := plain(b.must("lead-1", "playbook revise", chat.File{Name: "ours.yaml", Data: own}))
	b.must("lead-1", "playbook revise --apply "+regexp.MustCompile(`--apply (\w+)`).FindStringSubmatch(shown)[1], chat.File{Name: "ours.yaml", Data: own})
}

func TestAProposalIsMadeOnTheRulesInForceWhereverTheyCameFrom(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.revise(7)

	docs := documents{"cve": fixedFrom(t, "16.0.10417.20099"), "kev": real(t, "kev.json")}
	b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve"}, {Kind: feeds.KindKEV, At: "kev"}}, Get: docs.get}
	text := plain(b.must("resp-1", "feeds check"))
	require.Contains(t, text, "fix line of SharePoint Server 2019: 16.0.10417.20037 -> 16.0.10417.20099")
	require.NotContains(t, text, "<nil>")
	require.NotContains(t, text, "added", "nothing is compared with nothing")
	m := b.must("view-1", "feeds show F1")
	file, ok := m.Parts[len(m.Parts)-1].(chat.Attachment)
	require.True(t, ok)
	require.Contains(t, string(file.Data), "playbook: toolshell\nrevision: 8\nbase: 7\n")
	require.Contains(t, plain(b.must("resp-1", "playbook revise", chat.File{Name: file.Name, Data: file.Data})), "revision 8 instead of 7", "the file can be looked at, and changed, by hand")

	text = plain(b.must("lead-1", b.accepts("F1")))
	require.Contains(t, text, "Our own")
	require.Contains(t, text, "revision 8 is in force")
	require.Contains(t, text, "3 farms assessed anew.")
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, 8, inc.Rules.Revision)
	require.Contains(t, inc.Rules.Title, "Our own", "it is the own playbook, with one line moved")
	require.Contains(t, fmt.Sprint(fixLines(inc.Rules)), "16.0.10417.20099")
	require.NotContains(t, plain(b.must("resp-1", "feeds check")), "F2")
}

func TestWhatCannotBeProposedIsOneLine(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	docs := documents{"cve": fixedFrom(t, "16.0.10417.20099")}
	b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve"}}, Get: docs.get}
	b.parts.Load = func(string) (playbook.Playbook, error) { return playbook.Playbook{}, errors.New("no such file") }
	text := plain(b.must("resp-1", "feeds check"))
	require.Contains(t, text, "fix line of SharePoint Server 2019: 16.0.10417.20037 -> 16.0.10417.20099", "its rules are known")
	require.Less(t, strings.Count(text, "\n"), 15, text)
}

func TestAnAcceptedLineKeepsTheIndicatorsOfTheAdvisory(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "advisory draft Inside words")
	b.must("lead-1", "advisory publish 1")
	docs := documents{"cve": fixedFrom(t, "16.0.10417.20099")}
	b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve"}}, Get: docs.get}
	b.must("resp-1", "feeds check")
	b.must("lead-1", b.accepts("F1"))
	d, err := b.store.Desk(t.Context(), state.DeskNeed{Advisories: []int{1}})
	require.NoError(t, err)
	a := d.Advisories[1]
	require.NotEmpty(t, a.Live.Indicators)
	require.Equal(t, a.Live.Indicators, a.Draft.Indicators)
	require.Equal(t, a.Live.Sources, a.Draft.Sources)
}

func TestWhenTooManyProposalsWaitTheSourceIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	docs := documents{"cve": fixedFrom(t, "16.0.10417.20037")}
	b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCVE, At: "cve"}}, Get: docs.get}
	b.must("resp-1", "feeds check")
	_, err := b.store.UpdateDesk(t.Context(), state.Work{Request: "many", Step: "1", At: b.now}, boardID, state.DeskNeed{}, func(tx *state.Tx) error {
		var errs []error
		for i := range state.MaxBearings {
			_, _, err := tx.Bear(state.Bearing{Key: fmt.Sprint("k", i), Source: "cve", Lines: []string{"x"}})
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	require.NoError(t, err)
	docs["cve"] = fixedFrom(t, "16.0.10417.20099")
	require.Contains(t, plain(b.must("resp-1", "feeds check")), "cve cve · says something new; 1000 proposals wait for a decision, the most there may be; nothing more is proposed until some are decided.")
	require.Contains(t, plain(b.must("view-1", "feeds list")), "1000 proposals that no lead has decided about, oldest first:")
	b.must("lead-1", "feeds reject F7")
	require.Contains(t, plain(b.must("resp-1", "feeds check")), "F1001 · cve says of ts-1:", "nothing of it is lost")
}

func TestWhatASourceIsReadAsBelongsToIt(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	docs := documents{"x": real(t, "va-24-201-01.json"), "y": real(t, "CVE-2025-53770.json")}
	b.parts.Feeds = Feeds{Sources: []feeds.Source{{Kind: feeds.KindCSAF, At: "x"}, {Kind: feeds.KindKEV, At: "x"}, {Kind: feeds.KindCVE, At: "y/{cve}"}}, Get: docs.get}
	for range 2 {
		text := plain(b.must("resp-1", "feeds check"))
		require.Contains(t, text, "csaf x · says nothing of a CVE of an open incident")
		require.Contains(t, text, "kev x · could not be read: the catalogue is not as it should be")
	}
	require.Contains(t, plain(b.must("view-1", "feeds list")), "cve y/CVE-2025-53770 · looked at")
	b.must("lead-1", "incident close done")
	require.Contains(t, plain(b.must("view-1", "feeds list")), "cve y/{cve} · no incident is open that is about a CVE")
}
