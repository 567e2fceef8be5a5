package slack

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

// incidentCard is the pinned card of an incident with so many servers, with a table
// of its groups.
func incidentCard(servers int) chat.Message {
	m := chat.Say(
		chat.H("ToolShell · ", chat.C("ts-2025-07"), " · day 2"), chat.P("At risk: 212 servers are exposed."),
		chat.Bar(servers/2, servers, fmt.Sprintf("%d confirmed, 212 exposed, 40 unknown", servers/2), chat.D(" · 90 claimed, which proves nothing")),
		chat.P("▲ +112 since 08:00"),
	).With(chat.ToneWarn)
	worst := chat.L()
	for i := range 10 {
		worst.Items = append(worst.Items, chat.T("● ", chat.C(fmt.Sprintf("sp-edge-%02d.corp.example.org", i)), " exposed since 3 h", " · ", chat.C("team-a"), " · ", chat.C("16.0.10417.20027 is older than the fix line")))
	}
	worst.More = servers/2 - 10
	groups := chat.Tab("group", "open", "exposed", "unknown", "confirmed")
	for i := range 60 {
		groups.Rows = append(groups.Rows, []chat.Text{chat.T(chat.C(fmt.Sprintf("group-%02d", i))), chat.T("66"), chat.T("3"), chat.T("1"), chat.T("67")})
	}
	m.Add(worst, groups, chat.N("Scans fresh: oldest 38 min, 40 could not be seen."), chat.N("Reminders every 4 h · as of 21 Jul 18:00 UTC."),
		chat.Row(chat.Button{Label: "Scan all", Line: "scan --incident ts-2025-07"}, chat.Button{Label: "All servers", Line: "server list --incident ts-2025-07"}))
	return m
}

func TestTheCardOfALargeIncidentIsOneMessage(t *testing.T) {
	t.Parallel()
	r := render(incidentCard(8000), channelSetting())
	require.Len(t, r.sheets, 1)
	require.Empty(t, r.files)
}

func BenchmarkRenderCard(b *testing.B) {
	m, s := incidentCard(8000), channelSetting()
	b.ReportAllocs()
	for b.Loop() {
		if r := render(m, s); len(r.sheets) != 1 {
			b.Fatal("the card is not one message")
		}
	}
}

func BenchmarkRenderLong(b *testing.B) {
	m, s := longMessage(8000), channelSetting()
	b.ReportAllocs()
	for b.Loop() {
		if r := render(m, s); len(r.sheets) != 1 || len(r.files) != 1 {
			b.Fatal("it is not abridged")
		}
	}
}
