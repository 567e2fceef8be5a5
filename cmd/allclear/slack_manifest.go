package main

import (
	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/commands"
)

const manifestHelp = `Print the manifest of the Slack app: paste it at https://api.slack.com/apps, "Create
New App", "From a manifest". It asks for the least that the commands need.

Without --url the app uses Socket Mode: allclear connects to Slack, and needs no
public address. With --url Slack comes to allclear over HTTPS; it is the public
address under which the process's HTTP is reached, like https://allclear.example.com.`

func newSlack(sys system) *cobra.Command {
	cmd := &cobra.Command{Use: "slack", Short: "Set up the Slack app", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o slack.ManifestOptions
	manifest := &cobra.Command{
		Use: "manifest", Short: "Print the manifest of the Slack app", Long: manifestHelp, Args: cobra.NoArgs,
		Example: "  allclear slack manifest > manifest.yaml\n  allclear slack manifest --url https://allclear.example.com",
		RunE: func(*cobra.Command, []string) error {
			o.Socket = o.URL == ""
			text, err := slack.Manifest(allSpecs(), o)
			if err != nil {
				return usage{err}
			}
			_, err = sys.Out.Write(text)
			return err
		},
	}
	manifest.Flags().StringVar(&o.URL, "url", "", "public address of allclear's HTTP; Socket Mode without it")
	manifest.Flags().StringVar(&o.Command, "command", "/allclear", "the slash command")
	manifest.Flags().StringVar(&o.Name, "name", "allclear", "the name of the app and of the bot")
	cmd.AddCommand(manifest)
	return cmd
}

// allSpecs are those of all commands, without anything behind them.
func allSpecs() []chat.Spec {
	var out []chat.Spec
	for _, c := range commands.All(commands.Parts{}) {
		out = append(out, c.Spec())
	}
	return out
}
