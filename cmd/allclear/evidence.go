package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/commands"
)

func newEvidence(sys system) *cobra.Command {
	cmd := &cobra.Command{
		Use: "evidence", Short: "Hand in what was seen from inside", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var s storeFlags
	var incident string
	add := &cobra.Command{
		Use: "add FILE|-", Short: "Hand in a document of evidence (JSON, schema allclear/evidence/1)",
		Long: `Hand in a document of evidence, as the chat command "evidence add" takes it. The
format, with an example: allclear do help evidence add

Exit status: 0 recorded, 1 not recorded (the answer says why), 2 wrong usage.`,
		Example: "  allclear evidence add finance.json\n  allclear evidence add - --incident toolshell-1 < finance.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := evidenceFile(args[0], sys.In)
			if err != nil {
				return usage{err}
			}
			line := "evidence add"
			if incident != "" {
				line += " --incident " + quoted(incident)
			}
			return do(c.Context(), s, sys, line, []chat.File{f})
		},
	}
	s.add(add)
	add.Flags().StringVar(&incident, "incident", "", "the incident, when several are open")
	cmd.AddCommand(add, &cobra.Command{
		Use: "schema", Short: "Print a JSON Schema of the document, for editors and collectors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := sys.Out.Write(commands.EvidenceShape())
			return err
		},
	})
	return cmd
}

func evidenceFile(name string, stdin io.Reader) (chat.File, error) {
	if name != "-" {
		return readHandedIn(name)
	}
	data, err := io.ReadAll(io.LimitReader(stdin, maxHandedIn+1))
	if err != nil {
		return chat.File{}, fmt.Errorf("read evidence: %w", err)
	}
	if len(data) > maxHandedIn {
		return chat.File{}, fmt.Errorf("the evidence is larger than %d MiB", maxHandedIn>>20)
	}
	return chat.File{Name: "evidence.json", Data: data}, nil
}
