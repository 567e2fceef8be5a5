package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

const huntHelp = `Look for the playbook's attack traffic in logs of web servers: which requests came,
how they were answered, which servers they touched together, and which time the
logs can speak for at all. Needs no store, and sends nothing anywhere.

PATH is a log, a folder of logs or a zip. It reads W3C extended logs as IIS writes
them, the error log of HTTP.sys, and the common and combined formats; plain or gzip.
Whose a log is tells its folder (SERVER/W3SVC1/u_ex250718.log), the computer's name
in it or, with an inventory, the address that was asked; or say --server.

A server is clean only for the time that its logs cover: from the beginning of
exploitation, without a silence longer than --quiet, with every column that the rules
need, and with no line lost. Everything else is a gap, and told as one. Logs do not
show what a request's body was, nor what else was done on the server.

--evidence DIR writes one document a farm, for "evidence add".

Exit status:
  0  nothing was found until the last line; not the same as remediated
  1  failure
  2  wrong usage, or a bad inventory or playbook
  3  attacks that were not refused were found
  4  none was found, but of some time or server nobody can tell`

type huntOptions struct {
	playbook, inventory, server string
	quiet                       time.Duration
	json                        bool
	csv, evidence               string
}

func newHunt(sys system) *cobra.Command {
	var o huntOptions
	cmd := &cobra.Command{
		Use: "hunt PATH…", Short: "Look for attacks in logs; needs the logs and nothing else", Long: huntHelp,
		Example: "  allclear hunt /evidence/logs -i servers.csv\n  allclear hunt u_ex250718.log --server sp-fin-01 --json",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runHunt(c.Context(), o, args, sys) },
	}
	f := cmd.Flags()
	f.StringVar(&o.playbook, "playbook", "toolshell", "a built-in playbook, or a file")
	f.StringVarP(&o.inventory, "inventory", "i", "", "inventory file, or - for standard input")
	f.StringVar(&o.server, "server", "", "whose the logs are")
	f.DurationVar(&o.quiet, "quiet", time.Hour, "how long a server may log nothing without that being a gap")
	f.Lookup("quiet").DefValue = brief(time.Hour)
	f.BoolVar(&o.json, "json", false, "print one JSON object a server, then one a campaign")
	f.StringVar(&o.csv, "csv", "", "write the attack traffic to this file, a line a kind")
	f.StringVar(&o.evidence, "evidence", "", "write a document of evidence for each farm into this folder")
	return cmd
}

// runHunt reads all logs and prints what they say.
func runHunt(ctx context.Context, o huntOptions, paths []string, sys system) error {
	if o.quiet < time.Minute {
		return usage{fmt.Errorf("--quiet %s cannot be: want a time like 1h, a minute or more", o.quiet)}
	}
	pb, err := playbook.Load(playbookFile(o.playbook))
	if err != nil {
		return usage{err}
	}
	if len(pb.LogRules) == 0 {
		return usage{fmt.Errorf("the playbook %s has no log rules. %s", pb.Name, pb.Logs.Blind)}
	}
	var servers []state.Server
	if o.inventory != "" {
		if servers, err = readInventory(o.inventory, sys.In); err != nil {
			return usage{err}
		}
	}
	logs, left, err := hunt.Logs(paths)
	switch {
	case err != nil:
		return usage{err}
	case len(logs) == 0:
		return usage{fmt.Errorf("no log is in %s: logs are called like u_ex250718.log, access.log or access.log.1.gz", strings.Join(paths, ", "))}
	}
	h := hunt.New(hunt.Options{Playbook: pb, Quiet: o.quiet, Now: time.Now()})
	assigned, err := assign(logs, servers, o.server)
	if err != nil {
		return usage{err}
	}
	p := newHuntPrinter(o, pb, servers, sys)
	if err := h.ReadAll(ctx, assigned, p.read); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted: nothing of it was concluded")
		}
		return err
	}
	return p.finish(h, left)
}

// assign says whose each log is.
func assign(logs []hunt.Log, servers []state.Server, fixed string) ([]hunt.Assigned, error) {
	if i := slices.IndexFunc(servers, func(s state.Server) bool { return strings.EqualFold(s.Name, fixed) }); fixed != "" && i >= 0 {
		fixed = servers[i].Name
	} else if fixed != "" && len(servers) > 0 {
		return nil, fmt.Errorf("the inventory has no server %q", fixed)
	}
	whose := hunt.NewWhose(servers)
	var out []hunt.Assigned
	for _, l := range logs {
		id, err := l.Identify()
		if err != nil && fixed == "" {
			id = hunt.Identity{} // whatever is wrong with it is told when it is read
		}
		origin, _ := whose.Origin(l, id)
		if fixed != "" {
			origin.Server = fixed
		}
		out = append(out, hunt.Assigned{Log: l, Origin: origin})
	}
	return out, nil
}

// write writes what somebody asked to have as files.
func (o huntOptions) write(reports []hunt.Report, farms map[string]string) ([]string, error) {
	var written []string
	if o.csv != "" {
		var all []hunt.Traffic
		for _, r := range reports {
			all = append(all, r.Traffic...)
		}
		data, err := commands.TrafficCSV(all)
		if err == nil {
			err = os.WriteFile(o.csv, data, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("write --csv: %w", err)
		}
		written = append(written, o.csv)
	}
	if o.evidence == "" {
		return written, nil
	}
	if err := os.MkdirAll(o.evidence, 0o700); err != nil {
		return written, fmt.Errorf("write --evidence: %w", err)
	}
	byFarm := map[string][]state.Evidence{}
	for _, r := range reports {
		if farm, ok := farms[r.Server]; ok {
			byFarm[farm] = append(byFarm[farm], r.Evidence()...)
		}
	}
	names := map[string]bool{}
	for _, farm := range slices.Sorted(maps.Keys(byFarm)) {
		if len(byFarm[farm]) == 0 {
			continue
		}
		doc, err := commands.EvidenceDocument(farm, time.Now().UTC().Truncate(time.Second), "allclear/"+stamped(), byFarm[farm])
		if err != nil {
			return written, err
		}
		name := filepath.Join(o.evidence, "hunt-"+fileSafe(farm)+".json")
		for names[name] {
			name = strings.TrimSuffix(name, ".json") + "-.json"
		}
		names[name] = true
		if err := os.WriteFile(name, append(doc, '\n'), 0o600); err != nil {
			return written, fmt.Errorf("write --evidence: %w", err)
		}
		written = append(written, name)
	}
	return written, nil
}

// fileSafe is a name as a file can have it everywhere.
func fileSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, checks.Clean(s, 80))
}
