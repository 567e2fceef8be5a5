package slack

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/state"
)

// errNotYet: a replica that has just begun works on what others acknowledged before
// Slack has told it who it is. Whoever asks is not judged by that: it is run again.
var errNotYet = fmt.Errorf("slack: it is not known yet who we are: %w", state.ErrUnavailable)

// Limit is the most that an identity may be, whoever it is linked to: a viewer when
// it is a guest, a bot, somebody of another organisation, or somebody who left. When
// Slack does not say in time who it is now, what was known in the last day counts;
// who was not known then is a viewer.
func (p *Platform) Limit(ctx context.Context, link string) (state.Role, error) {
	team, user, ok := splitLink(link)
	me := p.me.Load()
	switch {
	case !ok:
		return state.RoleViewer, nil
	case me == nil:
		return state.RoleViewer, errNotYet
	}
	who, known := p.whois(ctx, user)
	if !known || !me.full(who) || who.team != team && me.team != team {
		return state.RoleViewer, nil
	}
	return state.RoleLead, nil
}

// whois is who a user is, for somebody who waits.
func (p *Platform) whois(ctx context.Context, user string) (identity, bool) {
	if who, known := p.dir.users.peek(user); known {
		return who, true
	}
	before, was := p.dir.users.recall(user)
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	who, err := p.dir.users.get(ctx, user)
	switch {
	case err == nil:
		return who, true
	case wordOf(err) == "user_not_found", wordOf(err) == "user_not_visible":
		return identity{}, false
	}
	return before, was
}
