package commands

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestAServerIsAddedAndChangedAndNeverInTwoFarms(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	text := words(w.run(t, "lead-1", `server add sp-1 --url https://sp-1.example.com --farm fin --tag "role=web;site=New York" --exposure internet`))
	require.Contains(t, text, "sp-1 is in the inventory. Missing: no owner: nobody is reminded.")
	require.Contains(t, text, "[Look at it now](verify --incident toolshell-1 sp-1)")
	text = words(w.run(t, "lead-1", "server add sp-1 --owner alice --address 192.0.2.7;192.0.2.8"))
	require.Contains(t, text, "sp-1: the inventory is changed.")
	s, err := serverRecord(t.Context(), w.store, "toolshell-1", "sp-1")
	require.NoError(t, err)
	require.Equal(t, state.Server{
		Name: "sp-1", URL: "https://sp-1.example.com", Addresses: []string{"192.0.2.7", "192.0.2.8"}, Farm: "fin", Owner: "alice",
		Exposure: state.ExposureInternet, Tags: map[string]string{"role": "web", "site": "New York"}, Added: morning,
	}, s)
	require.Contains(t, w.refuse(t, "lead-1", "server add sp-1 --farm hr"), "sp-1 is in farm fin; it cannot be in hr too.")
	require.Contains(t, w.refuse(t, "lead-1", "server add SP-1"), "differs from SP-1 by case only")
	require.Contains(t, w.refuse(t, "lead-1", `server add "a b"`), "has a space")
	require.Contains(t, w.refuse(t, "lead-1", "server add x --url http://u:p@x.example/"), "has a user name or password")
}

func TestAnInventoryIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,farm,owner\nsp-1,https://sp-1.example,fin,alice\nsp-2,,fin,\n")
	text := w.refuse(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte("name,url,farm\nsp-9,nowhere,fin\nSP-1,,fin\n-x,,\n")})
	require.Contains(t, text, "Nothing was imported")
	require.Contains(t, text, "line 2: \"nowhere\" is not a URL")
	require.Contains(t, text, "line 4: the name \"-x\"")
	_, total, err := w.store.List(t.Context(), "toolshell-1", state.Filter{}, 0, 10)
	require.NoError(t, err)
	require.Equal(t, 2, total)

	text = w.refuse(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte("name,farm\nSP-1,FIN\nsp-2,hr\nsp-3,FIN\n")})
	require.Contains(t, text, `line 2: "SP-1" is "sp-1" in the incident: one server, two spellings`)
	require.Contains(t, text, `line 3: "sp-2" is in farm "fin"; it cannot be in "hr" too`)
	require.Contains(t, text, `farm "FIN" is spelled "fin"`)

	w.wait(time.Minute)
	text = words(w.run(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte("name,url,farm,owner\nsp-1,https://sp-1.example,fin,alice\nsp-3,,hr,bob\n")}))
	require.Contains(t, text, "# Added 1, updated 0, unchanged 1\n2 servers in 2 farms, of 2 owners.")
	require.Contains(t, text, "- 1 without a URL, so nothing can be asked from outside; evidence from inside is needed: sp-3")
	require.Contains(t, text, "1 server of the incident not in this file: kept as before")
}

func TestAnImportThatIsRunAgainGoesOnAndTellsTheSame(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	var b strings.Builder
	b.WriteString("name,owner\n")
	for i := range 200 {
		b.WriteString("sp-" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ",alice\n")
	}
	c, call := w.call(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte(b.String())})
	first, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	require.Contains(t, words(first), "Added 200, updated 0, unchanged 0")
	seq, err := w.store.AuditSeq(t.Context())
	require.NoError(t, err)
	w.wait(time.Minute)
	again, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, first, again)
	after, err := w.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, seq, after)
}

func TestURLsOfALineAreAnInventory(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	require.Contains(t, words(w.run(t, "lead-1", "server import https://a.example https://b.example/x")), "Added 2")
	require.Contains(t, words(w.run(t, "lead-1", "server import \"name,farm\nc,F\nd,F\"")), "Added 2")
	require.Contains(t, w.refuse(t, "lead-1", "server import x", chat.File{Name: "a"}, chat.File{Name: "b"}), "One document at a time")
}

func TestAnInventoryIsTriedWithoutWritingAnything(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	file := chat.File{Name: "x.csv", Data: []byte("name,url,owner\nsp-1,https://sp-1.example,alice\nsp-2,,nobody-1\n")}
	text := words(w.run(t, "lead-1", "server import --dry-run", file))
	require.Contains(t, text, "# Nothing is written. It would add 2, update 0, leave 0 as they are")
	require.Contains(t, text, "1 owners whom the configuration does not know: they are named, and nobody is mentioned: nobody-1")
	_, total, err := w.store.List(t.Context(), "toolshell-1", state.Filter{}, 0, 10)
	require.NoError(t, err)
	require.Zero(t, total)
	require.Contains(t, words(w.run(t, "lead-1", "server import", file)), "Added 2")
}

func TestAServerIsFoundByWhereItAnswers(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,addresses\nsp-1,https://fin.example.com,192.0.2.7\nsp-2,https://hr.example.com,\nsp-3,https://hr.example.com:8443/,\n")
	for _, given := range []string{"https://fin.example.com/sites/x?y=1", "FIN.example.com", "192.0.2.7"} {
		require.Contains(t, words(w.run(t, "guest", "server show "+given)), "# ? sp-1", given)
	}
	require.Contains(t, w.refuse(t, "guest", "server show https://hr.example.com"), "2 servers answer at \"hr.example.com\". Which: sp-2, sp-3")
	require.Contains(t, w.refuse(t, "guest", "server show https://other.example.com"), "There is no server")
}

func TestTheCardOfAServerTellsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,farm,owner,group,exposure,tags\nsp-1,https://sp-1.example,fin,alice,emea,internet,rack=7\nsp-2,,fin,alice,emea,internal,\n")
	w.wait(time.Hour)
	evil := "16.0.10416.20027"
	w.show(t, "fin", state.Evidence{Subject: state.Subject{Server: "sp-1"}, Kind: state.KindBuild, Value: evil, Source: state.SourceProbe, Tool: "header", Observed: w.clock()})
	w.change(t, "alice", "fin", func(tx *state.Tx) error { return tx.Claim("sp-1", "patch", "") })
	m := w.run(t, "alice", "server show SP-1")
	text := words(m)
	for _, want := range []string{
		"# ▲ sp-1 exposed", "Verdict: vulnerable · probe header of 2025-07-22 10:00 · SharePoint Server 2019 16.0.10416.20027 is below the fix line",
		"Exposure: internet", "Owner: alice · emea", "Farm: fin (2 servers that share keys)", "URL: https://sp-1.example", "Tags: rack=7",
		"◔ patch", "claimed by alice, which proves nothing", "Next: ",
		"[I patched, verify now](verify --incident toolshell-1 sp-1)", "[Not mine](server assign --incident toolshell-1 sp-1)",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Contains(t, words(w.run(t, "guest", "server show sp-2")), "it has no URL: nothing can be asked from outside")
	require.Contains(t, w.refuse(t, "guest", "server show sp"), "More than one server begins with \"sp\". Which: sp-1, sp-2")
	require.Contains(t, w.refuse(t, "guest", "server show zz"), "There is no server \"zz\"")
}

func TestServersAreListedMostUrgentFirstInPages(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,owner,group,exposure\na,Alice B,emea,internal\nb,Alice B,emea,internet\nc,bob,apac,internet\n")
	w.show(t, "c", state.Evidence{Subject: state.Subject{Server: "c"}, Kind: state.KindBuild, Value: "16.0.10416.20027", Source: state.SourceProbe, Observed: w.clock()})
	text := words(w.run(t, "guest", "server list --limit 1"))
	require.Contains(t, text, "# 3 servers\n- ▲ c exposed · bob")
	require.Contains(t, text, "- and 2 more\n[Next](server list --incident toolshell-1 --after 1 --limit 1)")
	text = words(w.run(t, "guest", "server list --owner alice --limit 1"))
	require.Contains(t, text, "# 2 servers of owner Alice B\n- ? b unknown")
	require.Contains(t, words(w.run(t, "guest", "server list --status exposed")), "# 1 server that is exposed")
	require.Contains(t, words(w.run(t, "guest", "server list --status in-progress")), "There is no server that is in progress.")
	require.Contains(t, w.refuse(t, "guest", "server list --owner bob --group emea"), "one of them")
	require.Contains(t, w.refuse(t, "guest", "server list --limit 900"), "from 1 to 100")
	require.Contains(t, w.refuse(t, "guest", "server list --group nowhere"), "There is no group")
}

func TestRetiringTakesAReasonAndASecondPerson(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm\nsp-1,fin\n")
	require.Contains(t, w.refuse(t, "alice", "server retire sp-1"), "What became of it?")
	m := w.run(t, "alice", `server retire sp-1 --reason "wiped, CHG-1"`)
	require.Contains(t, words(m), "Who may approve: lead-1, lead-2.")
	require.Contains(t, words(m), "is not scanned any more")
	refs, err := w.store.Proposals(t.Context(), "toolshell-1")
	require.NoError(t, err)
	require.Len(t, refs, 1)
	require.Equal(t, state.StatusUnknown, w.row(t, "sp-1").Status)
	w.change(t, "lead-1", "fin", func(tx *state.Tx) error { _, err := tx.Approve(refs[0].ID); return err })
	require.Equal(t, state.StatusRetired, w.row(t, "sp-1").Status)
	text := words(w.run(t, "guest", "server show sp-1"))
	require.Contains(t, text, "Retired 09:00 by alice and lead-1: wiped, CHG-1")
	require.Contains(t, w.refuse(t, "alice", `server retire sp-1 --reason again`), "sp-1 is retired.")
	require.Contains(t, w.refuse(t, "alice", "verify sp-1"), "is retired")
}

func TestAServerIsHandedOverAndOnlyTheNewOwnerIsMentioned(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm,owner,group\nsp-1,fin,alice,emea\nsp-2,fin,Bob,apac\n")
	m := w.run(t, "alice", "server assign sp-1 --owner bob")
	require.Equal(t, "sp-1 is with Bob of group emea now.\n[Show](server show --incident toolshell-1 sp-1) \n", words(m))
	require.Equal(t, []string{"owner:Bob"}, m.Notify)
	m = w.run(t, "alice", "server assign sp-1 --owner carol --group ops")
	require.Contains(t, words(m), "No other server is with carol.")
	require.Equal(t, "carol", w.row(t, "sp-1").Owner)
	m = w.run(t, "alice", `server assign sp-1 --owner "" --group ""`)
	require.Contains(t, words(m), "Nobody is reminded of it now.")
	require.Empty(t, m.Notify)
	c, call := w.call(t, "alice", "server assign sp-1")
	_, err := c.Run(t.Context(), call)
	var p *chat.Problem
	require.True(t, errors.As(err, &p))
	require.Equal(t, []chat.Button{{Label: "Bob", Line: "server assign --incident toolshell-1 sp-1 --owner Bob"}}, p.Offer)
}

func TestAConfirmedServerThatAnswersElsewhereIsToldByTheImport(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,farm,owner\nsp-1,https://a.example,fin,alice\nsp-2,https://b.example,hr,bob\n")
	w.remediate(t, "fin", fixed2019, "sp-1")
	w.confirm(t, "fin", "sp-1")
	owner := "name,url,farm,owner\nsp-1,https://a.example,fin,carol\nsp-2,https://c.example,hr,bob\n"
	text := words(w.run(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte(owner)}))
	require.NotContains(t, text, "elsewhere", "another owner is no other place, and sp-2 is not confirmed")
	for _, row := range []string{"sp-1,https://new.example,,,fin", "sp-1,https://new.example,10.0.0.9,,fin", "sp-1,https://new.example,10.0.0.9,lb,fin"} {
		m := w.run(t, "lead-1", "server import", chat.File{Name: "x.csv", Data: []byte("name,url,addresses,via,farm\n" + row + "\n")})
		require.Contains(t, words(m), "! 1 confirmed server answers elsewhere now. What was confirmed stays so, but nobody has looked there; verify again: sp-1\n")
		require.Equal(t, chat.ToneWarn, m.Tone)
	}
	require.Contains(t, words(w.run(t, "lead-1", "server add sp-1 --url https://newer.example")), "elsewhere now")
	require.NotContains(t, words(w.run(t, "lead-1", "server add sp-1 --owner dave")), "elsewhere now")
}
