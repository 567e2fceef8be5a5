package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// clearStore is what a declaration of clear needs.
type clearStore interface {
	Changer
	Sweeper
	Reader
	Auditor
}

// incidentClear is the first person's word that an incident is over. The second
// one's is approve, which ends in declareClear.
type incidentClear struct {
	store  clearStore
	people state.People
	now    func() time.Time
}

func (incidentClear) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident clear", Summary: "Ask that the incident be declared clear; a second person approves it",
		Examples: []chat.Example{{Line: "incident clear", Does: "shows the board with all exceptions, and waits for a second person if nothing stands in the way"}},
		Role:     state.RoleLead,
	}
}

func (c incidentClear) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	now := c.now()
	inc, board, err := boardNow(ctx, c.store, call, now)
	if err != nil {
		return chat.Message{}, err
	}
	if board.MayClear() != nil && board.Counts.Total() > 0 {
		return chat.Message{}, inTheWay(ctx, c.store, call.Incident, board)
	}
	risks, err := exceptionsOf(ctx, c.store, inc, now)
	if err != nil {
		return chat.Message{}, err
	}
	p, err := proposeClear(ctx, c.store, call, now, inc, board)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H("Clear ", chat.C(inc.ID), "? It takes a second person."))
	m.Add(unseen(board.Counts)...)
	m.Add(boardParts(board, risks, now)...)
	words := state.Declaration{Exceptions: board.Counts.Status[state.StatusExcepted]}.Words()
	m.Add(
		chat.P("It would read ", chat.B(words), ". If anything changes on the board before the second person approves, this request is void. ",
			whoMay(c.people, state.ProposeClear, p.By)),
		chat.Row(press("Approve: "+words, inc.ID, "approve", p.ID), press("Exceptions", inc.ID, "server list", "--status", "excepted")),
	)
	return m.With(chat.ToneWarn), nil
}

// boardNow is the board with nothing left to be assessed anew.
func boardNow(ctx context.Context, store clearStore, call chat.Call, now time.Time) (state.Incident, state.Board, error) {
	work := func(step string) state.Work { return call.Work(step, now) }
	swept, err := sweep(ctx, store, call.Incident, now, work)
	if err != nil && len(swept.failed) == 0 {
		return state.Incident{}, state.Board{}, err
	}
	inc, err := store.Incident(ctx, call.Incident)
	if err != nil {
		return inc, state.Board{}, err
	}
	board, err := store.Board(ctx, call.Incident, now)
	board.Overdue = max(board.Overdue, len(swept.failed)) // nothing is clear while it is not known
	return inc, board, err
}

// proposeClear writes the first person's word. The same person asking again about
// the same board gets the same request.
func proposeClear(ctx context.Context, store clearStore, call chat.Call, now time.Time, inc state.Incident, board state.Board) (state.Proposal, error) {
	if err := board.MayClear(); err != nil {
		return state.Proposal{}, err
	}
	by := call.Request.Actor.Person
	for _, p := range inc.Proposals {
		if p.Kind == state.ProposeClear && p.Hash == board.Hash && p.By == by && now.Before(p.Expires) {
			return p, nil
		}
	}
	p := state.Proposal{
		ID:   proposalID("clear", inc.ID, board.Hash, string(by), call.Request.ID),
		Kind: state.ProposeClear, Hash: board.Hash, By: by,
	}
	_, err := store.Update(ctx, call.Work("propose clear", now), inc.ID, nil, func(tx *state.Tx) error { return tx.Propose(p) })
	return p, err
}

// declareClear is the second person's word on a request to declare clear.
func declareClear(ctx context.Context, store clearStore, call chat.Call, now time.Time, id string) (chat.Message, error) {
	inc, board, err := boardNow(ctx, store, call, now)
	if err != nil {
		return chat.Message{}, err
	}
	if d := inc.Clear; d == nil || d.Hash != board.Hash || board.Overdue > 0 { // else a request that is run again
		var refusal *state.Refusal
		if errors.As(board.MayClear(), &refusal) && board.Counts.Total() > 0 {
			return chat.Message{}, inTheWay(ctx, store, call.Incident, board)
		}
		_, err = store.Update(ctx, call.Work(declareStep(id), now), inc.ID, nil, func(tx *state.Tx) error {
			if err := tx.DeclareClear(id, board); err != nil {
				return err
			}
			tx.Notify(state.Notice{Key: "clear " + inc.ID + " " + call.Request.ID, Kind: NoticeClear, Except: call.Request.Place.Key()})
			return nil
		})
		if err != nil {
			return chat.Message{}, err
		}
		if inc, err = store.Incident(ctx, inc.ID); err != nil {
			return chat.Message{}, err
		}
	}
	if inc.Clear == nil {
		return chat.Message{}, &chat.Problem{What: "It was declared clear, and something has re-opened since.", Try: "See: status"}
	}
	risks, err := exceptionsOf(ctx, store, inc, now)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(chat.B(inc.Clear.Words()), ": ", chat.C(inc.ID)))
	m.Add(unseen(board.Counts)...)
	m.Add(chat.P("Asked for by ", chat.C(string(inc.Clear.By)), ", approved by ", chat.C(string(inc.Clear.Second)), " ", timeOf(inc.Clear.At, now), "."))
	m.Add(boardParts(board, risks, now)...)
	m.Add(chat.N("Whatever re-opens takes this back by itself. Scans go on until ", chat.C("incident close"), "."))
	return m.With(chat.ToneGood), nil
}

// inTheWay says why an incident is not clear: the worst servers by name.
func inTheWay(ctx context.Context, r Reader, incident string, board state.Board) error {
	m := chat.Say(chat.H("Not clear: ", chat.B(fmt.Sprintf("%d of %s open", board.Counts.Open(), are(board.Counts.Total(), "server")))))
	if board.Overdue > 0 {
		m.Add(chat.P(farmsWait(board.Overdue) + " to be assessed anew; ask again in a moment."))
	}
	rows, _, err := r.List(ctx, incident, state.Filter{}, 0, 4*namedAtMost)
	if err != nil {
		return err
	}
	list := chat.L()
	for _, row := range rows {
		if !row.Status.Settled() && len(list.Items) < namedAtMost {
			list.Items = append(list.Items, rowLine(row))
		}
	}
	if list.More = board.Counts.Open() - len(list.Items); len(list.Items) > 0 {
		m.Add(list)
	}
	m.Add(chat.P(countsLine(board.Counts)), chat.Row(press("All servers", incident, "server list")))
	return notDone(m)
}

// risk is an accepted risk of a server.
type risk struct {
	server string
	state.Exception
}

// exceptionsOf lists the exceptions in force, the first to end first.
func exceptionsOf(ctx context.Context, r Reader, inc state.Incident, now time.Time) ([]risk, error) {
	farms, err := exceptedFarms(ctx, r, inc.ID)
	if err != nil {
		return nil, err
	}
	var out []risk
	for name, servers := range farms {
		f, err := r.Farm(ctx, inc.ID, name)
		if err != nil {
			return nil, err
		}
		for _, x := range f.Farm.Exceptions {
			if servers[x.Server] && now.Before(x.Expires) {
				out = append(out, risk{x.Server, x})
			}
		}
	}
	slices.SortFunc(out, func(a, b risk) int { return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.server, b.server)) })
	return out, nil
}

// exceptedFarms are the servers with an accepted risk by farm.
func exceptedFarms(ctx context.Context, r Reader, incident string) (map[string]map[string]bool, error) {
	excepted := state.StatusExcepted
	farms := map[string]map[string]bool{}
	for offset := 0; ; {
		rows, total, err := r.List(ctx, incident, state.Filter{Status: &excepted}, offset, walkPage)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if farms[row.Farm] == nil {
				farms[row.Farm] = map[string]bool{}
			}
			farms[row.Farm][row.Name] = true
		}
		if offset += len(rows); len(rows) == 0 || offset >= total {
			return farms, nil
		}
	}
}

// boardParts is a board in numbers: what it rests on, and every accepted risk.
func boardParts(b state.Board, risks []risk, now time.Time) []chat.Part {
	out := []chat.Part{chat.P(countsLine(b.Counts), ". Board ", chat.C(shortHash(b.Hash)), ".")}
	if len(risks) > 0 {
		list := chat.L()
		var all strings.Builder
		for i, x := range risks {
			scope := "all that is missing"
			if len(x.Steps) > 0 {
				scope = strings.Join(x.Steps, ", ")
			}
			if i < 20 {
				list.Items = append(list.Items, chat.T("⊘ ", chat.C(x.server), " until ", fullTime(x.Expires), ": ", chat.C(scope),
					", ", chat.C(x.Reason), chat.D(fmt.Sprintf(" (%s, %s)", x.By, x.Second))))
			}
			fmt.Fprintf(&all, "%s\tuntil %s\t%s\t%q\t%s\t%s\n", x.server, x.Expires.UTC().Format(time.RFC3339), scope, x.Reason, x.By, x.Second)
		}
		list.More = len(risks) - len(list.Items)
		out = append(out, chat.P(chat.B(plural(len(risks), "exception")), ", each ends by itself and re-opens its server; the first "+ago(risks[0].Expires, now)+":"), list)
		if list.More > 0 {
			file := attached("exceptions.txt", all.String())
			out = append(out, file)
		}
	}
	return out
}

// attached is a file of ours, marked as all that names servers.
func attached(name, text string) chat.Attachment {
	return chat.Attachment{Mark: chat.H().Mark, Name: name, Data: []byte(text)}
}
