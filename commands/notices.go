package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Kinds of notices that commands make, beside those of package state.
const (
	NoticePing   state.NoticeKind = "ping"           // a reminder to an owner
	NoticeClosed state.NoticeKind = "closed"         // the incident was closed
	NoticeClear  state.NoticeKind = "declared clear" // it was declared clear
)

// Voice puts notices into words at the moment when they are delivered, so that
// they say what is true then, beside what was true at their cause.
type Voice struct {
	store boardStore
	draw  func(Burn, io.Writer) (string, error)
	pings pinger
	now   func() time.Time
	limit time.Duration // between reminders, when the incident does not say
	desk  Desk
}

// NewVoice makes a Voice.
func NewVoice(p Parts) *Voice {
	return &Voice{store: p.Store, draw: p.Draw, pings: newPinger(p), now: p.Now, limit: p.Cadence, desk: p.Store}
}

// Render makes one message of notices for one place. A message without parts
// means that there is nothing to say any more. It mentions owners and groups only
// when they must act.
func (v *Voice) Render(ctx context.Context, ns []state.Notice, place state.Place) (chat.Message, error) {
	var out chat.Message
	groups := alike(ns)
	for _, same := range groups {
		m, err := v.alike(ctx, same, place)
		if err == nil {
			m, err = v.drilled(ctx, same[0].Incident, m)
		}
		if err != nil {
			return chat.Message{}, err
		}
		out.Parts = append(out.Parts, m.Parts...)
		out.Tone = max(out.Tone, m.Tone)
		if len(groups) == 1 {
			out.About, out.Topic = m.About, m.Topic
		}
		for _, n := range m.Notify {
			if !slices.Contains(out.Notify, n) {
				out.Notify = append(out.Notify, n)
			}
		}
	}
	return out, nil
}

// Heard are those of some notices for a place that it is to hear still. What was for the
// places of an incident is for those that are bound when it is said, up to the narrower
// of the ceilings that such a place had then and has now.
func (v *Voice) Heard(ctx context.Context, ns []state.Notice, place state.Place) (heard []state.Notice, at state.Place, err error) {
	at = place
	var inc state.Incident
	for _, n := range ns {
		if !forBound(n) {
			heard = append(heard, n)
			continue
		}
		if inc.ID != n.Incident {
			if inc, err = v.store.Incident(ctx, n.Incident); errors.Is(err, state.ErrNotFound) {
				continue
			} else if err != nil {
				return nil, place, err
			}
		}
		i := slices.IndexFunc(inc.Places, func(o state.Place) bool { return o.Key() == place.Key() })
		if i >= 0 && n.Heard(inc, place.Key()) {
			heard, at.Ceiling = append(heard, n), state.Narrower(at.Ceiling, inc.Places[i].Top())
		}
	}
	return heard, at, nil
}

// forBound reports whether a notice is for the places of its incident, and not for whom
// an advisory goes to, for the team's triage, or for who asked.
func forBound(n state.Notice) bool {
	switch n.Kind {
	case state.NoticeAdvisory, state.NoticeAdvisoryNews, state.NoticeReport:
		return false
	}
	return n.Incident != "" && n.Payload == nil
}

// drilled marks what an exercise says, so that nobody takes it for the real thing.
func (v *Voice) drilled(ctx context.Context, incident string, m chat.Message) (chat.Message, error) {
	if len(m.Parts) == 0 {
		return m, nil
	}
	inc, err := v.store.Incident(ctx, incident)
	if errors.Is(err, state.ErrNotFound) {
		return m, nil
	}
	return drill(inc, m), err
}

// drill puts the mark of an exercise before a message.
func drill(inc state.Incident, m chat.Message) chat.Message {
	if h, ok := m.Parts[0].(chat.Heading); ok && inc.Drill {
		h.Text = append(chat.T(drillMark(inc)), h.Text...)
		m.Parts[0] = h
	}
	return m
}

// alike groups notices that are about the same, in the order in which they came.
func alike(ns []state.Notice) [][]state.Notice {
	var out [][]state.Notice
	for _, n := range ns {
		i := slices.IndexFunc(out, func(o []state.Notice) bool {
			return o[0].Kind == n.Kind && o[0].Incident == n.Incident && o[0].Owner == n.Owner && o[0].Group == n.Group
		})
		if i < 0 {
			out = append(out, nil)
			i = len(out) - 1
		}
		out[i] = append(out[i], n)
	}
	return out
}

func (v *Voice) alike(ctx context.Context, ns []state.Notice, place state.Place) (chat.Message, error) {
	n := ns[len(ns)-1]
	switch n.Kind {
	case state.NoticeRegressed, state.NoticeReopened, state.NoticeCompromised:
		return v.servers(ctx, ns)
	case state.NoticeRevised:
		return v.revised(ctx, n)
	case NoticePing:
		return v.ping(ctx, n)
	case NoticePhase:
		return v.deadline(ctx, n)
	case state.NoticeClaimAsked, state.NoticeClaimEnded:
		return v.claims(ctx, ns)
	case state.NoticeAdvisory:
		return v.advisoryCopy(ctx, n, place)
	case state.NoticeAdvisoryNews:
		return v.advisoryNews(ctx, n, place)
	case state.NoticeReport:
		return v.report(ctx, n)
	case state.NoticeBearing:
		return v.bearing(ctx, n)
	case NoticeBoard:
		return v.board(ctx, n)
	case state.NoticeThread:
		return v.head(ctx, n)
	case state.NoticeChanged:
		return v.changed(ns), nil
	case state.NoticeRevoked, NoticeClear, NoticeClosed:
		return v.incident(ctx, n)
	}
	return unknownNotice(ns), nil
}

// unknownNotice says what it can: a notice of another version is never swallowed.
func unknownNotice(ns []state.Notice) chat.Message {
	list := chat.L()
	for _, n := range ns {
		t := chat.T(chat.C(string(n.Kind)), " ", chat.C(n.Incident), " ", chat.C(fewOf(n.Servers, 5)))
		if why := n.Facts["why"]; why != "" {
			t = append(t, chat.T(" · ", chat.C(why))...)
		}
		list.Items = append(list.Items, t)
	}
	return chat.Say(list)
}

// incident is a notice about an incident as a whole, with how it is now.
func (v *Voice) incident(ctx context.Context, n state.Notice) (chat.Message, error) {
	inc, err := v.store.Incident(ctx, n.Incident)
	if errors.Is(err, state.ErrNotFound) {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	counts, err := v.store.Counts(ctx, n.Incident, state.Filter{})
	if err != nil {
		return chat.Message{}, err
	}
	now := v.now()
	late, err := overdueIn(ctx, v.store, inc, now)
	if err != nil {
		return chat.Message{}, err
	}
	f := facts{inc: inc, counts: counts, overdue: late, now: now}
	verdict, _ := f.verdict()
	board := chat.P(verdict, " ", countsLine(counts), ".")
	switch n.Kind {
	case state.NoticeRevoked:
		head := chat.H(chat.B("No longer clear: "), chat.C(n.Incident))
		return chat.Say(head, chat.P("Revoked ", when(n.At, now), ": ", chat.C(n.Facts["why"]), "."), board).With(chat.ToneBad), nil
	case NoticeClear:
		if inc.Clear == nil {
			return chat.Message{}, nil // revoked since, and that is said on its own
		}
		if !f.clear() {
			return chat.Say(chat.H(chat.B("Was declared clear: "), chat.C(n.Incident)), board).With(chat.ToneWarn), nil
		}
		m := chat.Say(chat.H(chat.B(inc.Clear.Words()), ": ", chat.C(n.Incident)))
		m.Add(append(unseen(counts), board)...)
		burn, err := BurnDown(ctx, v.store, n.Incident, now)
		if err != nil {
			return chat.Message{}, err
		}
		m.Add(picture(burn, v.draw)...)
		return m.With(chat.ToneGood), nil
	}
	m := chat.Say(chat.H("Closed: ", chat.C(n.Incident)))
	if why := strings.TrimSpace(n.Facts["reason"]); why != "" {
		m.Add(chat.P("Reason: ", chat.C(why)))
	}
	m.Add(board)
	return m, nil
}

// servers is one message about servers of one owner to which the same happened.
func (v *Voice) servers(ctx context.Context, ns []state.Notice) (chat.Message, error) {
	list := chat.L()
	now, acute, tone := v.now(), false, chat.ToneWarn
	var first string
	for _, n := range ns {
		for _, name := range n.Servers {
			row, err := v.store.Row(ctx, n.Incident, name)
			if errors.Is(err, state.ErrNotFound) {
				continue
			}
			if err != nil {
				return chat.Message{}, err
			}
			if !row.Status.Settled() {
				acute, tone = true, chat.ToneBad
				if first == "" {
					first = name
				}
			}
			if len(list.Items) == maxShown {
				list.More++
				continue
			}
			list.Items = append(list.Items, happened(n, row, now))
		}
	}
	if len(list.Items) == 0 {
		return chat.Message{}, nil
	}
	n := ns[len(ns)-1]
	m := chat.Say(headingOf(n, len(list.Items)+list.More), list).With(tone)
	if m.About.Incident = n.Incident; len(ns) == 1 && len(n.Servers) == 1 {
		m.About.Server = n.Servers[0]
	}
	if acute {
		m.Notify = mention(n.Owner, n.Group)
		m.Add(chat.Row(press("I work on "+first, n.Incident, "claim", first), press("Verify "+first, n.Incident, "verify", first)))
	}
	return m, nil
}

// headingOf is what happened, and to whom when it was one.
func headingOf(n state.Notice, servers int) chat.Heading {
	what := map[state.NoticeKind]string{state.NoticeRegressed: " regressed", state.NoticeReopened: " re-opened"}[n.Kind]
	if what == "" {
		what = ": signs of an attacker"
		if servers > 1 {
			what = " with signs of an attacker"
		}
	}
	if servers == 1 && len(n.Servers) == 1 {
		return chat.H(chat.C(n.Servers[0]), what)
	}
	return chat.H(plural(servers, "server") + what)
}

// happened is what was true at the cause and what is true now: "was confirmed
// until 09:12, now exposed".
func happened(n state.Notice, r state.Row, now time.Time) chat.Text {
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name))
	if from := n.Facts["from"]; from != "" {
		t = append(t, chat.T(" was "+from+" until "+when(n.At, now)+",")...)
	}
	t = append(t, chat.T(" now "+r.Status.String())...)
	if to := n.Facts["to"]; to != "" && to != r.Status.String() {
		t = append(t, chat.D(fmt.Sprintf(" (%s in between)", to)))
	}
	if why := n.Facts["why"]; why != "" {
		t = append(t, chat.T(" · ", chat.C(why))...)
	}
	if r.Reason != "" && r.Reason != n.Facts["why"] && !r.Status.Settled() {
		t = append(t, chat.T(" · ", chat.C(cut(r.Reason, 120)))...)
	}
	if r.Next != "" {
		t = append(t, chat.T(" · next: ", nextAction(r.Next))...)
	}
	return t
}

// mention names who must act: the owner, or the group when there is none.
func mention(owner, group string) []string {
	switch {
	case owner != "":
		return []string{"owner:" + owner}
	case group != "":
		return []string{"group:" + group}
	}
	return nil
}
