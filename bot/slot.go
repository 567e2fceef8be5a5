package bot

import (
	"encoding/json"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Encode is a request about an incident as it waits in the inbox, for whoever writes
// requests there beside Handle: the schedule.
func Encode(req chat.Request, incident string) ([]byte, error) {
	payload, err := json.Marshal(entry{req, incident})
	if err != nil {
		return nil, fmt.Errorf("write down a request: %w", err)
	}
	return payload, nil
}
