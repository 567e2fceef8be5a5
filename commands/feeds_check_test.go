package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
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

	text = plain(b.must("lead-1", "feeds accept F1"))
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
	propose := func(key, build string) {
		text := "playbook: toolshell\nrevision: 3\nbase: 2\nbuilds:\n  - " + build + "\nfixed:\n  - " + build + "\n"
		_, err := b.store.UpdateDesk(t.Context(), state.Work{Request: key, Step: "1", At: b.now}, boardID, state.DeskNeed{}, func(tx *state.Tx) error {
			_, _, err := tx.Bear(state.Bearing{Key: key, Source: "cve", TLP: state.TLPClear, Lines: []string{build}, Playbook: text})
			return err
		})
		require.NoError(t, err)
	}
	propose("one", "16.0.10417.20099")
	propose("two", "16.0.5508.1099")
	propose("three", "16.0.10417.20099")
	require.Contains(t, plain(b.must("lead-1", "feeds accept F1")), "F1 was accepted.")
	require.Contains(t, b.no("lead-1", "feeds accept F2"), "Revision 3 of toolshell was put in force since F2 was proposed")
	require.Contains(t, plain(b.must("view-1", "feeds list")), "F2 · cve says of ts-1:", "it still waits for a decision")
	require.Contains(t, plain(b.must("lead-1", "feeds accept F3")), "F3 was accepted.", "the same is in force")
}
