package slack

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/state"
)

// errNotYet: a replica that has just begun works on what others acknowledged before
// Slack has told it who it is. Whoever asks is not judged by that: it is run again.
var errNotYet = fmt.Errorf("slack: it is not known yet who we are: %w", state.ErrUnavailable)

// errNotSaid: Slack is slow or away, and nothing is known of whoever asks. Nobody is judged
// by that either.
var errNotSaid = fmt.Errorf("slack: it does not say who somebody is: %w", state.ErrUnavailable)

// Limit is the most that an identity may be, whoever it is linked to: a viewer when
// it is a guest, a bot, somebody of another organisation, or somebody who left. When
// Slack does not say in time who it is now, what was known in the last day counts;
// when nothing was known then, the error is state.ErrUnavailable.
func (p *Platform) Limit(ctx context.Context, link string) (state.Role, error) {
	team, user, ok := splitLink(link)
	me := p.me.Load()
	switch {
	case !ok:
		return state.RoleViewer, nil
	case me == nil:
		return state.RoleViewer, errNotYet
	}
	who, known, err := p.whois(ctx, user)
	if err != nil {
		return state.RoleViewer, err
	}
	if !known || !me.full(who) || who.team != team && me.team != team {
		return state.RoleViewer, nil
	}
	return state.RoleLead, nil
}

// whois is who a user is, for somebody who waits.
func (p *Platform) whois(ctx context.Context, user string) (who identity, known bool, err error) {
	if who, known := p.dir.users.peek(user); known {
		return who, true, nil
	}
	before, was := p.dir.users.recall(user)
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	who, err = p.dir.users.get(ctx, user)
	switch {
	case err == nil:
		return who, true, nil
	case wordOf(err) == "user_not_found", wordOf(err) == "user_not_visible":
		return identity{}, false, nil
	case !was:
		return identity{}, false, errNotSaid
	}
	return before, true, nil
}
