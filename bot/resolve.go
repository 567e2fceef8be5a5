package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// incidentFlag names the incident that a line is about.
const incidentFlag = "incident"

// withIncident gives a command that is about an incident the flag to name it.
func withIncident(s chat.Spec) chat.Spec {
	has := func(a chat.Arg) bool { return a.Name == incidentFlag }
	if s.Global || slices.ContainsFunc(s.Flags, has) || slices.ContainsFunc(s.Args, has) {
		return s
	}
	s.Flags = append(slices.Clone(s.Flags), chat.Arg{Name: incidentFlag, Type: chat.Incident, Optional: true, Help: "the incident, when several are open"})
	return s
}

// actor finds out who asks, by the identity that the platform proved and by
// nothing else. A stranger has no name and may only look.
func (r *Router) actor(ctx context.Context, req chat.Request) (chat.Actor, error) {
	a := chat.Actor{Link: req.Actor.Link, Admin: req.Actor.Admin}
	if req.Trigger == chat.TriggerSchedule {
		a.Role = r.opt.ScheduleRole
		return a, nil
	}
	people, err := r.opt.People(ctx)
	if err != nil {
		return a, fmt.Errorf("look up who asks: %w", err)
	}
	if p, ok := people.ByLink(a.Link); ok && a.Link != "" {
		a.Person, a.Name, a.Role = p.ID, p.Name, p.Role
	}
	if err := r.grant(ctx, &a); err != nil {
		return a, err
	}
	return a, r.lower(ctx, &a)
}

// lower takes away what a guest may not be, whoever they are linked to.
func (r *Router) lower(ctx context.Context, a *chat.Actor) error {
	if r.opt.Limit == nil || a.Link == "" || a.Role == state.RoleViewer {
		return nil
	}
	most, err := r.opt.Limit(ctx, a.Link)
	if err != nil {
		return fmt.Errorf("look up what who asks may be: %w", err)
	}
	a.Role = min(a.Role, most)
	return nil
}

// grant adds what the groups of a platform give. Who is nobody's identity acts
// under the identity itself.
func (r *Router) grant(ctx context.Context, a *chat.Actor) error {
	if r.opt.Grants == nil || a.Link == "" {
		return nil
	}
	role, err := r.opt.Grants(ctx, a.Link)
	if err != nil {
		return fmt.Errorf("look up the groups of who asks: %w", err)
	}
	if role <= a.Role {
		return nil
	}
	a.Role = role
	if a.Person == "" {
		a.Person, a.Name = state.PersonOf(a.Link), a.Link
	}
	return nil
}

func (r *Router) notAllowed(s chat.Spec, a chat.Actor) error {
	p := &chat.Problem{What: fmt.Sprintf("%s needs the role %s; you are %s.", s.Path, s.Role, a.Role), Try: "Ask a lead."}
	if a.Person == "" {
		p.Try = fmt.Sprintf("You are not linked to a person yet. Ask a lead to link %q.", a.Link)
	}
	if r.opt.GrantsAsOf == nil {
		return p
	}
	if t := r.opt.GrantsAsOf(a.Link); !t.IsZero() {
		p.Try += " Groups as of " + t.UTC().Format("15:04") + " UTC."
	}
	return p
}

// owners turns the people whom a line mentions into the names that the inventory has
// for them.
func (r *Router) owners(ctx context.Context, s chat.Spec, v chat.Values) (chat.Values, error) {
	for _, a := range slices.Concat(s.Args, s.Flags) {
		link := v.String(a.Name)
		if a.Type != chat.Owner && a.Type != chat.Person || !strings.Contains(link, ":") {
			continue
		}
		people, err := r.opt.People(ctx)
		if err != nil {
			return v, notTaken{fmt.Errorf("look up who is mentioned: %w", err)}
		}
		p, ok := people.ByLink(link)
		switch {
		case !ok && slices.ContainsFunc(people, func(p state.Person) bool { return slices.Contains(p.OwnerNames(), link) }):
			continue
		case !ok:
			return v, atOnce{&chat.Problem{
				What: fmt.Sprintf("%s is nobody who is known here.", link), Try: fmt.Sprintf("Give a name of the inventory, or ask a lead to link %q to a person.", link),
			}}
		case a.Type == chat.Owner && len(p.Owns) == 1:
			v = v.With(a.Name, p.Owns[0])
		default:
			v = v.With(a.Name, string(p.ID))
		}
	}
	return v, nil
}

// incident finds what a line is about: the incident that it names, or the only
// open one.
func (r *Router) incident(ctx context.Context, s chat.Spec, v chat.Values, line string, trigger chat.Trigger, bound []Binding) (string, error) {
	named := v.String(incidentFlag)
	open, err := r.opt.Open(ctx)
	if err != nil {
		return "", notTaken{fmt.Errorf("look up open incidents: %w", err)}
	}
	switch {
	case named != "" && trigger == chat.TriggerButton:
		return named, nil // a button means what it says
	case named != "":
		return r.named(ctx, named, open)
	case len(bound) == 1:
		return bound[0].Incident, nil
	case len(open) == 1:
		return open[0], nil
	case s.Global:
		return "", nil
	case len(open) == 0:
		return "", atOnce{&chat.Problem{What: "No incident is open.", Try: "Open one with: incident open. For a closed one, name it: --incident NAME"}}
	}
	return "", whichOne(s, open, line)
}

// Binding is that a place hears of an incident.
type Binding struct {
	Incident string
	Ceiling  state.TLP
}

// bound are the incidents that the place of a request hears of. The place sees no
// more than it was bound for, whatever the platform would let it see.
func (r *Router) bound(ctx context.Context, req *chat.Request) ([]Binding, error) {
	if r.opt.Bound == nil || req.Place.Channel == "" {
		return nil, nil
	}
	bs, err := r.opt.Bound(ctx, req.Place)
	if err != nil {
		return nil, notTaken{fmt.Errorf("look up what the place is bound to: %w", err)}
	}
	for _, b := range bs {
		req.Place.Ceiling = state.Narrower(req.Place.Ceiling, b.Ceiling)
	}
	return bs, nil
}

// named is the incident that a name means: the one that is called so, open or
// closed, or the only open one that begins so.
func (r *Router) named(ctx context.Context, name string, open []string) (string, error) {
	if r.opt.Known == nil {
		return byPrefix(name, open), nil
	}
	known, err := r.opt.Known(ctx)
	if err != nil {
		return "", notTaken{fmt.Errorf("look up incidents: %w", err)}
	}
	if slices.Contains(known, name) {
		return name, nil
	}
	return byPrefix(name, open), nil
}

// byPrefix completes a name when only one can be meant. What it does not know may
// be a closed incident, and is left to the command.
func byPrefix(named string, open []string) string {
	found := ""
	for _, id := range open {
		switch {
		case id == named:
			return id
		case strings.HasPrefix(id, named) && found != "":
			return named
		case strings.HasPrefix(id, named):
			found = id
		}
	}
	if found == "" {
		return named
	}
	return found
}

// whichOne offers the line again, once for each open incident. The flag goes right
// behind the command, where no quote, no JSON and no free text can swallow it.
func whichOne(s chat.Spec, open []string, line string) error {
	p := &chat.Problem{What: fmt.Sprintf("%d incidents are open.", len(open)), Try: "Add --incident and one of: " + strings.Join(open, ", ")}
	rest, ok := behind(s.Path, line)
	for _, id := range open[:min(5, len(open))] {
		if ok {
			p.Offer = append(p.Offer, chat.Button{Label: id, Line: strings.TrimSpace(s.Path + " --" + incidentFlag + " " + id + " " + rest)})
		}
	}
	return p
}

// behind is what a line says after the command, when the command is written plainly.
func behind(path, line string) (string, bool) {
	for _, word := range strings.Fields(path) {
		line = strings.TrimSpace(line)
		if len(line) < len(word) || !strings.EqualFold(line[:len(word)], word) {
			return "", false
		}
		line = line[len(word):]
		if line != "" && !strings.ContainsAny(line[:1], " \t\r\n") {
			return "", false
		}
	}
	return strings.TrimSpace(line), true
}
