package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// What one request may hand in: an archive unpacks to much more than it weighs.
const (
	maxHuntFile  = 4 << 30
	maxHuntTotal = 8 << 30
	maxHuntLogs  = 20_000
)

// huntLogs looks for attacks in logs that somebody hands in, and records what it found
// and what the logs cover.
type huntLogs struct {
	store inventoryStore
	load  loader
	now   func() time.Time
}

func (huntLogs) Spec() chat.Spec {
	return chat.Spec{
		Path: "hunt", Summary: "Look for attacks in logs of web servers, and record what was found and what time is covered",
		Args: []chat.Arg{{Name: "logs", Help: "files handed in: logs of IIS or in the combined format, plain, gzip or zip", Type: chat.Upload, Rest: true}},
		Flags: []chat.Arg{
			{Name: "server", Help: "whose the logs are, when neither folder nor log says it", Type: chat.Server},
			{Name: "quiet", Help: "how long a server may log nothing without that being a gap; 1h", Type: chat.Duration},
			{Name: "dry-run", Help: "say what was found, and record nothing", Type: chat.Switch},
		},
		Examples: []chat.Example{{
			Line: `hunt --dry-run --server sp-fin-01 "#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(Referer) sc-status"`,
			Does: "reads a log from the line; usually logs are handed in as files, a zip with a folder for each server",
		}},
		Role: state.RoleResponder,
	}
}

// Manual says what a hunt is worth.
func (c huntLogs) Manual(ctx context.Context, incident string) []chat.Part {
	out := []chat.Part{chat.P(chat.B("Whose a log is"), ": its folder says it (", chat.C("SERVER/W3SVC1/u_ex250718.log"), "), or the computer's name in it, or the address that was asked.")}
	out = append(out, chat.P(chat.B("Clean"), " is only the time that the logs cover, from the beginning of exploitation on: no silence longer than --quiet, ",
		"every column that the rules need (like cs(Referer)), no line lost, every site. The logs of a front end show attacks and clear nobody."))
	if incident == "" {
		return out
	}
	if inc, err := c.store.Incident(ctx, incident); err == nil {
		if pb, err := c.playbook(inc.Rules); err == nil && pb.Logs.Blind != "" {
			out = append(out, chat.N("What logs do not show: ", pb.Logs.Blind))
		}
	}
	return out
}

// TimeLimit gives room for gigabytes.
func (huntLogs) TimeLimit() time.Duration { return 10 * time.Minute }

func (c huntLogs) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	switch {
	case err != nil:
		return chat.Message{}, err
	case !inc.Closed.IsZero():
		return chat.Message{}, &state.Refusal{Why: fmt.Sprintf("Incident %s is closed; nothing is recorded for it.", inc.ID), Next: "Open a new one."}
	}
	pb, err := c.playbook(inc.Rules)
	if err != nil {
		return chat.Message{}, err
	}
	b := &bag{call: call, inc: inc, pb: pb, now: c.now(), store: c.store}
	if err := b.read(ctx); err != nil {
		return chat.Message{}, err
	}
	if err := b.judge(ctx); err != nil {
		return chat.Message{}, err
	}
	if !call.Values.Bool("dry-run") {
		long, done := outlast(ctx, importGrace)
		defer done()
		if err := b.write(long, c.now); err != nil {
			return chat.Message{}, err
		}
	}
	m, err := b.message()
	if err == nil && len(b.reports) == 0 {
		err = notDone(m) // nothing could be read, or nothing of a server that is ours
	}
	return m, err
}

// playbook is that of the incident, with its log rules.
func (c huntLogs) playbook(r state.Rules) (playbook.Playbook, error) {
	pb, err := c.load(r.Playbook)
	if err != nil {
		pb, err = c.load(fmt.Sprintf("%s@%d", r.Playbook, r.Revision))
	}
	switch {
	case err != nil:
		return pb, &chat.Problem{What: fmt.Sprintf("The playbook %s cannot be loaded, so it is not known what to hunt for: %v.", r.Playbook, err), Try: "Nothing was read."}
	case len(pb.LogRules) == 0:
		return pb, &chat.Problem{What: fmt.Sprintf("The playbook %s has no rules for logs. %s", r.Playbook, pb.Logs.Blind), Try: "Show a hunt with: evidence add, or attest"}
	}
	return pb, nil
}

// bag is what a request hands in, on its way into the incident.
type bag struct {
	call  chat.Call
	inc   state.Incident
	pb    playbook.Playbook
	now   time.Time
	store inventoryStore

	servers map[string]state.Server // of the inventory, not retired
	reports []hunt.Report
	strange []string // servers that are not in the inventory
	retired []string
	broken  []hunt.File
	left    []string // files that are not called like logs
	files   int

	evidence map[string][]state.Evidence // by farm
	recorded int
	known    int
	changes  []state.Transition
	already  bool
	lost     []string
	lostWhy  string
}

// read reads all logs that were handed in.
func (b *bag) read(ctx context.Context) error {
	all, err := allServers(ctx, b.store, b.inc.ID)
	if err != nil {
		return err
	}
	b.servers = map[string]state.Server{}
	gone := map[string]bool{}
	for _, s := range all {
		if gone[s.Name] = s.Retired != nil; !gone[s.Name] {
			b.servers[s.Name] = s
		}
	}
	logs, err := b.logs(ctx, all)
	if err != nil {
		return err
	}
	h := hunt.New(hunt.Options{
		Playbook: b.pb, Quiet: b.call.Values.Duration("quiet", time.Hour), Now: b.now,
		Limits: hunt.Limits{Bytes: maxHuntFile, Total: maxHuntTotal, Files: maxHuntLogs},
	})
	err = h.ReadAll(ctx, logs, func(f hunt.File) {
		if b.files++; f.Problem != "" {
			b.broken = append(b.broken, f)
		}
	})
	if errors.Is(err, hunt.ErrTooMuch) {
		return &chat.Problem{What: "That is too much at once: " + sentence(err.Error()), Try: "Hunt in parts, or with allclear hunt where the logs are; hand in the documents that it writes. Nothing was recorded."}
	}
	if err != nil {
		return err
	}
	for _, name := range h.Servers() {
		s, ok := b.servers[name]
		switch {
		case ok:
			f, err := b.store.Farm(ctx, b.inc.ID, s.Farm)
			if err != nil {
				return err
			}
			evicted, _ := f.Settled(b.inc.Rules, name, b.now)
			b.reports = append(b.reports, h.Report(name, evicted))
		case gone[name]:
			b.retired = append(b.retired, name)
		default:
			b.strange = append(b.strange, name)
		}
	}
	return nil
}

// logs are what was handed in, with whose each is.
func (b *bag) logs(ctx context.Context, all []state.Server) ([]hunt.Assigned, error) {
	fixed := b.call.Values.String("server")
	if fixed != "" {
		var err error
		if fixed, err = serverName(ctx, b.store, b.inc.ID, fixed, nil); err != nil {
			return nil, err
		}
	}
	files := b.call.Values.Files()
	if text := b.call.Values.String("logs"); text != "" && len(files) == 0 {
		files = []chat.File{{Name: "line.log", Data: []byte(text + "\n")}}
	}
	if len(files) == 0 {
		return nil, &chat.Problem{What: "There are no logs.", Try: "Hand in a log, or a zip with a folder for each server."}
	}
	whose := hunt.NewWhose(all)
	var out []hunt.Assigned
	for _, f := range files {
		logs, left, err := hunt.Packed(f.Name, f.Data)
		if err != nil {
			return nil, &chat.Problem{What: "The file cannot be opened: " + sentence(checks.Clean(err.Error(), 200)), Try: "Nothing was recorded."}
		}
		b.left = append(b.left, left...)
		for _, l := range logs {
			id, _ := l.Identify() // what is wrong with it is told when it is read
			o, _ := whose.Origin(l, id)
			if fixed != "" {
				o.Server = fixed
			}
			out = append(out, hunt.Assigned{Log: l, Origin: o})
		}
	}
	if len(out) == 0 {
		return nil, &chat.Problem{What: fmt.Sprintf("Of %s none is called like a log.", plural(len(b.left), "file")), Try: "Logs are called like u_ex250718.log, access.log or access.log.1.gz."}
	}
	return out, nil
}

// judge works out the evidence. An exploit that was answered when the server was already
// shown to be fixed is told apart, for it is no sign as long as the fix line does not move;
// the use of stolen keys and of web shells is one whenever it was.
func (b *bag) judge(ctx context.Context) error {
	b.evidence = map[string][]state.Evidence{}
	for i := range b.reports {
		r := &b.reports[i]
		farm := b.servers[r.Server].Farm
		f, err := b.store.Farm(ctx, b.inc.ID, farm)
		if err != nil {
			return err
		}
		for j, t := range r.Traffic {
			if t.Value == state.AttackAnswered && f.FixedAt(b.inc.Rules, r.Server, t.First, b.now) {
				r.Traffic[j].Value = state.AttackLate
			}
		}
		for _, e := range r.Evidence() {
			if covered(f.Evidence, e) {
				b.known++
				continue
			}
			b.evidence[farm] = append(b.evidence[farm], e)
		}
	}
	return nil
}
