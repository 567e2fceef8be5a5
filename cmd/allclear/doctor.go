package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/state"
)

// doctorTimeout bounds the whole examination.
const doctorTimeout = 60 * time.Second

const doctorHelp = `Examine the set-up and say, of each thing that is wrong, what to do: the
configuration and who may decide, the store (a Redis must never throw keys away),
and the chat platforms with their tokens, permissions, channels and clocks.
Nothing is changed and nothing is posted.

Exit status: 0 all is well (perhaps with warnings), 1 something is wrong, 2 the
configuration cannot be read.`

// examiner is a platform that can say what is wrong with its set-up.
type examiner interface {
	Examine(ctx context.Context, places []state.Place) []state.Finding
}

// peopleExaminer is a platform that can say whether the people of the configuration
// can act there.
type peopleExaminer interface {
	ExaminePeople(ctx context.Context, people state.People) []state.Finding
}

func newDoctor(sys system) *cobra.Command {
	var s storeFlags
	cmd := &cobra.Command{
		Use: "doctor", Short: "Examine the set-up, and say what to do about what is wrong", Long: doctorHelp, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := s.load(sys)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), doctorTimeout)
			defer cancel()
			return doctor(ctx, conf, sys.Out)
		},
	}
	s.add(cmd)
	return cmd
}

func doctor(ctx context.Context, c config, w io.Writer) error {
	wrong := 0
	show := func(part string, fs []state.Finding) {
		fmt.Fprintln(w, part)
		for _, f := range fs {
			wrong += showFinding(w, f)
		}
	}
	show("who decides", peopleFindings(c.withSelf().People))
	places, fs := storeFindings(ctx, c)
	show("store", fs)
	out, err := meet(c, nil, system{}, slog.New(slog.DiscardHandler), web.NewMetrics(web.Labels{}))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(out.chats)) {
		if e, ok := out.chats[name].(examiner); ok {
			show(name, e.Examine(ctx, placesOf(places, name)))
		}
		if e, ok := out.chats[name].(peopleExaminer); ok {
			show("people in "+name, e.ExaminePeople(ctx, c.People))
		}
	}
	if len(out.chats) == 0 {
		show("chats", []state.Finding{{What: "a chat platform", Wrong: "none is configured", Do: "Set ALLCLEAR_SLACK_BOT_TOKEN and ALLCLEAR_SLACK_APP_TOKEN, or ALLCLEAR_DISCORD_TOKEN and ALLCLEAR_DISCORD_TEAM; see the README.", Warning: true}})
	}
	if wrong > 0 {
		fmt.Fprintf(w, "\n%d wrong.\n", wrong)
		return outcome{exitFailure}
	}
	fmt.Fprintln(w, "\nNothing is wrong.")
	return nil
}

// showFinding prints one finding and counts it when it is wrong.
func showFinding(w io.Writer, f state.Finding) int {
	what := console.Clean(f.What)
	if f.Wrong == "" {
		fmt.Fprintf(w, "  ok       %s\n", what)
		return 0
	}
	word, n := "WRONG", 1
	if f.Warning {
		word, n = "warning", 0
	}
	fmt.Fprintf(w, "  %-8s %s: %s\n", word, what, console.Clean(f.Wrong))
	if f.Do != "" {
		fmt.Fprintf(w, "           → %s\n", console.Clean(f.Do))
	}
	return n
}

// peopleFindings says whether two persons can decide anything.
func peopleFindings(people state.People) []state.Finding {
	leads := 0
	var out []state.Finding
	for _, p := range people {
		if p.Role == state.RoleLead && len(p.Links) > 0 {
			leads++
		}
		if len(p.Links) == 0 {
			out = append(out, state.Finding{
				What: "person " + string(p.ID), Wrong: "no identity is linked, so nobody can act as this person",
				Do: "Add links, like slack:T0123:U0456 or console:uid-1000.", Warning: true,
			})
		}
	}
	f := state.Finding{What: fmt.Sprintf("leads who can act: %d", leads)}
	if leads < 2 {
		f.Wrong, f.Do = "two are needed to accept a risk, to retire a server and to declare clear", "Configure a second lead under people, or roles of a user group."
		f.Warning = true
	}
	return append([]state.Finding{f}, out...)
}

// storeFindings examines the store, and returns the places that must be written to.
func storeFindings(ctx context.Context, c config) ([]state.Place, []state.Finding) {
	if err := mustExist(c); err != nil {
		return nil, []state.Finding{{What: "the store", Wrong: said(err), Do: "Nothing, if allclear was not started yet: serve makes it.", Warning: true}}
	}
	store, err := openStore(ctx, c, true, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, []state.Finding{{What: "the store", Wrong: said(err), Do: "Check --data, ALLCLEAR_DATA or ALLCLEAR_REDIS."}}
	}
	defer func() { _ = store.Close() }()
	out := []state.Finding{{What: "the store, " + store.where}}
	if c.Redis != "" {
		out = append(out, store.Examine(ctx)...)
	}
	heads, err := store.Incidents(ctx)
	var places []state.Place
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		inc, e := store.Incident(ctx, h.ID)
		if err = errors.Join(err, e); e == nil && len(inc.Places) == 0 {
			out = append(out, state.Finding{What: "incident " + h.ID, Wrong: "no place hears of it, so nobody is reminded", Do: "Say: incident bind, in the channel that should hear of it."})
		}
		places = append(places, inc.Places...)
		out = append(out, ownerFindings(ctx, store, h.ID, c.withSelf())...)
	}
	if err != nil {
		out = append(out, state.Finding{What: "the open incidents", Wrong: said(err), Do: "Check the store with: allclear audit verify"})
	}
	outside, err := advisoryPlaces(ctx, store)
	if err != nil {
		out = append(out, state.Finding{What: "the communities and the advisories", Wrong: said(err), Do: "Check the store with: allclear audit verify"})
	}
	return append(places, outside...), out
}

// advisoryPlaces are where reports arrive, where communities want advisories, and where
// there are copies of those in force.
func advisoryPlaces(ctx context.Context, store *opened) ([]state.Place, error) {
	d, err := store.Desk(ctx, state.DeskNeed{})
	communities, e := store.Communities(ctx)
	advisories, e2 := store.Advisories(ctx)
	var out []state.Place
	if d.Head.Triage != nil {
		out = append(out, *d.Head.Triage)
	}
	for _, c := range communities {
		if c.Place != nil {
			out = append(out, *c.Place)
		}
	}
	for _, a := range advisories {
		if a.Live != nil && a.Withdrawn == nil {
			out = append(out, a.Places...)
		}
	}
	return out, errors.Join(err, e, e2)
}

// ownerFindings names the owners that nobody of the configuration acts for: nobody
// would be mentioned when something happens to their servers.
func ownerFindings(ctx context.Context, store *opened, incident string, c config) []state.Finding {
	tallies, err := store.Tallies(ctx, incident, "owner", true)
	if err != nil {
		return nil // the incident itself was told of
	}
	var nobody []string
	for _, t := range tallies {
		if _, known := c.People.ByOwner(t.Name); !known && len(c.Groups[t.Name]) == 0 && t.Name != "" {
			nobody = append(nobody, t.Name)
		}
	}
	if len(nobody) == 0 {
		return nil
	}
	more := ""
	if len(nobody) > 5 {
		more = fmt.Sprintf(" and %d more", len(nobody)-5)
	}
	return []state.Finding{{
		What: "the owners of incident " + incident, Wrong: "nobody is mentioned for " + strings.Join(nobody[:min(5, len(nobody))], ", ") + more,
		Do: "Add owns: [OWNER] to a person, or a group of that name under groups.", Warning: true,
	}}
}

func placesOf(places []state.Place, platform string) []state.Place {
	return slices.DeleteFunc(slices.Clone(places), func(p state.Place) bool { return p.Platform != platform })
}
