package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
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

func newAudit(sys system) *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Check the record", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var s storeFlags
	verify := &cobra.Command{
		Use: "verify [EXPORT]", Short: "Check that no entry of the record was changed, left out or put in",
		Long: `Check the record of a store: each entry has the hash of the one before it, and the
counters, lists and records agree. With a file, check the record in an export,
offline.

Exit status: 0 the record is whole, 1 it is not, or it could not be read.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return verifyExport(args[0], sys)
			}
			return withOldStore(c.Context(), s, sys, true, func(o *opened) error { return verifyStore(c.Context(), o, sys.Out) })
		},
	}
	s.add(verify)
	cmd.AddCommand(verify)
	return cmd
}

func verifyStore(ctx context.Context, o *opened, out io.Writer) error {
	r, err := o.Verify(ctx)
	if err != nil {
		return err
	}
	return report(out, r)
}

func report(out io.Writer, r redisstore.Report) error {
	for _, p := range r.Problems {
		fmt.Fprintln(out, "wrong:", p)
	}
	if len(r.Problems) > 0 {
		return errors.New("the record is not whole")
	}
	_, err := fmt.Fprintf(out, "The record is whole: %s; %s of %s, which agree with their counters and lists.\n",
		entryCount(r.Entries), plural(r.Servers, "server"), plural(r.Incidents, "incident"))
	return err
}

func entryCount(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// verifyExport checks the record in an export without a store.
func verifyExport(name string, sys system) error {
	f, err := openFile(name)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	entries, err := redisstore.ReadAudit(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return fmt.Errorf("verify %s: %w", name, err)
	}
	var chain state.Chain
	for _, e := range entries {
		if err := chain.Add(e); err != nil {
			return fmt.Errorf("verify %s: %w", name, err)
		}
	}
	fmt.Fprintf(sys.Out, "The record in %s is whole: %s.\n", name, entryCount(chain.Seq))
	var heads bytes.Buffer
	if err := json.NewEncoder(&heads).Encode(chain.Heads()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sys.Out, "Newest entry of each lane: %s", heads.String())
	return err
}
