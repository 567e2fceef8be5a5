package discordfake_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// library is discordgo as a client of the fake, with its own endpoints.
type library struct {
	*discordgo.Session
	t     *testing.T
	d     *fake.Test
	got   chan *discordgo.InteractionCreate
	guild string
}

func newLibrary(t *testing.T, opt fake.Options) *library {
	t.Helper()
	d := fake.New(t, opt)
	s, err := discordgo.New("Bot " + d.Token())
	require.NoError(t, err)
	s.Client, s.Dialer = d.Client(), d.Dialer()
	s.Identify.Intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages
	l := &library{s, t, d, make(chan *discordgo.InteractionCreate, 16), ""}
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { l.got <- i })
	l.guild, err = d.GuildID("")
	require.NoError(t, err)
	return l
}

func (l *library) open() *library {
	l.t.Helper()
	require.NoError(l.t, l.Open())
	l.t.Cleanup(func() {
		l.settled()
		_ = l.Close()
	})
	l.settled()
	return l
}

// settled waits for the first heartbeat of the connection. When it is lost or closed
// before that, discordgo v0.29.0 closes and opens its next ones about once a second,
// without end: the goroutine of the old heartbeat closes the new connection.
func (l *library) settled() {
	l.t.Helper()
	l.d.Online(1)
	require.Eventually(l.t, func() bool { return l.d.Heartbeats() > 0 }, 10*time.Second, time.Millisecond)
}

func (l *library) interaction() *discordgo.Interaction {
	l.t.Helper()
	select {
	case i := <-l.got:
		return i.Interaction
	case <-time.After(10 * time.Second):
		require.Fail(l.t, "no interaction came")
		return nil
	}
}

func quiet() *discordgo.MessageAllowedMentions { return &discordgo.MessageAllowedMentions{} }

func TestDiscordgoRegistersRunsAndAnswers(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{}).open()
	least := 1.0
	_, err := l.ApplicationCommandBulkOverwrite(l.d.AppID(), l.guild, []*discordgo.ApplicationCommand{{
		Name: "allclear", Description: "runs the response", Options: []*discordgo.ApplicationCommandOption{{
			Type: discordgo.ApplicationCommandOptionSubCommand, Name: "scan", Description: "scans", Options: []*discordgo.ApplicationCommandOption{
				{Type: discordgo.ApplicationCommandOptionString, Name: "server", Description: "which", Required: true, Autocomplete: true},
				{Type: discordgo.ApplicationCommandOptionInteger, Name: "top", Description: "how many", MinValue: &least},
				{Type: discordgo.ApplicationCommandOptionAttachment, Name: "list", Description: "a file"},
			},
		}},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"allclear"}, l.d.Commands(""))

	x := l.d.User("lead-1").Types("responders", "/allclear scan", "server", "SP")
	i := l.interaction()
	require.Equal(t, "SP", i.ApplicationCommandData().Options[0].GetOption("server").StringValue())
	require.NoError(t, l.InteractionRespond(i, &discordgo.InteractionResponse{
		Type: discordgo.InteractionApplicationCommandAutocompleteResult,
		Data: &discordgo.InteractionResponseData{Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "SP-01", Value: "SP-01"}}},
	}))
	require.Equal(t, []string{"SP-01"}, x.Offers())

	x = l.d.User("lead-1").Runs("responders", "/allclear scan", fake.With("server", "SP-01"), fake.With("top", "3"), fake.WithFile("list", "l.csv", "text/csv", []byte("SP-01")))
	i = l.interaction()
	data := i.ApplicationCommandData()
	require.EqualValues(t, 3, data.Options[0].GetOption("top").IntValue())
	require.Equal(t, "lead-1", i.Member.User.Username)
	require.Len(t, data.Resolved.Attachments, 1)
	require.NoError(t, l.InteractionRespond(i, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource}))
	x.Thinks()
	text := "**done**"
	_, err = l.InteractionResponseEdit(i, &discordgo.WebhookEdit{
		Content: &text, AllowedMentions: quiet(),
		Components: &[]discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			discordgo.Button{Label: "Confirm", CustomID: "c1", Style: discordgo.DangerButton},
		}}},
		Files: []*discordgo.File{{Name: "board.png", ContentType: "image/png", Reader: bytes.NewReader([]byte("png"))}},
	})
	require.NoError(t, err)
	s := x.GetsPublicly("done")
	require.Equal(t, "board.png", s.Files[0].Name)
	require.True(t, s.Runs[0].Bold)

	y := l.d.User("lead-2").Presses(s, "Confirm")
	i = l.interaction()
	require.Equal(t, "c1", i.MessageComponentData().CustomID)
	require.Equal(t, s.ID, i.Message.ID)
	require.NoError(t, l.InteractionRespond(i, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseModal, Data: &discordgo.InteractionResponseData{CustomID: "m", Title: "Why", Components: []discordgo.MessageComponent{
			discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{CustomID: "why", Label: "Reason", Style: discordgo.TextInputShort, Required: true}}},
		}},
	}))
	z := l.d.User("lead-2").Fills(y, map[string]string{"Reason": "seen"})
	i = l.interaction()
	require.Len(t, i.ModalSubmitData().Components, 1)
	require.NoError(t, l.InteractionRespond(i, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "thank you", Flags: discordgo.MessageFlagsEphemeral, AllowedMentions: quiet()},
	}))
	z.GetsPrivately("thank you")
	_, err = l.FollowupMessageCreate(i, true, &discordgo.WebhookParams{Content: "and more", AllowedMentions: quiet()})
	require.NoError(t, err)
	z.GetsPublicly("and more")
}

func TestDiscordgoPostsEditsListsAndDeletes(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, free).open()
	place := l.d.In("responders")
	m, err := l.ChannelMessageSendComplex(place.ID(), &discordgo.MessageSend{
		Content: "card", AllowedMentions: quiet(), Embeds: []*discordgo.MessageEmbed{{Title: "Board", Fields: []*discordgo.MessageEmbedField{{Name: "n", Value: "v"}}}},
		Files: []*discordgo.File{{Name: "a.csv", ContentType: "text/csv", Reader: bytes.NewReader([]byte("x"))}},
	})
	require.NoError(t, err)
	place.Sees("card\nBoard\nn: v")
	content := "card 2"
	_, err = l.ChannelMessageEditComplex(&discordgo.MessageEdit{Channel: place.ID(), ID: m.ID, Content: &content, AllowedMentions: quiet()})
	require.NoError(t, err)
	require.NoError(t, l.ChannelMessagePin(place.ID(), m.ID))
	place.Pinned("card 2")
	list, err := l.ChannelMessages(place.ID(), 10, "", "", "")
	require.NoError(t, err)
	require.Equal(t, "card 2", list[1].Content)
	_, err = l.ChannelMessage(place.ID(), m.ID)
	require.NoError(t, err)
	require.NoError(t, l.MessageReactionAdd(place.ID(), m.ID, "✅"))
	require.NoError(t, l.ChannelTyping(place.ID()))
	th, err := l.MessageThreadStart(place.ID(), m.ID, "log", 60)
	require.NoError(t, err)
	_, err = l.ChannelMessageSendComplex(th.ID, &discordgo.MessageSend{Content: "in the thread", AllowedMentions: quiet()})
	require.NoError(t, err)
	place.Thread("log").SeesOnce("in the thread")
	require.NoError(t, l.ChannelMessageDelete(place.ID(), m.ID))
	place.NoLonger("card 2")
	_, err = l.ChannelMessageEdit(place.ID(), m.ID, "gone")
	var refused *discordgo.RESTError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 10008, refused.Message.Code)
}

func TestDiscordgoPostsInForumsPublishesAndOpensDMs(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, free).open()
	forum, err := l.Channel(l.d.In("reports").ID())
	require.NoError(t, err)
	require.Len(t, forum.AvailableTags, 2)
	th, err := l.ForumThreadStartComplex(forum.ID, &discordgo.ThreadStart{Name: "CVE-2025-53770", AppliedTags: []string{forum.AvailableTags[0].ID}}, &discordgo.MessageSend{Content: "v1", AllowedMentions: quiet()})
	require.NoError(t, err)
	post := l.d.In("reports").Post("CVE-2025-53770")
	require.Equal(t, []string{"active"}, post.Tags)
	require.Equal(t, "v1", post.Messages[0].Text)
	_, err = l.ChannelMessageEdit(th.ID, th.ID, "v2")
	require.NoError(t, err)
	l.d.In("CVE-2025-53770").SeesOnce("v2")

	news := l.d.In("advisories")
	m, err := l.ChannelMessageSendComplex(news.ID(), &discordgo.MessageSend{Content: "advisory 7", AllowedMentions: quiet()})
	require.NoError(t, err)
	_, err = l.ChannelMessageCrosspost(news.ID(), m.ID)
	require.NoError(t, err)
	require.Equal(t, m.ID, l.d.In("news").SeesOnce("advisory 7").CopyOf)

	person, err := l.d.UserID("responder")
	require.NoError(t, err)
	dm, err := l.UserChannelCreate(person)
	require.NoError(t, err)
	_, err = l.ChannelMessageSendComplex(dm.ID, &discordgo.MessageSend{Content: "hello", AllowedMentions: quiet()})
	require.NoError(t, err)
	l.d.In(dm.ID).SeesOnce("hello")
}

func TestDiscordgoReadsTheWorld(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, free)
	guilds := make(chan int, 1)
	l.AddHandler(func(_ *discordgo.Session, g *discordgo.GuildCreate) { guilds <- len(g.Channels) })
	l.open()
	require.Equal(t, 5, <-guilds)
	me, err := l.User("@me")
	require.NoError(t, err)
	require.Equal(t, l.d.AppID(), me.ID)
	gateway, err := l.GatewayBot()
	require.NoError(t, err)
	require.Equal(t, 999, gateway.SessionStartLimit.Remaining)
	mine, err := l.UserGuilds(10, "", "", false)
	require.NoError(t, err)
	require.Len(t, mine, 1)
	channels, err := l.GuildChannels(l.guild)
	require.NoError(t, err)
	require.Len(t, channels, 5)
	roles, err := l.GuildRoles(l.guild)
	require.NoError(t, err)
	require.Len(t, roles, 4)
	member, err := l.GuildMember(l.guild, me.ID)
	require.NoError(t, err)
	require.Equal(t, "allclear", member.User.Username)
	app, err := l.Application("@me")
	require.NoError(t, err)
	require.Equal(t, l.d.AppID(), app.ID)
	p, err := l.State.UserChannelPermissions(me.ID, l.d.In("responders").ID())
	require.NoError(t, err)
	require.NotZero(t, p&discordgo.PermissionSendMessages)
}

func TestDiscordgoResumesAfterACutAndMissesNothing(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{}).open()
	_, err := l.ApplicationCommandCreate(l.d.AppID(), l.guild, &discordgo.ApplicationCommand{Name: "ping", Description: "pings"})
	require.NoError(t, err)
	l.d.Cut()
	x := l.d.User("lead-1").Runs("responders", "/ping")
	require.NoError(t, l.InteractionRespond(l.interaction(), &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource, Data: &discordgo.InteractionResponseData{Content: "pong", AllowedMentions: quiet()},
	}))
	x.Gets("pong")
	require.Equal(t, 1, l.d.Identifies())
}

func TestDiscordgoComesBackAfterInvalidSessionAndReconnect(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{}).open()
	l.d.InvalidateSessions(false)
	require.Eventually(t, func() bool { return l.d.Identifies() == 2 }, 10*time.Second, time.Millisecond)
	l.settled()
	l.d.AskReconnect()
	l.d.Online(0)
	l.d.Online(1)
	require.Equal(t, 2, l.d.Identifies())
}

func TestDiscordgoIsToldThatItsTokenOrIntentIsRefused(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{})
	l.Identify.Token = "Bot wrong"
	require.ErrorContains(t, l.Open(), "4004")
	l = newLibrary(t, fake.Options{})
	l.Identify.Intents |= discordgo.IntentMessageContent
	require.ErrorContains(t, l.Open(), "4014")
}

func TestDiscordgoWaitsForARateLimit(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{})
	place := l.d.In("responders")
	l.d.NextCalls("POST /channels/{channel}/messages", 1, fake.TooMany(50*time.Millisecond))
	_, err := l.ChannelMessageSendComplex(place.ID(), &discordgo.MessageSend{Content: "late", AllowedMentions: quiet()})
	require.NoError(t, err)
	place.SeesOnce("late")
	calls := l.d.Called("POST /channels/{channel}/messages", 2)
	require.Equal(t, 429, calls[0].Status)
	l.ShouldRetryOnRateLimit = false
	l.d.NextCalls("POST /channels/{channel}/messages", 1, fake.TooMany(time.Millisecond))
	_, err = l.ChannelMessageSend(place.ID(), "x")
	var limited *discordgo.RateLimitError
	require.ErrorAs(t, err, &limited)
}

func TestDiscordgoKeepsToTheLimitsThatItIsTold(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{Limits: fake.Limits{Routes: map[string]fake.Rate{"POST /channels/{channel}/messages": {N: 2, Per: 30 * time.Millisecond}}}})
	place := l.d.In("responders")
	for range 9 {
		_, err := l.ChannelMessageSendComplex(place.ID(), &discordgo.MessageSend{Content: "x", AllowedMentions: quiet()})
		require.NoError(t, err)
	}
	require.Zero(t, l.d.InvalidCalls(), "it waits before it is told to")
	place.Count(9)
}

func TestDiscordgoHearsTheContextOfACall(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{})
	l.d.NextCalls("GET /users/@me", 1, fake.Hang())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := l.User("@me", discordgo.WithContext(ctx))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDiscordgoTakesInteractionsOverHTTP(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{})
	raw, err := hex.DecodeString(l.d.PublicKey())
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !discordgo.VerifyInteraction(r, ed25519.PublicKey(raw)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var i discordgo.Interaction
		if json.Unmarshal(body, &i) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		response := discordgo.InteractionResponse{Type: discordgo.InteractionResponsePong}
		if i.Type != discordgo.InteractionPing {
			response = discordgo.InteractionResponse{Type: 4, Data: &discordgo.InteractionResponseData{Content: "over HTTP", AllowedMentions: quiet()}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(response)
	}))
	t.Cleanup(server.Close)
	_, err = l.ApplicationCommandCreate(l.d.AppID(), l.guild, &discordgo.ApplicationCommand{Name: "ping", Description: "pings"})
	require.NoError(t, err)
	l.open()
	require.NoError(t, l.d.SetEndpoint(t.Context(), server.URL))
	require.NoError(t, l.d.TestSignatures(t.Context()))
	l.d.User("lead-1").Runs("responders", "/ping").GetsPublicly("over HTTP")
	require.Empty(t, l.got, "the gateway gets no interactions then")
}

func TestDiscordgoErrorsHoldNoToken(t *testing.T) {
	t.Parallel()
	l := newLibrary(t, fake.Options{})
	l.d.NextCalls("", 2, fake.DropBefore())
	_, err := l.ChannelMessageSend(l.d.In("responders").ID(), "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), l.d.Token())
	require.Empty(t, l.d.In("responders").Shows())
	require.Eventually(t, func() bool { // it is written down when the connection is closed already
		return slices.ContainsFunc(l.d.Calls(""), func(c fake.Call) bool { return c.Status == 0 && c.Fault != "" })
	}, 10*time.Second, time.Millisecond)
	require.False(t, errors.Is(err, context.Canceled))
}
