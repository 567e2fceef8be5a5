package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// scanCommands look at servers from outside.
func scanCommands(p Parts) []Command {
	l := looker{p.Store, p.Jobs, p.Load, p.Now}
	return []Command{scan{l, p.People}, scanShow{p.Store, p.Now}, verify{l, p.People}}
}

const (
	// scanTTL is for how long a scan that dies without a word keeps others of its
	// selection from beginning; one that lives renews it.
	scanTTL = 45 * time.Second
	// scanGrace is how long a scan that is cut off goes on writing down what it saw.
	scanGrace = 5 * time.Second
	// scanLimit is how long a scan may take, with all that is written down of it.
	scanLimit = time.Hour
	// The rest bounds what a scan remembers of itself.
	keptChanges   = 300
	keptWhy       = 160
	keptUnreached = 50
)

// scanStore is what a scan needs.
type scanStore interface {
	Changer
	Reader
	Scans
}

// looker has what it takes to look at servers and to write down what was seen.
type looker struct {
	store scanStore
	jobs  checks.Jobs
	load  loader
	now   func() time.Time
}

// scan looks at many servers. It is one message that becomes its own result.
type scan struct {
	looker
	people state.People
}

func (scan) Spec() chat.Spec {
	return chat.Spec{
		Path: "scan", Summary: "Look at servers from outside, and tell what changed; all of them, if none are chosen",
		Args: []chat.Arg{{Name: "server", Help: "only this one", Type: chat.Server, Optional: true}},
		Flags: []chat.Arg{
			{Name: "group", Help: "only those of this team", Type: chat.Group},
			{Name: "farm", Help: "only those of this farm", Type: chat.Farm},
			{Name: "owner", Help: "only those of this person", Type: chat.Owner},
			{Name: "cancel", Help: "end the running scan; it tells what it has", Type: chat.Switch},
			{Name: "id", Help: "with --cancel: only this scan, as its message names it"},
		},
		Examples: []chat.Example{
			{Line: "scan", Does: "looks at every server, and tells what changed since the last look"},
			{Line: "scan sp-fin-01", Does: "looks at one server"},
			{Line: "scan --cancel", Does: "ends the running scan; it reports what it has"},
		},
		Role: state.RoleResponder,
	}
}

// TimeLimit leaves time to write down what the longest scan found.
func (scan) TimeLimit() time.Duration { return scanLimit }

func (s scan) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	sel, err := s.selection(ctx, call)
	if err != nil && strings.EqualFold(call.Values.String("server"), "cancel") {
		return chat.Message{}, &chat.Problem{What: "There is no server that is called cancel.", Try: "To end the running scan: scan --cancel"}
	}
	if err != nil {
		return chat.Message{}, err
	}
	if call.Values.Bool("cancel") {
		return s.cancel(ctx, call, sel)
	}
	inc, err := s.open(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	plan, err := s.plan(inc.Rules)
	if err != nil {
		return chat.Message{}, err
	}
	targets, err := s.targets(ctx, inc.ID, sel.takes)
	if err != nil {
		return chat.Message{}, err
	}
	if len(targets) == 0 {
		return chat.Message{}, &chat.Problem{What: "There is no server to look at.", Try: "Hand them in with: server import"}
	}
	rec := state.Scan{
		ID: scanID(call.Request.ID), Incident: inc.ID, Selection: sel.label,
		By: call.Request.Actor.Person, Started: s.now(), Total: len(targets),
	}
	running, begun, err := s.store.BeginScan(ctx, rec, scanTTL)
	if err != nil {
		return chat.Message{}, err
	}
	if !begun && running.ID != rec.ID { // else this request was cut off, and goes on
		return chat.Message{}, s.already(running)
	}
	w := newWatch(call, s.now, rec, inc)
	err = s.look(ctx, w, plan, targets)
	if errors.Is(err, checks.ErrRunning) {
		return chat.Message{}, s.already(rec) // an earlier run of this request is still at it
	}
	return w.end(ctx, s.store, err)
}

// scanID is the same whenever the same request is run again.
func scanID(request string) string { return "s" + digestOf([]string{request})[:6] }

// open refuses incidents in which nothing happens any more.
func (l looker) open(ctx context.Context, incident string) (state.Incident, error) {
	inc, err := l.store.Incident(ctx, incident)
	if err == nil && !inc.Closed.IsZero() {
		err = &state.Refusal{Why: fmt.Sprintf("Incident %s is closed; nothing is scanned for it.", inc.ID), Next: "Open a new one."}
	}
	return inc, err
}

// plan is what is asked of servers: the newest observers of the playbook, judged
// by the rules in force.
func (l looker) plan(r state.Rules) (checks.Plan, error) {
	pb, err := l.load(r.Playbook)
	if err != nil {
		pb, err = l.load(fmt.Sprintf("%s@%d", r.Playbook, r.Revision))
	}
	if err == nil && pb.Name != r.Playbook {
		err = fmt.Errorf("it is called %q", pb.Name)
	}
	if err != nil {
		return checks.Plan{}, &chat.Problem{
			What: fmt.Sprintf("The playbook %s cannot be loaded, so it is not known what to ask: %v.", r.Playbook, err), Try: "Nothing was scanned.",
		}
	}
	plan := pb.Plan()
	plan.Rules = r
	return plan, nil
}

// targets are the chosen servers. All of the inventory is read, for a URL that
// another server shares speaks for neither.
func (l looker) targets(ctx context.Context, incident string, takes func(state.Server) bool) ([]checks.Target, error) {
	all, err := allServers(ctx, l.store, incident)
	if err != nil {
		return nil, err
	}
	active := all[:0]
	for _, s := range all {
		if s.Retired == nil {
			active = append(active, s)
		}
	}
	var out []checks.Target
	for _, t := range checks.Targets(active) {
		if takes(t.Server) {
			out = append(out, t)
		}
	}
	return out, nil
}

// look runs the scan and writes down what it finds.
func (l looker) look(ctx context.Context, w *watch, plan checks.Plan, targets []checks.Target) error {
	farms := make(map[string]string, len(targets))
	for _, t := range targets {
		farms[t.Server.Name] = t.Server.Farm
	}
	r := newRecorder(l.store, w.call, l.now, w.inc.Rules)
	w.recorder = r
	stop := w.beats(ctx, l.store, func() { l.jobs.Cancel(w.rec.ID) })
	defer stop()
	write, written := outlast(ctx, scanGrace) // of a scan that is cut off, what was seen was seen
	defer written()
	var broken error
	sum, err := l.jobs.Run(ctx, w.rec.ID, plan, targets, func(res checks.Result) {
		if broken != nil {
			r.lose(broken, res)
			return
		}
		w.add(res)
		broken = r.add(write, farms[res.Server], res)
		if broken == nil && w.due() {
			if broken = r.flush(write); broken == nil {
				w.moved(len(r.changes))
				w.progress(ctx, l.store)
			}
		}
		if broken != nil {
			l.jobs.Cancel(w.rec.ID)
		}
	})
	stop()
	w.sum = sum
	if broken == nil {
		rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), scanGrace)
		defer cancel()
		broken = r.flush(rest)
	}
	return errors.Join(err, broken, ctx.Err())
}
