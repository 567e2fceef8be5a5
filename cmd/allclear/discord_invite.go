package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/discord"
)

const inviteHelp = `Print the link that invites the bot into a server, with the least rights that it
needs. The id of the application is in the Discord Developer Portal, under General
Information. Who opens the link must be allowed to manage the server.

Without --community it is for the team's own server, with it for one that only gets
advisories.`

func newDiscord(sys system) *cobra.Command {
	cmd := &cobra.Command{Use: "discord", Short: "Set up the Discord app", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	community := false
	invite := &cobra.Command{
		Use: "invite APPLICATION", Short: "Print the link that invites the bot", Long: inviteHelp, Args: cobra.ExactArgs(1),
		Example: "  allclear discord invite 1234567890123456789",
		RunE: func(_ *cobra.Command, args []string) error {
			link, err := discord.Invite(args[0], community)
			if err != nil {
				return usage{err}
			}
			fmt.Fprintln(sys.Out, link)
			return nil
		},
	}
	invite.Flags().BoolVar(&community, "community", false, "for a server that only gets advisories")
	cmd.AddCommand(invite)
	return cmd
}
