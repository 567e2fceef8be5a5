package commands

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// evidenceAdd records what a collector saw inside a farm: all of a document, or
// nothing.
type evidenceAdd struct {
	store evidenceStore
	now   func() time.Time
	// only is the one farm that a token is for; "": any.
	only string
}

// evidenceStore is what recording a document needs.
type evidenceStore interface {
	Changer
	Reader
}

func (evidenceAdd) Spec() chat.Spec {
	return chat.Spec{
		Path: "evidence add", Summary: "Record what was seen inside a farm, from a file or from the line",
		Args: []chat.Arg{{Name: "document", Help: "JSON in the format " + EvidenceSchema, Type: chat.Upload, Rest: true}},
		Examples: []chat.Example{{
			Line: `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T14:55:00Z","servers":{"sp-fin-01":{"psconfig":{"state":"done"}}}}`,
			Does: "records that PSConfig is done on sp-fin-01, and says what is still missing",
		}},
		Role: state.RoleResponder,
	}
}

// Manual shows a whole document: nobody should have to guess a format.
func (evidenceAdd) Manual(context.Context, string) []chat.Part {
	return []chat.Part{
		chat.P(chat.B("Format"), ": all of it but schema, farm and observed may be left out. What is left out is not known, and proves nothing. ",
			"Times are of the event (at), or of what a hunt covered (from, to)."),
		chat.Block(evidenceExample),
		chat.N("Other words: psconfig needed, modules malicious, hunt hit, keysMatch no, amsi on, balanced, off; contained yes or no. " +
			"items lists all web applications: until somebody has listed them, what each of them must prove stays open."),
	}
}

func (c evidenceAdd) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	data, err := handedIn(call, "document")
	if err != nil {
		return chat.Message{}, err
	}
	d, err := c.take(ctx, call, data)
	if err != nil {
		return chat.Message{}, err
	}
	return d.message(call.Incident), nil
}

// take records a document, and tells what that changed.
func (c evidenceAdd) take(ctx context.Context, call chat.Call, data []byte) (difference, error) {
	r, err := c.read(ctx, call.Incident, data)
	if err != nil {
		return difference{}, err
	}
	d := difference{report: r}
	out, err := c.store.Update(ctx, call.Work("evidence", c.now()), call.Incident, []string{r.farm}, func(tx *state.Tx) error {
		f, err := tx.Farm(r.farm)
		if err != nil {
			return err
		}
		d.rules, d.before = tx.Incident.Rules, f.Assess(tx.Incident.Rules, tx.Work.At)
		if err := tx.Record(r.farm, r.evidence()...); err != nil {
			return err
		}
		d.after = f.Assess(tx.Incident.Rules, tx.Work.At)
		return nil
	})
	if err != nil || !out.Already {
		return d, err
	}
	return c.again(ctx, call, d)
}

// again is for a request that was carried out before: there is no difference to
// show, only how things are.
func (c evidenceAdd) again(ctx context.Context, call chat.Call, d difference) (difference, error) {
	inc, f, err := c.load(ctx, call.Incident, d.farm)
	if err != nil {
		return d, err
	}
	d.rules, d.after, d.already = inc.Rules, f.Assess(inc.Rules, c.now()), true
	d.before = d.after
	return d, nil
}

func (c evidenceAdd) load(ctx context.Context, incident, farm string) (state.Incident, state.FarmState, error) {
	inc, err := c.store.Incident(ctx, incident)
	if err != nil {
		return inc, state.FarmState{}, err
	}
	f, err := c.store.Farm(ctx, incident, farm)
	return inc, f, err
}

// read reads a document and checks it against the inventory and the playbook.
func (c evidenceAdd) read(ctx context.Context, incident string, data []byte) (*report, error) {
	r := readReport(data, c.now())
	if err := c.farmOf(ctx, incident, r); err != nil {
		return nil, err
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	inc, f, err := c.load(ctx, incident, r.farm)
	if err != nil {
		return nil, err
	}
	r.against(inc.Rules, f.Farm, kindRules(inc.Rules), f.Assess(inc.Rules, c.now()).Items)
	if len(r.found) == 0 {
		r.problem(0, "it says nothing about any server")
	}
	return r, r.err()
}

// farmOf finds the farm of a document. Whoever holds a token for one farm learns
// nothing of the others.
func (c evidenceAdd) farmOf(ctx context.Context, incident string, r *report) error {
	switch {
	case c.only == "":
		return farmIn(ctx, c.store, incident, r)
	case r.farm != "" && !strings.EqualFold(r.farm, c.only):
		r.problem(r.farmAt, "this token is for farm %.60q, and for no other", c.only)
	}
	r.farm = c.only
	return nil
}

// farmFinder finds farms, and servers that are a farm of one.
type farmFinder interface {
	namer
	FarmsOf(ctx context.Context, incident string, servers []string) (map[string]string, error)
}

// farmIn finds the farm of a document in the inventory: its name, whatever the
// case, and no prefix of it. A server without a farm is a farm of its own.
func farmIn(ctx context.Context, n farmFinder, incident string, r *report) error {
	if r.farm == "" {
		return nil // told already
	}
	found, err := n.Names(ctx, incident, "farm", r.farm, 50)
	if err != nil {
		return err
	}
	if name, ok := equalFold(r.farm, found); ok {
		r.farm = name
		return nil
	}
	if found, err = n.Complete(ctx, incident, r.farm, 50); err != nil {
		return err
	}
	if name, ok := equalFold(r.farm, found); ok {
		farm, err := farmOf(ctx, n, incident, name)
		if err != nil {
			return err
		}
		if farm != name {
			r.problem(r.farmAt, "farm cannot be %.60q: that is a server of farm %.60q", r.farm, farm)
		}
		r.farm = farm
		return nil
	}
	err = noSuch("farm", r.farm, func(prefix string, limit int) ([]string, error) {
		return n.Names(ctx, incident, "farm", prefix, limit)
	})
	var p *chat.Problem
	if !errors.As(err, &p) {
		return err
	}
	r.problem(r.farmAt, "%s", p.Error())
	return nil
}

// handedIn is the one file of a request, or the text of its line.
func handedIn(call chat.Call, arg string) ([]byte, error) {
	files := call.Values.Files()
	switch text := call.Values.String(arg); {
	case text != "" && len(files) > 0, len(files) > 1:
		return nil, &chat.Problem{What: "One document at a time: a file, or the text in the line.", Try: "Nothing was recorded."}
	case len(files) == 1:
		return files[0].Data, nil
	case text == "":
		return nil, &chat.Problem{What: "There is no document.", Try: "Hand in a file, or write the JSON behind the command."}
	default:
		return []byte(text), nil
	}
}
