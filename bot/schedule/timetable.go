package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Shortest and Longest bound the time between two slots.
const (
	Shortest = 5 * time.Minute
	Longest  = 366 * 24 * time.Hour
)

// maxSpec is how long a spec may be, in bytes.
const maxSpec = 200

// Timetable says when a job is due.
type Timetable struct {
	every  time.Duration // counted from the epoch; else
	clocks []clock
	zone   *time.Location
}

// clock is one line of cron in a zone. One with every hour follows the time that
// passes; any other the clock on the wall.
type clock struct {
	spec   *cron.SpecSchedule
	hourly bool
}

// Parse reads a spec: five fields of cron ("0 9 * * 1-5"), "@daily" and its like,
// times of the day ("09:00,17:00", "mon-fri 09:00"), or "every 2h", counted from
// midnight UTC. The zone is an IANA name; "" is UTC. It refuses what never comes, and
// what comes more often than Shortest.
func Parse(spec, zone string) (Timetable, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Timetable{}, err
	}
	spec = strings.ToLower(strings.TrimSpace(spec))
	switch {
	case len(spec) > maxSpec:
		return Timetable{}, fmt.Errorf("a time table is not longer than %d characters", maxSpec)
	case strings.Contains(spec, "tz="):
		return Timetable{}, fmt.Errorf("the time zone does not belong into the time table: give it on its own")
	}
	for _, prefix := range []string{"every ", "@every "} {
		if text, ok := strings.CutPrefix(spec, prefix); ok {
			return interval(strings.TrimSpace(text), loc)
		}
	}
	lines, err := lines(spec)
	if err != nil {
		return Timetable{}, err
	}
	t := Timetable{zone: loc}
	for _, line := range lines {
		c, err := parseClock(line)
		if err != nil {
			return Timetable{}, fmt.Errorf("%q is no time table: %w", spec, err)
		}
		t.clocks = append(t.clocks, c)
	}
	return t, t.check()
}

// Zone finds a time zone by its IANA name. "" is UTC; "local" is refused, for it
// means another place on each machine.
func Zone(name string) (*time.Location, error) {
	if strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("%q is another time zone on each machine: name one like Europe/Berlin", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil || len(name) > 64 {
		return nil, fmt.Errorf("%.64q is no time zone: name one like Europe/Berlin", name)
	}
	return loc, nil
}

func interval(text string, loc *time.Location) (Timetable, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days && n > 0 && n <= 366 {
			text = fmt.Sprintf("%dh", 24*n)
		}
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return Timetable{}, fmt.Errorf("every %.40q: want a duration like 30m, 2h or 1d", text)
	case d < Shortest || d > Longest || d%time.Minute != 0:
		return Timetable{}, fmt.Errorf("every %s: from %s to %d days, in whole minutes", d, Shortest, Longest/(24*time.Hour))
	}
	return Timetable{every: d, zone: loc}, nil
}

// lines are the lines of cron that a spec stands for.
func lines(spec string) ([]string, error) {
	if !strings.Contains(spec, ":") {
		return []string{spec}, nil
	}
	words, days := strings.Fields(spec), "*"
	if len(words) == 2 {
		days, words = words[0], words[1:]
	}
	if len(words) != 1 || strings.Contains(days, ":") {
		return nil, fmt.Errorf("%q is no time table: want times like 09:00,17:00, with days before them like mon-fri, or five fields of cron", spec)
	}
	var out []string
	for at := range strings.SplitSeq(words[0], ",") {
		t, err := time.Parse("15:04", at)
		if err != nil {
			return nil, fmt.Errorf("%.20q is no time of the day: want one like 09:00", at)
		}
		out = append(out, fmt.Sprintf("%d %d * * %s", t.Minute(), t.Hour(), days))
	}
	return out, nil
}

// parseClock reads one line. The parser is known to panic on some input.
func parseClock(line string) (c clock, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = clock{}, fmt.Errorf("it cannot be read (%v)", p)
		}
	}()
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	s, err := parser.Parse(line)
	if err != nil {
		return clock{}, err
	}
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return clock{}, fmt.Errorf("want five fields of cron")
	}
	spec.Location = time.UTC // it is asked by the clock on the wall
	return clock{spec: spec, hourly: bits.OnesCount64(spec.Hour&(1<<24-1)) == 24}, nil
}

// check refuses what never comes and what comes too often.
func (t Timetable) check() error {
	for _, c := range t.clocks {
		if c.next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), t.zone).IsZero() {
			return fmt.Errorf("this never comes: no such day is in the calendar")
		}
		if gap := c.shortest(); gap < Shortest {
			return fmt.Errorf("this comes every %s: at most every %s", gap, Shortest)
		}
	}
	return t.apart()
}

// shortest is the least time between two slots of one line on one day.
func (c clock) shortest() time.Duration {
	var slots []int // minutes of the day
	for h := range 24 {
		for m := range 60 {
			if c.spec.Hour&(1<<h) != 0 && c.spec.Minute&(1<<m) != 0 {
				slots = append(slots, 60*h+m)
			}
		}
	}
	return closest(slots)
}

// closest is the least time between two minutes of the day, midnight included.
func closest(slots []int) time.Duration {
	least := 24 * 60
	for i, s := range slots {
		after := slots[(i+1)%len(slots)]
		if d := (after - s + 24*60) % (24 * 60); d > 0 {
			least = min(least, d)
		}
	}
	return time.Duration(least) * time.Minute
}

// apart refuses times of the day that are too close to each other.
func (t Timetable) apart() error {
	if len(t.clocks) < 2 {
		return nil
	}
	var day [24 * 60]bool
	for _, c := range t.clocks {
		day[60*bits.TrailingZeros64(c.spec.Hour)+bits.TrailingZeros64(c.spec.Minute)] = true
	}
	var slots []int
	for m, on := range day {
		if on {
			slots = append(slots, m)
		}
	}
	if gap := closest(slots); gap < Shortest {
		return fmt.Errorf("two of these times are %s apart: at least %s", gap, Shortest)
	}
	return nil
}

// Next is the first slot after a moment, in UTC; zero: there is none within five years.
func (t Timetable) Next(after time.Time) time.Time {
	if t.every > 0 {
		return after.UTC().Truncate(t.every).Add(t.every)
	}
	var first time.Time
	for _, c := range t.clocks {
		if n := c.next(after, t.zone); !n.IsZero() && (first.IsZero() || n.Before(first)) {
			first = n
		}
	}
	return first
}

// Every is the time between two slots of a table that counts the time that passes; 0: it goes by the clock.
func (t Timetable) Every() time.Duration { return t.every }

// next is the first slot of a line after a moment.
func (c clock) next(after time.Time, loc *time.Location) time.Time {
	if c.hourly {
		return c.passing(after, loc)
	}
	for wall := wallOf(after, loc); ; {
		wall = c.spec.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := moment(wall, loc); at.After(after) {
			return at
		}
	}
}

// passing is the first slot of a line with every hour: the clock is asked at each
// moment that passes, so that it comes in both of two hours of one name.
func (c clock) passing(after time.Time, loc *time.Location) time.Time {
	for {
		_, end := after.In(loc).ZoneBounds()
		_, offset := after.In(loc).Zone()
		wall := c.spec.Next(wallOf(after, loc))
		if wall.IsZero() {
			return time.Time{}
		}
		at := wall.Add(-time.Duration(offset) * time.Second)
		if end.IsZero() || at.Before(end) {
			return at
		}
		if c.matches(wallOf(end, loc)) { // go on with the clocks as they are from there
			return end.UTC()
		}
		after = end.UTC()
	}
}

// matches reports whether a wall clock is at a slot.
func (c clock) matches(wall time.Time) bool {
	return c.spec.Next(wall.Add(-time.Nanosecond)).Equal(wall)
}

// wallOf is what the clocks of a zone show, written as if it were UTC.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// moment is when the clocks of a zone show this: the first time if they show it
// twice, and if they never do, when they jump over it.
func moment(wall time.Time, loc *time.Location) time.Time {
	near := wall.In(loc)
	start, end := near.ZoneBounds()
	var offsets []time.Duration
	add := func(t time.Time) {
		_, o := t.In(loc).Zone()
		offsets = append(offsets, time.Duration(o)*time.Second)
	}
	add(near)
	if !start.IsZero() {
		add(start.Add(-time.Second))
	}
	if !end.IsZero() {
		add(end)
	}
	var first time.Time
	for _, o := range offsets {
		if at := wall.Add(-o); wallOf(at, loc).Equal(wall) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first.UTC()
	}
	for _, jump := range []time.Time{start, end} {
		if !jump.IsZero() && wallOf(jump.Add(-time.Nanosecond), loc).Before(wall) && !wallOf(jump, loc).Before(wall) {
			return jump.UTC()
		}
	}
	return wall.Add(-offsets[0]).UTC()
}
