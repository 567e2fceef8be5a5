package console

import "github.com/allclear-bot/allclear/bot/chat"

// Clean makes a string safe to be printed within one line. See chat.Clean.
func Clean(s string) string { return chat.Clean(s) }
