package slack

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
)

// errand is something to be looked up behind the scenes.
type errand struct {
	what subject
	id   string
}

type subject uint8

const (
	aUser subject = iota
	aChannel
	theMembers // of a channel
)

// directory is what is known of the workspace: who people are, who is in which
// group, with whom a channel is shared. It is asked while somebody waits for an
// acknowledgement, so it answers from memory; what is old is looked up behind the
// scenes, by run. Its methods may be called by several goroutines.
type directory struct {
	api    *slackgo.Client
	log    *slog.Logger
	count  func(string)
	now    func() time.Time
	groups []string // the user groups that matter, by id

	users    *cache[identity]
	channels *cache[audience]
	members  *cache[[]string]

	errands chan errand
	mu      sync.Mutex
	pending map[errand]bool
	inGroup map[string]map[string]bool // group -> its members
	asOf    map[string]time.Time       // group -> when its members were read
	left    map[string]int             // group -> how often somebody was taken out of it
	kick    chan struct{}              // the groups changed
	trouble atomic.Bool                // the groups cannot be read
}

// identity is who a user is.
type identity struct {
	team, enterprise    string
	guest, bot, deleted bool
	stranger            bool // of another organisation
}

// audience is who can read a channel.
type audience struct {
	im     string // the user, of a direct message
	shared bool   // with others
}

// Limits of what is looked up behind the scenes.
const (
	mostErrands   = 2048
	errandRunners = 2
	errandTime    = 10 * time.Second
	longestWait   = time.Minute // for Slack's Retry-After
	mostMembers   = 2000        // of a channel that are looked at; where there are more, guests may be among them
	memberPage    = 500         // under 1,000 (docs.slack.dev/reference/methods/conversations.members)
)

func newDirectory(api *slackgo.Client, o Options) *directory {
	d := &directory{
		api: api, log: o.Logger, count: o.Count, now: o.Now, errands: make(chan errand, mostErrands), pending: map[errand]bool{},
		inGroup: map[string]map[string]bool{}, asOf: map[string]time.Time{}, left: map[string]int{}, kick: make(chan struct{}, 1),
	}
	for link := range o.Roles {
		if _, id, ok := splitLink(link); ok && !slices.Contains(d.groups, id) {
			d.groups = append(d.groups, id)
		}
	}
	d.users = newCache(o.Now, d.loadUser, func(id string) { d.send(errand{aUser, id}) })
	d.channels = newCache(o.Now, d.loadChannel, func(id string) { d.send(errand{aChannel, id}) })
	d.members = newCache(o.Now, d.loadMembers, func(id string) { d.send(errand{theMembers, id}) })
	return d
}

// send has something looked up. When there is too much to look up it is left until
// somebody asks again.
func (d *directory) send(e errand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending[e] {
		return
	}
	select {
	case d.errands <- e:
		d.pending[e] = true
	default:
	}
}

// run keeps what is known fresh, until the context ends.
func (d *directory) run(ctx context.Context) {
	var running sync.WaitGroup
	for range errandRunners {
		running.Go(func() { d.runErrands(ctx) })
	}
	running.Go(func() { d.runGroups(ctx) })
	running.Wait()
}

func (d *directory) runErrands(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-d.errands:
			d.mu.Lock()
			delete(d.pending, e)
			d.mu.Unlock()
			if wait := d.do(ctx, e); wait > 0 {
				bot.Pause(ctx, wait)
			}
		}
	}
}

// do looks one thing up, and says how long to wait before the next.
func (d *directory) do(ctx context.Context, e errand) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	var err error
	switch e.what {
	case aUser:
		_, err = d.users.fetch(ctx, e.id)
	case aChannel:
		_, err = d.channels.fetch(ctx, e.id)
	case theMembers:
		_, err = d.members.fetch(ctx, e.id)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case lasting(err):
		d.log.Debug("slack: something cannot be looked up", "error", hushed(err))
		return 0
	}
	return max(time.Second, d.limited(err))
}

// limited is how long Slack asked us to wait, bounded; 0 when it did not.
func (d *directory) limited(err error) time.Duration {
	var busy *slackgo.RateLimitedError
	if !errors.As(err, &busy) {
		return 0
	}
	d.count("rate limited")
	return min(busy.RetryAfter, longestWait)
}

func (d *directory) loadUser(ctx context.Context, id string) (identity, error) {
	u, err := d.api.GetUserInfoContext(ctx, id)
	if err != nil {
		return identity{}, err
	}
	return identityOf(*u), nil
}

func identityOf(u slackgo.User) identity {
	return identity{
		team: u.TeamID, enterprise: u.Enterprise.EnterpriseID, guest: u.IsRestricted || u.IsUltraRestricted,
		bot: u.IsBot || u.IsWorkflowBot || u.IsConnectorBot || u.ID == "USLACKBOT", deleted: u.Deleted, stranger: u.IsStranger,
	}
}

func (d *directory) loadChannel(ctx context.Context, id string) (audience, error) {
	c, err := d.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		d.log.Warn("slack: it cannot be looked up who can read a channel", "error", hushed(err))
		return audience{}, err
	}
	return audience{im: c.User, shared: c.IsExtShared || c.IsPendingExtShared || c.IsOrgShared || c.IsGlobalShared || len(c.PendingShared) > 0}, nil
}

// loadMembers reads who is in a channel. Of a crowd it reads more than mostMembers,
// and not all.
func (d *directory) loadMembers(ctx context.Context, id string) ([]string, error) {
	var all []string
	ask := &slackgo.GetUsersInConversationParameters{ChannelID: id, Limit: memberPage}
	for range mostMembers/memberPage + 1 {
		ids, next, err := d.api.GetUsersInConversationContext(ctx, ask)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		if ask.Cursor = next; next == "" {
			return all, nil
		}
	}
	if len(all) <= mostMembers {
		return nil, errors.New("a list of members that does not end")
	}
	return all, nil
}
