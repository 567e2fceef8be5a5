package discordfake_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// TestTheOtherProcess is what the next test runs in a process of its own: discordgo
// as it is, with nothing changed.
func TestTheOtherProcess(t *testing.T) {
	token, channel := os.Getenv("FAKE_TOKEN"), os.Getenv("FAKE_CHANNEL")
	if token == "" {
		t.Skip("it is run by TestAnUnchangedProcessTalksToTheFake")
	}
	s, err := discordgo.New("Bot " + token)
	require.NoError(t, err)
	s.Identify.Intents = discordgo.IntentsGuilds
	ready := make(chan bool, 1)
	s.AddHandler(func(*discordgo.Session, *discordgo.Ready) { ready <- true })
	require.NoError(t, s.Open())
	<-ready
	_, err = s.ChannelMessageSendComplex(channel, &discordgo.MessageSend{Content: "from another process", AllowedMentions: &discordgo.MessageAllowedMentions{}})
	require.NoError(t, err)
}

func TestAnUnchangedProcessTalksToTheFake(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: SSL_CERT_FILE is not looked at by every system")
	}
	d := fake.New(t, fake.Options{})
	env, err := d.Environ(t.TempDir())
	require.NoError(t, err)
	place := d.In("responders")
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheOtherProcess$", "-test.v")
	other.Env = append(append(os.Environ(), env...), "FAKE_TOKEN="+d.Token(), "FAKE_CHANNEL="+place.ID())
	out, err := other.CombinedOutput()
	require.NoError(t, err, "%s", out)
	place.SeesOnce("from another process")
	require.Equal(t, 1, d.Identifies())
}
