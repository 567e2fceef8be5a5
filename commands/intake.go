package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake"
	"github.com/allclear-bot/allclear/state"
)

// intakeReport records what an outside tool found. A report opens work or raises a
// question; it never makes a server look better.
type intakeReport struct {
	store inventoryStore
	load  loader
	now   func() time.Time
}

func (intakeReport) Spec() chat.Spec {
	formats := make([]string, 0, len(intake.Formats()))
	for _, f := range intake.Formats() {
		formats = append(formats, string(f))
	}
	return chat.Spec{
		Path: "intake", Summary: "Record what others found: a report of Shadowserver, Shodan, nuclei, Nmap or Nessus, or a table",
		Args: []chat.Arg{{Name: "report", Help: "a file handed in, or the text itself", Type: chat.Upload, Rest: true}},
		Flags: []chat.Arg{
			{Name: "format", Help: "when it is not recognised", Choices: formats},
			{Name: "map", Help: `the columns of a table: "name=Server,finding=Result,time=Seen"; key:=value for what no column says`},
			{Name: "zone", Help: "of times that carry none: UTC, +02:00 or Europe/Berlin"},
			{Name: "dry-run", Help: "say what it would come to, and record nothing", Type: chat.Switch},
		},
		Examples: []chat.Example{
			{
				Line: `intake --format nuclei {"template-id":"CVE-2025-53770","matched-at":"https://fin.example/","timestamp":"2025-07-22T14:00:00Z","matcher-status":true}`,
				Does: "records that nuclei showed the hole; the server is exposed until newer evidence from inside shows the fix",
			},
			{
				Line: `intake --dry-run --format shodan {"ip_str":"192.0.2.1","port":443,"timestamp":"2025-07-22T14:00:00","hostnames":["hr.example"],"vulns":{"CVE-2025-53770":{"verified":false}}}`,
				Does: "says what a banner would come to: a question, for Shodan only inferred it",
			},
		},
		Role: state.RoleResponder,
	}
}

// TimeLimit gives room for a large inventory.
func (intakeReport) TimeLimit() time.Duration { return 10 * time.Minute }

func (c intakeReport) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	data, err := handedIn(call, "report")
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	switch {
	case err != nil:
		return chat.Message{}, err
	case !inc.Closed.IsZero():
		return chat.Message{}, &state.Refusal{Why: fmt.Sprintf("Incident %s is closed; nothing is recorded for it.", inc.ID), Next: "Open a new one."}
	}
	o, err := c.options(call, inc)
	if err != nil {
		return chat.Message{}, err
	}
	t := &taken{call: call, inc: inc, now: c.now()}
	if err := c.take(ctx, t, data, o); err != nil {
		return chat.Message{}, err
	}
	if call.Values.Bool("dry-run") {
		if err := t.preview(ctx, c.store); err != nil {
			return chat.Message{}, err
		}
		return t.message(), nil
	}
	long, done := outlast(ctx, importGrace) // half a report is worse than a late end
	defer done()
	if err := t.write(long, c.store, c.now); err != nil {
		return chat.Message{}, err
	}
	return t.message(), nil
}

// shadowserverFile is how Shadowserver names its files: the date, and the type of report.
var shadowserverFile = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}-([a-z0-9_]+)(-[^/\\]*)?\.csv$`)

// options are how the report is to be read.
func (c intakeReport) options(call chat.Call, inc state.Incident) (intake.Options, error) {
	o := intake.Options{Format: intake.Format(call.Values.String("format")), Now: c.now()}
	var err error
	if m := call.Values.String("map"); m != "" {
		if o.Map, err = intake.ParseMapping(m); err != nil {
			return o, &chat.Problem{What: "--map cannot be read: " + sentence(err.Error()), Try: `For instance: --map "name=Server,finding=Result,time=Seen"`}
		}
	}
	if o.Zone, err = zoneOf(call.Values.String("zone")); err != nil {
		return o, err
	}
	if files := call.Values.Files(); len(files) == 1 {
		if m := shadowserverFile.FindStringSubmatch(files[0].Name); m != nil {
			o.Report = m[1]
		}
	}
	plan, err := looker{load: c.load}.plan(inc.Rules)
	o.Observers = plan.Observers
	return o, err
}

// zoneOf reads a zone; "" is none.
func zoneOf(s string) (*time.Location, error) {
	switch {
	case s == "":
		return nil, nil
	case strings.EqualFold(s, "utc"), s == "Z":
		return time.UTC, nil
	case s[0] == '+' || s[0] == '-':
		for _, layout := range []string{"-07:00", "-0700", "-07"} {
			if t, err := time.Parse(layout, s); err == nil {
				_, offset := t.Zone()
				return time.FixedZone(s, offset), nil
			}
		}
	case !strings.EqualFold(s, "local"): // whose?
		if z, err := time.LoadLocation(s); err == nil {
			return z, nil
		}
	}
	return nil, &chat.Problem{What: fmt.Sprintf("zone cannot be %.40q.", s), Try: "Write UTC, +02:00 or Europe/Berlin."}
}

// take reads the whole report and matches it with the inventory.
func (c intakeReport) take(ctx context.Context, t *taken, data []byte, o intake.Options) error {
	servers, err := allServers(ctx, c.store, t.inc.ID)
	if err != nil {
		return err
	}
	for _, s := range servers {
		if s.Retired == nil {
			t.active++
		}
	}
	t.Take = intake.NewTake(intake.NewIndex(servers), t.inc.Rules)
	t.tally, err = intake.Whole(ctx, bytes.NewReader(data), o, func(f intake.Finding) error {
		t.Add(f)
		return nil
	})
	var bad *intake.Unreadable
	switch {
	case errors.As(err, &bad):
		return &chat.Problem{What: "The report cannot be read: " + sentence(checks.Clean(bad.Error(), 400)), Try: "Nothing was recorded."}
	case err != nil:
		return err
	}
	t.Done()
	return nil
}
