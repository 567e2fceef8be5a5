package discord

import (
	"testing"

	"github.com/allclear-bot/allclear/bot/bottest"
)

func TestEverythingThatIsCountedIsListed(t *testing.T) {
	t.Parallel()
	bottest.ListsWhatItCounts(t, Events())
}
