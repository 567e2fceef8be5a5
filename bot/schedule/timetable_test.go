package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	require.NoError(t, err)
	return at
}

func parsed(t *testing.T, spec, zone string) Timetable {
	t.Helper()
	table, err := Parse(spec, zone)
	require.NoError(t, err)
	return table
}

// slots are those between two moments, as the clocks of the zone show them, with
// their distance from UTC.
func slots(table Timetable, from, to time.Time) []string {
	var out []string
	for at := table.Next(from); !at.IsZero() && !at.After(to); at = table.Next(at) {
		out = append(out, at.In(table.zone).Format("02 15:04 -0700"))
	}
	return out
}

func TestSlotsWhereTheClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spec, zone, from, to, want string }{
		{"skipped hour", "30 2 * * *", "Europe/Berlin", "2025-03-29 00:00", "2025-03-31 12:00", "29 02:30 +0100, 30 03:00 +0200, 31 02:30 +0200"},
		{"several in the skipped hour are one", "*/10 2 * * *", "Europe/Berlin", "2025-03-30 00:00", "2025-03-30 12:00", "30 03:00 +0200"},
		{"doubled hour", "30 2 * * *", "Europe/Berlin", "2025-10-25 12:00", "2025-10-27 12:00", "26 02:30 +0200, 27 02:30 +0100"},
		{"America, spring", "02:30,09:00", "America/New_York", "2025-03-09 00:00", "2025-03-10 00:00", "09 03:00 -0400, 09 09:00 -0400"},
		{"America, autumn", "01:30,09:00", "America/New_York", "2025-11-02 00:00", "2025-11-03 00:00", "02 01:30 -0400, 02 09:00 -0500"},
		{"half an hour, spring", "02:15", "Australia/Lord_Howe", "2025-10-04 00:00", "2025-10-05 12:00", "05 02:30 +1100"},
		{"half an hour, autumn", "01:45", "Australia/Lord_Howe", "2025-04-05 00:00", "2025-04-06 12:00", "06 01:45 +1100"},
		{"midnight that is skipped", "00:00", "Asia/Beirut", "2025-03-28 23:00", "2025-03-30 23:00", "30 01:00 +0300, 31 00:00 +0300"},
		{"a day that is skipped", "12:00", "Pacific/Apia", "2011-12-28 00:00", "2011-12-31 12:00", "28 12:00 -1000, 29 12:00 -1000, 31 00:00 +1400, 31 12:00 +1400"},
		{"every hour passes, spring", "0 * * * *", "Europe/Berlin", "2025-03-29 23:30", "2025-03-30 02:00", "30 01:00 +0100, 30 03:00 +0200, 30 04:00 +0200"},
		{"every hour passes, autumn", "0 * * * *", "Europe/Berlin", "2025-10-25 22:30", "2025-10-26 02:00", "26 01:00 +0200, 26 02:00 +0200, 26 02:00 +0100, 26 03:00 +0100"},
		{"an interval knows no clocks", "every 2h", "Europe/Berlin", "2025-03-29 23:00", "2025-03-30 05:00", "30 01:00 +0100, 30 04:00 +0200, 30 06:00 +0200"},
		{"working days", "mon-fri 09:00", "Europe/Berlin", "2025-03-28 09:00", "2025-04-01 12:00", "31 09:00 +0200, 01 09:00 +0200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, strings.Join(slots(parsed(t, c.spec, c.zone), day(t, c.from), day(t, c.to)), ", "))
		})
	}
}

func TestWhatCannotBeATimetableIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for spec, why := range map[string]string{
		"TZ=":                     "time zone does not belong",
		"CRON_TZ=UTC":             "time zone does not belong",
		"0 0 31 2 *":              "never comes",
		"* * * * *":               "every 1m0s",
		"*/4 * * * *":             "every 4m0s",
		"0,59 * * * *":            "every 1m0s",
		"@every 1s":               "from 5m0s",
		"every 1s":                "from 5m0s",
		"every 500d":              "want a duration",
		"every -2h":               "from 5m0s",
		"every":                   "no time table",
		"@reboot":                 "no time table",
		"25:00":                   "no time of the day",
		"09:00,09:01":             "1m0s apart",
		"never 09:00":             "no time table",
		"9:00 mon":                "want times like",
		"":                        "no time table",
		"0 9 * *":                 "no time table",
		"0 9 * * * *":             "no time table",
		strings.Repeat("1,", 500): "not longer",
	} {
		_, err := Parse(spec, "")
		require.ErrorContains(t, err, why, "%q", spec)
	}
	for _, zone := range []string{"Local", "local", "Berlin", "../../etc/passwd", strings.Repeat("x", 500)} {
		_, err := Parse("09:00", zone)
		require.ErrorContains(t, err, "Europe/Berlin", "%q", zone)
	}
	for _, spec := range []string{"0,59 9 * * *", "@daily", "@hourly", "*/5 * * * *", "every 5m", "every 1d", "0 9 29 2 *", "09:00"} {
		_, err := Parse(spec, "Europe/Berlin")
		require.NoError(t, err, "%q", spec)
	}
}

// TestSlotsAreThoseOfTheClockOnTheWall compares with a look at each minute.
func TestSlotsAreThoseOfTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut"} {
		loc, err := Zone(zone)
		require.NoError(t, err)
		for range 40 {
			from := time.Unix(1735689600+r.Int64N(365*86400), 0).UTC()
			minute, hour := r.IntN(60), r.IntN(24)
			table := parsed(t, strings.Join([]string{itoa(minute), itoa(hour), "*", "*", "*"}, " "), zone)
			got := table.Next(from)
			seen := map[string]bool{}
			want := time.Time{}
			for at := from.Add(-26 * time.Hour).Truncate(time.Minute); want.IsZero() && at.Before(from.Add(50*time.Hour)); at = at.Add(time.Minute) {
				local := at.In(loc)
				if local.Hour() == hour && local.Minute() == minute && !seen[local.Format(time.DateOnly)] {
					seen[local.Format(time.DateOnly)] = true
					if at.After(from) {
						want = at
					}
				}
			}
			if got.In(loc).Hour() == hour && got.In(loc).Minute() == minute {
				require.Equal(t, want, got, "%s %02d:%02d from %s", zone, hour, minute, from)
			} else { // only where the clocks jumped over it
				require.False(t, wallOf(got.Add(-time.Minute), loc).Add(time.Minute).Equal(wallOf(got, loc)), "%s at %s", zone, got)
			}
			require.True(t, got.After(from))
		}
	}
}

func itoa(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 9 * * 1-5", "09:00,17:00", "every 2h", "TZ=", "@daily", "mon-fri 09:00", "*/7 1-3/2 31 2,3 *", "0 0 0 0 0"} {
		f.Add(s, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, spec, zone string) {
		table, err := Parse(spec, zone)
		if err != nil {
			return
		}
		at := time.Date(2025, 3, 29, 0, 0, 0, 0, time.UTC)
		for range 5 {
			next := table.Next(at)
			require.True(t, next.IsZero() || next.After(at), "%q after %s gives %s", spec, at, next)
			if next.IsZero() {
				return
			}
			at = next
		}
	})
}
