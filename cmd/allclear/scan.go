package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
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
exposure,tags; order free), or one URL a line.

A verdict is vulnerable, fixed or unknown. "fixed" means that the server says
so; it is not the same as remediated: stolen keys survive the patch.

Exit status:
  0  nothing found; not the same as remediated
  1  failure
  2  wrong usage, or a bad inventory or playbook
  3  vulnerable or compromised servers were found
  4  none was found, but some servers could not be judged, or the scan was cut short`

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
	f.IntVar(&o.concurrency, "concurrency", 0, "servers looked at at once (default 256)")
	f.DurationVar(&o.deadline, "deadline", 0, "end the scan after this long (default 30m)")
	f.StringVar(&o.contact, "contact", "", "who may be asked about the requests; sent with each of them")
	return cmd
}

// runScan prints a line a server as it finishes and sums up at the end.
func runScan(ctx context.Context, o scanOptions, sys system) error {
	if o.inventory == "" {
		return usage{errors.New("scan needs an inventory: allclear scan -i FILE, or -i - for standard input; see allclear scan --help")}
	}
	if o.concurrency < 0 || o.deadline < 0 {
		return usage{errors.New("--concurrency and --deadline cannot be negative")}
	}
	pb, err := playbook.Load(o.playbook)
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
	out := newScanPrinter(o.json, len(targets), sys)
	runner := checks.NewRunner(checks.Options{
		Concurrency: o.concurrency, PerScan: o.deadline, Version: stamped(), Contact: o.contact,
	})
	sum := runner.Run(ctx, probe.New(pb.Plan()), targets, out.result)
	return out.finish(sum)
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
		for _, line := range probe.Dry(pb.Plan(), t) {
			fmt.Fprintf(b, "%s: %s\n", t.Server.Name, line)
		}
	}
	return b.Flush()
}

// scanPrinter prints results, and a progress bar on a terminal.
type scanPrinter struct {
	json bool
	out  io.Writer
	bar  *progressbar.ProgressBar // nil in a pipe
	err  error
	dark int // servers of which nobody can say whether they are compromised
}

func newScanPrinter(asJSON bool, total int, sys system) *scanPrinter {
	p := &scanPrinter{json: asJSON, out: sys.Out}
	if w, ok := sys.Terminal(sys.Err); ok {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(sys.Err), progressbar.OptionSetWidth(min(40, w/3)),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetDescription("scan"))
	}
	return p
}

// result prints one server. The runner calls it from one goroutine at a time.
func (p *scanPrinter) result(r checks.Result) {
	l := r.Line()
	if p.bar != nil {
		p.clear()
		defer p.bar.Add(1)
	}
	if r.Compromised == nil {
		p.dark++
	}
	if p.err != nil {
		return
	}
	if p.json {
		p.err = json.NewEncoder(p.out).Encode(l)
		return
	}
	_, p.err = fmt.Fprintln(p.out, resultLine(l))
}

func (p *scanPrinter) clear() { _ = p.bar.Clear() }

// resultLine is one server for a person: the worst thing first.
func resultLine(l checks.Line) string {
	var b strings.Builder
	word := strings.ToUpper(l.Verdict.String())
	if l.Compromised != nil && *l.Compromised {
		word = "COMPROMISED"
	} else if l.Verdict == state.VerdictFixed {
		word = "says fixed"
	} else if l.Verdict == state.VerdictUnknown {
		word = "unknown"
	}
	fmt.Fprintf(&b, "%-11s %s", word, l.Server)
	if l.Observed != "" {
		fmt.Fprintf(&b, "  %s (%s)", l.Observed, l.Basis)
	}
	for _, h := range l.Indicators {
		fmt.Fprintf(&b, "; found %s at %s (%d)", h.ID, h.URL, h.Status)
	}
	if l.Error != "" && !strings.Contains(l.Reason, l.Error) {
		fmt.Fprintf(&b, "; %s", l.Error)
	}
	if l.Reason != "" {
		fmt.Fprintf(&b, "; %s", l.Reason)
	}
	return b.String()
}

// finish sums up and gives the exit status.
func (p *scanPrinter) finish(s checks.Summary) error {
	if p.bar != nil {
		p.clear()
	}
	if p.err != nil {
		return fmt.Errorf("print results: %w", p.err)
	}
	if !p.json {
		if _, err := fmt.Fprintf(p.out, "\n%s\n", summaryLine(s, p.dark)); err != nil {
			return err
		}
	}
	switch {
	case s.Vulnerable > 0 || s.Compromised > 0:
		return outcome{exitAffected}
	case s.Unknown > 0 || !s.Complete || p.dark > 0:
		return outcome{exitUnknown}
	}
	return nil
}

func summaryLine(s checks.Summary, dark int) string {
	parts := []string{fmt.Sprintf("%d servers in %s", s.Looked, s.Took.Round(100*time.Millisecond))}
	for _, c := range []struct {
		n    int
		what string
	}{
		{s.Compromised, "COMPROMISED"},
		{s.Vulnerable, "vulnerable"},
		{s.Unknown, "unknown"},
		{s.Fixed, "say that they are fixed"},
		{s.Looked - s.Reached, "not reached"},
		{dark, "could not be looked at for a compromise"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	line := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
	if !s.Complete {
		line += fmt.Sprintf("\nINCOMPLETE: the scan was cut short, %d servers were not looked at.", s.NotLooked)
	}
	if s.Vulnerable == 0 && s.Compromised == 0 {
		line += "\nNothing was found from outside. That is not the same as remediated."
	}
	return line
}
