package bot

import "github.com/allclear-bot/allclear/state"

// Finding is what an examination of one part of a set-up came to.
type Finding = state.Finding
