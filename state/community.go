package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Community is a workspace, guild or channel of others: it gets the advisories that
// it may see, and hands in what it saw. It is never part of a response.
type Community struct {
	// ID is the platform and workspace, or a channel of it: "discord:123".
	ID   string `json:"id"`
	Name string `json:"name"` // as the operator, or whoever set it up, calls it; hostile
	// Place is where advisories go; nil: nowhere, since nobody has said where.
	Place *Place `json:"place,omitempty"`
	// Role is the link of a role that is notified of news, "" when nobody asked for it.
	Role  string    `json:"role,omitempty"`
	SetBy string    `json:"setBy,omitempty"`
	At    time.Time `json:"at,omitzero"`
	// Follows are the links of those who want to hear when an advisory changes, by its number.
	Follows map[int][]string `json:"follows,omitempty"`
	// Lately are the last reports, oldest first, as far as they count against the limit.
	Lately []Lately `json:"lately,omitempty"`
}

// Lately is that somebody reported something.
type Lately struct {
	Link string    `json:"link"`
	At   time.Time `json:"at"`
}

// Limits of what a community may do.
const (
	MaxCommunities   = 2000
	MaxFollowers     = 100 // of one advisory in one community: what one message can mention (discord.com/developers/docs, allowed mentions)
	ReportWindow     = time.Hour
	ReportsPerPerson = 3    // in ReportWindow
	ReportsEach      = 10   // of one community in ReportWindow
	MaxReports       = 2000 // that are remembered: of those that are decided the newest, and all that wait
	MaxWaiting       = 100  // of one community
	MaxReportText    = 4000 // runes
)

// CommunityID is the id under which a place would be a community as a whole, and
// as a single channel.
func CommunityID(p Place) (workspace, channel string) {
	workspace = p.Platform + ":" + p.Workspace
	return workspace, workspace + ":" + p.Channel
}

// ReportKind is what a community hands in.
type ReportKind string

// The kinds of reports.
const (
	ReportSighting ReportKind = "sighting" // something that an advisory tells of was seen there
	ReportAdvisory ReportKind = "advisory" // an advisory of their own
)

// Report is something that a community handed in. Nobody but the owning team sees it
// until a lead has accepted it.
type Report struct {
	ID        string     `json:"id"` // "R7"
	Kind      ReportKind `json:"kind"`
	Community string     `json:"community"`
	Name      string     `json:"name"` // of the community
	Link      string     `json:"link"` // of who reported it
	At        time.Time  `json:"at"`
	// Advisory is what a sighting is of, or what an accepted report became.
	Advisory int    `json:"advisory,omitempty"`
	Title    string `json:"title,omitempty"`
	Text     string `json:"text"`
	// TLP is the reporter's marking: it goes no further.
	TLP     TLP       `json:"tlp"`
	Decided string    `json:"decided,omitempty"` // "accepted", "rejected", "": nobody has decided
	By      PersonID  `json:"by,omitempty"`
	Closed  time.Time `json:"closed,omitzero"`
}

// What became of a report.
const (
	ReportAccepted = "accepted"
	ReportRejected = "rejected"
)

// mayReport refuses what comes too often, and forgets what no longer counts.
func (c *Community) mayReport(link string, now time.Time) error {
	c.Lately = slices.DeleteFunc(slices.Clone(c.Lately), func(l Lately) bool { return !l.At.After(now.Add(-ReportWindow)) })
	own, oldest := 0, time.Time{}
	for _, l := range c.Lately {
		if l.Link == link {
			if own++; oldest.IsZero() {
				oldest = l.At
			}
		}
	}
	switch {
	case own >= ReportsPerPerson:
		return refuse(fmt.Sprintf("You have reported %d times in the last hour, the most that is taken.", own), "Again at "+oldest.Add(ReportWindow).UTC().Format("15:04")+" UTC.")
	case len(c.Lately) >= ReportsEach:
		return refuse(fmt.Sprintf("This community has reported %d times in the last hour, the most that is taken.", len(c.Lately)), "Again at "+c.Lately[0].At.Add(ReportWindow).UTC().Format("15:04")+" UTC.")
	}
	c.Lately = append(c.Lately, Lately{Link: link, At: now})
	return nil
}

// checkText refuses a text that is empty, too long, or no text.
func checkText(what, s string, most int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return refuse("A "+what+" is needed.", "")
	case len([]rune(s)) > most:
		return refuse(fmt.Sprintf("The %s is longer than %d characters.", what, most), "")
	case strings.ToValidUTF8(s, "") != s:
		return refuse("The "+what+" has bytes in it that are not text.", "")
	}
	return nil
}
