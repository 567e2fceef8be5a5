package console

import (
	"cmp"
	"crypto/rand"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Name is what the platform is called in places and links.
const Name = "console"

// Limits of what is read.
const (
	maxFile   = 8 << 20 // bytes of one file handed in
	minWidth  = 40      // columns; narrower terminals wrap by themselves
	mostKeys  = 10_000  // messages that are remembered to be found and edited
	usedWidth = 100     // columns when nobody says
)

// Options are how a console looks and who sits at it. The zero value is a plain
// pipe, at which nobody that is linked to a person sits.
type Options struct {
	// User is who types: the identity is "console:USER".
	User string
	// Roles lists other users that a line may be from, as in "as lead-1: scan".
	// It is for demos and drills: whoever types is all of them.
	Roles []string

	Width  int  // columns, 100
	Colour bool // the caller respects NO_COLOR
	// TTY: what was printed last can be printed over.
	TTY bool
	// Echo prints each line that was read, for transcripts and demos.
	Echo bool
	// InOrder reads the next line only when the last one is answered, and ends
	// only when all are: for scripts. At the end of the input Run waits for
	// answers in any case.
	InOrder bool
	Prompt  string

	// Files lets a line hand in files of this machine, as in "evidence add @report.json".
	Files bool
	// SaveDir is where pictures and attachments are written; empty: nowhere.
	SaveDir string
	// Unsaved is said below a message with pictures or attachments that are not
	// written anywhere, when it is not empty.
	Unsaved string

	Channel string // "terminal"
	// Ceiling of the place. As RED goes to no place, the zero value means AMBER+STRICT.
	Ceiling state.TLP
	// Session keeps the ids of requests apart from those of other runs; random when
	// empty.
	Session string
	Now     func() time.Time
	// Zone is for the times in front of messages; UTC when nil.
	Zone *time.Location
}

func (o *Options) defaults() {
	o.User = cmp.Or(o.User, "nobody")
	o.Channel = cmp.Or(o.Channel, "terminal")
	o.Ceiling = cmp.Or(o.Ceiling, state.TLPAmberStrict)
	if o.Session == "" {
		o.Session = rand.Text()[:8]
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Zone = cmp.Or(o.Zone, time.UTC)
}

func (o Options) width() int { return max(minWidth, cmp.Or(o.Width, usedWidth)) }
