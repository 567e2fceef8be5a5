package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

func TestACommandIsALineWithItsOptionsAndAnsweredAsItsSpecSays(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	lead := st.User("lead-1")

	req := st.answers(t, d, lead.Runs("responders", "/allclear scan", discordfake.With("group", "e me a"), discordfake.With("cancel", "true")), "scanned")
	require.Equal(t, `scan "--group=e me a" --cancel`, req.Text)
	require.Equal(t, chat.TriggerLine, req.Trigger)
	require.Equal(t, Link(lead.ID()), req.Actor.Link)
	require.True(t, req.Actor.Admin, "who may manage the guild administers it")
	require.Equal(t, state.TLPAmberStrict, req.Place.Ceiling)
	require.Equal(t, st.guild, req.Place.Workspace)

	x := lead.Runs("responders", "/allclear server show", discordfake.With("server", "--all"))
	req = st.answers(t, d, x, "the card")
	require.True(t, x.Outcome().Private)
	require.Equal(t, "server show -- --all", req.Text, "an answer never becomes a flag")

	st.answers(t, d, st.User("responder").Runs("responders", "/allclear server list", discordfake.With("status", "unknown"), discordfake.With("limit", "3")), "list")
	require.Equal(t, "server list --status=unknown --limit=3", d.last(t).Text)
	require.False(t, d.last(t).Actor.Admin)

	st.answers(t, d, lead.Runs("responders", "/allclear scan-show"), "scan")
	st.answers(t, d, lead.Runs("responders", "/allclear do", discordfake.With("line", "/allclear claim sp-01 patch it is \"done\"")), "claimed")
	require.Equal(t, `claim sp-01 patch it is "done"`, d.last(t).Text)

	lead.Runs("responders", "/allclear claim", discordfake.With("server", "sp-01"), discordfake.With("note", "hello")).GetsPrivately("step is not")
	lead.Runs("responders", "/allclear except", discordfake.With("server", "sp-01"), discordfake.With("for", "soon")).GetsPrivately(`for cannot be "soon"`)
	lead.Runs("responders", "/allclear do", discordfake.With("line", "scna")).GetsPrivately("Did you mean: scan")
}

func TestAFileIsReadFromDiscordAndFromNowhereElse(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	st.answers(t, d, st.User("lead-1").Runs("responders", "/allclear intake", discordfake.WithFile("report", "re port.csv", "text/csv", []byte("a,b")), discordfake.With("dry-run", "true")), "taken")
	req := d.last(t)
	require.Equal(t, "intake --dry-run", req.Text)
	require.Len(t, req.Files, 1)
	require.Nil(t, req.Files[0].Data, "it is read when the request runs")
	f, err := st.p.Fetch(t.Context(), req.Place, req.Files[0])
	require.NoError(t, err)
	require.Equal(t, "a,b", string(f.Data))

	st.answers(t, d, st.User("lead-1").Runs("responders", "/allclear intake", discordfake.With("report-text", "x y")), "taken")
	require.Equal(t, `intake -- "x y"`, d.last(t).Text)

	for _, address := range []string{"https://evil.example/a", "http://cdn.discordapp.com/a", "https://cdn.discordapp.com.evil.example/a", "https://x@cdn.discordapp.com/a", ""} {
		require.Empty(t, attachment{Name: "a", URL: address}.file().Ref, address)
		_, err := st.p.Fetch(t.Context(), req.Place, chat.File{Name: "a", Ref: address})
		require.Error(t, err, address)
	}
	st.p.opt.MaxFile = 2
	_, err = st.p.Fetch(t.Context(), req.Place, req.Files[0])
	require.ErrorAs(t, err, new(*chat.Problem))
}

func TestCommandsAreRegisteredOnceAndByDifferenceOnly(t *testing.T) {
	t.Parallel()
	st, _ := attended(t, discordfake.Options{}, nil)
	const put = "PUT /applications/{app}/guilds/{guild}/commands"
	soon(t, "they are registered", func() bool { return len(st.Calls(put)) == 1 })
	require.NoError(t, st.p.registerAll(t.Context()))
	require.NoError(t, st.p.registerAll(t.Context()))
	require.Len(t, st.Calls(put), 1, "nothing has changed")
	st.p.menu.Store(newMenus("allclear", append(someSpecs(), chat.Spec{Path: "new", Summary: "New"})))
	require.NoError(t, st.p.registerAll(t.Context()))
	require.Len(t, st.Calls(put), 2)
}

func TestCommandsAreOfEachGuildOrGlobalAndNeverBoth(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, discordfake.Options{Limits: discordfake.Limits{Off: true}}, nil)
	require.NoError(t, st.p.whoAmI(t.Context()))
	require.NoError(t, st.p.whereAmI(t.Context()))
	st.p.menu.Store(newMenus("allclear", someSpecs()))
	const app, guild = "/applications/{app}/commands", "/applications/{app}/guilds/{guild}/commands"
	require.NoError(t, st.p.rest.call(t.Context(), "POST", "applications/"+st.AppID()+"/commands", command{Type: 1, Name: "weather", Description: "Not ours"}, nil))
	for n, global := range []bool{false, true, false} {
		st.p.opt.Global = global
		for range 2 {
			require.NoError(t, st.p.registerAll(t.Context()))
		}
		require.Contains(t, st.Commands(""), "allclear")
		require.Equal(t, n == 0, slices.Contains(st.Commands(""), "weather"), "only where ours are registered others go")
		require.Len(t, st.Calls("PUT "+guild), 1+n/2, "by difference only")
		require.Len(t, st.Calls("PUT "+app), (1+n)/2)
		require.Len(t, st.Calls("DELETE "+guild+"/{command}"), (1+n)/2, "what is of the other kind is taken away")
		require.Len(t, st.Calls("DELETE "+app+"/{command}"), n/2)
	}
}

// TestACommandMeansWhatItSaysInEveryList has families that are a root of their own among all
// commands, and not among the few of a community.
func TestACommandMeansWhatItSaysInEveryList(t *testing.T) {
	t.Parallel()
	var specs []chat.Spec
	for i := range maxMenuOptions {
		specs = append(specs, chat.Spec{Path: fmt.Sprintf("word%d", i), Summary: "Do it"})
	}
	for _, word := range []string{"advisories", "off", "list"} {
		specs = append(specs, chat.Spec{Path: "setup " + word, Summary: "Set it up", Community: word != "list"})
	}
	m := newMenus("allclear", specs)
	for path, g := range map[string]Guild{"allclear setup advisories": {}, "allclear-setup advisories": {Team: true}} {
		s, ok := m.spec(g, path)
		require.True(t, ok, path)
		require.Equal(t, "setup advisories", s.Path)
	}
	s, ok := m.spec(Guild{}, "allclear-setup advisories")
	require.True(t, ok, "where the commands are global")
	require.Equal(t, "setup advisories", s.Path)
	_, ok = m.spec(Guild{Team: true}, "allclear setup advisories")
	require.False(t, ok)
}

func TestACommunityHasWhatIsForCommunitiesAndNothingElse(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, func(o *Options) { o.Guilds = nil })
	lead := st.User("lead-1")
	x := lead.Runs("responders", "/allclear advisories")
	req := st.answers(t, d, x, "none")
	require.Equal(t, state.TLPClear, req.Place.Ceiling)
	_, err := st.Fake.Run("lead-1", "responders", "/allclear scan")
	require.Error(t, err, "it is not registered there")
	lead.Runs("responders", "/allclear do", discordfake.With("line", "scan")).GetsPrivately("not for communities")
	role, err := st.p.Limit(t.Context(), Link(lead.ID()))
	require.NoError(t, err)
	require.Equal(t, state.RoleViewer, role, "no guild is the team's")
}

// TestTheMenuFitsIntoDiscord makes many more commands than there are.
func TestTheMenuFitsIntoDiscord(t *testing.T) {
	t.Parallel()
	var specs []chat.Spec
	for i := range 40 {
		for j := range 1 + i%7 {
			s := chat.Spec{Path: fmt.Sprintf("family%d word%d", i, j), Summary: strings.Repeat("does something good ", 9)}
			for k := range 6 {
				s.Flags = append(s.Flags, chat.Arg{Name: fmt.Sprintf("option%d", k), Help: strings.Repeat("helps ", 30), Choices: []string{"a", "b", "c"}})
			}
			specs = append(specs, s)
		}
	}
	m := newMenu("allclear", specs)
	require.LessOrEqual(t, len(m.commands), maxCommands)
	for _, c := range m.commands {
		fits(t, c)
	}
	small := newMenu("allclear", someSpecs())
	require.Len(t, small.commands, 1)
	require.Len(t, small.specs, len(someSpecs()), "each command is there")
}

// fits looks at the limits of a command and all below it.
func fits(t *testing.T, c command) {
	t.Helper()
	require.LessOrEqual(t, c.size(), maxCommandSize, c.Name)
	var look func(c command)
	look = func(c command) {
		require.Regexp(t, commandName, c.Name)
		require.NotEmpty(t, c.Description)
		require.LessOrEqual(t, len([]rune(c.Description)), maxAbout)
		require.LessOrEqual(t, len(c.Options), maxMenuOptions)
		require.LessOrEqual(t, len(c.Choices), maxMenuChoices)
		optional := false
		for _, o := range c.Options {
			require.False(t, optional && o.Required, "what is required comes first")
			optional = optional || !o.Required
			look(o)
		}
	}
	look(c)
}

func TestNamesAreSuggestedWithinTheLimits(t *testing.T) {
	t.Parallel()
	st, d := attended(t, discordfake.Options{}, nil)
	var asked bot.Question
	d.suggest = func(q bot.Question) ([]string, error) {
		asked = q
		out := append([]string{"", strings.Repeat("x", 101), " padded", "a\x1b[31m", "a\x1b[31m", "bad \xff"}, bottest.Hostile()...)
		for i := range 40 {
			out = append(out, fmt.Sprintf("sp-%02d", i))
		}
		return out, nil
	}
	lead := st.User("lead-1")
	names := lead.Types("responders", "/allclear scan", "server", "sp", discordfake.With("incident", "toolshell-1")).Offers()
	require.LessOrEqual(t, len(names), bot.MaxSuggestions)
	require.Equal(t, `a\x1b[31m`, names[0])
	require.Equal(t, bot.Question{Link: Link(lead.ID()), Place: asked.Place, Command: "scan", Arg: "server", Prefix: "sp", Incident: "toolshell-1"}, asked)
	require.Empty(t, asked.Place.Reply)
	for _, typed := range append(bottest.Hostile()[:8], strings.Repeat("y", 6000)) {
		lead.Types("responders", "/allclear scan", "server", strings.ToValidUTF8(typed, "?")).Offers()
	}
	d.suggest = func(bot.Question) ([]string, error) { return nil, errors.New("away") }
	require.Empty(t, lead.Types("responders", "/allclear scan", "server", "s").Offers())
}

func TestNothingThatDiscordLeavesOutPanics(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`null`, `{}`, `[]`, `{"type":2}`, `{"type":2,"data":null}`, `{"type":2,"data":{},"id":"1","token":"t"}`, `{"type":2,"data":{},"id":"1","token":"t","member":{}}`,
		`{"type":2,"data":{},"id":"1","token":"t","member":{"user":null},"user":null,"channel_id":"3"}`,
	} {
		_, err := readInteraction([]byte(raw))
		require.Error(t, err, raw)
	}
	st := newStage(t, false, discordfake.Options{Limits: discordfake.Limits{Off: true}}, nil)
	st.p.menu.Store(newMenus("allclear", someSpecs()))
	st.p.door.Open(&desk{specs: someSpecs(), suggest: func(bot.Question) ([]string, error) { return nil, nil }})
	for _, kind := range []int{0, 2, 3, 4, 5, 99} {
		for _, data := range []string{`{}`, `{"name":"allclear","options":[{"type":1}]}`, `{"options":[{"type":2,"options":[null]}]}`, `{"custom_id":"n1"}`, `{"custom_id":"n1","components":[{"component":null},{"components":[null]}]}`} {
			i, err := readInteraction([]byte(fmt.Sprintf(`{"type":%d,"id":"1","token":"t","user":{"id":"2"},"channel_id":"3","data":%s}`, kind, data)))
			require.NoError(t, err, data)
			_, ok := st.p.serve(t.Context(), i)
			require.True(t, ok)
		}
	}
	require.Zero(t, st.counts.Of("panic"))
	require.NoError(t, st.SetEndpoint(t.Context(), ""))
}

func FuzzInteraction(f *testing.F) {
	f.Add([]byte(`{"type":2,"id":"1","token":"t","guild_id":"4","member":{"user":{"id":"2"},"permissions":"8"},"channel_id":"3","data":{"name":"allclear","options":[{"type":1,"name":"scan","options":[{"name":"server","value":"x"}]}]}}`))
	f.Add([]byte(`{"type":3,"id":"1","token":"t","user":{"id":"2"},"channel_id":"3","data":{"custom_id":"n1"},"message":{"embeds":[{"url":"https://allclear.invalid/x?b=e30"}]}}`))
	p, err := New(Options{Token: "t", Guilds: map[string]Guild{"4": {Team: true}}})
	if err != nil {
		f.Fatal(err)
	}
	p.menu.Store(newMenus("allclear", someSpecs()))
	p.door.Open(&desk{specs: someSpecs(), suggest: func(bot.Question) ([]string, error) { return nil, nil }})
	f.Fuzz(func(t *testing.T, raw []byte) {
		i, err := readInteraction(raw)
		if err != nil || i.Type == kindPing || i.Channel.thread() {
			return
		}
		r, ok := p.serve(t.Context(), i)
		require.True(t, ok)
		_, err = json.Marshal(r)
		require.NoError(t, err)
	})
}
