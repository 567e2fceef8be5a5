package slack

import (
	"context"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// runGroups reads who is in the groups: again when it gets old, and when Slack says
// that something changed.
func (d *directory) runGroups(ctx context.Context) {
	if len(d.groups) == 0 {
		return
	}
	wait := directoryTTL - d.now().Sub(d.groupsAsOf())
	for ctx.Err() == nil {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-d.kick:
		case <-t.C:
		}
		t.Stop()
		wait = d.renewGroups(ctx)
	}
}

// renewGroups reads the groups and says when to do so again.
func (d *directory) renewGroups(ctx context.Context) time.Duration {
	err := d.readGroups(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil && !d.trouble.Swap(true):
		d.log.Error("slack: the members of user groups cannot be read", "error", hushed(err))
	case err == nil && d.trouble.Swap(false):
		d.log.Info("slack: the members of user groups can be read again")
	}
	if err != nil {
		return max(5*time.Second, d.limited(err))
	}
	return directoryTTL
}

// warmTime is how long it may take before the first request to learn who is in the
// groups: else those whom only a group gives a role would be turned away at first.
const warmTime = 5 * time.Second

// warm learns who is in the groups, and who they are.
func (d *directory) warm(ctx context.Context) {
	if len(d.groups) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	d.renewGroups(ctx)
	d.mu.Lock()
	ids := make(chan string, mostErrands)
	for _, members := range d.inGroup {
		for id := range members {
			select {
			case ids <- id:
			default: // they are learned behind the scenes
			}
		}
	}
	d.mu.Unlock()
	close(ids)
	var asking sync.WaitGroup
	for range errandRunners {
		asking.Go(func() {
			for id := range ids {
				_, _ = d.users.get(ctx, id) // who is not known gets no role
			}
		})
	}
	asking.Wait()
}

// readGroups reads each group. One that was switched off has no members any more.
func (d *directory) readGroups(ctx context.Context) error {
	var failed error
	for _, g := range d.groups {
		if err := d.readGroup(ctx, g); err != nil {
			failed = err
		}
	}
	return failed
}

func (d *directory) readGroup(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	began, left := d.now(), d.leftOf(group)
	ids, err := d.api.GetUserGroupMembersContext(ctx, group)
	switch {
	case noSuchGroup(err):
		d.log.Warn("slack: a user group that should give a role is switched off, or there is none", "group", group)
	case err != nil:
		return err
	}
	members := map[string]bool{}
	for _, id := range ids {
		members[id] = true
		d.users.peek(id) // a role needs to know who somebody is
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left[group] != left {
		d.regroup() // somebody was taken out meanwhile, and may still be on this list
		return nil
	}
	d.inGroup[group], d.asOf[group] = members, began
	return nil
}

// leftOf is how often somebody was taken out of a group.
func (d *directory) leftOf(group string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left[group]
}

// regroup has the groups read again.
func (d *directory) regroup() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// leave takes somebody out of a group at once: what was taken away counts no more.
func (d *directory) leave(group string, users []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(users) > 0 {
		d.left[group]++
	}
	for _, u := range users {
		delete(d.inGroup[group], u)
	}
}

// in reports whether a user is in a group, as far as that is known and not too old.
func (d *directory) in(group, user string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inGroup[group][user] && d.now().Sub(d.asOf[group]) < directoryStale
}

// groupsAsOf is when the oldest of what is known of the groups was read.
func (d *directory) groupsAsOf() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	var oldest time.Time
	for i, g := range d.groups {
		if at := d.asOf[g]; i == 0 || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// GroupsAsOf is how fresh the roles are that user groups give: when the oldest of
// them was read. It is zero when one was never read, or when no group gives a role.
func (p *Platform) GroupsAsOf() time.Time { return p.dir.groupsAsOf() }

// Grants is the role that the user groups of the workspace give an identity. It asks
// nobody: what is not known, or was not heard of for half an hour, gives no role. Only
// full members of the workspace get one: no guest, no bot, nobody of another
// organisation, whatever group they are in.
func (p *Platform) Grants(_ context.Context, link string) (state.Role, error) {
	team, user, ok := splitLink(link)
	me := p.me.Load()
	switch {
	case !ok || len(p.opt.Roles) == 0:
		return state.RoleViewer, nil
	case me == nil:
		return state.RoleViewer, errNotYet
	}
	role := state.RoleViewer
	for group, gives := range p.opt.Roles {
		of, id, ok := splitLink(group)
		if ok && of == me.team && gives > role && p.dir.in(id, user) {
			role = gives
		}
	}
	if role == state.RoleViewer {
		return role, nil
	}
	who, known := p.dir.users.peek(user)
	if !known || !me.full(who) || who.team != team && me.team != team {
		return state.RoleViewer, nil
	}
	return role, nil
}

// self is who we are in Slack.
type self struct {
	team, enterprise, user, bot string
}

// full reports whether somebody is a full member of our workspace, or of our
// organisation.
func (s *self) full(who identity) bool {
	return !who.guest && !who.bot && !who.deleted && s.ours(who)
}

// ours reports whether somebody is of our organisation.
func (s *self) ours(who identity) bool {
	return !who.stranger && (who.team == s.team || s.enterprise != "" && (who.enterprise == s.enterprise || who.team == s.enterprise))
}
