// Package commands is what a person can ask for: one file a command, with its
// Spec and what it does.
//
// Its promise: a command answers with a chat.Message and never sends anything.
// Each change is one atomic step of the store, made with the rules of package
// state, and carries the id of the request, so that it applies once. Bad input
// gets one line: what is wrong, and the nearest thing that works. The package
// knows neither a platform nor a store's keys.
package commands

import (
	"context"
	"io"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// Command is one command: what is known of it, and what it does.
type Command interface {
	Spec() chat.Spec
	Run(ctx context.Context, call chat.Call) (chat.Message, error)
}

// Changer applies a change in one atomic step. The function may be run again
// after a conflict, so it does nothing but change the Tx.
type Changer interface {
	Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error)
}

// Reader answers questions about incidents and servers. Lists are ordered by
// what should be done first.
type Reader interface {
	Incident(ctx context.Context, id string) (state.Incident, error)
	Incidents(ctx context.Context) ([]state.IncidentHead, error)
	Farm(ctx context.Context, incident, farm string) (state.FarmState, error)
	Row(ctx context.Context, incident, server string) (state.Row, error)
	List(ctx context.Context, incident string, f state.Filter, offset, limit int) (rows []state.Row, total int, err error)
	// First is the most urgent servers of several owners or groups, so many of each.
	First(ctx context.Context, incident, by string, most map[string]int) (map[string][]state.Row, error)
	// Ending lists servers of which something ends after a moment and until another
	// one (zero: whenever), the first to end first, and how many there are.
	Ending(ctx context.Context, incident string, e state.Ending, after, until time.Time, limit int) (rows []state.Row, total int, err error)
	Counts(ctx context.Context, incident string, f state.Filter) (state.Counts, error)
	Tallies(ctx context.Context, incident, by string, openOnly bool) ([]state.Tally, error)
	// Complete lists server names that begin with prefix, whatever the case.
	Complete(ctx context.Context, incident, prefix string, limit int) ([]string, error)
	// Names lists owners, groups or farms that begin with prefix, whatever the case.
	Names(ctx context.Context, incident, kind, prefix string, limit int) ([]string, error)
	FarmsOf(ctx context.Context, incident string, servers []string) (map[string]string, error)
	AllFarms(ctx context.Context, incident, after string, limit int) ([]string, error)
	Proposals(ctx context.Context, incident string) ([]state.ProposalRef, error)
	Board(ctx context.Context, incident string, now time.Time) (state.Board, error)
	History(ctx context.Context, incident string, from, to time.Time) ([]state.Point, error)
	// Pace is how many servers ceased to be open, by group and stretch of time.
	Pace(ctx context.Context, incident string, from, to time.Time) ([]state.Pace, error)
}

// Sweeper finds farms whose assessment is out of date.
type Sweeper interface {
	// Due lists farms at which the passing of time may have changed something.
	Due(ctx context.Context, incident string, now time.Time, limit int) ([]string, error)
	// Behind lists farms that were assessed by another revision of the playbook.
	Behind(ctx context.Context, incident string, limit int) ([]string, error)
}

// Scans remembers scans. Of the same selection only one runs at a time.
type Scans interface {
	BeginScan(ctx context.Context, s state.Scan, ttl time.Duration) (running state.Scan, begun bool, err error)
	SaveScan(ctx context.Context, s state.Scan) error
	EndScan(ctx context.Context, s state.Scan) error
	LastScans(ctx context.Context, incident string, limit int) ([]state.Scan, error)
	// AskEnd leaves word for whoever runs a scan that it shall end; false: it has.
	AskEnd(ctx context.Context, incident, id string, by state.PersonID) (bool, error)
	// EndAsked tells who wants a scan to end; false: nobody.
	EndAsked(ctx context.Context, incident, id string) (state.PersonID, bool, error)
}

// Auditor reads the record.
type Auditor interface {
	// Audit lists entries from a sequence number on, oldest first.
	Audit(ctx context.Context, from int64, limit int) ([]state.AuditEntry, error)
	// AuditOf lists entries that name a server, newest first.
	AuditOf(ctx context.Context, incident, server string, limit int) ([]state.AuditEntry, error)
	// AuditSeq is the number of the newest entry; 0: there is none.
	AuditSeq(ctx context.Context) (int64, error)
}

// Queue shows what waits to be said.
type Queue interface {
	Held(ctx context.Context, limit int) ([]state.Letter, error)
	// NotYet lists letters that quiet hours hold until a time that is ahead, and whether
	// there are more.
	NotYet(ctx context.Context, now time.Time, limit int) (letters []state.Letter, more bool, err error)
	// LettersAt lists what was not delivered yet of the place with a key: not cards, and
	// not what is said quietly in threads.
	LettersAt(ctx context.Context, place string) ([]state.Letter, error)
	QueueSize(ctx context.Context) (n int, oldest time.Time, err error)
	Waiting(ctx context.Context) (n int, oldest time.Time, err error)
}

// Store is all of the above: what a process hands in. Each command declares the
// part that it uses.
type Store interface {
	Changer
	Reader
	Reminded
	Sweeper
	Scans
	Auditor
	Queue
	Desk
}

// Parts is what the commands are made of.
type Parts struct {
	Store  Store
	Jobs   checks.Jobs
	People state.People
	// Draw makes the burn-down picture: package bot/chart in a real process. nil: no pictures.
	Draw func(Burn, io.Writer) (alt string, err error)
	// Load finds a playbook by name or file.
	Load func(nameOrPath string) (playbook.Playbook, error)
	// Reach says in words what keeps messages from a place, "" when nothing is known
	// to; nil: nobody knows.
	Reach func(context.Context, state.Place) string
	Now   func() time.Time
	// Feeds are the sources that are looked at.
	Feeds Feeds
	// Publisher is who exported advisories are from.
	Publisher feeds.Publisher
	// Cadence is between reminders, unless an incident says otherwise.
	Cadence time.Duration
	// Timetable reads time tables: package bot/schedule in a real process. nil: there is no schedule.
	Timetable Timetable
	// Zone is the time zone of new incidents, by its IANA name; "" is UTC.
	Zone string
	// Reminders is whom reminders escalate to, and how often they may mention somebody.
	Reminders Reminders
}

// Burn is what a burn-down picture shows.
type Burn struct {
	Title, Subtitle string
	Points          []state.Point
	Marks           []BurnMark
	Moved           []time.Time // when the fix lines did; each has its mark too
	Until           time.Time
	Zone            *time.Location // of the incident; nil: UTC
}

// BurnMark is a moment worth a line in the picture.
type BurnMark struct {
	At    time.Time
	Label string
}

// All is the list of commands, in the order of help.
func All(p Parts) []Command {
	cs := incidentCommands(p)
	cs = append(cs, serverCommands(p)...)
	cs = append(cs, scanCommands(p)...)
	cs = append(cs, workCommands(p)...)
	cs = append(cs, boardCommands(p)...)
	cs = append(cs, advisoryCommands(p)...)
	cs = append(cs, communityCommands(p)...)
	cs = append(cs, feedCommands(p)...)
	all := &registry{}
	if p.Timetable != nil {
		cs = append(cs, scheduleCommands(p, all)...)
	}
	help := helpCommand{specs: specsOf(cs), more: manualsOf(cs)}
	for i, c := range cs {
		if !c.Spec().Global {
			cs[i] = inNamed{c, p.Store}
		}
	}
	all.commands = append(cs, help)
	return all.commands
}

func specsOf(cs []Command) []chat.Spec {
	out := make([]chat.Spec, 0, len(cs))
	for _, c := range cs {
		out = append(out, c.Spec())
	}
	return out
}
