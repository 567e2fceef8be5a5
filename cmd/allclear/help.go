package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/commands"
)

// helpOnChat lets the help of the program find the commands of the chat, too.
func helpOnChat(root *cobra.Command, sys system) {
	usual := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if words := withoutHelp(args); c != root || len(words) == 0 || chatHelp(sys, words) != nil {
			usual(c, args)
		}
	})
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command, also those of the chat",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err == nil && len(rest) == 0 {
				found.InitDefaultHelpFlag()
				found.InitDefaultVersionFlag()
				return found.Help()
			}
			if err := chatHelp(sys, args); err != nil {
				return usage{fmt.Errorf("%w; see allclear --help", err)}
			}
			return nil
		},
	})
}

// withoutHelp are the words in front of --help; none when it is not there.
func withoutHelp(args []string) []string {
	for i, a := range args {
		if a == "--help" || a == "-h" {
			return args[:i]
		}
	}
	return nil
}

// chatHelp prints the help of a command of the chat, or of those that begin with a word.
func chatHelp(sys system, words []string) error {
	m, err := commands.HelpOn(strings.Join(words, " "))
	if err != nil {
		return err
	}
	width, _ := sys.Terminal(sys.Out)
	_, err = fmt.Fprint(sys.Out, console.Render(m, console.Options{Width: cmp.Or(width, usualWidth), Colour: sys.colour(sys.Out)}))
	return err
}
