package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

var _ Store = (*redisstore.Store)(nil)

// board is an incident with a real store in memory, and the people who work on it.
type board struct {
	t      *testing.T
	store  *redisstore.Store
	parts  Parts
	now    time.Time
	n      int
	people state.People
	// elsewhere changes where and by whom the next line is typed.
	elsewhere func(*chat.Request)
}

const boardID = "ts-1"

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// newBoard opens an incident on 21 July 2025 at 08:00: the farm fin with two
// servers, one server alone, one without an owner.
func newBoard(t *testing.T, revision int) *board {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	return newBoardOn(t, e, revision)
}

func newBoardOn(t *testing.T, e *embedded.Engine, revision int) *board {
	t.Helper()
	c := e.Client()
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
	})
	b := &board{t: t, now: at("2025-07-21 08:00")}
	b.store = redisstore.New(c, redisstore.Options{Writer: "test", Now: func() time.Time { return b.now }})
	require.NoError(t, b.store.Init(t.Context()))
	b.people = state.People{
		{ID: "lead-1", Name: "lead-1", Role: state.RoleLead, Links: []string{"console:lead-1"}},
		{ID: "lead-2", Name: "lead-2", Role: state.RoleLead, Links: []string{"console:lead-2"}},
		{ID: "resp-1", Name: "resp-1", Role: state.RoleResponder, Links: []string{"console:resp-1"}},
		{ID: "view-1", Name: "view-1", Role: state.RoleViewer, Links: []string{"console:view-1"}},
	}
	b.parts = Parts{
		Store: b.store, Jobs: idleJobs{}, People: b.people, Load: playbook.Load, Cadence: 4 * time.Hour,
		Timetable: wholeHours,
		Now:       func() time.Time { return b.now },
	}
	pb, err := playbook.BuiltinRevision("toolshell", revision)
	require.NoError(t, err)
	b.change([]string{"fin", "sp-hr-01", "sp-edge-01"}, func(tx *state.Tx) error {
		err := tx.OpenIncident(state.Incident{
			ID: boardID, Title: "ToolShell", Rules: pb.Rules(), Cadence: 4 * time.Hour,
			Places: []state.Place{{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict}},
		})
		for _, j := range defaultJobs(4*time.Hour, "") {
			err = errors.Join(err, tx.Schedule(j))
		}
		for _, s := range []state.Server{
			{Name: "sp-fin-01", Farm: "fin", Owner: "alice", Group: "emea", Exposure: state.ExposureInternet, URL: "https://fin.example/"},
			{Name: "sp-fin-02", Farm: "fin", Owner: "alice", Group: "emea", Exposure: state.ExposureInternal},
			{Name: "sp-hr-01", Owner: "bob", Group: "emea", Exposure: state.ExposureInternet, URL: "https://hr.example/"},
			{Name: "sp-edge-01", Group: "apac", Exposure: state.ExposureInternet},
		} {
			err = errors.Join(err, tx.PutServer(s))
		}
		return err
	})
	return b
}

// idleJobs look at nothing.
type idleJobs struct{}

func (idleJobs) Run(_ context.Context, _ string, _ checks.Plan, targets []checks.Target, emit func(checks.Result)) (checks.Summary, error) {
	for _, t := range targets {
		emit(checks.Result{Server: t.Server.Name, Error: "no answer"})
	}
	return checks.Summary{Targets: len(targets), Looked: len(targets), Complete: true}, nil
}
func (idleJobs) Cancel(string) bool { return true }

func (b *board) change(farms []string, do func(*state.Tx) error) {
	b.t.Helper()
	b.n++
	w := state.Work{Request: fmt.Sprintf("set-up-%d", b.n), Step: "set up", By: "lead-1", At: b.now}
	_, err := b.store.Update(b.t.Context(), w, boardID, farms, do)
	require.NoError(b.t, err)
}

// ask is a line typed by a person, run as the router would.
func (b *board) ask(who state.PersonID, line string, files ...chat.File) (chat.Message, error) {
	b.n++
	return b.askAs(fmt.Sprintf("req-%d", b.n), who, line, files...)
}

func (b *board) askAs(id string, who state.PersonID, line string, files ...chat.File) (chat.Message, error) {
	cs := All(b.parts)
	specs := specsOf(cs)
	for i := range specs {
		if !specs[i].Global {
			specs[i].Flags = append(slices.Clone(specs[i].Flags), chat.Arg{Name: "incident", Type: chat.Incident})
		}
	}
	spec, words, err := chat.Find(specs, line)
	if err != nil {
		return chat.Message{}, err
	}
	v, err := chat.Parse(spec, words, files)
	if err != nil {
		return chat.Message{}, err
	}
	p, _ := b.people.ByID(who)
	if p.Role < spec.Role {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("%s may not %s", who, spec.Path)}
	}
	i := slices.IndexFunc(cs, func(c Command) bool { return c.Spec().Path == spec.Path })
	req := chat.Request{
		ID: id, Actor: chat.Actor{Link: "console:" + string(who), Person: p.ID, Name: p.Name, Role: p.Role}, Text: line, Files: files, At: b.now,
		Place: state.Place{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict},
	}
	if b.elsewhere != nil {
		b.elsewhere(&req)
	}
	return cs[i].Run(b.t.Context(), chat.Call{
		Request: req, Values: v, Incident: boardID, Say: func(string, chat.Message) {},
	})
}

// must is ask, for what has to work.
func (b *board) must(who state.PersonID, line string, files ...chat.File) chat.Message {
	b.t.Helper()
	m, err := b.ask(who, line, files...)
	require.NoError(b.t, err, line)
	return m
}

// no is ask, for what has to be refused; it returns the words.
func (b *board) no(who state.PersonID, line string, files ...chat.File) string {
	b.t.Helper()
	m, err := b.ask(who, line, files...)
	require.Error(b.t, err, "%s\n%s", line, plain(m))
	var p *chat.Problem
	require.True(b.t, errors.As(err, &p) || refused(err), "%s: not in words for a person: %v", line, err)
	return err.Error()
}

func (b *board) status(server string) state.Status {
	b.t.Helper()
	r, err := b.store.Row(b.t.Context(), boardID, server)
	require.NoError(b.t, err)
	return r.Status
}

// prove shows all that the farm fin needs, as two runs of the collector.
func (b *board) prove() {
	b.t.Helper()
	b.now = at("2025-07-22 11:31")
	b.must("resp-1", "evidence add", chat.File{Name: "before.json", Data: []byte(provedBefore)})
	b.now = at("2025-07-22 15:03")
	b.must("resp-1", "evidence add", chat.File{Name: "after.json", Data: []byte(provedAfter)})
}

const provedBefore = `{"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T11:30:00Z","tool":"collector/1@sp-fin-01",
 "items":["https://fin.example/"],
 "servers":{
  "sp-fin-01":{"package":{"build":"16.0.10417.20037","at":"2025-07-22T09:00:00Z"},"packageLanguage":{"build":"16.0.10417.20037","at":"2025-07-22T09:20:00Z"},
   "psconfig":{"state":"done","at":"2025-07-22T10:00:00Z"},"modules":"clean","preserved":{"at":"2025-07-21T18:00:00Z"},
   "hunt":{"result":"clean","from":"2025-07-07T00:00:00Z","to":"2025-07-22T11:00:00Z"}},
  "SP-FIN-02":{"package":{"build":"16.0.10417.20037","at":"2025-07-22T09:00:00Z"},"packageLanguage":{"build":"16.0.10417.20037","at":"2025-07-22T09:20:00Z"},
   "psconfig":{"state":"done","at":"2025-07-22T10:00:00Z"},"modules":"clean","preserved":{"at":"2025-07-21T18:00:00Z"},
   "hunt":{"result":"clean","from":"2025-07-07T00:00:00Z","to":"2025-07-22T11:00:00Z"}}},
 "webApplications":{"https://fin.example/":{"amsi":"full"}}}`

const provedAfter = `{"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T15:00:00Z","tool":"collector/1@sp-fin-01",
 "servers":{
  "sp-fin-01":{"restart":{"at":"2025-07-22T13:00:00Z"},"keysMatch":"yes","contained":null},
  "sp-fin-02":{"restart":{"at":"2025-07-22T13:05:00Z"},"keysMatch":"yes"}},
 "webApplications":{"https://fin.example/":{"rotation":{"at":"2025-07-22T12:00:00Z"},"deployment":{"at":"2025-07-22T12:30:00Z"}}}}`

// plain is a message as lines of text.
func plain(m chat.Message) string {
	var b strings.Builder
	line := func(ts ...chat.Text) {
		for _, t := range ts {
			b.WriteString(t.Plain() + "\n")
		}
	}
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Heading:
			line(p.Text)
		case chat.Para:
			line(p.Text)
		case chat.Note:
			line(p.Text)
		case chat.CodeBlock:
			b.WriteString(p.Text + "\n")
		case chat.Progress:
			fmt.Fprintf(&b, "%d/%d ", p.Done, p.Total)
			line(p.Legend)
		case chat.List:
			line(p.Items...)
			if p.More > 0 {
				fmt.Fprintf(&b, "+%d more\n", p.More)
			}
		case chat.Fields:
			for _, f := range p.Fields {
				line(chat.T(f.Name+": ", f.Value))
			}
		case chat.Table:
			for _, r := range p.Rows {
				line(r...)
			}
		}
	}
	return b.String()
}

// lines are the command lines of the buttons.
func lines(m chat.Message) []string {
	var out []string
	for _, p := range m.Parts {
		if row, ok := p.(chat.Buttons); ok {
			for _, b := range row.Buttons {
				out = append(out, b.Line)
			}
		}
	}
	return out
}

func TestAClaimIsNotedAndProvesNothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("resp-1", "claim sp-fin-01 patch done at noon")
	require.Equal(t, chat.Say(chat.P("Noted: ", chat.C("sp-fin-01"),
		" is claimed by ", chat.C("resp-1"), ". A claim proves nothing; when it is done, ask for ", chat.C("verify sp-fin-01"), ".")), m)
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-01"))
	row, err := b.store.Row(t.Context(), boardID, "sp-fin-01")
	require.NoError(t, err)
	require.True(t, row.Claimed)

	b.must("resp-1", "claim SP-H") // a prefix, whatever the case
	require.Contains(t, b.no("resp-1", "claim sp-fin"), "More than one server begins with")
	require.Contains(t, b.no("resp-1", "claim sp-fin-09"), "Did you mean: sp-fin-0")
	require.Contains(t, b.no("resp-1", "claim sp-fin-01 pach"), "no step")
	require.Contains(t, b.no("view-1", "claim sp-fin-01"), "may not")
}

func TestAWordThatALineWouldTakeApartIsQuoted(t *testing.T) {
	t.Parallel()
	for _, w := range []string{"plain", "two words", `say "x"`, `back\slash`, "it's", "{brace", "", "„low“", "tab\tbed", "https://a/b?c=d"} {
		got, err := chat.Words(typed("approve", w, "next"))
		require.NoError(t, err)
		require.Equal(t, []string{"approve", w, "next"}, got)
	}
	require.Equal(t, `claim --incident ts-1 "two words"`, press("x", "ts-1", "claim", "two words").Line)
}
