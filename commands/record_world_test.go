package commands

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// world is a process without a platform: the commands over a real store, a real
// runner, and servers on loopback.
type world struct {
	parts Parts
	store *redisstore.Store
	specs []chat.Spec
	cmds  map[string]Command

	mu    sync.Mutex
	now   time.Time
	count int
	said  []chat.Message
	cards []string
}

var (
	morning = time.Date(2025, 7, 22, 9, 0, 0, 0, time.UTC)
	people  = state.People{
		{ID: "lead-1", Name: "Ada", Role: state.RoleLead},
		{ID: "lead-2", Name: "Grace", Role: state.RoleLead},
		{ID: "alice", Name: "Alice", Role: state.RoleResponder},
		{ID: "guest", Name: "Guest", Role: state.RoleViewer},
	}
)

func newWorld(t *testing.T) *world {
	t.Helper()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	w := &world{now: morning, cmds: map[string]Command{}}
	w.store = redisstore.New(engine.Client(), redisstore.Options{Writer: "test"})
	require.NoError(t, w.store.Init(t.Context()))
	w.parts = Parts{
		Store: w.store, People: people, Load: playbook.Load, Now: w.clock, Cadence: 2 * time.Hour,
		Jobs: checks.NewLocal(checks.NewRunner(checks.Options{Concurrency: 16, PerServer: 8 * time.Second, Answer: 4 * time.Second, Now: w.clock}),
			func(p checks.Plan) checks.Check { return probe.New(p) }),
	}
	for _, list := range [][]Command{incidentCommands(w.parts), serverCommands(w.parts), scanCommands(w.parts)} {
		for _, c := range list {
			w.specs = append(w.specs, c.Spec())
			w.cmds[c.Spec().Path] = c
		}
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// call makes the call that a line of a person becomes.
func (w *world) call(t *testing.T, who state.PersonID, line string, files ...chat.File) (Command, chat.Call) {
	t.Helper()
	spec, words, err := chat.Find(w.specs, line)
	require.NoError(t, err, line)
	incident := "toolshell-1"
	for i := 0; i+1 < len(words); i++ {
		if words[i] == "--incident" {
			incident = words[i+1]
			words = append(words[:i:i], words[i+2:]...)
			break
		}
	}
	values, err := chat.Parse(spec, words, files)
	require.NoError(t, err, line)
	p, _ := people.ByID(who)
	w.count++
	return w.cmds[spec.Path], chat.Call{
		Request: chat.Request{
			ID: fmt.Sprintf("r%d", w.count), Trigger: chat.TriggerLine, At: w.clock(), Text: line,
			Actor: chat.Actor{Link: "console:" + string(who), Person: who, Name: p.Name, Role: p.Role},
			Place: state.Place{Platform: "console", Channel: "war-room", Ceiling: state.TLPAmberStrict},
		},
		Values: values, Incident: incident,
		Say: func(card string, m chat.Message) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.cards, w.said = append(w.cards, card), append(w.said, m)
		},
	}
}

// run runs a line that must work.
func (w *world) run(t *testing.T, who state.PersonID, line string, files ...chat.File) chat.Message {
	t.Helper()
	c, call := w.call(t, who, line, files...)
	m, err := c.Run(t.Context(), call)
	require.NoError(t, err, line)
	sound(t, m)
	return m
}

// refuse runs a line that must be refused, and returns what the person is told.
func (w *world) refuse(t *testing.T, who state.PersonID, line string, files ...chat.File) string {
	t.Helper()
	c, call := w.call(t, who, line, files...)
	_, err := c.Run(t.Context(), call)
	require.Error(t, err, line)
	return err.Error()
}

// opened has an incident at a revision, and these servers.
func opened(t *testing.T, revision int, inventory string) *world {
	t.Helper()
	w := newWorld(t)
	w.run(t, "lead-1", fmt.Sprintf("incident open toolshell-1 --playbook toolshell@%d", revision))
	if inventory != "" {
		w.run(t, "lead-1", "server import", chat.File{Name: "servers.csv", Data: []byte(inventory)})
	}
	return w
}

// sound is what holds of every message: parts that a place may see, lines that
// parse, and no control characters.
func sound(t *testing.T, m chat.Message) {
	t.Helper()
	require.NotEmpty(t, m.Parts)
	_, withheld := m.Withhold(state.TLPAmberStrict)
	require.Zero(t, withheld)
	require.NotContains(t, words(m), "\x1b")
	for _, p := range m.Parts {
		if row, ok := p.(chat.Buttons); ok {
			require.LessOrEqual(t, len(row.Buttons), 5)
			for _, b := range row.Buttons {
				require.NotEmpty(t, b.Label)
				_, err := chat.Words(b.Line)
				require.NoError(t, err)
			}
		}
	}
}

// words is a message as plain text, one part a line.
func words(m chat.Message) string {
	var b strings.Builder
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Heading:
			fmt.Fprintln(&b, "#", p.Text.Plain())
		case chat.Para:
			fmt.Fprintln(&b, p.Text.Plain())
		case chat.Note:
			fmt.Fprintln(&b, "~", p.Text.Plain())
		case chat.List:
			for _, i := range p.Items {
				fmt.Fprintln(&b, "-", i.Plain())
			}
			if p.More > 0 {
				fmt.Fprintln(&b, "- and", p.More, "more")
			}
		case chat.Fields:
			for _, f := range p.Fields {
				fmt.Fprintln(&b, f.Name+":", f.Value.Plain())
			}
		case chat.Progress:
			fmt.Fprintln(&b, "bar", p.Done, "of", p.Total, p.Legend.Plain())
		case chat.CodeBlock:
			fmt.Fprintln(&b, p.Text)
		case chat.Attachment:
			fmt.Fprintln(&b, "file", p.Name)
		case chat.Buttons:
			for _, x := range p.Buttons {
				fmt.Fprintf(&b, "[%s](%s) ", x.Label, x.Line)
			}
			fmt.Fprintln(&b)
		}
	}
	return b.String()
}

// serving is a make-believe fleet on loopback, and its inventory.
func serving(t *testing.T, o fleet.Options) (*fleet.Fleet, string) {
	t.Helper()
	f, err := fleet.New(o)
	require.NoError(t, err)
	require.NoError(t, f.Start(t.Context()))
	t.Cleanup(func() { _ = f.Close() })
	var b bytes.Buffer
	require.NoError(t, f.WriteInventory(&b))
	return f, b.String()
}

// show records evidence about a farm, as a collector would have shown it.
func (w *world) show(t *testing.T, farm string, es ...state.Evidence) state.Outcome {
	t.Helper()
	w.count++
	out, err := w.store.Update(t.Context(), state.Work{Request: fmt.Sprintf("e%d", w.count), Step: "show", By: "alice", At: w.clock()}, "toolshell-1", []string{farm},
		func(tx *state.Tx) error { return tx.Record(farm, es...) })
	require.NoError(t, err)
	return out
}

// change does something to a farm in the name of a person.
func (w *world) change(t *testing.T, who state.PersonID, farm string, do func(*state.Tx) error) {
	t.Helper()
	w.count++
	_, err := w.store.Update(t.Context(), state.Work{Request: fmt.Sprintf("c%d", w.count), Step: "do", By: who, At: w.clock()}, "toolshell-1", []string{farm}, do)
	require.NoError(t, err)
}

func (w *world) row(t *testing.T, server string) state.Row {
	t.Helper()
	r, err := w.store.Row(t.Context(), "toolshell-1", server)
	require.NoError(t, err)
	return r
}

var _ Store = (*redisstore.Store)(nil)
