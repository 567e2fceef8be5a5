package checks

import (
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Extract says in which part of an answer an observer finds the build. The set is
// closed: each extractor reads what came, bounded, and changes nothing.
type Extract uint8

// The extractors.
const (
	// ExtractBody matches the pattern in the body of a 200.
	ExtractBody Extract = iota
	// ExtractHeader matches it in each value of the header, whatever the status.
	ExtractHeader
	// ExtractRedirect matches it in the Location of a redirect.
	ExtractRedirect
	// ExtractLinks matches it in the path of each address that the body of a 200
	// links to on the same server: href, src and url().
	ExtractLinks
	// ExtractStamp reads the time stamp in the header of a gzip file that a 200
	// sends, and looks the build up in the table, or makes one of the date.
	ExtractStamp
	// ExtractStatus takes the status itself for the sign of a build, when names that
	// cannot exist get another one.
	ExtractStatus
)

var extractNames = []string{"body", "header", "redirect", "links", "stamp", "status"}

func (e Extract) String() string {
	if int(e) < len(extractNames) {
		return extractNames[e]
	}
	return fmt.Sprintf("(%d)", e)
}

// Extracts lists all extractors.
func Extracts() []Extract {
	return []Extract{ExtractBody, ExtractHeader, ExtractRedirect, ExtractLinks, ExtractStamp, ExtractStatus}
}

// Stamps tells builds by the time stamp of a file that each of them ships.
type Stamps struct {
	// Name is the file's name as its gzip header has it: a server or a proxy that
	// compresses by itself writes none, and its stamp says nothing.
	Name string
	// Builds has the known stamps in ascending order. Empty: the stamp's date is
	// the build, as year, month and day in UTC.
	Builds []Stamp
}

// Stamp is one known time stamp, in seconds since 1970.
type Stamp struct {
	Seconds uint32
	Build   state.Version
}

// Build is the build with a stamp; zero when the table does not know it.
func (s Stamps) Build(seconds uint32) state.Version {
	if len(s.Builds) == 0 {
		v, _ := state.ParseVersion(time.Unix(int64(seconds), 0).UTC().Format("2006.01.02")) // of three numbers: always one
		return v
	}
	i, ok := slices.BinarySearchFunc(s.Builds, seconds, func(x Stamp, t uint32) int { return int(int64(x.Seconds) - int64(t)) })
	if !ok {
		return state.Version{}
	}
	return s.Builds[i].Build
}
