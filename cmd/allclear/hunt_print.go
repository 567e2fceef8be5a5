package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// Bounds of what a person is shown of a hunt; --json and --csv have all.
const (
	shownTraffic  = 4
	shownGaps     = 4
	shownClusters = 10
	shownSources  = 3
)

// huntPrinter prints what a hunt found, and a progress bar on a terminal.
type huntPrinter struct {
	o         huntOptions
	pb        playbook.Playbook
	servers   []state.Server
	out, errs io.Writer
	bar       *progressbar.ProgressBar // nil in a pipe
	broken    []hunt.File
	files     int
	lines     int64
	started   time.Time
}

func newHuntPrinter(o huntOptions, pb playbook.Playbook, servers []state.Server, sys system) *huntPrinter {
	p := &huntPrinter{o: o, pb: pb, servers: servers, out: sys.Out, errs: sys.Err, started: time.Now()}
	if w, ok := sys.Terminal(sys.Err); ok {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(sys.Err), progressbar.OptionSetWidth(min(40, w/3)),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetDescription("logs"))
	}
	return p
}

// read hears of each file that was read.
func (p *huntPrinter) read(f hunt.File) {
	p.files++
	p.lines += f.Lines
	if f.Problem != "" {
		p.broken = append(p.broken, f)
	}
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// finish prints all, and gives the exit status.
func (p *huntPrinter) finish(h *hunt.Hunt, left []string) error {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	var reports []hunt.Report
	var traffic []hunt.Traffic
	for _, name := range h.Servers() {
		r := h.Report(name, time.Time{})
		reports, traffic = append(reports, r), append(traffic, r.Traffic...)
	}
	clusters := hunt.Clusters(traffic)
	written, err := p.o.write(reports, p.farms(reports))
	if err != nil {
		return err
	}
	if p.o.json {
		err = p.encode(reports, clusters)
	} else {
		_, err = io.WriteString(p.out, p.text(reports, clusters, left, written))
	}
	if err != nil {
		return fmt.Errorf("print the hunt: %w", err)
	}
	return p.outcome(reports)
}

func (p *huntPrinter) encode(reports []hunt.Report, clusters []hunt.Cluster) error {
	e := json.NewEncoder(p.out)
	for _, r := range reports {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	for _, c := range clusters {
		if err := e.Encode(map[string]hunt.Cluster{"cluster": c}); err != nil {
			return err
		}
	}
	return nil
}

// outcome is the exit status that the reports come to.
func (p *huntPrinter) outcome(reports []hunt.Report) error {
	worst := exitOK
	for _, r := range reports {
		switch verdict(r) {
		case "COMPROMISED", "SUSPECTED":
			return outcome{exitAffected}
		case "clean", noTrace:
		default:
			worst = exitUnknown
		}
	}
	if len(p.unseen(reports)) > 0 {
		worst = exitUnknown
	}
	if worst != exitOK {
		return outcome{worst}
	}
	return nil
}

// noTrace is said of a server whose logs are whole and show nothing, where logs alone
// settle no hunt.
const noTrace = "no trace"

// verdict is one server in a word.
func verdict(r hunt.Report) string {
	switch r.Worst {
	case state.AttackShell:
		return "COMPROMISED"
	case state.AttackAnswered, state.AttackKeys:
		return "SUSPECTED"
	case state.AttackOdd:
		return "look at it"
	}
	if r.Whole && !r.Proves && len(r.Gaps) == 0 {
		return noTrace
	}
	if r.Proves && len(r.Gaps) == 0 {
		return "clean"
	}
	return "cannot tell"
}

// farms are the farms of the servers: by the inventory or, without one, each its own.
func (p *huntPrinter) farms(reports []hunt.Report) map[string]string {
	out := map[string]string{}
	for _, s := range p.servers {
		out[s.Name] = s.Farm
		if s.Farm == "" {
			out[s.Name] = s.Name
		}
	}
	for _, r := range reports {
		if len(p.servers) == 0 {
			out[r.Server] = r.Server
		}
	}
	return out
}

// unseen are servers of the inventory of which there is no log of their own.
func (p *huntPrinter) unseen(reports []hunt.Report) []string {
	var out []string
	for _, s := range p.servers {
		if !slices.ContainsFunc(reports, func(r hunt.Report) bool { return r.Server == s.Name && !r.First.IsZero() }) {
			out = append(out, s.Name)
		}
	}
	return out
}

func (p *huntPrinter) text(reports []hunt.Report, clusters []hunt.Cluster, left, written []string) string {
	var b strings.Builder
	order := []string{"COMPROMISED", "SUSPECTED", "look at it", "cannot tell", noTrace, "clean"}
	slices.SortStableFunc(reports, func(x, y hunt.Report) int {
		return slices.Index(order, verdict(x)) - slices.Index(order, verdict(y))
	})
	counts := map[string]int{}
	for _, r := range reports {
		counts[verdict(r)]++
		p.server(&b, r)
	}
	p.clusters(&b, clusters)
	fmt.Fprintf(&b, "\n%s, %s, %d lines in %s", plural(len(reports), "server"), plural(p.files, "log"), p.lines, time.Since(p.started).Round(100*time.Millisecond))
	for _, v := range order {
		if counts[v] > 0 {
			fmt.Fprintf(&b, " · %d %s", counts[v], v)
		}
	}
	b.WriteString("\n")
	if un := p.unseen(reports); len(un) > 0 {
		fmt.Fprintf(&b, "No log of their own: %s.\n", few(un, 10))
	}
	for i, f := range p.broken {
		if i == 10 {
			fmt.Fprintf(&b, "and %d more logs that cannot be read\n", len(p.broken)-i)
			break
		}
		fmt.Fprintf(&b, "Not read: %s of %s: %s\n", console.Clean(f.Name), console.Clean(f.Server), console.Clean(f.Problem))
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "Left out, for they are not called like logs: %s.\n", few(left, 5))
	}
	if !p.pb.Logs.Settles {
		b.WriteString("For this playbook logs are never a clean hunt.\n")
	}
	b.WriteString(p.pb.Logs.Blind + "\n")
	for _, w := range written {
		fmt.Fprintf(&b, "Wrote %s\n", console.Clean(w))
	}
	return b.String()
}

func (p *huntPrinter) server(b *strings.Builder, r hunt.Report) {
	fmt.Fprintf(b, "%-11s %s", verdict(r), console.Clean(r.Server))
	if r.First.IsZero() {
		b.WriteString("  no log of its own\n")
	} else {
		fmt.Fprintf(b, "  %s to %s, %s\n", minute(r.First), minute(r.Last), few(r.Sites, 5))
	}
	worst := slices.Clone(r.Traffic)
	slices.SortStableFunc(worst, func(x, y hunt.Traffic) int { return hunt.Rank(y.Value) - hunt.Rank(x.Value) })
	for i, t := range worst {
		if i == shownTraffic {
			fmt.Fprintf(b, "    and %d more kinds of requests\n", len(worst)-i)
			break
		}
		fmt.Fprintf(b, "    %s\n", trafficLine(t))
	}
	for i, g := range r.Gaps {
		if i == shownGaps {
			fmt.Fprintf(b, "    and %d more gaps\n", len(r.Gaps)-i)
			break
		}
		fmt.Fprintf(b, "    gap %s to %s: %s\n", minute(g.From), minute(g.To), console.Clean(g.Why))
	}
	if len(r.Clean) > 0 && len(r.Gaps) > 0 {
		fmt.Fprintf(b, "    nothing found in %s to %s%s\n", minute(r.Clean[0].From), minute(r.Clean[0].To), moreSpans(len(r.Clean)-1))
	}
}

func moreSpans(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d other stretches", n)
}

// trafficLine is one kind of requests for people.
func trafficLine(t hunt.Traffic) string {
	var answers []string
	for _, s := range slices.Sorted(maps.Keys(t.Status)) {
		answers = append(answers, fmt.Sprintf("%d×%d", s, t.Status[s]))
	}
	line := fmt.Sprintf("%s: %s %s (%s) %s from %s, %s", t.Value, t.Method, t.Path, t.Rule, strings.Join(answers, " "), fewSources(t), minute(t.First))
	if t.Last.Sub(t.First) >= time.Minute {
		line += " to " + minute(t.Last)
	}
	if t.Doubt != "" {
		line += "; unsure, " + t.Doubt + " is not logged"
	}
	if t.Front {
		line += "; seen by a front end only"
	}
	return console.Clean(strings.Join(strings.Fields(line+"  ["+t.Where+"]"), " "))
}

func fewSources(t hunt.Traffic) string {
	if n := len(t.Sources) + t.More; n > shownSources {
		return fmt.Sprintf("%s and %d more", strings.Join(t.Sources[:shownSources-1], ", "), n-shownSources+1)
	}
	return strings.Join(t.Sources, ", ")
}

// clusters tells which servers were touched by the same campaign.
func (p *huntPrinter) clusters(b *strings.Builder, all []hunt.Cluster) {
	for i, c := range all {
		if i == 0 {
			b.WriteString("\nCampaigns\n")
		}
		if i == shownClusters {
			fmt.Fprintf(b, "  and %d more\n", len(all)-i)
			return
		}
		fmt.Fprintf(b, "  %s  %s\n", c.ID, console.Clean(c.Text(len(p.servers))))
	}
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// few names some, and counts the rest.
func few(names []string, n int) string {
	shown := make([]string, 0, n)
	for _, s := range names[:min(n, len(names))] {
		shown = append(shown, console.Clean(s))
	}
	if more := len(names) - len(shown); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
	}
	return strings.Join(shown, ", ")
}
