package commands

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxCandidates is how many names an ambiguous prefix is answered with.
const maxCandidates = 6

// namer finds names from what a person typed: exact, or an unambiguous prefix,
// whatever the case.
type namer interface {
	farmReader
	Complete(ctx context.Context, incident, prefix string, limit int) ([]string, error)
	Names(ctx context.Context, incident, kind, prefix string, limit int) ([]string, error)
}

// serverName resolves a server. line makes the command line that is offered for
// each candidate of an ambiguous prefix.
func serverName(ctx context.Context, n namer, incident, given string, line func(name string) string) (string, error) {
	complete := func(prefix string, limit int) ([]string, error) {
		return n.Complete(ctx, incident, prefix, limit)
	}
	name, err := resolve("server", given, line, complete)
	var unknown *chat.Problem
	host := hostIn(given)
	if host == "" || !errors.As(err, &unknown) || len(unknown.Offer) > 0 {
		return name, err
	}
	at, lost := serversAt(ctx, n, incident, host)
	switch {
	case lost != nil:
		return "", lost
	case len(at) == 0:
		return "", err
	case len(at) == 1:
		return at[0], nil
	}
	return "", which(fmt.Sprintf("%d servers answer at %.60q.", len(at), host), at[:min(len(at), maxCandidates)], line)
}

// hostIn is the host of what was given as a URL, an address or a name of the DNS; ""
// when it is none of them.
func hostIn(given string) string {
	if u, err := url.Parse(given); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if a, err := netip.ParseAddr(given); err == nil {
		return a.String()
	}
	if strings.Contains(given, ".") && !strings.ContainsAny(given, "/ ") {
		return given
	}
	return ""
}

// serversAt lists the servers that a URL or an address of the inventory belongs to. It
// reads the whole inventory: nothing else finds servers by where they answer.
func serversAt(ctx context.Context, r farmReader, incident, host string) ([]string, error) {
	var out []string
	err := eachFarm(ctx, r, incident, func(f state.FarmState) error {
		for _, s := range f.Farm.Servers {
			u, err := url.Parse(s.URL)
			if err == nil && s.URL != "" && strings.EqualFold(u.Hostname(), host) || slices.Contains(s.Addresses, host) {
				out = append(out, s.Name)
			}
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// otherName resolves an owner, a group or a farm. A server with no farm is a farm
// of its own name.
func otherName(ctx context.Context, n namer, incident, kind, given string, line func(name string) string) (string, error) {
	if kind == "farm" {
		return resolve(kind, given, line, func(prefix string, limit int) ([]string, error) {
			farms, err := n.Names(ctx, incident, kind, prefix, limit)
			if err != nil || len(farms) > 0 {
				return farms, err
			}
			return n.Complete(ctx, incident, prefix, limit)
		})
	}
	return resolve(kind, given, line, func(prefix string, limit int) ([]string, error) {
		return n.Names(ctx, incident, kind, prefix, limit)
	})
}

func resolve(kind, given string, line func(string) string, complete func(string, int) ([]string, error)) (string, error) {
	found, err := complete(given, maxCandidates+1)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(found, func(f string) bool { return f == given }); i >= 0 {
		return given, nil
	}
	exact := slices.DeleteFunc(slices.Clone(found), func(f string) bool { return !strings.EqualFold(f, given) })
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return "", noSuch(kind, given, complete)
	}
	if len(found) > maxCandidates {
		return "", which(fmt.Sprintf("More than %d %ss begin with %.60q.", maxCandidates, kind, given), found[:maxCandidates], line)
	}
	return "", which(fmt.Sprintf("More than one %s begins with %.60q.", kind, given), found, line)
}

// which asks back, with the line again for each name that may be meant.
func which(what string, names []string, line func(string) string) error {
	p := &chat.Problem{What: what, Try: "Which: " + strings.Join(names, ", ")}
	for _, f := range names {
		if line != nil {
			p.Offer = append(p.Offer, chat.Button{Label: f, Line: line(f)})
		}
	}
	return p
}

// noSuch looks for a name near the one that does not exist, among those that
// begin alike.
func noSuch(kind, given string, complete func(string, int) ([]string, error)) error {
	p := &chat.Problem{What: fmt.Sprintf("There is no %s %.60q.", kind, given)}
	for n := min(3, len(given)); n >= 0; n-- {
		near, err := complete(given[:n], 200)
		if err != nil {
			return err
		}
		if best := chat.Nearest(given, near); best != "" {
			p.Try = "Did you mean: " + best
			return p
		}
		if n == 0 && len(near) > 0 {
			p.Try = "There are: " + fewOf(near, maxCandidates)
		}
	}
	return p
}

// farmOf is the farm of a server whose name was resolved.
func farmOf(ctx context.Context, r interface {
	FarmsOf(ctx context.Context, incident string, servers []string) (map[string]string, error)
}, incident, server string,
) (string, error) {
	farms, err := r.FarmsOf(ctx, incident, []string{server})
	if err != nil {
		return "", err
	}
	f, ok := farms[server]
	if !ok {
		return "", fmt.Errorf("farm of server %q: %w", server, state.ErrNotFound)
	}
	return f, nil
}

// refused reports whether an error is a "no" of the rules.
func refused(err error) bool {
	var r *state.Refusal
	return errors.As(err, &r)
}
