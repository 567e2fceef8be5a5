package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/checks/playbook"
)

func newPlaybook(sys system) *cobra.Command {
	cmd := &cobra.Command{
		Use: "playbook", Short: "List, show and check playbooks: campaigns as data", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	list := &cobra.Command{
		Use: "list", Short: "List the built-in playbooks", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return listPlaybooks(sys) },
	}
	var asYAML bool
	show := &cobra.Command{
		Use: "show NAME|FILE", Short: "Show a playbook: products, steps and what proves them, requests, indicators",
		Args: cobra.ExactArgs(1), ValidArgs: playbook.Builtins(),
		RunE: func(_ *cobra.Command, args []string) error {
			if asYAML {
				src, err := playbook.BuiltinSource(args[0])
				if err != nil {
					return usage{err}
				}
				_, err = sys.Out.Write(src)
				return err
			}
			p, err := playbook.Load(playbookFile(args[0]))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(sys.Out, p.Text())
			return err
		},
	}
	show.Flags().BoolVar(&asYAML, "yaml", false, "print a built-in playbook as it is written, to make your own")
	check := &cobra.Command{
		Use: "check FILE", Short: "Check a playbook file; all problems are listed, with their lines",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := playbook.Load(playbookFile(args[0]))
			if err != nil {
				return err
			}
			r := p.Rules()
			_, err = fmt.Fprintf(sys.Out, "%s revision %d: %d products, %d steps, %d observers, %d indicators. No problems.\n",
				r.Playbook, r.Revision, len(r.Products), len(r.Steps), len(p.Plan().Observers), len(p.Plan().Indicators))
			return err
		},
	}
	cmd.AddCommand(list, show, check, newPlaybookDraft(sys, recordService{}.fetch), newPlaybookSchema(sys))
	return cmd
}

// playbookFile is a name as Load takes it: a file that is there is meant, whatever
// it is called, unless a built-in playbook has the name.
func playbookFile(name string) string {
	base, _, _ := strings.Cut(name, "@")
	if _, err := os.Stat(name); err == nil && !slices.Contains(playbook.Builtins(), base) && filepath.Base(name) == name {
		return "." + string(filepath.Separator) + name
	}
	return name
}

func listPlaybooks(sys system) error {
	for _, name := range playbook.Builtins() {
		p, err := playbook.Builtin(name)
		if err != nil {
			return err
		}
		r := p.Rules()
		if _, err := fmt.Fprintf(sys.Out, "%-24s revision %d  %s\n", name, r.Revision, r.Title); err != nil {
			return err
		}
	}
	return nil
}
