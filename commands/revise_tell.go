package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// ownersAtOnce is to how many owners one change tells what a revision did.
const ownersAtOnce = 50

// tellStore is what telling the owners needs.
type tellStore interface {
	Changer
	Auditor
	Behind(ctx context.Context, incident string, limit int) ([]string, error)
	Incident(ctx context.Context, id string) (state.Incident, error)
}

// tellRevision tells each owner, in one message, what the revision in force did to
// their servers, when every farm was assessed by it, or could not be: those are named
// to all, and keep nobody else from hearing. It may be called by several at once, and
// again after it was cut off: each message is made once.
func tellRevision(ctx context.Context, s tellStore, incident string, now time.Time, failed []string) error {
	inc, err := s.Incident(ctx, incident)
	if err != nil || len(inc.Revised) == 0 || !inc.Closed.IsZero() {
		return err
	}
	last := inc.Revised[len(inc.Revised)-1]
	if !last.Told.IsZero() {
		return nil
	}
	behind, err := s.Behind(ctx, incident, len(failed)+1)
	if err != nil || slices.ContainsFunc(behind, func(f string) bool { return !slices.Contains(failed, f) }) {
		return err // the others are not through yet
	}
	news, err := revisedNews(ctx, s, inc, untold(inc.Revised))
	if err != nil {
		return err
	}
	if len(behind) > 0 {
		news = append(news, notAssessed(inc, last.Revision, behind))
	}
	pages := slices.Collect(slices.Chunk(news, ownersAtOnce))
	if len(pages) == 0 {
		pages = append(pages, nil)
	}
	for i, page := range pages {
		w := state.Work{Request: fmt.Sprintf("revised %s %d", incident, last.Revision), Step: fmt.Sprint("tell ", i), Via: "sweep", At: now}
		_, err := s.Update(ctx, w, incident, nil, func(tx *state.Tx) error { return tx.TellRevision(last.Revision, page, i+1 < len(pages)) })
		if err != nil {
			return fmt.Errorf("tell the owners of %s of revision %d: %w", incident, last.Revision, err)
		}
	}
	return nil
}

// notAssessed is the notice that names the farms that a revision could not be applied to.
func notAssessed(inc state.Incident, revision int, farms []string) state.Notice {
	slices.Sort(farms)
	return state.Notice{
		Key: fmt.Sprintf("revised %s %d not assessed", inc.ID, revision), Kind: state.NoticeRevised,
		Facts: map[string]string{"playbook": inc.Rules.Playbook, "revision": fmt.Sprint(revision), "not assessed": strconv.Itoa(len(farms)), "farms": fewOf(farms, maxShown)},
	}
}

// untold are the newest revisions, as far as nobody was told of them: another one may
// come into force before every farm was assessed by the one before.
func untold(all []state.Revision) []state.Revision {
	n := len(all)
	for n > 0 && all[n-1].Told.IsZero() {
		n--
	}
	return all[n:]
}

// revisedNews are the notices to the owners, from the record: what each server was
// before these revisions and after them.
func revisedNews(ctx context.Context, s Auditor, inc state.Incident, rs []state.Revision) ([]state.Notice, error) {
	first, r := rs[0], rs[len(rs)-1]
	type to struct{ owner, group string }
	by := map[to]*state.Notice{}
	counts := map[to]map[string]int{}
	err := eachEntry(ctx, s, first.After+1, 0, func(e state.AuditEntry) error {
		if e.Incident != inc.ID {
			return nil
		}
		for _, t := range e.Changes {
			if t.Revision < first.Revision {
				continue
			}
			k := to{owner: t.Owner}
			if t.Owner == "" {
				k.group = t.Group
			}
			n := by[k]
			if n == nil {
				n = &state.Notice{
					Key: fmt.Sprintf("revised %s %d %s %s", inc.ID, r.Revision, k.owner, k.group), Kind: state.NoticeRevised, Owner: k.owner, Group: k.group,
					Coalesce: fmt.Sprintf("revised %s %d %s %s", inc.ID, r.Revision, k.owner, k.group),
				}
				by[k], counts[k] = n, map[string]int{}
			}
			counts[k][effectOf(t)]++
			n.Changes = append(n.Changes, t)
			if len(n.Changes) > 2*state.MaxTold { // only the worst are named
				sortTransitions(n.Changes)
				n.Changes, n.More = n.Changes[:state.MaxTold], n.More+len(n.Changes)-state.MaxTold
			}
		}
		return nil
	})
	var out []state.Notice
	for k, n := range by {
		sortTransitions(n.Changes)
		if more := len(n.Changes) - state.MaxTold; more > 0 {
			n.Changes, n.More = n.Changes[:state.MaxTold], n.More+more
		}
		n.Facts = map[string]string{"playbook": inc.Rules.Playbook, "revision": fmt.Sprint(r.Revision), "effects": effectsLine(counts[k])}
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b state.Notice) int { return cmp.Compare(a.Key, b.Key) })
	return out, err
}

// Effects of a revision on a server, worst first.
const (
	effectReopens  = "re-open"
	effectExposed  = "become exposed"
	effectUnknown  = "become unknown"
	effectBack     = "need more proof"
	effectCloses   = "close"
	effectAttacked = "show a sign of an attacker"
	effectBetter   = "move on"
)

var effects = []string{effectReopens, effectAttacked, effectExposed, effectUnknown, effectBack, effectCloses, effectBetter}

// effectOf is what a change of status under a new revision means.
func effectOf(t state.Transition) string {
	switch {
	case t.From.Settled() && !t.To.Settled():
		return effectReopens
	case t.To.Settled():
		return effectCloses
	case t.To == state.StatusCompromised, t.To == state.StatusSuspected && t.From != state.StatusCompromised:
		return effectAttacked
	case t.To == state.StatusExposed:
		return effectExposed
	case t.To == state.StatusUnknown:
		return effectUnknown
	case t.To.Rank() < t.From.Rank():
		return effectBack
	}
	return effectBetter
}

// effectsLine counts effects, worst first: "12 re-open · 3 become unknown".
func effectsLine(n map[string]int) string {
	out := ""
	for _, e := range effects {
		if n[e] > 0 {
			if out != "" {
				out += " · "
			}
			out += strconv.Itoa(n[e]) + " " + e
		}
	}
	return out
}

// eachEntry visits the record from an entry on, up to another (0: to its end). What
// is not there is an error that names it.
func eachEntry(ctx context.Context, s Auditor, from, to int64, do func(state.AuditEntry) error) error {
	last, err := s.AuditSeq(ctx)
	if err != nil {
		return err
	}
	if to == 0 || to > last {
		to = last
	}
	for from <= to {
		page, err := s.Audit(ctx, from, int(min(auditPage, to-from+1)))
		if err != nil {
			return err
		}
		if len(page) == 0 || page[0].Seq != from {
			return &missingEntries{from, to}
		}
		for _, e := range page {
			if err := do(e); err != nil {
				return err
			}
		}
		from = page[len(page)-1].Seq + 1
	}
	return nil
}

// missingEntries are entries of the record that are not there any more.
type missingEntries struct{ from, to int64 }

func (m *missingEntries) Error() string {
	return fmt.Sprintf("the record is not whole here: entry %d, of those up to %d, is not there any more", m.from, m.to)
}

// revised is one message to an owner: what a revision did to their servers, and why.
func (v *Voice) revised(ctx context.Context, n state.Notice) (chat.Message, error) {
	inc, err := v.store.Incident(ctx, n.Incident)
	if errors.Is(err, state.ErrNotFound) {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	if number := n.Facts["not assessed"]; number != "" {
		k, _ := strconv.Atoi(number)
		m := chat.Say(
			chat.H(plural(k, "farm")+" could not be assessed by revision "+n.Facts["revision"]+" of the playbook ", chat.C(n.Facts["playbook"])),
			chat.P(chat.C(n.Facts["farms"]), ". Their servers stand as the revision before left them, and nothing can be declared clear until they are assessed. It is tried again by itself, and the reason is in the log."),
		)
		m.About.Incident = n.Incident
		return m.With(chat.ToneBad), nil
	}
	m := chat.Say(chat.H(chat.C(cmp.Or(n.Owner, n.Group, "nobody")), fmt.Sprintf(": revision %s of the playbook ", n.Facts["revision"]), chat.C(n.Facts["playbook"]), " changes your servers"))
	m.Add(chat.P("Of yours: " + n.Facts["effects"] + "."))
	if i := slices.IndexFunc(inc.Revised, func(r state.Revision) bool { return fmt.Sprint(r.Revision) == n.Facts["revision"] }); i >= 0 && len(inc.Revised[i].Why) > 0 {
		m.Add(chat.P(chat.B("Why: "), chat.C(fewOf(inc.Revised[i].Why, 3))))
	}
	list, acute, now := chat.L(), "", v.now()
	for _, t := range n.Changes {
		row, err := v.store.Row(ctx, n.Incident, t.Server)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return chat.Message{}, err
		}
		if acute == "" && !row.Status.Settled() {
			acute = t.Server
		}
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		was := state.Notice{At: n.At, Facts: map[string]string{"from": t.From.String(), "to": t.To.String(), "why": t.Why}}
		list.Items = append(list.Items, happened(was, row, now))
	}
	list.More += n.More
	m.Add(list)
	m.About.Incident = n.Incident
	if acute == "" {
		return m, nil
	}
	m.Notify = mention(n.Owner, n.Group)
	m.Add(chat.Row(press("I work on "+acute, n.Incident, "claim", acute), press("Verify "+acute, n.Incident, "verify", acute)))
	return m.With(chat.ToneBad), nil
}

// countEffects counts what each change means.
func countEffects(ts []state.Transition) map[string]int {
	n := map[string]int{}
	for _, t := range ts {
		n[effectOf(t)]++
	}
	return n
}

// concernsLine names whom changes concern, those with most first.
func concernsLine(changes []state.Transition) chat.Text {
	owners := map[string]int{}
	for _, t := range changes {
		owners[cmp.Or(t.Owner, "nobody")]++
	}
	names := slices.SortedFunc(maps.Keys(owners), func(a, b string) int { return cmp.Or(cmp.Compare(owners[b], owners[a]), cmp.Compare(a, b)) })
	out := chat.T(chat.B("Concerns: "))
	for i, o := range names[:min(len(names), 8)] {
		if i > 0 {
			out = append(out, chat.T(", ")...)
		}
		out = append(out, chat.T(chat.C(o), fmt.Sprintf(" %d", owners[o]))...)
	}
	if more := len(names) - 8; more > 0 {
		out = append(out, chat.T(fmt.Sprintf(" and %s more", plural(more, "owner")))...)
	}
	return out
}
