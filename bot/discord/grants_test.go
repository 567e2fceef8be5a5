package discord

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

func TestARoleOfAGuildGivesARoleAndStrangersMayLook(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{Users: []discordfake.Member{{Name: "stranger"}}}, nil)
	lead, err := st.RoleID("", "lead")
	require.NoError(t, err)
	oncall, err := st.RoleID("", "on-call")
	require.NoError(t, err)
	st.p.opt.Roles = map[string]state.Role{RoleLink(st.guild, lead): state.RoleLead, RoleLink(st.guild, oncall): state.RoleResponder, RoleLink("77", lead): state.RoleLead}
	for name, want := range map[string][2]state.Role{ // granted, and at most
		"lead-1": {state.RoleLead, state.RoleLead}, "responder": {state.RoleResponder, state.RoleLead},
		"owner": {state.RoleViewer, state.RoleLead}, "stranger": {state.RoleViewer, state.RoleViewer},
		"allclear": {state.RoleViewer, state.RoleViewer},
	} {
		id := st.User(name).ID()
		got, err := st.p.Grants(t.Context(), Link(id))
		require.NoError(t, err)
		require.Equal(t, want[0], got, name)
		got, err = st.p.Limit(t.Context(), Link(id))
		require.NoError(t, err)
		require.Equal(t, want[1], got, name)
	}
	for _, link := range []string{"", "discord:", "slack:1:2", RoleLink(st.guild, lead)} {
		got, err := st.p.Grants(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, state.RoleViewer, got)
		got, err = st.p.Limit(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, state.RoleViewer, got)
	}
}

func TestWhatIsKnownOfAMemberGrowsOld(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, discordfake.Options{}, nil)
	now := time.Now()
	st.p.dir.now = func() time.Time { return now }
	lead, err := st.RoleID("", "lead")
	require.NoError(t, err)
	st.p.opt.Roles = map[string]state.Role{RoleLink(st.guild, lead): state.RoleLead}
	link := Link(st.User("lead-1").ID())
	role := func() state.Role {
		got, err := st.p.Grants(t.Context(), link)
		require.NoError(t, err)
		return got
	}
	const route = "GET /guilds/{guild}/members/{user}"
	require.Equal(t, state.RoleLead, role())
	require.Equal(t, state.RoleLead, role())
	require.Len(t, st.Calls(route), 1, "it is asked once a minute")
	st.NextCalls(route, 100, discordfake.ServerError(http.StatusInternalServerError))
	now = now.Add(2 * time.Minute)
	require.Equal(t, state.RoleLead, role(), "for a while what was known counts")
	now = now.Add(time.Hour)
	require.Equal(t, state.RoleViewer, role(), "and then no more")
	most, err := st.p.Limit(t.Context(), link)
	require.NoError(t, err)
	require.Equal(t, state.RoleLead, most, "they are still a member")
}

func TestCeilingsAreWhatTheOperatorSays(t *testing.T) {
	t.Parallel()
	p, err := New(Options{Token: "t", Guilds: map[string]Guild{"1": {Team: true}, "2": {Team: true, Ceiling: state.TLPGreen}, "3": {Ceiling: state.TLPGreen}, "4": {Ceiling: state.TLPAmberStrict}}})
	require.NoError(t, err)
	for guild, want := range map[string]state.TLP{"1": state.TLPAmberStrict, "2": state.TLPGreen, "3": state.TLPGreen, "4": state.TLPGreen, "5": state.TLPClear, "": state.TLPClear} {
		require.Equal(t, want, p.ceiling(guild, textChannel), guild)
		require.Equal(t, state.TLPClear, p.ceiling(guild, announcement), guild)
	}
	for _, o := range []Options{{}, {Token: "Bot x"}, {Token: "t", PublicKey: "zz"}, {Token: "t", PublicKey: "aa"}, {Token: "t", Command: "/allclear"}} {
		_, err := New(o)
		require.Error(t, err)
	}
}
