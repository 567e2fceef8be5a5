package discordfake

// Intent is a set of groups of events.
// https://docs.discord.com/developers/events/gateway#gateway-intents
type Intent int

// The intents that need Discord's approval.
const (
	IntentMembers        Intent = 1 << 1
	IntentPresences      Intent = 1 << 8
	IntentMessageContent Intent = 1 << 15

	intentGuilds         Intent = 1 << 0
	intentMessages       Intent = 1 << 9
	intentDirectMessages Intent = 1 << 12
	privileged                  = IntentMembers | IntentPresences | IntentMessageContent
	// knownIntents are all bits that have a meaning: 0 to 16, 20, 21, 24, 25.
	knownIntents Intent = 1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25
)

func messageIntent(guildID string) Intent {
	if guildID == "" {
		return intentDirectMessages
	}
	return intentMessages
}
