package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// incidentBind lets one more place hear of an incident.
type incidentBind struct {
	store interface {
		Changer
		namer
		Incident(ctx context.Context, id string) (state.Incident, error)
	}
	reach func(context.Context, state.Place) string
	now   func() time.Time
}

func (incidentBind) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident bind", Summary: "Let this channel hear of the incident, up to a TLP marking",
		Flags: []chat.Arg{
			{Name: "tlp", Help: "the narrowest marking that may be shown here; what the channel allows otherwise", Choices: ceilings()},
			{Name: "group", Help: "this channel is a group's: it is reminded here, also when reminders escalate", Type: chat.Group},
		},
		Examples: []chat.Example{
			{Line: "incident bind", Does: "pins the incident's card here, and sends news here from now on"},
			{Line: "incident bind --tlp green", Does: "the same, without names of servers and owners"},
			{Line: "incident bind --group emea", Does: "the same, and the group emea is reminded here from now on"},
		},
		Role: state.RoleLead,
	}
}

// ceilings are the markings that a place may have, as they are typed.
func ceilings() []string { return []string{"amber+strict", "amber", "green", "clear"} }

func (c incidentBind) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	p, err := boundPlace(call)
	if err != nil {
		return chat.Message{}, err
	}
	group, err := c.group(ctx, call, p)
	if err != nil {
		return chat.Message{}, err
	}
	if _, err := c.store.Update(ctx, call.Work("bind", c.now()), call.Incident, nil, func(tx *state.Tx) error {
		for _, o := range tx.Incident.Places {
			if o.Key() == p.Key() {
				p.Quiet = o.Quiet // who binds again changes the ceiling
			}
		}
		if err := tx.Bind(p); err != nil || group == "" {
			return err
		}
		return tx.BindGroup(group, p.Key())
	}); err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P("This place hears of ", chat.C(call.Incident), " from now on, up to ", p.Ceiling, "."))
	if group != "" {
		m.Add(chat.P("The group ", chat.C(group), " is reminded here: of what is nobody's, and of all of its own when the deadline is near."))
	}
	m.Add(chat.Row(press("Status", call.Incident, "status")))
	if !p.Sees(state.TLPAmberStrict) {
		m.Parts = public(chat.Say(chat.P("Done. What is marked ", p.Top(), " or wider is shown here from now on."))).Parts
	}
	return reach(ctx, m, c.reach, p), nil
}

// group is the group whose channel this is to be; "": of none.
func (c incidentBind) group(ctx context.Context, call chat.Call, p state.Place) (string, error) {
	if !call.Values.Has("group") {
		return "", nil
	}
	if !p.Sees(state.TLPAmberStrict) {
		return "", &chat.Problem{What: fmt.Sprintf("Nobody can be reminded here: this place may see no more than %s, and not the names of servers.", p.Top()), Try: "Take a private channel of the group."}
	}
	return otherName(ctx, c.store, call.Incident, "group", call.Values.String("group"), func(n string) string {
		return press("", call.Incident, "incident bind", "--group", n).Line
	})
}

// reach warns when a place would hear of an incident and hears nothing.
func reach(ctx context.Context, m chat.Message, ask func(context.Context, state.Place) string, p state.Place) chat.Message {
	if ask == nil {
		return m
	}
	why := ask(ctx, p)
	if why == "" {
		return m
	}
	m.Add(chat.P(chat.B("Nothing arrives in this place yet: "), why))
	return m.With(chat.ToneWarn)
}

// boundPlace is the place of a request as one that hears of an incident. The
// ceiling is the platform's, or a lower one that was asked for.
func boundPlace(call chat.Call) (state.Place, error) {
	p := call.Request.Place
	if p.Platform == "" || p.Channel == "" {
		return p, &chat.Problem{What: "This is no place that can hear of an incident.", Try: "Ask in the channel that should hear of it."}
	}
	p.Person, p.Thread, p.Reply = "", "", "" // the channel hears, not one person in it
	given := call.Values.String("tlp")
	if given == "" && p.Threads && p.Ceiling == state.TLPClear {
		return p, &chat.Problem{
			What: "This place may see only TLP:CLEAR, or it is not known yet who is in it.",
			Try:  "Ask again in a minute; or add --tlp clear if that is meant.",
		}
	}
	if given == "" {
		return p, nil
	}
	asked, err := state.ParseTLP(given)
	if err != nil {
		return p, &chat.Problem{What: err.Error() + "."}
	}
	if state.Narrower(asked, p.Ceiling) != asked {
		return p, &chat.Problem{What: fmt.Sprintf("This place may see no more than %s.", p.Ceiling), Try: "That is set by who is in it, and by the configuration."}
	}
	p.Ceiling = asked
	return p, nil
}

// incidentUnbind makes a place hear of an incident no more.
type incidentUnbind struct {
	store interface {
		Changer
		Reminded
		Queue
		Incident(ctx context.Context, id string) (state.Incident, error)
	}
	pinger
}

func (incidentUnbind) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident unbind", Summary: "Let this channel hear of the incident no more",
		Examples: []chat.Example{{Line: "incident unbind", Does: "stops reminders and news of the incident in this channel"}},
		Role:     state.RoleLead,
	}
}

func (c incidentUnbind) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	p := call.Request.Place
	p.Person, p.Thread = "", ""
	if _, err := c.store.Update(ctx, call.Work("unbind", c.now()), call.Incident, nil, func(tx *state.Tx) error {
		return tx.Unbind(p.Key())
	}); err != nil {
		return chat.Message{}, err
	}
	unheard, err := c.move(ctx, call, p.Key()) // what was addressed to it is stored by now, and there will be no more
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P("This place hears of ", chat.C(call.Incident), " no more."))
	if len(inc.Places) == 0 {
		m.Add(chat.P(chat.B("Nobody is reminded now: "), "no place hears of this incident."))
		m.Tone = chat.ToneWarn
	}
	if len(unheard) > 0 {
		m.Add(chat.P(chat.B("What waited here is told to nobody: "), "no place of the incident may see the names of servers. It was for ", chat.C(fewOf(unheard, maxShown)), "."))
		m.Tone = chat.ToneWarn
	}
	return m, nil
}

// move addresses what was not said yet in a place that hears of the incident no more
// to where it goes now, and names those whom no place takes.
func (c incidentUnbind) move(ctx context.Context, call chat.Call, from string) (unheard []string, err error) {
	letters, err := c.store.LettersAt(ctx, from)
	if err != nil {
		return nil, err
	}
	letters = slices.DeleteFunc(letters, func(l state.Letter) bool {
		return l.Notice.Incident != call.Incident || l.Notice.Only != from || l.Notice.Kind != NoticePing && l.Notice.Kind != NoticePhase
	})
	for some := range slices.Chunk(letters, pingsAtOnce) {
		lost, err := c.moveSome(ctx, call, some)
		if err != nil {
			return nil, err
		}
		for _, to := range lost {
			if name := readerName(to); !slices.Contains(unheard, name) {
				unheard = append(unheard, name)
			}
		}
	}
	return unheard, nil
}

func (c incidentUnbind) moveSome(ctx context.Context, call chat.Call, some []state.Letter) (unheard []string, err error) {
	var ids, readers []string
	for _, l := range some {
		ids = append(ids, l.ID)
		if l.Notice.Kind == NoticePing {
			readers = append(readers, l.Notice.Facts["to"])
		}
	}
	forget := map[string]state.PingMemory{}
	if len(readers) > 0 {
		if forget, err = c.store.Pings(ctx, call.Incident, readers...); err != nil {
			return nil, err
		}
	}
	for to, m := range forget { // who is not told is not taken for reminded
		m.Slot, m.Until, m.Facts = time.Time{}, time.Time{}, ""
		m.Mentions = slices.DeleteFunc(m.Mentions, func(t time.Time) bool { return t.After(c.now()) })
		forget[to] = m
	}
	_, err = c.store.Update(ctx, call.Work("move "+digestOf(ids), c.now()), call.Incident, nil, func(tx *state.Tx) (err error) {
		notices := make([]state.Notice, 0, len(some))
		for _, l := range some {
			notices = append(notices, l.Notice.To(tx.Incident, c.placeKey(tx.Incident, l.Notice.Facts["to"])))
		}
		unheard, err = tx.Readdress(notices, forget)
		return err
	})
	return unheard, err
}
