package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// How long what is known of somebody or something counts.
const (
	memberTTL   = time.Minute      // then a role may have been taken away
	memberStale = 24 * time.Hour   // for who is a member, while Discord does not answer
	rolesStale  = 10 * time.Minute // for what roles give, while Discord does not answer
	channelTTL  = 10 * time.Minute
	firstLook   = 500 * time.Millisecond // for what somebody waits for
	mostKnown   = 20_000
)

// directory is what we know of guilds, channels and members. Its methods may be called
// by several goroutines.
type directory struct {
	rest   *rest
	log    *slog.Logger
	now    func() time.Time
	guilds map[string]Guild // of the configuration
	kick   chan struct{}    // something changed: look what is to be registered

	mu       sync.Mutex
	listed   bool             // Discord said in which guilds we are:
	joined   map[string]place // in these
	channels map[string]seen[channel]
	members  map[memberKey]seen[standing]
	written  map[string]bool // channels that we write to; false: they are gone
}

// place is a guild that we are in.
type place struct {
	name string
	away bool // Discord has trouble with it
}

type memberKey struct{ guild, user string }

// standing is who somebody is in a guild.
type standing struct {
	member bool // no bot, and has accepted the rules
	roles  []string
}

// seen is something with the time when it was true.
type seen[V any] struct {
	what V
	at   time.Time
}

func newDirectory(r *rest, o Options) *directory {
	return &directory{
		rest: r, log: o.Logger, now: o.Now, guilds: o.Guilds, kick: make(chan struct{}, 1), joined: map[string]place{},
		channels: map[string]seen[channel]{}, members: map[memberKey]seen[standing]{}, written: map[string]bool{},
	}
}

func keep[K comparable, V any](m map[K]V, k K, v V) {
	if len(m) >= mostKnown {
		clear(m)
	}
	m[k] = v
}

// list notes all guilds that we are in.
func (d *directory) list(ids map[string]place) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.joined, d.listed = ids, true
}

// unlist forgets in which guilds we are: nobody tells us of them any more.
func (d *directory) unlist() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.joined, d.listed = map[string]place{}, false
}

func (d *directory) join(id string, p place) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.joined[id] = p
}

func (d *directory) leave(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.joined, id)
}

// hurry has it looked soon what is to be registered.
func (d *directory) hurry() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// in are the guilds that we are in, by id.
func (d *directory) in() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.joined))
}

// missing is an error when a guild of the team's does not have us.
func (d *directory) missing() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(d.guilds)) {
		switch p, in := d.joined[id]; {
		case !d.guilds[id].Team || !d.listed:
		case !in:
			return fmt.Errorf("discord: it is not in the guild %s, which is the team's: invite it again", id)
		case p.away:
			return fmt.Errorf("discord: the guild %s is not available", id)
		}
	}
	return nil
}

// put notes a channel as Discord told of it.
func (d *directory) put(c channel) {
	if c.ID == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	keep(d.channels, c.ID, seen[channel]{c, d.now()})
}

func (d *directory) drop(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.channels, id)
	if d.written[id] {
		d.written[id] = false
	}
}

// wrote notes what became of writing to a channel.
func (d *directory) wrote(id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		keep(d.written, id, true)
	case errors.Is(err, errNoChannel):
		keep(d.written, id, false)
	}
}

// lost is how many channels that were to be written to are gone.
func (d *directory) lost() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, there := range d.written {
		if !there {
			n++
		}
	}
	return n
}

// known is a channel, when it is known.
func (d *directory) known(id string) (channel, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.channels[id]
	return c.what, ok
}

// channel is a channel, asked for when it is not known.
func (d *directory) channel(ctx context.Context, id string) (channel, error) {
	d.mu.Lock()
	known, ok := d.channels[id]
	d.mu.Unlock()
	if ok && d.now().Sub(known.at) < channelTTL {
		return known.what, nil
	}
	var c channel
	if err := d.rest.call(ctx, "GET", "channels/"+id, nil, &c); err != nil {
		if codeOf(err) == unknownChannel {
			d.drop(id)
		}
		return channel{}, err
	}
	d.put(c)
	return c, nil
}

// met notes what an interaction says of who did it.
func (d *directory) met(i *interaction) {
	if i.Member == nil || i.GuildID == "" {
		return
	}
	s := standing{member: !i.Member.Pending && !i.who().Bot, roles: i.Member.Roles}
	d.mu.Lock()
	defer d.mu.Unlock()
	keep(d.members, memberKey{i.GuildID, i.who().ID}, seen[standing]{s, d.now()})
}

// member is who somebody is in a guild. When Discord does not say it in time, it is what
// was known until stale ago.
func (d *directory) member(ctx context.Context, guild, who string, stale time.Duration) (standing, error) {
	k := memberKey{guild, who}
	d.mu.Lock()
	known, ok := d.members[k]
	d.mu.Unlock()
	age := d.now().Sub(known.at)
	if ok && age < memberTTL {
		return known.what, nil
	}
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	var m member
	err := d.rest.call(ctx, "GET", "guilds/"+guild+"/members/"+who, nil, &m)
	s := standing{member: !m.Pending && m.User != nil && !m.User.Bot, roles: m.Roles}
	switch code := codeOf(err); {
	case code == unknownMember || code == unknownUser || code == unknownGuild || code == missingAccess:
		s = standing{}
	case err != nil && ok && age < stale:
		return known.what, nil
	case err != nil:
		return standing{}, fmt.Errorf("discord: look up a member: %w", hushed(err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	keep(d.members, k, seen[standing]{s, d.now()})
	return s, nil
}

// guild is what the operator says of a guild: of one that is not named, that it is a
// community.
func (d *directory) guild(id string) Guild { return d.guilds[id] }
