package commands

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// secretText is an advisory in which every text names the marking that it has.
func secretText(rt *rapid.T) state.AdvisoryText {
	tlp := func(name string) state.TLP { return state.TLP(rapid.IntRange(0, 4).Draw(rt, name)) }
	t := state.AdvisoryText{Version: rapid.IntRange(1, 3).Draw(rt, "version"), TLP: tlp("tlp"), Marks: map[string]state.TLP{}}
	for _, part := range state.AdvisoryParts() {
		if rapid.Bool().Draw(rt, "has "+part) {
			t.Marks[part] = tlp(part)
		}
	}
	secret := func(m state.TLP, what string) string { return fmt.Sprintf("secret%d%s", m, what) }
	t.Title, t.Changed, t.Credit = secret(t.TLP, "title"), secret(t.TLP, "changed"), secret(t.TLP, "credit")
	for i := range rapid.IntRange(0, 3).Draw(rt, "paragraphs") {
		p := state.Paragraph{TLP: tlp("paragraph")}
		p.Text = secret(t.Narrow(p), fmt.Sprint("paragraph", i))
		t.Summary = append(t.Summary, p)
	}
	p := t.Mark(state.PartProducts)
	t.CVEs = []string{fmt.Sprintf("CVE-2025-100%d", p)}
	t.Products = []state.AdvisoryProduct{{Name: secret(p, "product"), Branches: []state.AdvisoryBranch{{From: "1.0", Below: "2.0", Fixed: "1.5", KB: secret(p, "kb")}}}}
	t.Actions = []string{secret(t.Mark(state.PartActions), "action")}
	i := t.Mark(state.PartIndicators)
	t.Indicators = []state.Indicator{{Type: "filename", Value: secret(i, "value"), Role: secret(i, "role"), Source: secret(i, "source")}}
	t.Sources = []state.AdvisorySource{{Title: secret(t.Mark(state.PartSources), "source"), At: "https://example.org/" + secret(t.Mark(state.PartSources), "at")}}
	return t
}

func TestNothingOfAnAdvisoryAboveAPlacesCeilingIsShownThereOrWrittenForIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := secretText(rt)
		a := state.Advisory{Number: 7, Draft: nil, Live: &text, Past: []state.AdvisoryVersion{{Version: text.Version, TLP: text.TLP, At: time.Unix(0, 0)}}}
		p := state.Place{
			Platform: "test", Channel: "c", Ceiling: state.TLP(rapid.IntRange(0, 4).Draw(rt, "ceiling")),
			Form: rapid.SampledFrom([]state.Form{state.FormText, state.FormAnnouncement, state.FormForum}).Draw(rt, "form"),
		}
		if rapid.IntRange(0, 3).Draw(rt, "alone") == 0 {
			p.Person, p.Named = "test:reader", rapid.Bool().Draw(rt, "named")
		}
		m, _ := seenAt(a, text, p)
		raw, err := json.Marshal(m)
		require.NoError(rt, err)
		shown := string(raw)
		for _, part := range m.Parts {
			require.True(rt, p.Sees(part.Marking()), "the outbox would have to withhold it")
		}
		var files strings.Builder
		for _, format := range []string{feeds.FormatMarkdown, feeds.FormatCSAF} {
			doc, err := feeds.Export(a, p, format, feeds.Publisher{}, time.Unix(0, 0))
			if err != nil {
				doc.Data = []byte(err.Error())
			} else {
				require.True(rt, p.Sees(doc.TLP))
			}
			fmt.Fprintf(&files, "%s %s ", doc.Name, doc.Data)
		}
		for tlp := state.TLPRed; tlp <= state.TLPClear; tlp++ {
			if !p.Sees(tlp) {
				require.NotContains(rt, shown, fmt.Sprintf("secret%d", tlp))
				require.NotContains(rt, shown+files.String(), fmt.Sprintf("CVE-2025-100%d", tlp))
				require.NotContains(rt, files.String(), fmt.Sprintf("secret%d", tlp))
			} else if tlp == text.TLP {
				require.Contains(rt, shown, text.Title)
			}
		}
	})
}

func TestWhatOnePersonPublishedInsideReachesNoCommunityThatComesLater(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", `advisory draft --tlp green "First" words`)
	require.Contains(t, plain(b.must("lead-1", "advisory publish 1")), "Published by lead-1: advisory 1")
	b.letters()
	m, err := b.fromGuild("friends", "console:admin", true, state.TLPGreen, "setup advisories")
	require.NoError(t, err)
	require.Contains(t, plain(m), "In force that may be shown here: 0.")
	for _, line := range []string{"advisories 1", "indicators 1", "follow 1", "sighting report 1 seen"} {
		_, err = b.fromGuild("friends", "console:reader", false, state.TLPGreen, line)
		require.ErrorContains(t, err, "There is no advisory 1 that may be shown here.", line)
	}
	require.Contains(t, b.no("lead-1", "advisory publish 1"), "published by one person")
	require.NotContains(t, b.letters(), guildPlace("friends", state.TLPGreen).Key()+" advisory")

	b.must("resp-1", `advisory update 1 --changed "goes to communities"`)
	b.must("lead-1", "advisory publish 1")
	b.must("lead-2", "approve "+b.proposal())
	require.Contains(t, b.letter(guildPlace("friends", state.TLPGreen), state.NoticeAdvisory, b.letters()), "First")
	m, err = b.fromGuild("others", "console:admin", true, state.TLPGreen, "setup advisories")
	require.NoError(t, err)
	require.Contains(t, plain(m), "In force that may be shown here: 1.")
}
