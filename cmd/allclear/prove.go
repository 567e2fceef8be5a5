package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/commands"
)

func newProve(sys system) *cobra.Command {
	var s storeFlags
	var incident, farm, out string
	cmd := &cobra.Command{
		Use: "prove [SERVER]", Short: "Write the proof of a server or a farm: the evidence that decided each step, in the chain of the record",
		Long: `Write the proof of a server, or with --farm of all servers of a farm: a zip of a text
for people (proof.md) and of the lines that it rests on (proof.jsonl). Anybody with
this program can check it without a store: allclear audit verify FILE.

It names persons, servers and what was seen of them: TLP:AMBER+STRICT.`,
		Example: "  allclear prove sp-fin-01\n  allclear prove --farm finance --out proofs/",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == (farm != "") {
				return usage{errors.New("name a server, or a farm with --farm")}
			}
			return withOldStore(c.Context(), s, sys, true, func(o *opened) error {
				id, err := oneIncident(c.Context(), o, incident)
				if err != nil {
					return err
				}
				server := ""
				if len(args) == 1 {
					server = args[0]
				}
				name, raw, err := commands.Prove(c.Context(), o, id, farm, server, time.Now())
				if err != nil {
					return err
				}
				if err := os.MkdirAll(out, 0o700); err != nil {
					return fmt.Errorf("make the folder of the proof: %w", err)
				}
				path := filepath.Join(out, name)
				if err := writeTo([]string{path}, sys.Out, func(w io.Writer) error { _, err := w.Write(raw); return err }); err != nil {
					return err
				}
				_, err = fmt.Fprintf(sys.Out, "Written: %s\nCheck it anywhere with: allclear audit verify %s\n", path, path)
				return err
			})
		},
	}
	s.add(cmd)
	cmd.Flags().StringVar(&incident, "incident", "", "the incident, when there are several")
	cmd.Flags().StringVar(&farm, "farm", "", "all servers of this farm")
	cmd.Flags().StringVar(&out, "out", ".", "the folder to write to")
	return cmd
}

// oneIncident is the one that was named, or the only one, or the only one that is open.
func oneIncident(ctx context.Context, o *opened, named string) (string, error) {
	if named != "" {
		inc, err := o.Incident(ctx, named)
		if err != nil {
			return "", fmt.Errorf("incident %q: %w", named, err)
		}
		return inc.ID, nil
	}
	heads, err := o.Incidents(ctx)
	if err != nil {
		return "", err
	}
	var all, open []string
	for _, h := range heads {
		all = append(all, h.ID)
		if h.Closed.IsZero() {
			open = append(open, h.ID)
		}
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return "", errors.New("there is no incident in this store")
	}
	return "", usage{fmt.Errorf("there are %d incidents; name one with --incident: %v", len(all), all)}
}
