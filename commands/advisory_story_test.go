package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// guildPlace is where the advisories of a community go.
func guildPlace(name string, ceiling state.TLP) state.Place {
	return state.Place{Platform: "console", Workspace: name, Channel: "news", Ceiling: ceiling}
}

// fromGuild is a line typed in a place of a community.
func (b *board) fromGuild(guild, link string, admin bool, ceiling state.TLP, line string) (chat.Message, error) {
	b.n++
	b.elsewhere = func(r *chat.Request) {
		r.Place, r.Community = guildPlace(guild, ceiling), "console:"+guild
		r.Actor = chat.Actor{Link: link, Admin: admin}
	}
	defer func() { b.elsewhere = nil }()
	return b.askAs(fmt.Sprintf("req-%d", b.n), "", line)
}

// letters are what waits to be said, rendered for its place, by place; all that was
// asked for before is delivered.
func (b *board) letters() map[string]chat.Message {
	b.t.Helper()
	b.now = b.now.Add(time.Minute)
	voice := NewVoice(b.parts)
	out := map[string]chat.Message{}
	for {
		got, err := b.store.Claim(b.t.Context(), "h", b.now, time.Minute, 1000)
		require.NoError(b.t, err)
		if len(got) == 0 {
			return out
		}
		for _, c := range got {
			m, err := voice.Render(b.t.Context(), []state.Notice{c.Letter.Notice}, c.Letter.Place)
			require.NoError(b.t, err)
			r := state.Receipt{Place: c.Letter.Place, MessageID: "m", At: b.now, Card: c.Letter.Notice.Card, Hash: b.now.Format(time.RFC3339)}
			if len(m.Parts) == 0 {
				r.Card = ""
			}
			require.NoError(b.t, b.store.Delivered(b.t.Context(), c.Letter, c.Token, r))
			if c.Letter.Notice.Kind != NoticeBoard {
				out[c.Letter.Place.Key()+" "+string(c.Letter.Notice.Kind)], _ = m.WithholdAt(c.Letter.Place)
			}
		}
	}
}

func (b *board) letter(place state.Place, kind state.NoticeKind, all map[string]chat.Message) string {
	b.t.Helper()
	m, ok := all[place.Key()+" "+string(kind)]
	require.True(b.t, ok, "%s: nothing for %s", kind, place.Key())
	return plain(m)
}

func TestAnAdvisoryGoesOutToWhoMaySeeItIsCorrectedAndWithdrawn(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 1)
	ops := state.Place{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict}
	green, clear := guildPlace("friends", state.TLPGreen), guildPlace("everybody", state.TLPClear)
	for guild, tlp := range map[string]state.TLP{"friends": state.TLPGreen, "everybody": state.TLPClear} {
		_, err := b.fromGuild(guild, "console:admin", true, tlp, "setup advisories --name "+guild)
		require.NoError(t, err)
	}
	_, err := b.fromGuild("friends", "console:reader", false, state.TLPGreen, "setup advisories")
	require.ErrorContains(t, err, "Only an administrator")

	// Draft: products and fixed builds come from the playbook; what names a server is internal by birth.
	m := b.must("resp-1", "advisory draft --tlp clear \"Patch <now>\"", chat.File{Name: "b.txt", Data: []byte("Install both updates.\n\nWe saw it first on SP-FIN-01's disk.\n\nTicket https://tickets.corp.example/7")})
	text := plain(m)
	require.Contains(t, text, "Saved. Nothing is published.\nAdvisory 1 · version 1 · TLP:CLEAR\nPatch <now>\n")
	require.Contains(t, text, "16.0.10417.20027")
	require.Contains(t, text, "a paragraph that names sp-fin-01.")
	require.Contains(t, text, "has a link in it")
	for _, p := range m.Parts {
		require.Equal(t, state.TLPAmberStrict, p.Marking(), "a draft goes nowhere outside, whatever its marking will be")
	}
	b.must("resp-1", "advisory edit 1 --part indicators --tlp green")
	require.Contains(t, b.no("resp-1", `advisory edit 1 --title "SP-FIN-01 is down"`), "The title goes wherever the advisory goes, and names sp-fin-01")
	require.Contains(t, b.no("resp-1", "advisory publish 1"), "may not")

	text = plain(b.must("lead-1", "advisory preview 1"))
	require.Contains(t, text, "3 destinations")
	require.Contains(t, text, "console everybody news")
	require.Contains(t, text, "2 of 3 paragraphs, indicators")
	require.Contains(t, text, "it takes a second person on the exact text")
	require.NotContains(t, plain(b.must("lead-1", "advisory preview 1 --as clear")), "SP-FIN-01")

	// Two persons, on the exact text.
	text = plain(b.must("lead-1", "advisory publish 1"))
	require.Contains(t, text, "Not published yet")
	id := b.proposal()
	require.Contains(t, plain(b.must("view-1", "advisory show 1")), "in review by resp-1")
	b.must("resp-1", `advisory edit 1 --title "Patch today"`)
	require.Contains(t, b.no("lead-2", "approve "+id), "The text has changed since this was asked for.")
	b.must("lead-1", "advisory publish 1")
	id = b.proposal()
	require.Contains(t, b.no("lead-1", "approve "+id), "You asked for this yourself.")
	require.Contains(t, b.no("lead-2", "approve all"), "1 to publish an advisory: read it, and approve it by its id.")
	require.Contains(t, plain(b.must("lead-2", "approve "+id)), "Published by lead-1 and lead-2: advisory 1, version 1")

	out := b.letters()
	require.Contains(t, b.letter(ops, state.NoticeAdvisory, out), "SP-FIN-01")
	forGreen, forClear := b.letter(green, state.NoticeAdvisory, out), b.letter(clear, state.NoticeAdvisory, out)
	require.Contains(t, forGreen, "Advisory 1 · version 1 · TLP:GREEN\nPatch today\nInstall both updates.\n")
	require.Contains(t, forGreen, "ip 96[.]9[.]125[.]147\n")
	require.Contains(t, forClear, "Advisory 1 · version 1 · TLP:CLEAR\n")
	for _, s := range []string{"SP-FIN-01", "tickets.corp.example", "indicator"} {
		require.NotContains(t, forClear, s)
	}
	require.Contains(t, forClear, "parts are withheld: this place may see TLP:CLEAR.")
	require.Equal(t, []string{"published", "TLP:CLEAR", "CVE-2025-49704", "CVE-2025-49706"}, out[clear.Key()+" advisory"].Topic.Tags)
	require.Contains(t, plain(b.must("view-1", "advisory show 1")), "3 of 3 copies are as they should be.")
	require.Contains(t, b.no("lead-1", "advisory publish 1"), "is published already, and no copy is wrong")

	// The fix line moves: the next version says so in one line, and edits every copy.
	_, err = b.fromGuild("friends", "console:reader", false, state.TLPGreen, "follow 1")
	require.NoError(t, err)
	newer, err := playbook.BuiltinRevision("toolshell", 2)
	require.NoError(t, err)
	b.change(nil, func(tx *state.Tx) error { return tx.Revise(newer.Rules()) })
	b.letters()
	require.Contains(t, plain(b.must("resp-1", "advisory update 1")), "Version 1 is superseded. What changed: ")
	b.must("resp-1", "advisory edit 1 --tlp green")
	b.must("lead-1", "advisory publish 1")
	b.must("lead-2", "approve "+b.proposal())
	out = b.letters()
	require.Contains(t, b.letter(green, state.NoticeAdvisory, out), "is fixed from 16.0.10417.20037 on, not 16.0.10417.20027")
	require.Equal(t, "Advisory 1 is out of date here\nA newer version may not be shown in this place. Do not act on what stood here.\n", b.letter(clear, state.NoticeAdvisory, out))
	require.Contains(t, b.letter(green, state.NoticeAdvisoryNews, out), "Advisory 1 is now version 2: ")
	require.Equal(t, []string{"link:console:reader"}, out[green.Key()+" advisory news"].Notify)
	require.Contains(t, plain(b.must("view-1", "advisory show 1")), "Version 1 · superseded · TLP:CLEAR · by lead-1 and lead-2")

	b.must("lead-1", "advisory withdraw 1 the vendor of SP-FIN-01 took it back")
	out = b.letters()
	require.Contains(t, b.letter(ops, state.NoticeAdvisory, out), "Reason: the vendor of SP-FIN-01 took it back")
	require.NotContains(t, b.letter(green, state.NoticeAdvisory, out), "SP-FIN-01")
	require.Contains(t, b.letter(clear, state.NoticeAdvisory, out), "Advisory 1 is withdrawn\nDo not act on what stood here.\n")
	require.Contains(t, b.no("resp-1", "advisory edit 1 again"), "was withdrawn")
	require.Contains(t, b.no("lead-1", "advisory withdraw 1 x"), "was withdrawn")
}

// proposal is the id of the only request that waits.
func (b *board) proposal() string {
	b.t.Helper()
	refs, err := b.store.Proposals(b.t.Context(), boardID)
	require.NoError(b.t, err)
	refs = slices.DeleteFunc(refs, func(r state.ProposalRef) bool { return r.Kind != state.ProposePublish })
	require.Len(b.t, refs, 1)
	return refs[0].ID
}

func TestWhatStaysInsideNeedsOnePersonAndAWiderAudienceTwo(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "advisory draft Inside words")
	require.Contains(t, plain(b.must("lead-1", "advisory publish 1")), "Published by lead-1: advisory 1, version 1, TLP:AMBER+STRICT. On its way to 1 place.")
	b.must("resp-1", "advisory update 1 --tlp amber")
	require.Contains(t, plain(b.must("lead-1", "advisory publish 1")), "Not published yet", "nobody outside hears of it, and yet its audience is wider")
	b.must("lead-2", "approve "+b.proposal())
	b.must("resp-1", "advisory update 1 --tlp amber+strict other words")
	require.Contains(t, plain(b.must("lead-1", "advisory publish 1")), "Published by lead-1: advisory 1, version 3")
	require.Contains(t, b.no("resp-1", "advisory update 1"), "Nothing about advisory 1 would change.")
	require.Contains(t, b.no("resp-1", "advisory edit 1 x"), "is not edited any more. Write the next version with: advisory update 1")
	require.Contains(t, b.no("view-1", "advisory show 3"), "There is no advisory 3. There are: 1")
	require.Contains(t, b.no("resp-1", "advisory draft "+strings.Repeat("x", 200)+" b"), "longer than 150")
	require.Contains(t, b.no("resp-1", "advisory draft A", chat.File{Data: bytes.Repeat([]byte("x"), 9000)}), "longer than 8000")
	require.Contains(t, b.no("resp-1", "advisory draft --tlp ambr A b"), "Did you mean: amber")
}

func TestRedGoesToNamedPersonsOnly(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "advisory draft --tlp amber+strict Quiet words")
	b.must("resp-1", "advisory edit 1 --part summary --tlp red --readers lead-2")
	require.False(t, b.must("lead-1", "advisory show 1").Named)
	require.True(t, b.must("lead-2", "advisory show 1").Named)
	b.must("lead-1", "advisory publish 1")
	out := b.letters()
	ops := state.Place{Platform: "console", Channel: "ops"}
	require.NotContains(t, b.letter(ops, state.NoticeAdvisory, out), "words")
	direct, _ := state.Direct("console:lead-2")
	require.Contains(t, b.letter(direct, state.NoticeAdvisory, out), "words")
	require.Contains(t, b.no("resp-1", "advisory edit 1 --readers nobody"), "is not edited any more")
}

func TestADraftThatRunsAgainIsSavedOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for range 2 {
		m, err := b.askAs("same", "resp-1", "advisory draft Title body")
		require.NoError(t, err)
		require.Contains(t, plain(m), "Advisory 1 · version 1")
	}
}

func TestCommunitiesReportToTheTeamAloneAndAreThanked(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	triage := state.Place{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict}
	for _, g := range []string{"friends", "others"} {
		_, err := b.fromGuild(g, "console:admin", true, state.TLPGreen, "setup advisories --name "+g)
		require.NoError(t, err)
	}
	b.must("resp-1", `advisory draft --tlp green "First" words`)
	b.must("lead-1", "advisory publish 1")
	b.must("lead-2", "approve "+b.proposal())
	b.must("lead-1", "setup triage")
	b.letters()
	report := func(line string) (string, error) {
		m, err := b.fromGuild("friends", "console:reader", false, state.TLPGreen, line)
		return plain(m), err
	}
	text, err := report("advisories")
	require.NoError(t, err)
	require.Equal(t, "1 · version 1 · TLP:GREEN · First\n", text)
	text, err = report("sighting report 1 seen <here> this morning")
	require.NoError(t, err)
	require.Contains(t, text, "The team was told, and nobody else. It is R1.")
	text, err = report(`sighting submit --tlp green "Second wave" From 203.0.113.7 since noon.`)
	require.NoError(t, err)
	require.Contains(t, text, "It goes no further than TLP:GREEN.")
	_, err = report("sighting report 9 x")
	require.ErrorContains(t, err, "There is no advisory 9")
	_, err = report("sighting report 1 again")
	require.NoError(t, err)
	_, err = report("sighting report 1 and again")
	require.ErrorContains(t, err, "You have reported 3 times in the last hour")

	out := b.letters()
	require.Len(t, out, 1, "only the private place hears of it")
	require.Contains(t, plain(b.must("resp-1", "sighting list")), "R1 · Sighting of advisory 1 · by friends · may go up to TLP:AMBER+STRICT")
	require.Contains(t, b.letter(triage, state.NoticeReport, out), "by friends")
	b.must("lead-1", "sighting accept R1")
	require.Contains(t, plain(b.must("lead-1", "sighting accept R2")), "R2 is accepted, and the draft of advisory 2. It goes no further than TLP:GREEN.")
	require.Contains(t, b.no("lead-1", "sighting accept R2"), "was accepted")
	require.Contains(t, b.no("resp-1", "advisory edit 2 --tlp clear"), "friends shared this up to TLP:GREEN.")
	b.must("lead-1", "advisory publish 2")
	b.must("lead-2", "approve "+b.proposal())
	out = b.letters()
	others := b.letter(guildPlace("others", state.TLPGreen), state.NoticeAdvisory, out)
	require.Contains(t, others, "From 203.0.113.7 since noon.")
	require.Contains(t, others, "Shared by the community friends.")
	require.Contains(t, plain(b.must("lead-1", "sighting reject R3")), "R3 was rejected.")
	require.Contains(t, plain(b.must("resp-1", "setup list")), "friends")
}

func TestAnAdvisoryIsADocumentForOthers(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "advisory draft --tlp clear \"Patch | now\" Install *both* updates.")
	attached := func(line string) string {
		m := b.must("lead-1", line)
		i := slices.IndexFunc(m.Parts, func(p chat.Part) bool { _, ok := p.(chat.Attachment); return ok })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, state.TLPAmberStrict, m.Parts[i].Marking(), "it is of a draft")
		return string(m.Parts[i].(chat.Attachment).Data)
	}
	md := attached("advisory show 1 --as markdown")
	require.Contains(t, md, `# Advisory 1: Patch \| now`)
	require.Contains(t, md, `Install \*both\* updates.`)
	var doc struct {
		Document struct {
			Category     string
			Distribution struct{ TLP struct{ Label string } }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(attached("advisory show 1 --as csaf --tlp clear")), &doc))
	require.Equal(t, "csaf_security_advisory", doc.Document.Category)
	require.Equal(t, "WHITE", doc.Document.Distribution.TLP.Label)
	b.must("resp-1", "advisory edit 1 --part summary --tlp amber+strict")
	require.Contains(t, b.no("lead-1", "advisory show 1 --as csaf"), "CSAF 2.0 has no name for TLP:AMBER+STRICT")
	require.NotContains(t, attached("advisory show 1 --as csaf --tlp amber"), "both")
}

// withCommunity sets a community up, publishes advisory 2 to it, and lets it report.
func (b *board) withCommunity() {
	b.t.Helper()
	_, err := b.fromGuild("friends", "console:admin", true, state.TLPGreen, "setup advisories")
	require.NoError(b.t, err)
	b.must("lead-1", `advisory draft --tlp green "Second" words`)
	b.must("lead-1", "advisory publish 2")
	b.must("lead-2", "approve "+b.proposal())
	_, err = b.fromGuild("friends", "console:reader", false, state.TLPGreen, "sighting report 2 seen")
	require.NoError(b.t, err)
}

func TestWhatGivesSomethingAwayIsInternalByBirth(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	w := newAuthor(b.parts)
	sources := []state.AdvisorySource{{Title: "CISA", At: "www.cisa.gov"}, {Title: "KEV", At: "https://github.com/cisagov/kev-data"}}
	for text, internal := range map[string]bool{
		"Install both updates, then rotate.": false, "See https://www.cisa.gov/known, or cisa.gov.": false, "github.com/cisagov/kev-data/blob": false,
		"Look for spinstall0.aspx and web.config files.": false, "From 16.0.10417.20027 on": false, "sp-fin-1 is none of ours": false,
		"SP-FIN-01": true, "(sp-fin-01's)": true, "on sp-fin-01.corp.example": true, `\\sp-fin-01\c$`: true, "host=sp-hr-01;": true, "farm FIN": true,
		"ask alice.": true, "the emea team": true, "10.1.2.3": true, "10[.]1[.]2[.]3:443": true, "fe80::1": true, "hxxps://tickets.corp[.]example/7": true,
		"tickets.corp.example": true, "bob@corp.example": true, "github.com/corp/private": true, "https://cisa.gov.evil.example/": true,
		"[sp-fin-01](x)": true, "sp-fin-01/sp-fin-02": true, "*sp-fin-01*": true,
	} {
		why, err := w.birth(t.Context(), boardID, text, sources)
		require.NoError(t, err)
		require.Equal(t, internal, why != "", "%q: %q", text, why)
	}
}

func FuzzWhatAnybodyWritesIsLookedThroughWithoutHarm(f *testing.F) {
	for _, s := range []string{"10[.]1[.]2[.]3:443", "hxxps://x[.]y/", "a@b.c", "[::1]:80", "\xff\x00", "a.b.", "://", "'s ’s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		for _, w := range strings.Fields(s) {
			_ = revealing(w, []string{"cisa.gov", "github.com/x"})
		}
		words := len(strings.Fields(s)) + strings.Count(s, "/") + len(s)
		require.LessOrEqual(t, len(possibleNames(s)), 8*(words+1))
	})
}

func TestAnEditSaysWhatItChanged(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", `advisory draft "First" words`)
	require.Contains(t, plain(b.must("resp-1", `advisory edit 1 --title "Second"`)), "Other than in the draft before: ")
}
