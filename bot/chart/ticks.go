package chart

import (
	"math"
	"strconv"
	"time"
)

// tick is a place on an axis with up to two lines of text.
type tick struct {
	at    time.Time
	label string
	below string // the date, where it changes
}

// maxTicks is how many times fit on the axis at a size that a phone can show.
const maxTicks = 7

// maxSteps bounds the walk along an axis: no zone is strange enough to need more.
const maxSteps = 10 * maxTicks

// stride is a distance between ticks: minutes, days or months of the calendar.
type stride struct{ minutes, days, months int }

var strides = []stride{
	{minutes: 2},
	{minutes: 5},
	{minutes: 10},
	{minutes: 15},
	{minutes: 30},
	{minutes: 60},
	{minutes: 120},
	{minutes: 180},
	{minutes: 360},
	{minutes: 720},
	{days: 1},
	{days: 2},
	{days: 7},
	{days: 14},
	{months: 1},
	{months: 2},
	{months: 3},
	{months: 6},
	{months: 12},
	{months: 24},
	{months: 60},
	{months: 120},
	{months: 600},
	{months: 1200},
	{months: 12000},
}

func (s stride) seconds() float64 {
	return float64(s.minutes)*60 + float64(s.days)*86400 + float64(s.months)*30.4*86400
}

// timeTicks are the round times of zone in from..to. Hours and days follow the
// clock on the wall, also across a change to summer time.
func timeTicks(from, to time.Time, zone *time.Location) []tick {
	from, to = from.In(zone), to.In(zone)
	chosen := strides[len(strides)-1]
	for _, s := range strides {
		if seconds(from, to)/s.seconds() <= maxTicks {
			chosen = s
			break
		}
	}
	var out []tick
	for i := range maxSteps {
		at := chosen.at(from, i)
		if at.After(to) {
			break
		}
		if at.Before(from) || len(out) > 0 && !at.After(out[len(out)-1].at) {
			continue
		}
		out = append(out, chosen.label(at, out))
	}
	return out
}

// at is the i-th round moment, counted from the last one not after from.
func (s stride) at(from time.Time, i int) time.Time {
	year, month, day := from.Date()
	switch {
	case s.months > 0:
		months := (year*12 + int(month) - 1) / s.months * s.months
		return time.Date(0, time.Month(1+months+i*s.months), 1, 0, 0, 0, 0, from.Location())
	case s.days > 0:
		return time.Date(year, month, day+i*s.days, 0, 0, 0, 0, from.Location())
	}
	minutes := (from.Hour()*60 + from.Minute()) / s.minutes * s.minutes
	if s.minutes < 60 { // every one of them, also in the hour that an autumn night has twice
		begin := from.Add(-time.Duration(from.Minute()%s.minutes) * time.Minute).Truncate(time.Minute)
		return begin.Add(time.Duration(i*s.minutes) * time.Minute)
	}
	return time.Date(year, month, day, 0, minutes+i*s.minutes, 0, 0, from.Location())
}

// label names a moment as short as its neighbours allow.
func (s stride) label(at time.Time, before []tick) tick {
	year, day := true, true
	if n := len(before); n > 0 {
		last := before[n-1].at
		year = last.Year() != at.Year()
		day = year || last.YearDay() != at.YearDay()
	}
	line := func(show bool, layout string) string {
		if !show {
			return ""
		}
		return at.Format(layout)
	}
	switch {
	case s.months >= 12:
		return tick{at, at.Format("2006"), ""}
	case s.months > 0:
		return tick{at, at.Format("Jan"), line(year, "2006")}
	case s.days > 0:
		return tick{at, at.Format("2 Jan"), line(year, "2006")}
	}
	return tick{at, at.Format("15:04"), line(day, "2 Jan")}
}

// minTickGap is the least distance in pixels between two counts on the axis.
const minTickGap = 34

// countTicks are the round numbers from 0 up that an axis of a height in pixels
// has room for below the scope, and the scope itself.
func countTicks(scope, height int) []int {
	if scope <= 0 {
		return []int{0}
	}
	var out []int
	for n := 0; (scope-n)*height >= minTickGap*scope; n += niceStep(scope) {
		out = append(out, n)
	}
	return append(out, scope)
}

// niceStep is 1, 2 or 5 times a power of ten and gives at most five steps.
func niceStep(scope int) int {
	for power := 1; power < math.MaxInt/10; power *= 10 {
		for _, digit := range []int{1, 2, 5} {
			if scope <= 5*digit*power {
				return digit * power
			}
		}
	}
	return scope
}

// number writes n with a comma between thousands.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
