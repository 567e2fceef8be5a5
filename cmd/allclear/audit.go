package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func newAudit(sys system) *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Check the record", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var s storeFlags
	verify := &cobra.Command{
		Use: "verify [FILE]", Short: "Check that no entry of the record was changed, left out or put in",
		Long: `Check the record of a store: each entry has the hash of the one before it, and the
counters, lists and records agree. It prints how many entries there are, and the hash of
the newest one of each lane: note them elsewhere, and compare. With a file, check it offline: the record in an
export, or a proof that "prove" made, with all that it says of its servers.

Exit status: 0 it is whole, 1 it is not, or it could not be read.`,
		Example: "  allclear audit verify\n  allclear audit verify export.jsonl\n  allclear audit verify proof-toolshell-1-sp-fin-01-20250722T090000Z.zip",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return verifyFile(args[0], sys)
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
	return sayWhole(out, r)
}

func sayWhole(out io.Writer, r redisstore.Report) error {
	for _, p := range r.Problems {
		fmt.Fprintln(out, "wrong:", p)
	}
	if len(r.Problems) > 0 {
		return errors.New("the record is not whole")
	}
	fmt.Fprintf(out, "The record is whole: %s; %s of %s, which agree with their counters and lists.\n",
		entryCount(r.Entries), plural(r.Servers, "server"), plural(r.Incidents, "incident"))
	return sayHeads(out, r.Heads)
}

// sayHeads prints the hashes by which the record of today is known again.
func sayHeads(out io.Writer, heads map[int]string) error {
	raw, err := json.Marshal(heads)
	if err != nil || len(heads) == 0 {
		return err
	}
	_, err = fmt.Fprintf(out, "Newest entry of each lane: %s\n", raw)
	return err
}

func entryCount(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// verifyFile checks an export or a proof without a store.
func verifyFile(name string, sys system) error {
	f, err := openFile(name)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	check := verifyExport
	if begin, _ := r.Peek(2); string(begin) == "PK" {
		check = verifyProof
	}
	if err := check(name, r, sys.Out); err != nil {
		return fmt.Errorf("verify %s: %w", name, err)
	}
	return nil
}

func verifyProof(_ string, r io.Reader, out io.Writer) error {
	p, err := commands.VerifyProof(r)
	if err != nil {
		return err
	}
	for _, l := range p.Lines() {
		if _, err := fmt.Fprintln(out, l); err != nil {
			return err
		}
	}
	return nil
}

// verifyExport checks the record in an export without a store.
func verifyExport(name string, r io.Reader, out io.Writer) error {
	entries, err := redisstore.ReadAudit(r)
	if err != nil {
		return err
	}
	var chain state.Chain
	for _, e := range entries {
		if err := chain.Add(e); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "The record in %s is whole: %s.\n", name, entryCount(chain.Seq))
	return sayHeads(out, chain.Heads())
}
