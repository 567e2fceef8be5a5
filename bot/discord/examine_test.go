package discord

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

// wrongs are what an examination found, as one text.
func wrongs(fs []state.Finding) string {
	var out strings.Builder
	for _, f := range fs {
		if f.Wrong != "" {
			out.WriteString(f.What + ": " + f.Wrong + " → " + f.Do + "\n")
		}
	}
	return out.String()
}

func TestAnExaminationSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, discordfake.Options{}, nil)
	leads := st.here()
	leads.Channel = st.In("leads").ID()
	require.Empty(t, wrongs(st.p.Examine(t.Context(), []state.Place{st.here(), st.here(), leads})))

	require.NoError(t, st.Permit("responders", 0, discordfake.EmbedLinks))
	require.Contains(t, wrongs(st.p.Examine(t.Context(), []state.Place{st.here()})), "#responders ("+st.here().Channel+"): The bot lacks Embed Links")
	require.NoError(t, st.Permit("responders", 0, discordfake.ViewChannel))
	require.Contains(t, wrongs(st.p.Examine(t.Context(), []state.Place{st.here()})), "does not see it")
	gone := st.here()
	require.NoError(t, st.DeleteChannel("responders"))
	require.Contains(t, wrongs(st.p.Examine(t.Context(), []state.Place{gone})), "no such channel any more")

	o := st.opt
	o.PublicKey = strings.Repeat("ab", 32)
	o.Guilds = map[string]Guild{"77": {Team: true}, st.guild: {}}
	said := wrongs(st.platform(t, o).Examine(t.Context(), nil))
	require.Contains(t, said, "Discord sends them over the gateway")
	require.Contains(t, said, "the server 77, the team's: The bot is not in it. → Open https://discord.com/oauth2/authorize?client_id="+st.AppID())
	o.Guilds = nil
	require.Contains(t, wrongs(st.platform(t, o).Examine(t.Context(), nil)), "ALLCLEAR_DISCORD_TEAM")
	o.Token = "other"
	require.Contains(t, wrongs(st.platform(t, o).Examine(t.Context(), nil)), "Reset Token")
}

func TestAnExaminationNoticesHowInteractionsCome(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, discordfake.Options{}, nil)
	require.Empty(t, wrongs(st.p.Examine(t.Context(), nil)))
	o := st.opt
	o.PublicKey = ""
	require.Contains(t, wrongs(st.platform(t, o).Examine(t.Context(), nil)), "nobody here hears of them")
	o.PublicKey = strings.Repeat("ab", 32)
	require.Contains(t, wrongs(st.platform(t, o).Examine(t.Context(), nil)), "not that of this application")
}

func TestTheInvitationAsksForTheLeast(t *testing.T) {
	t.Parallel()
	link, err := Invite("123", false)
	require.NoError(t, err)
	require.Equal(t, "https://discord.com/oauth2/authorize?client_id=123&permissions=2252109051448320&scope=bot+applications.commands", link)
	_, err = Invite("x&permissions=8", false)
	require.Error(t, err)
	var all discordfake.Permission
	for _, r := range rights() {
		all |= discordfake.Permission(r.bit)
	}
	require.Equal(t, all, all&discordfake.BotDefault, "and nothing that the fake does not give")
	require.Zero(t, all&(discordfake.Administrator|discordfake.ManageGuild|discordfake.MentionEveryone|discordfake.ManageMessages))
}
