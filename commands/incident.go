package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// incidentCommands begin, show and end incidents, and revise what they demand.
func incidentCommands(p Parts) []Command {
	return []Command{
		incidentOpen{p.Store, p.Load, p.Reach, p.Now, p.Cadence, p.Zone},
		incidentList{p.Store, p.Now},
		incidentShow{p.Store, p.People, p.Now},
		incidentClear{p.Store, p.People, p.Now},
		incidentClose{p.Store, p.Now},
		playbookRevise{p.Store, p.Load, p.Now},
		incidentBind{p.Store, p.Reach, p.Now},
		incidentUnbind{p.Store, newPinger(p)},
	}
}

// Bounds of a cadence: more often is noise, more seldom is silence.
const (
	minCadence     = 5 * time.Minute
	maxCadence     = 7 * 24 * time.Hour
	defaultCadence = 2 * time.Hour
)

// incidentID is what people type all day: short, lower case, no quotes needed.
var incidentID = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)

// loader finds a playbook by name or file.
type loader func(nameOrPath string) (playbook.Playbook, error)

// incidentOpen begins an incident, and binds the place where it was asked for.
type incidentOpen struct {
	store interface {
		Changer
		Incident(ctx context.Context, id string) (state.Incident, error)
	}
	load    loader
	reach   func(context.Context, state.Place) string
	now     func() time.Time
	cadence time.Duration
	zone    string
}

func (incidentOpen) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident open", Summary: "Begin an incident, and let this channel hear of it",
		Args: []chat.Arg{{Name: "name", Help: "a short name in lower case, like toolshell-1"}},
		Flags: []chat.Arg{
			{Name: "playbook", Help: "the campaign (" + strings.Join(playbook.Builtins(), ", ") + "), or NAME@REVISION"},
			{Name: "title", Help: "what people read; the playbook's title otherwise"},
			{Name: "cadence", Help: "between reminders to one person, like 2h", Type: chat.Duration},
			{Name: "zone", Help: "time zone of digests, quiet hours and dates, like Europe/Berlin"},
			{Name: "due", Help: "by when it is to be done (UTC); the date of the authorities otherwise", Type: chat.Time},
			{Name: "tlp", Help: "the narrowest marking that this channel may see; what it allows otherwise", Choices: ceilings()},
			{Name: "drill", Help: "an exercise: everything is marked so", Type: chat.Switch},
		},
		Examples: []chat.Example{
			{Line: "incident open toolshell-1", Does: "opens an incident with the newest revision of the built-in playbook"},
			{Line: `incident open drill-7 --playbook toolshell --title "Autumn drill" --cadence 30m --drill`, Does: "opens an exercise that reminds every half hour"},
		},
		Role: state.RoleLead, Global: true,
	}
}

func (c incidentOpen) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.incident(call)
	if err != nil {
		return chat.Message{}, err
	}
	now := c.now()
	_, err = c.store.Update(ctx, call.Work("open", now), inc.ID, nil, func(tx *state.Tx) error {
		err := tx.OpenIncident(inc)
		for _, j := range defaultJobs(inc.Cadence, inc.Zone) {
			err = errors.Join(err, tx.Schedule(j))
		}
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	if inc, err = c.store.Incident(ctx, inc.ID); err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(drillMark(inc)+"Incident ", chat.C(inc.ID), " is open: ", chat.C(inc.Title)))
	m.Add(chat.P("Playbook ", chat.C(inc.Rules.Playbook), fmt.Sprintf(" revision %d, %s. Fix lines:", inc.Rules.Revision, plural(len(inc.Rules.Steps), "step"))))
	m.Add(linesPart(fixLines(inc.Rules)))
	if len(inc.Places) > 0 {
		m.Add(chat.P("This place hears of it; reminders go out every " + spanWords(inc.Cadence) + "."))
	}
	if words := deadlineWords(inc, now); words != "" {
		m.Add(chat.P(words + " (" + inc.Deadline().In(inc.Location()).Format("Mon 2 Jan 15:04 MST") + ")."))
	}
	m.Add(chat.P(chat.B("Next: "), "hand in the servers with ", chat.C("server import"), ", then ", chat.C("scan"), "."),
		chat.Row(chat.Button{Label: "What it demands", Line: typed("incident", "show", inc.ID)}))
	for _, p := range inc.Places {
		m = reach(ctx, m, c.reach, p)
	}
	return m, nil
}

// incident makes the record of what was asked for.
func (c incidentOpen) incident(call chat.Call) (state.Incident, error) {
	v := call.Values
	id := v.String("name")
	if !incidentID.MatchString(id) {
		p := &chat.Problem{What: fmt.Sprintf("%.60q cannot name an incident.", id), Try: "Use up to 40 lower-case letters, digits, dots and dashes."}
		if near := strings.Trim(idSafe(strings.ToLower(strings.ReplaceAll(id, "_", "-"))), "_-."); incidentID.MatchString(near) {
			p.Try = "Try: incident open " + near
		}
		return state.Incident{}, p
	}
	pb, err := c.playbook(cmp.Or(v.String("playbook"), campaign(id)))
	if err != nil {
		return state.Incident{}, err
	}
	cadence := v.Duration("cadence", cmp.Or(c.cadence, defaultCadence))
	if cadence < minCadence || cadence > maxCadence {
		return state.Incident{}, &chat.Problem{What: fmt.Sprintf("A cadence of %s does not work.", cadence), Try: "Between 5m and 7d."}
	}
	title := cmp.Or(v.String("title"), pb.Title)
	if why := badText("title", title); why != "" {
		return state.Incident{}, &chat.Problem{What: "This cannot be: " + why + "."}
	}
	inc := state.Incident{ID: id, Title: title, Rules: pb.Rules(), Cadence: cadence, Drill: v.Bool("drill"), Zone: cmp.Or(v.String("zone"), c.zone), Due: v.Time("due")}
	if _, err := time.LoadLocation(inc.Zone); err != nil || strings.EqualFold(inc.Zone, "local") {
		return state.Incident{}, &chat.Problem{What: fmt.Sprintf("%.64q is no time zone.", inc.Zone), Try: "Name one like Europe/Berlin."}
	}
	if !inc.Due.IsZero() && !inc.Due.After(c.now()) {
		return state.Incident{}, &chat.Problem{What: "The deadline has passed already.", Try: "Give one that is ahead, in UTC: --due \"2025-07-21 18:00\""}
	}
	if p := call.Request.Place; p.Platform != "" && p.Channel != "" {
		if p, err = boundPlace(call); err != nil {
			return state.Incident{}, err
		}
		inc.Places = []state.Place{p}
	}
	return inc, nil
}

// campaign is the built-in playbook that an incident is named after ("citrixbleed2-7"),
// or the one of the campaign that this program was made for. The answer says which.
func campaign(id string) string {
	for _, name := range playbook.Builtins() {
		if rest, ok := strings.CutPrefix(id, name); ok && (rest == "" || strings.ContainsAny(rest[:1], "-._")) {
			return name
		}
	}
	return "toolshell"
}

// playbook loads the one that is meant.
func (c incidentOpen) playbook(name string) (playbook.Playbook, error) {
	pb, err := c.load(name)
	return pb, playbookProblem(err)
}

// playbookProblem turns what is wrong with a playbook into words for people.
func playbookProblem(err error) error {
	var bad playbook.Problems
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		more := ""
		if len(bad) > 5 {
			more = fmt.Sprintf(" (and %d more)", len(bad)-5)
		}
		return &chat.Problem{What: "The playbook is not in order: " + playbook.Problems(bad[:min(5, len(bad))]).Error() + more, Try: "Nothing was changed."}
	}
	return &chat.Problem{What: "The playbook cannot be used: " + sentence(err.Error()), Try: "Nothing was changed."}
}

// drillMark stands before everything that an exercise says.
func drillMark(inc state.Incident) string {
	if inc.Drill {
		return "DRILL · "
	}
	return ""
}

// fixLines are the fix lines in force, each once for a product.
func fixLines(r state.Rules) []string {
	var out []string
	for _, p := range r.Products {
		for _, b := range p.Branches {
			line := b.Fixed.String()
			switch {
			case !p.Affected:
				line = "not affected"
			case b.Fixed.IsZero():
				line = "no fix: disconnect it"
			}
			if line = p.Name + ": " + line; !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

// linesPart is a bounded list of lines of ours.
func linesPart(lines []string) chat.List {
	list := chat.L()
	for _, l := range lines[:min(len(lines), 15)] {
		list.Items = append(list.Items, chat.T(chat.C(l)))
	}
	list.More = len(lines) - len(list.Items)
	return list
}

// spanWords is a duration as people write it: "2 h", "90 min".
func spanWords(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

// sentence ends a text as sentences end.
func sentence(s string) string {
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
