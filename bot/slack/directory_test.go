package slack

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func at(channel string) state.Place {
	return state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: channel, Threads: true}
}

func TestAPlaceMaySeeWhatTheNarrowestOfItsReadersMay(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, func(o *Options) { o.Ceiling, o.SharedCeiling = state.TLPAmber, state.TLPGreen })
	withGuest := st.AddChannel(slackfake.Channel{Name: "with-guest", BotIn: true, Members: []string{slackfake.Lead1, slackfake.Guest}})
	withGone := st.AddChannel(slackfake.Channel{Name: "with-gone", BotIn: true, Members: []string{slackfake.Lead1, slackfake.Gone}})
	stop := st.runs(t, &notebook{})
	home := func(user string) state.Place {
		return state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: homeChannel, Person: Link(slackfake.TeamID, user)}
	}
	alone := func(channel, user string) state.Place {
		place := at(channel)
		place.Person = Link(slackfake.TeamID, user)
		return place
	}
	for _, c := range []struct {
		name  string
		place state.Place
		want  state.TLP
	}{
		{"a channel of the workspace", at(slackfake.Incident), state.TLPAmber},
		{"a private channel", at(slackfake.Secret), state.TLPAmber},
		{"a channel that the bot is not in", at(slackfake.General), state.TLPAmber},
		{"a private channel that the bot cannot see", at(slackfake.Hidden), state.TLPClear},
		{"a channel shared with others", at(slackfake.Shared), state.TLPGreen},
		{"a channel that there is not", at("C0NOWHERE01"), state.TLPClear},
		{"a channel with a guest", at(withGuest.ID), state.TLPGreen},
		{"a channel of somebody who left", at(withGone.ID), state.TLPAmber},
		{"the home of a member", home(slackfake.Lead1), state.TLPAmber},
		{"the home of a guest", home(slackfake.Guest), state.TLPGreen},
		{"the home of a stranger", home(slackfake.Stranger), state.TLPGreen},
		{"the home of nobody", home("U0NOBODY001"), state.TLPClear},
		{"a member, directly", at(slackfake.Lead1), state.TLPAmber},
		{"a member, alone in a channel", alone(slackfake.Incident, slackfake.Lead1), state.TLPAmber},
		{"a guest, alone in a channel", alone(slackfake.General, slackfake.Guest), state.TLPGreen},
		{"a stranger, alone in a channel", alone(slackfake.Incident, slackfake.Stranger), state.TLPGreen},
		{"nobody, alone in a channel", alone(slackfake.Incident, "U0NOBODY001"), state.TLPClear},
		{"a member, alone in a channel that is shared", alone(slackfake.Shared, slackfake.Lead1), state.TLPGreen},
	} {
		got, err := st.p.Ceiling(t.Context(), c.place)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, "%s, when it is asked for the first time", c.name)
	}
	_, err := st.p.Ceiling(t.Context(), state.Place{Platform: "console", Channel: "terminal"})
	require.Error(t, err)
	require.NoError(t, stop())
}

func TestAPlaceOfWhichNothingIsHeardMaySeeNextToNothing(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.NextCalls("conversations.info", 1, slackfake.Fault{Hang: true})
	began := time.Now()
	sent := st.User("responder").Types("incident", "/allclear scan").Done()
	require.Equal(t, slackfake.OK, sent.Outcome)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, state.TLPClear, desk.only(t).Place.Ceiling)
	require.Equal(t, 1, st.counts.Of("ceiling unknown"))

	// It is looked up behind the scenes, for the next time.
	require.Eventually(t, func() bool {
		got, err := st.p.Ceiling(t.Context(), at(slackfake.Incident))
		return err == nil && got == state.TLPAmberStrict
	}, 10*time.Second, 5*time.Millisecond)
	st.NextCalls("conversations.info", 1, slackfake.ServerError())
	_, err := st.p.Ceiling(t.Context(), at(slackfake.Secret))
	require.Error(t, err, "who delivers tries again later")
}

// aged is a stage whose clock can be moved.
func aged(t *testing.T, change func(*Options)) (st *stage, waits func(time.Duration)) {
	t.Helper()
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	st = newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Now = func() time.Time { return time.Unix(0, now.Load()) }
		if change != nil {
			change(o)
		}
	})
	return st, func(d time.Duration) { now.Add(int64(d)) }
}

// sees is what a channel may see when something is delivered.
func (st *stage) sees(t *testing.T, channel string) state.TLP {
	t.Helper()
	got, err := st.p.Ceiling(t.Context(), at(channel))
	require.NoError(t, err)
	return got
}

func TestAfterAQuietHourAGuestStillSeesLess(t *testing.T) {
	t.Parallel()
	st, waits := aged(t, nil)
	channel := st.AddChannel(slackfake.Channel{Name: "with-guest", BotIn: true, Members: []string{slackfake.Lead1, slackfake.Guest}}).ID
	st.runs(t, &notebook{})
	require.Equal(t, state.TLPGreen, st.sees(t, channel))
	for _, quiet := range []time.Duration{time.Hour, 25 * time.Hour} {
		waits(quiet)
		require.Equal(t, state.TLPGreen, st.sees(t, channel))
	}
	waits(time.Hour)
	st.NextCalls("conversations.members", 1, slackfake.ServerError())
	_, err := st.p.Ceiling(t.Context(), at(channel))
	require.Error(t, err, "who delivers tries again")
	waits(time.Hour)
	st.NextCalls("conversations.members", -1, slackfake.Fault{Error: "missing_scope"})
	require.Equal(t, state.TLPGreen, st.sees(t, slackfake.Secret), "who may be there is not to be found out")
}

func TestWhoIsNotKnownCountsAsAGuest(t *testing.T) {
	t.Parallel()
	st, _ := aged(t, nil)
	st.runs(t, &notebook{})
	st.NextCalls("users.info", -1, slackfake.Fault{Error: "internal_error"})
	require.Equal(t, state.TLPGreen, st.sees(t, slackfake.Secret))
	st.Heal()
	require.Eventually(t, func() bool { return st.sees(t, slackfake.Secret) == state.TLPAmberStrict }, 10*time.Second, time.Millisecond)
}

func TestAllPagesOfMembersAreLookedAtAndACrowdCountsAsOneWithGuests(t *testing.T) {
	t.Parallel()
	st, _ := aged(t, nil)
	st.runs(t, &notebook{})
	crowd := func(n int, more ...string) []string {
		var ids []string
		for i := range n {
			id := fmt.Sprintf("U0CROWD%04d", i)
			ids = append(ids, id)
			if !st.p.dir.users.has(id) {
				st.AddUser(slackfake.User{ID: id, Name: fmt.Sprintf("crowd-%d", i)})
			}
			st.p.dir.users.put(id, entry[identity]{value: identity{team: slackfake.TeamID}, at: time.Now()})
		}
		return append(ids, more...)
	}
	large := st.AddChannel(slackfake.Channel{Name: "large", BotIn: true, Members: crowd(1200)}).ID
	withGuest := st.AddChannel(slackfake.Channel{Name: "large-with-guest", BotIn: true, Members: crowd(1200, slackfake.Guest)}).ID
	tooLarge := st.AddChannel(slackfake.Channel{Name: "too-large", BotIn: true, Members: crowd(mostMembers + 1)}).ID
	require.Equal(t, state.TLPAmberStrict, st.sees(t, large))
	require.Equal(t, state.TLPGreen, st.sees(t, withGuest))
	require.Equal(t, state.TLPGreen, st.sees(t, tooLarge))
}

func TestAReplicaThatIsNotToldThatAChannelWasSharedFindsOutWithinAMinute(t *testing.T) {
	t.Parallel()
	st, waits := aged(t, nil)
	require.NoError(t, st.p.whoAmI(t.Context())) // it does not run: no event reaches it
	require.Equal(t, state.TLPAmberStrict, st.sees(t, slackfake.Incident))
	st.In("incident").ShareWith(slackfake.OtherTeam)
	waits(ceilingAge)
	require.Equal(t, state.TLPGreen, st.sees(t, slackfake.Incident))
	waits(ceilingAge)
	st.NextCalls("conversations.info", 1, slackfake.ServerError())
	_, err := st.p.Ceiling(t.Context(), at(slackfake.Incident))
	require.Error(t, err)
}

func TestASharedChannelNeverSeesMoreThanOthers(t *testing.T) {
	t.Parallel()
	o := Options{Ceiling: state.TLPClear, SharedCeiling: state.TLPAmber}
	o.defaults()
	require.Equal(t, state.TLPClear, o.SharedCeiling)
}

func TestWhoWaitsSeesWhatTheyMayWhereItIsNotKnownWhoElseIsThere(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	for _, id := range []string{slackfake.Responder, slackfake.Guest} {
		_, err := st.p.dir.users.get(t.Context(), id)
		require.NoError(t, err)
	}
	st.NextCalls("conversations.members", -1, slackfake.Fault{Error: "internal_error"})
	for user, want := range map[string]state.TLP{slackfake.Responder: state.TLPAmberStrict, slackfake.Guest: state.TLPGreen, slackfake.Lead1: state.TLPGreen} {
		require.Equal(t, want, st.p.ceiling(t.Context(), at(slackfake.Incident), user), user)
	}
	_, err := st.p.Ceiling(t.Context(), at(slackfake.Incident))
	require.Error(t, err, "nothing is delivered by that")
}

func TestAChannelThatIsSharedSeesLessAtOnce(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Types("incident", "/allclear scan").Done()
	require.Equal(t, state.TLPAmberStrict, desk.requests()[0].Place.Ceiling)
	st.User("responder").Types("incident", "/allclear scan").Done()
	st.Eventually("it is remembered", func() bool { return len(st.Calls("conversations.info")) == 1 })
	st.In("incident").ShareWith(slackfake.OtherTeam)
	st.Eventually("it is told", func() bool { return st.Acks() == 3 })
	st.User("responder").Types("incident", "/allclear scan").Done()
	require.Equal(t, state.TLPGreen, desk.requests()[2].Place.Ceiling)
}

func TestAGuestWhoJoinsMakesAChannelSeeLess(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.runs(t, &notebook{})
	got, err := st.p.Ceiling(t.Context(), at(slackfake.Secret))
	require.NoError(t, err)
	require.Equal(t, state.TLPAmberStrict, got)
	require.Eventually(t, func() bool { return st.p.dir.members.has(slackfake.Secret) }, 5*time.Second, time.Millisecond)
	st.User("guest").Joins("secret")
	require.Eventually(t, func() bool {
		got, err := st.p.Ceiling(t.Context(), at(slackfake.Secret))
		return err == nil && got == state.TLPGreen
	}, 5*time.Second, time.Millisecond)
}

func TestUserGroupsGiveRolesToFullMembersOnly(t *testing.T) {
	t.Parallel()
	group := Link(slackfake.TeamID, slackfake.SPTeam)
	leads := slackfake.Group{ID: "S0LEADS0001", Handle: "leads", Members: []string{slackfake.Lead1}}
	st := newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Roles = map[string]state.Role{group: state.RoleResponder, Link(slackfake.TeamID, leads.ID): state.RoleLead, Link("T0OTHER0001", "S0LEADS0001"): state.RoleLead}
	})
	st.AddGroup(leads)
	bot := st.AddUser(slackfake.User{Name: "other-bot", Bot: true})
	st.SetGroup(slackfake.SPTeam, slackfake.Responder, slackfake.Guest, slackfake.Stranger, slackfake.Gone, slackfake.Lead1, bot.ID)
	require.True(t, st.p.GroupsAsOf().IsZero())
	role := func(link string) state.Role {
		r, err := st.p.Grants(t.Context(), link)
		require.NoError(t, err)
		return r
	}
	_, err := st.p.Grants(t.Context(), Link(slackfake.TeamID, slackfake.Responder))
	require.ErrorIs(t, err, state.ErrUnavailable, "it does not run: nobody is refused for that")
	st.runs(t, &notebook{})
	require.Equal(t, state.RoleResponder, role(Link(slackfake.TeamID, slackfake.Responder)), "from the first request on")
	require.Equal(t, state.RoleLead, role(Link(slackfake.TeamID, slackfake.Lead1)), "the greater of two")
	require.True(t, st.p.dir.users.has(bot.ID) && st.p.dir.users.has(slackfake.Stranger))
	for _, link := range []string{
		Link(slackfake.TeamID, slackfake.Guest), Link(slackfake.TeamID, slackfake.Stranger), Link(slackfake.OtherTeam, slackfake.Stranger),
		Link(slackfake.TeamID, slackfake.Gone), Link(slackfake.TeamID, bot.ID), Link(slackfake.TeamID, slackfake.Manager),
		Link(slackfake.OtherTeam, slackfake.Responder), "console:rob", "slack:", "", "slack:T0ACME0001:",
	} {
		require.Equal(t, state.RoleViewer, role(link), link)
	}
	require.WithinDuration(t, time.Now(), st.p.GroupsAsOf(), time.Minute)

	st.SetGroup(slackfake.SPTeam, slackfake.Manager)
	require.Eventually(t, func() bool {
		return role(Link(slackfake.TeamID, slackfake.Responder)) == state.RoleViewer && role(Link(slackfake.TeamID, slackfake.Manager)) == state.RoleResponder
	}, 5*time.Second, time.Millisecond)
}

func TestARoleIsNotGivenByWhatWasHeardLongAgo(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	group := Link(slackfake.TeamID, slackfake.SPTeam)
	st := newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Roles = map[string]state.Role{group: state.RoleResponder}
		o.Now = func() time.Time { return time.Unix(0, now.Load()) }
	})
	st.runs(t, &notebook{})
	link := Link(slackfake.TeamID, slackfake.Responder)
	role := func() state.Role {
		r, err := st.p.Grants(t.Context(), link)
		require.NoError(t, err)
		return r
	}
	require.Eventually(t, func() bool { return role() == state.RoleResponder }, 5*time.Second, time.Millisecond)
	st.NextCalls("usergroups.users.list", -1, slackfake.Fault{Error: "internal_error"})
	now.Add(int64(29 * time.Minute))
	require.Eventually(t, func() bool { return role() == state.RoleResponder }, 5*time.Second, time.Millisecond)
	now.Add(int64(2 * time.Minute))
	require.Equal(t, state.RoleViewer, role())
}

func TestAGroupThatIsSwitchedOffGivesNoRole(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, func(o *Options) {
		o.Roles = map[string]state.Role{Link(slackfake.TeamID, "S0NOTHERE01"): state.RoleLead, Link(slackfake.TeamID, slackfake.SPTeam): state.RoleResponder}
	})
	st.runs(t, &notebook{})
	require.Eventually(t, func() bool { return !st.p.GroupsAsOf().IsZero() }, 5*time.Second, time.Millisecond, "the other one is read")
	require.Contains(t, st.log.String(), "switched off, or there is none")
}

func TestWhatTheDirectoryDoesNotKnowIsAskedOnceByAllWhoWait(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	goOn := make(chan struct{})
	c := newCache(time.Now, func(ctx context.Context, id string) (string, error) {
		calls.Add(1)
		<-goOn
		return "is " + id, nil
	}, func(string) {})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := c.get(t.Context(), "C1")
			if err != nil || got != "is C1" {
				t.Error(got, err)
			}
		})
	}
	require.Eventually(t, func() bool { return calls.Load() == 1 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.get(ctx, "C1")
	require.ErrorIs(t, err, context.Canceled, "whoever cannot wait does not")
	close(goOn)
	all.Wait()
	require.EqualValues(t, 1, calls.Load())
}

func TestTheDirectoryForgetsAndRenews(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	var err error
	var renewed []string
	loads := 0
	c := newCache(func() time.Time { return now }, func(context.Context, string) (int, error) { loads++; return loads, err }, func(id string) { renewed = append(renewed, id) })
	get := func() (int, error) { return c.get(t.Context(), "C1") }
	_, known := c.peek("C1")
	require.False(t, known)
	require.Equal(t, []string{"C1"}, renewed)
	v, e := get()
	require.NoError(t, e)
	require.Equal(t, 1, v)
	now = now.Add(directoryTTL)
	v, _ = get()
	require.Equal(t, 1, v, "it is old, and used")
	require.Len(t, renewed, 2, "and renewed behind the scenes")
	now = now.Add(directoryStale)
	v, _ = get()
	require.Equal(t, 2, v, "it is too old")
	v, known = c.glance("C1")
	require.True(t, known)
	require.Equal(t, 2, v)
	c.drop("C1")
	_, known = c.peek("C1")
	require.False(t, known)
	_, known = c.glance("C1")
	require.False(t, known)

	err = slackgo.SlackErrorResponse{Err: "channel_not_found"}
	_, e = get()
	require.Error(t, e)
	before := loads
	_, e = get()
	require.Error(t, e)
	require.Equal(t, before, loads, "that there is none is remembered")
	now = now.Add(unknownTTL)
	err = errors.New("no route to host")
	_, e = get()
	require.Error(t, e)
	_, e = get()
	require.Error(t, e)
	require.Equal(t, before+2, loads, "that nobody answered is not")

	for i := range mostEntries + 100 {
		c.put(time.Duration(i).String(), entry[int]{at: now})
	}
	require.LessOrEqual(t, len(c.entries), mostEntries)
}
