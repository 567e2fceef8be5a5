package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// maxInventory is how large an inventory may be, in bytes: about a million servers.
const maxInventory = 256 << 20

const scanHelp = `Look at the servers of an inventory from outside, with the playbook's harmless
requests. Nothing but GET and HEAD is sent, only to servers of the inventory.
Needs no store.

The inventory is CSV with a header (name,url,addresses,via,farm,owner,group,
exposure,tags; order free), or one URL a line. A server of a list of URLs is
named after its host.

A verdict is vulnerable, fixed or unknown. "fixed" means that the server says
so; it is not the same as remediated: stolen keys survive the patch. A line tells
the worst of a server in short; --json tells all that is known of it.

A scan that is interrupted, or that the deadline ends, tells what it has, and how
many servers it looked at.

Exit status:
  0  nothing found; not the same as remediated
  1  failure
  2  wrong usage, or a bad inventory or playbook
  3  vulnerable or compromised servers were found, also by a scan that was cut short
  4  none was found, but some servers could not be judged, or the scan was cut short`

// What a scan is bounded by when nobody says.
const (
	scanConcurrency = 256
	scanDeadline    = 30 * time.Minute
	mostConcurrency = 4096 // more, and this machine is what fails
)

type scanOptions struct {
	inventory   string
	playbook    string
	json        bool
	dry         bool
	concurrency int
	deadline    time.Duration
	contact     string
}

func newScan(sys system) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use: "scan -i FILE", Short: "Look at your servers; needs an inventory and nothing else", Long: scanHelp,
		Example: "  allclear scan -i servers.csv\n  cut -d, -f2 urls.txt | allclear scan -i - --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runScan(c.Context(), o, sys) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.inventory, "inventory", "i", "", "inventory file, or - for standard input")
	f.StringVar(&o.playbook, "playbook", "toolshell", "a built-in playbook, or a file")
	f.BoolVar(&o.json, "json", false, "print one JSON object a server, as it finishes")
	f.BoolVar(&o.dry, "dry-run", false, "print the exact requests and send none")
	f.IntVar(&o.concurrency, "concurrency", scanConcurrency, "servers looked at at once")
	f.DurationVar(&o.deadline, "deadline", scanDeadline, "end the scan after this long")
	f.Lookup("deadline").DefValue = brief(scanDeadline)
	f.StringVar(&o.contact, "contact", "", "who may be asked about the requests; sent with each of them")
	return cmd
}

// check refuses what would scan nothing, or wear this machine out.
func (o scanOptions) check() error {
	switch {
	case o.concurrency < 1 || o.concurrency > mostConcurrency:
		return fmt.Errorf("--concurrency %d cannot be: want a number from 1 to %d", o.concurrency, mostConcurrency)
	case o.deadline <= 0:
		return fmt.Errorf("--deadline %s cannot be: want a time like 30m", o.deadline)
	}
	return nil
}

// runScan prints a line a server as it finishes and sums up at the end.
func runScan(ctx context.Context, o scanOptions, sys system) error {
	if o.inventory == "" {
		return usage{errors.New("scan needs an inventory: allclear scan -i FILE, or -i - for standard input; see allclear scan --help")}
	}
	if err := o.check(); err != nil {
		return usage{err}
	}
	pb, err := playbook.Load(playbookFile(o.playbook))
	if err != nil {
		return usage{err}
	}
	servers, err := readInventory(o.inventory, sys.In)
	if err != nil {
		return usage{err}
	}
	targets := checks.Targets(servers)
	if o.dry {
		return dryRun(pb, targets, sys.Out)
	}
	out := newScanPrinter(o, pb.Plan(), targets, sys)
	runner := checks.NewRunner(checks.Options{
		Concurrency: o.concurrency, PerScan: o.deadline, Version: stamped(), Contact: o.contact,
	})
	looking, stop := context.WithCancel(ctx)
	defer stop()
	sum := runner.Run(looking, probe.New(pb.Plan()), targets, func(r checks.Result) {
		if out.result(r) != nil {
			stop() // nobody can read the rest
		}
	})
	return out.finish(sum, ctx.Err() != nil)
}

func readInventory(path string, stdin io.Reader) ([]state.Server, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read inventory: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInventory+1))
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	if len(data) > maxInventory {
		return nil, fmt.Errorf("the inventory is larger than %d MiB", maxInventory>>20)
	}
	servers, err := commands.ParseInventory(data)
	if err == nil && len(servers) == 0 {
		err = errors.New("the inventory has no servers")
	}
	return servers, err
}

func dryRun(pb playbook.Playbook, targets []checks.Target, w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, t := range targets {
		requests := probe.Dry(pb.Plan(), t)
		for _, line := range requests {
			fmt.Fprintf(b, "%s: %s\n", t.Server.Name, line)
		}
		if len(requests) == 0 {
			fmt.Fprintf(b, "%s: nothing; it has no URL\n", t.Server.Name)
		}
	}
	return b.Flush()
}
