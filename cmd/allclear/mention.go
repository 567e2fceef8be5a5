package main

import (
	"context"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// mention finds whom a name means on a platform: the person who acts for an owner,
// or who stands for a group.
func (c config) mention(platform string) func(ctx context.Context, name string) (string, bool) {
	return func(_ context.Context, name string) (string, bool) {
		kind, who, _ := strings.Cut(name, ":")
		var links []string
		switch kind {
		case "owner":
			p, _ := c.People.ByOwner(who)
			links = p.Links
			if len(links) == 0 {
				links = c.Groups[who] // an owner may be a team
			}
		case "person":
			p, _ := c.People.ByID(state.PersonID(who))
			links = p.Links
		case "link": // somebody who asked to be called, or a role
			links = []string{who}
		case "group":
			links = c.Groups[who]
		}
		for _, l := range links {
			if strings.HasPrefix(l, platform+":") {
				return l, true
			}
		}
		return "", false
	}
}
