package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

const tokenHelp = `Make a token with which evidence about one farm can be handed in over HTTP.

The secret is made here and printed here, once, as the last line; the store gets its
hash only. (What "token new" answers in a chat passes through the outbox and stays in
the chat's own history.) Evidence that comes with a token counts as handed in by the
lead who made it. Others: allclear do token list, allclear do token revoke FARM.

Exit status: 0 made, 1 not made (the answer says why), 2 wrong usage.`

func newToken(sys system) *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Let tools hand in evidence about a farm", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var s storeFlags
	var incident, life, note string
	add := &cobra.Command{
		Use: "new FARM", Short: "Make a token with which evidence about one farm can be handed in over HTTP", Long: tokenHelp,
		Example: "  allclear token new finance --for 3d --note \"farm admins\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			secret := commands.NewSecret()
			line := "token new " + quoted(args[0]) + " --hash " + state.HashToken(secret)
			for _, f := range [][2]string{{"incident", incident}, {"for", life}, {"note", note}} {
				if f[1] != "" {
					line += " --" + f[0] + " " + quoted(f[1])
				}
			}
			if err := do(c.Context(), s, sys, line, nil); err != nil {
				return err
			}
			_, err := fmt.Fprintln(sys.Out, secret)
			return err
		},
	}
	s.add(add)
	add.Flags().StringVar(&incident, "incident", "", "the incident, when several are open")
	add.Flags().StringVar(&life, "for", "", "how long it works, up to 90d (default 7d)")
	add.Flags().StringVar(&note, "note", "", "who has it")
	cmd.AddCommand(add)
	return cmd
}
