package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// Desk keeps advisories, communities, and what those and the sources say.
type Desk interface {
	// UpdateDesk is Update for a change that needs the desk; the incident may be "".
	UpdateDesk(ctx context.Context, w state.Work, incident string, need state.DeskNeed, change func(*state.Tx) error) (state.Outcome, error)
	Desk(ctx context.Context, need state.DeskNeed) (state.Desk, error)
	Advisories(ctx context.Context) ([]state.Advisory, error)
	Communities(ctx context.Context) ([]state.Community, error)
	Reports(ctx context.Context) ([]state.Report, error)
	Bearings(ctx context.Context) ([]state.Bearing, error)
	// Fates tells what became of letters, in their order.
	Fates(ctx context.Context, letters []string) ([]state.Fate, error)
	// Mentioned are those of some words that are names in an incident, whatever the case.
	Mentioned(ctx context.Context, incident string, words []string) ([]string, error)
	CardReceipt(ctx context.Context, card string, place state.Place) (state.Receipt, bool, error)
	SaveFeed(ctx context.Context, source string, doc []byte) error
	Feed(ctx context.Context, source string) ([]byte, error)
}

// advisoryStore is what advisories are made from and kept in.
type advisoryStore interface {
	Desk
	Incident(ctx context.Context, id string) (state.Incident, error)
}

// advisoryCommands write, publish and show advisories.
func advisoryCommands(p Parts) []Command {
	w := newAuthor(p)
	return []Command{
		advisoryDraft{w},
		advisoryEdit{w},
		advisoryUpdate{w},
		advisoryPreview{w},
		advisoryPublish{w},
		advisoryWithdraw{w},
		advisoryShow{w},
		advisoryList{w},
		advisoryIndicators{w},
	}
}

func newAuthor(p Parts) author {
	return author{store: p.Store, load: p.Load, people: p.People, now: p.Now, from: p.Publisher}
}

// markings are the ways to write a marking that fit a line.
func markings() []string { return []string{"red", "amber+strict", "amber", "green", "clear"} }

// author is what the commands about advisories have in common.
type author struct {
	store  advisoryStore
	load   loader
	people state.People
	now    func() time.Time
	from   feeds.Publisher
}

// number is the argument that names an advisory.
func numberArg() chat.Arg {
	return chat.Arg{Name: "number", Help: "as advisory list shows it", Type: chat.Number}
}

// advisoryFlags are what can be said of an advisory beside its text.
func advisoryFlags() []chat.Arg {
	return []chat.Arg{
		{Name: "tlp", Help: "how far it may go, or with --part how far that part may go", Choices: markings()},
		{Name: "part", Help: "the part that --tlp is about", Choices: state.AdvisoryParts()},
		{Name: "readers", Help: "persons, with commas, whom parts marked red are shown to"},
	}
}

// one is the advisory that a request names by its number.
func (w author) one(ctx context.Context, call chat.Call) (state.Advisory, error) {
	n := call.Values.Int("number", 0)
	d, err := w.store.Desk(ctx, state.DeskNeed{Advisories: []int{n}})
	if err != nil {
		return state.Advisory{}, err
	}
	a, ok := d.Advisories[n]
	if !ok {
		return a, w.noSuch(ctx, n)
	}
	return a, nil
}

func (w author) noSuch(ctx context.Context, n int) error {
	p := &chat.Problem{What: fmt.Sprintf("There is no advisory %d.", n), Try: "Write one with: advisory draft"}
	all, err := w.store.Advisories(ctx)
	if err != nil {
		return err
	}
	var numbers []string
	for _, a := range all {
		numbers = append(numbers, fmt.Sprint(a.Number))
	}
	if slices.Reverse(numbers); len(numbers) > 0 {
		p.Try = "There are: " + fewOf(numbers, 2*maxShown)
	}
	return p
}

// advisoryDraft writes the first version of an advisory.
type advisoryDraft struct{ author }

func (advisoryDraft) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory draft", Summary: "Write a new advisory; nothing is published",
		Args: []chat.Arg{
			{Name: "title", Help: "one line"},
			{Name: "body", Help: "the summary, or a file; products, fixed builds, steps and indicators come from the playbook", Type: chat.Upload, Rest: true},
		},
		Flags: advisoryFlags(),
		Examples: []chat.Example{{
			Line: `advisory draft --tlp green "SharePoint: patch, then rotate the keys" Attackers keep stolen machine keys: patching alone is not enough.`,
			Does: "saves advisory 1, version 1, with what the playbook says",
		}},
		Role: state.RoleResponder,
	}
}

func (c advisoryDraft) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	t := c.fromPlaybook(inc)
	t.Title, t.TLP = call.Values.String("title"), state.TLPAmberStrict
	body, err := handedIn(call, "body")
	if err != nil {
		return chat.Message{}, err
	}
	readers, err := c.fill(ctx, call, inc.ID, &t, string(body))
	if err != nil {
		return chat.Message{}, err
	}
	return c.save(ctx, call, 0, t, readers)
}

// advisoryEdit changes the version that is being written.
type advisoryEdit struct{ author }

func (advisoryEdit) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory edit", Summary: "Change the draft of an advisory; what is not given stays",
		Args: []chat.Arg{
			numberArg(),
			{Name: "body", Help: "the whole new summary, or a file", Type: chat.Upload, Optional: true, Rest: true},
		},
		Flags: append([]chat.Arg{
			{Name: "title", Help: "the new title"},
			{Name: "changed", Help: "one line on what is different from the version before"},
		}, advisoryFlags()...),
		Examples: []chat.Example{{Line: "advisory edit 1 --part indicators --tlp amber", Does: "keeps the indicators of the draft from whoever may see only GREEN"}},
		Role:     state.RoleResponder,
	}
}

func (c advisoryEdit) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	if a.Draft == nil && a.Withdrawn == nil {
		return chat.Message{}, &chat.Problem{
			What: fmt.Sprintf("Version %d of advisory %d is published, and is not edited any more.", a.Live.Version, a.Number),
			Try:  fmt.Sprintf("Write the next version with: advisory update %d", a.Number),
		}
	}
	return c.next(ctx, call, a, a.Newest())
}

// advisoryUpdate writes the next version of an advisory.
type advisoryUpdate struct{ author }

func (advisoryUpdate) Spec() chat.Spec {
	s := advisoryEdit{}.Spec()
	s.Path, s.Summary = "advisory update", "Write the next version of an advisory, with what the playbook says now; nothing is published"
	s.Examples = []chat.Example{{Line: `advisory update 1 --title "SharePoint: rotate the keys again"`, Does: "saves the next version of advisory 1, with another title"}}
	return s
}

func (c advisoryUpdate) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, a.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	was := a.Newest()
	t := c.refreshed(inc, was)
	if a.Draft == nil {
		t.Changed = ""
	}
	return c.next(ctx, call, a, t)
}

// refreshed is a text with what the playbook in force says. What a community wrote
// has nothing of ours in it.
func (w author) refreshed(inc state.Incident, t state.AdvisoryText) state.AdvisoryText {
	if t.Playbook == "" {
		return t
	}
	now := w.fromPlaybook(inc)
	now.Title, now.TLP, now.Summary, now.Marks, now.Changed, now.Credit = t.Title, t.TLP, t.Summary, t.Marks, t.Changed, t.Credit
	return now
}

// next saves a text that is based on an earlier one, when something is different.
func (w author) next(ctx context.Context, call chat.Call, a state.Advisory, t state.AdvisoryText) (chat.Message, error) {
	was := a.Newest()
	if call.Values.Has("title") {
		t.Title = call.Values.String("title")
	}
	body := ""
	if call.Values.String("body") != "" || len(call.Values.Files()) > 0 {
		raw, err := handedIn(call, "body")
		if err != nil {
			return chat.Message{}, err
		}
		body = string(raw)
	}
	readers, err := w.fill(ctx, call, a.Incident, &t, body)
	if err != nil {
		return chat.Message{}, err
	}
	was.Version, was.Changed = t.Version, t.Changed
	if t.Hash() == was.Hash() && readers == nil && !call.Values.Has("changed") {
		return chat.Message{}, &chat.Problem{
			What: fmt.Sprintf("Nothing about advisory %d would change.", a.Number), Try: "Give a new text, --title or --tlp.",
		}
	}
	m, err := w.save(ctx, call, a.Number, t, readers)
	if err == nil && a.Draft != nil && t.Hash() != was.Hash() {
		line := chat.Note{Mark: asTLP(min(t.TLP, was.TLP, state.TLPAmberStrict)), Text: chat.T("Other than in the draft before: ", chat.C(t.WhatChanged(was)))}
		m.Parts = slices.Insert(m.Parts, min(1, len(m.Parts)), chat.Part(line))
	}
	return m, err
}

// fill takes what a request says of a text into it. Readers are nil when it says nothing.
func (w author) fill(ctx context.Context, call chat.Call, incident string, t *state.AdvisoryText, body string) ([]state.PersonID, error) {
	v := call.Values
	t.Title = strings.Join(strings.Fields(t.Title), " ")
	if v.Has("changed") {
		t.Changed = strings.Join(strings.Fields(v.String("changed")), " ")
	}
	if err := w.mark(v, t); err != nil {
		return nil, err
	}
	for _, line := range []struct{ what, text string }{{"title", t.Title}, {"line about what changed", t.Changed}} {
		why, err := w.birth(ctx, incident, line.text, t.Sources)
		if err != nil {
			return nil, err
		}
		if why != "" && t.TLP > state.TLPAmberStrict {
			return nil, &chat.Problem{
				What: fmt.Sprintf("The %s goes wherever the advisory goes, and %s.", line.what, why), Try: "Say it without, or in the summary: there it is withheld by itself.",
			}
		}
	}
	if body != "" {
		var err error
		if t.Summary, err = w.paragraphs(ctx, incident, body, t.Sources); err != nil {
			return nil, err
		}
	}
	return w.readers(v)
}

func (w author) mark(v chat.Values, t *state.AdvisoryText) error {
	part := v.String("part")
	if !v.Has("tlp") {
		if part != "" {
			return &chat.Problem{What: "--part needs --tlp: how far that part may go.", Try: "One of: " + strings.Join(markings(), ", ")}
		}
		return nil
	}
	tlp, err := state.ParseTLP(v.String("tlp"))
	if err != nil {
		return err
	}
	if part == "" {
		t.TLP = tlp
		return nil
	}
	marks := map[string]state.TLP{part: tlp}
	for k, m := range t.Marks {
		if k != part {
			marks[k] = m
		}
	}
	t.Marks = marks
	return nil
}

func (w author) readers(v chat.Values) ([]state.PersonID, error) {
	if !v.Has("readers") {
		return nil, nil
	}
	out := []state.PersonID{}
	for _, name := range strings.FieldsFunc(v.String("readers"), func(r rune) bool { return r == ',' || r == ' ' }) {
		p, ok := w.people.ByID(state.PersonID(name))
		if !ok {
			return nil, &chat.Problem{What: fmt.Sprintf("Nobody is called %.40q.", name), Try: "Readers are persons of the configuration, with commas between them."}
		}
		out = append(out, p.ID)
	}
	return out, nil
}

func (w author) save(ctx context.Context, call chat.Call, number int, t state.AdvisoryText, readers []state.PersonID) (chat.Message, error) {
	var saved state.Advisory // apart from what is given: the change may be run again
	need := state.DeskNeed{}
	if number != 0 {
		need.Advisories = []int{number}
	}
	out, err := w.store.UpdateDesk(ctx, call.Work("advisory", w.now()), call.Incident, need, func(tx *state.Tx) (err error) {
		saved, err = tx.SaveDraft(number, t, readers, nil)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	if out.Already {
		if saved, err = w.savedBefore(ctx, number, t); err != nil {
			return chat.Message{}, err
		}
	}
	m := draftMessage(saved)
	m.Parts = append([]chat.Part{chat.P("Saved. Nothing is published.")}, m.Parts...)
	m.Add(chat.Row(
		chat.Button{Label: "Preview", Line: typed("advisory", "preview", fmt.Sprint(saved.Number))},
		chat.Button{Label: "Publish", Line: typed("advisory", "publish", fmt.Sprint(saved.Number)), Confirm: "Publish it? What leaves the organisation needs a second person."},
	))
	return m, nil
}

// savedBefore finds what a request that is run again had saved.
func (w author) savedBefore(ctx context.Context, number int, t state.AdvisoryText) (state.Advisory, error) {
	all, err := w.store.Advisories(ctx)
	for _, a := range all {
		if n := a.Newest(); number == a.Number || number == 0 && n.Title == t.Title && slices.Equal(n.Summary, t.Summary) {
			return a, err
		}
	}
	return state.Advisory{Draft: &t}, err
}
