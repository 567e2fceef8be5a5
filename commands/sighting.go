package commands

import (
	"context"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// reportMarkings are how far something that is reported may go: never RED.
func reportMarkings() []string { return ceilings() }

func reportTLP() chat.Arg {
	return chat.Arg{Name: "tlp", Help: "how far it may be passed on; amber+strict, to the team alone, if nothing is said", Choices: reportMarkings()}
}

// sightingReport tells the team that something was seen in a community.
type sightingReport struct{ author }

func (sightingReport) Spec() chat.Spec {
	return chat.Spec{
		Path: "sighting report", Summary: "Tell the team that what an advisory is about was seen; only they read it",
		Args: []chat.Arg{
			numberArg(),
			{Name: "text", Help: "what was seen, and when", Rest: true},
		},
		Flags:    []chat.Arg{reportTLP()},
		Examples: []chat.Example{{Line: "sighting report 2 the file name of the advisory on one server, this morning", Does: "tells the team, privately"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

func (c sightingReport) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if _, err := c.public(ctx, call); err != nil {
		return chat.Message{}, err
	}
	return c.hand(ctx, call, state.Report{Kind: state.ReportSighting, Advisory: call.Values.Int("number", 0), Text: call.Values.String("text")})
}

// sightingSubmit hands an advisory of a community to the team.
type sightingSubmit struct{ author }

func (sightingSubmit) Spec() chat.Spec {
	return chat.Spec{
		Path: "sighting submit", Summary: "Hand in an advisory of your own; the team decides whether it is passed on, under your marking and with thanks",
		Args: []chat.Arg{
			{Name: "title", Help: "one line"},
			{Name: "text", Help: "what others should know and do, or a file", Type: chat.Upload, Rest: true},
		},
		Flags:    []chat.Arg{reportTLP()},
		Examples: []chat.Example{{Line: `sighting submit --tlp green "Second wave" Since noon from other addresses, with the same file names.`, Does: "hands it to the team"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

func (c sightingSubmit) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	body, err := handedIn(call, "text")
	if err != nil {
		return chat.Message{}, err
	}
	return c.hand(ctx, call, state.Report{
		Kind: state.ReportAdvisory, Title: strings.Join(strings.Fields(call.Values.String("title")), " "), Text: strings.ToValidUTF8(string(body), "\uFFFD"),
	})
}

// hand stores a report, for the team alone. A person of the team reports for the team.
func (w author) hand(ctx context.Context, call chat.Call, r state.Report) (chat.Message, error) {
	tlp := state.TLPAmberStrict
	if call.Values.Has("tlp") {
		var err error
		if tlp, err = state.ParseTLP(call.Values.String("tlp")); err != nil {
			return chat.Message{}, err
		}
	}
	r.Community, r.Link, r.TLP, r.Text = call.Request.Community, call.Request.Actor.Link, tlp, strings.TrimSpace(r.Text)
	if r.Community == "" {
		return chat.Message{}, &chat.Problem{What: "This is how communities tell the team; you are with the team here.", Try: "Write an advisory with: advisory draft"}
	}
	com, err := w.communityOf(ctx, r.Community)
	if err != nil {
		return chat.Message{}, err
	}
	r.Name = nameOf(com)
	need := state.DeskNeed{Communities: []string{r.Community}}
	if r.Advisory != 0 {
		need.Advisories = []int{r.Advisory}
	}
	out, err := w.store.UpdateDesk(ctx, call.Work("report", w.now()), "", need, func(tx *state.Tx) error {
		saved, err := tx.Report(r)
		r.ID = saved.ID
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	ref := ""
	if !out.Already {
		ref = " It is " + r.ID + "."
	}
	return public(chat.Say(chat.P("The team was told, and nobody else."+ref+" Thank you."), chat.N("It goes no further than ", r.TLP, "."))), nil
}

// sightingList shows what communities reported.
type sightingList struct{ author }

func (sightingList) Spec() chat.Spec {
	return chat.Spec{
		Path: "sighting list", Summary: "List what communities reported and nobody has decided yet",
		Examples: []chat.Example{{Line: "sighting list", Does: "shows each report with its id, community and marking"}},
		Role:     state.RoleResponder, Global: true, Private: true,
	}
}

func (c sightingList) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	all, err := c.store.Reports(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	m, n := chat.Message{}, 0
	for _, r := range all {
		if r.Decided != "" {
			continue
		}
		if n++; n <= 2*maxShown {
			m.Add(reportParts(r)...)
		}
	}
	if n == 0 {
		return chat.Say(chat.P("No report waits.")), nil
	}
	m.Parts = append([]chat.Part{chat.P(plural(n, "report"), " that nobody has decided about, oldest first:")}, m.Parts...)
	if more := n - 2*maxShown; more > 0 {
		m.Add(chat.N(fmt.Sprintf("And %d more, when these are decided.", more)))
	}
	return m, nil
}

// reportParts show a report to the team: whatever its marking, it is not for others yet.
func reportParts(r state.Report) []chat.Part {
	what := "Advisory handed in"
	if r.Kind == state.ReportSighting {
		what = fmt.Sprintf("Sighting of advisory %d", r.Advisory)
	}
	parts := []chat.Part{
		chat.H(chat.C(r.ID), " · "+what+" · by ", chat.C(checks.Clean(r.Name, 100)), " · may go up to "+r.TLP.String()),
	}
	if r.Title != "" {
		parts = append(parts, chat.P(chat.B(checks.Clean(r.Title, 2*state.MaxTitle))))
	}
	parts = append(parts, chat.Block(checks.Clean(strings.ReplaceAll(r.Text, "\n", " ⏎ "), state.MaxReportText)), chat.N("From ", chat.C(r.Link), " ", r.At.UTC().Format("2 Jan 15:04"), " UTC."))
	if r.Decided != "" {
		said := chat.T("Was "+r.Decided+" by ", chat.C(string(r.By)), ".")
		if r.Kind == state.ReportAdvisory && r.Advisory != 0 {
			said = append(said, chat.Span{Text: fmt.Sprintf(" It is the draft of advisory %d.", r.Advisory)})
		}
		return append(parts, chat.P(said))
	}
	return append(parts, chat.Row(
		chat.Button{Label: "Accept " + r.ID, Line: typed("sighting", "accept", r.ID)},
		chat.Button{Label: "Reject " + r.ID, Line: typed("sighting", "reject", r.ID), Danger: true, Confirm: "Reject " + r.ID + "?"},
	))
}

// sightingDecide accepts or rejects a report. An accepted advisory becomes a draft
// under the marking of who handed it in, to be published like any other.
type sightingDecide struct {
	author
	decided string
}

func (c sightingDecide) Spec() chat.Spec {
	s := chat.Spec{
		Path: "sighting accept", Summary: "Accept what a community reported; an advisory of theirs becomes a draft under their marking, with credit",
		Args:     []chat.Arg{{Name: "id", Help: "as sighting list shows it"}},
		Examples: []chat.Example{{Line: "sighting accept R1", Does: "counts the sighting, or makes a draft that two persons can publish"}},
		Role:     state.RoleLead,
	}
	if c.decided == state.ReportRejected {
		s.Path, s.Summary = "sighting reject", "Reject what a community reported; nothing is passed on"
		s.Examples = []chat.Example{{Line: "sighting reject R1", Does: "takes it from the list"}}
		s.Global = true
	}
	return s
}

func (c sightingDecide) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	id := strings.ToUpper(call.Values.String("id"))
	d, err := c.store.Desk(ctx, state.DeskNeed{Reports: []string{id}})
	if err != nil {
		return chat.Message{}, err
	}
	r, ok := d.Reports[id]
	if !ok {
		return chat.Message{}, &state.Refusal{Why: fmt.Sprintf("There is no report %.20q.", id), Next: "See: sighting list"}
	}
	t, err := c.submitted(ctx, call, r)
	if err != nil {
		return chat.Message{}, err
	}
	need := state.DeskNeed{Reports: []string{id}}
	if r.Advisory != 0 {
		need.Advisories = []int{r.Advisory}
	}
	incident := call.Incident
	if c.decided == state.ReportRejected {
		incident = ""
	}
	var a state.Advisory
	_, err = c.store.UpdateDesk(ctx, call.Work("decide", c.now()), incident, need, func(tx *state.Tx) (err error) {
		if t != nil {
			a, err = tx.SaveDraft(0, *t, nil, &state.AdvisoryOrigin{Community: r.Community, Name: r.Name, Report: r.ID, TLP: r.TLP})
		}
		if err == nil {
			_, err = tx.DecideReport(id, c.decided, a.Number)
		}
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	if t == nil || a.Draft == nil {
		return chat.Say(chat.P(chat.C(id), " was "+c.decided+".")), nil
	}
	m := draftMessage(a)
	m.Parts = append([]chat.Part{chat.P(chat.C(id), fmt.Sprintf(" is accepted, and the draft of advisory %d. It goes no further than %s.", a.Number, r.TLP))}, m.Parts...)
	m.Add(chat.Row(chat.Button{Label: "Publish", Line: typed("advisory", "publish", fmt.Sprint(a.Number)), Confirm: "Publish it? What leaves the organisation needs a second person."}))
	return m, nil
}

// submitted is the text of an accepted advisory of a community: theirs, and nothing
// of ours. What names something of ours in it is internal all the same; what else is
// in it is theirs to mark.
func (c sightingDecide) submitted(ctx context.Context, call chat.Call, r state.Report) (*state.AdvisoryText, error) {
	if r.Kind != state.ReportAdvisory || c.decided != state.ReportAccepted {
		return nil, nil
	}
	t := state.AdvisoryText{Title: r.Title, TLP: r.TLP}
	found, err := c.store.Mentioned(ctx, call.Incident, possibleNames(r.Title))
	if err != nil {
		return nil, err
	}
	if len(found) > 0 && r.TLP > state.TLPAmberStrict {
		return nil, &chat.Problem{What: fmt.Sprintf("The title names %s, which is ours.", found[0]), Try: "Ask them for another title, or write the advisory yourself."}
	}
	for _, text := range strings.Split(strings.ReplaceAll(r.Text, "\r\n", "\n"), "\n\n") {
		p := state.Paragraph{Text: strings.TrimSpace(text), TLP: r.TLP}
		if found, err = c.store.Mentioned(ctx, call.Incident, possibleNames(text)); err != nil {
			return nil, err
		}
		if len(found) > 0 {
			p.TLP, p.Why = min(r.TLP, state.TLPAmberStrict), "names "+found[0]
		}
		if p.Text != "" {
			t.Summary = append(t.Summary, p)
		}
	}
	return &t, nil
}

// report is what a community handed in, as it is now.
func (v *Voice) report(ctx context.Context, n state.Notice) (chat.Message, error) {
	id := n.Facts["report"]
	d, err := v.desk.Desk(ctx, state.DeskNeed{Reports: []string{id}})
	if err != nil {
		return chat.Message{}, err
	}
	r, ok := d.Reports[id]
	if !ok {
		return chat.Message{}, nil
	}
	m := chat.Say(reportParts(r)...)
	if all, own := len(d.Head.Waiting), d.Head.WaitingOf(r.Community); r.Decided == "" && all > 1 {
		note := plural(all, "report") + " wait for a decision: sighting list."
		if own >= state.MaxWaiting {
			note += fmt.Sprintf(" %d are of this community, and no more are taken from it until some are decided.", own)
		}
		m.Add(chat.N(note))
	}
	return m, nil
}
