package commands

import (
	"context"
	"errors"
	"fmt"
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
	Complete(ctx context.Context, incident, prefix string, limit int) ([]string, error)
	Names(ctx context.Context, incident, kind, prefix string, limit int) ([]string, error)
}

// serverName resolves a server. line makes the command line that is offered for
// each candidate of an ambiguous prefix.
func serverName(ctx context.Context, n namer, incident, given string, line func(name string) string) (string, error) {
	return resolve("server", given, line, func(prefix string, limit int) ([]string, error) {
		return n.Complete(ctx, incident, prefix, limit)
	})
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
	p := &chat.Problem{What: fmt.Sprintf("More than one %s begins with %.60q.", kind, given)}
	names := found
	if len(found) > maxCandidates {
		names = found[:maxCandidates]
		p.What = fmt.Sprintf("More than %d %ss begin with %.60q.", maxCandidates, kind, given)
	}
	p.Try = "Which: " + strings.Join(names, ", ")
	for _, f := range names {
		if line != nil {
			p.Offer = append(p.Offer, chat.Button{Label: f, Line: line(f)})
		}
	}
	return "", p
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
