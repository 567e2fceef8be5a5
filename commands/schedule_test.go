package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// wholeHours is a time table that is due at every hour, whatever is written.
func wholeHours(spec, _ string) (func(time.Time) time.Time, error) {
	if strings.Contains(spec, "bad") {
		return nil, errors.New("this never comes")
	}
	return func(after time.Time) time.Time { return after.Truncate(time.Hour).Add(time.Hour) }, nil
}

func (b *board) job(name string) state.Scheduled {
	b.t.Helper()
	inc, err := b.store.Incident(b.t.Context(), boardID)
	require.NoError(b.t, err)
	j, _ := inc.Job(name)
	return j
}

func TestTheScheduleIsShownInTheZoneOfTheReader(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.Contains(t, plain(b.must("view-1", "schedule list")), "reminders: ping --send · every 4h · next Mon 21 Jul 09:00, 10:00, 11:00 UTC\n"+
		"digest: digest · 09:00,17:00 · next Mon 21 Jul 09:00, 10:00, 11:00 UTC · a slot missed for more than 3 h is skipped")
	b.people[3].Zone = "America/New_York"
	require.Contains(t, plain(b.must("view-1", "schedule list")), "next Mon 21 Jul 05:00, 06:00, 07:00 America/New_York")
}

func TestAJobIsMadeChangedPausedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	m := b.must("lead-1", `schedule add --zone Europe/Berlin --missed all Nightly "02:30" scan --group emea`)
	require.Contains(t, plain(m), "Scheduled nightly: scan --group emea · next Mon 21 Jul 09:00")
	j := b.job("nightly")
	require.Equal(t, "ops", j.Place.Channel)
	require.Equal(t, state.CatchUpAll, j.CatchUp)
	require.Equal(t, state.PersonID("lead-1"), j.By)
	require.Contains(t, b.no("lead-1", `schedule add nightly "02:30" scan`), "There is a job nightly already.")

	b.must("lead-1", `schedule edit --late 2h night`)
	require.Equal(t, state.CatchUpSkip, b.job("nightly").CatchUp)
	require.Equal(t, 2*time.Hour, b.job("nightly").Late)
	before := b.job("nightly").Edition
	require.Contains(t, plain(b.must("lead-1", "schedule pause nightly")), "What falls into the pause is not made up for.")
	require.Contains(t, plain(b.must("lead-1", "schedule list")), "nightly: scan --group emea · 02:30 Europe/Berlin · paused · to ops")
	b.must("lead-1", "schedule resume nightly")
	require.False(t, b.job("nightly").Paused)
	require.Greater(t, b.job("nightly").Edition, before)
	b.must("lead-1", "schedule remove nightly")
	require.Contains(t, b.no("lead-1", "schedule pause nightly"), `ts-1 has no job "nightly". There are: reminders, digest`)
	require.Contains(t, plain(b.must("lead-1", "schedule pause rem")), "Nobody is reminded now.")
	b.must("lead-1", `schedule edit --when "every 1h" reminders`)
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, time.Hour, inc.Cadence, "what cards say of reminders follows")
}

func TestAJobThatCouldNotWorkIsRefusedWhenItIsMade(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for line, why := range map[string]string{
		`schedule add x "bad" scan`:                "This never comes.",
		`schedule add x "09:00" incident clear`:    "takes a lead: it cannot run by itself",
		`schedule add x "09:00" schedule pause x`:  "takes a lead",
		`schedule add x "09:00" help`:              "answers only to the person who asks",
		`schedule add x "09:00" scna`:              "no command",
		`schedule add x "09:00" scan --grop emea`:  "no option",
		`schedule add "a b" "09:00" scan`:          "cannot name a job",
		`schedule add --missed never x 09:00 scan`: "missed cannot be",
		`schedule quiet 7`:                         "no quiet hours",
	} {
		require.Contains(t, b.no("lead-1", line), why, line)
	}
	for i := range state.MaxJobs - 2 {
		b.must("lead-1", fmt.Sprintf(`schedule add job-%d "09:00" scan`, i))
	}
	require.Contains(t, b.no("lead-1", `schedule add one-more "09:00" scan`), "has 30 jobs already")
}

func TestAJobIsRunNow(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.Contains(t, plain(b.must("resp-1", "schedule run rem")), "reminders on the way")
	b.must("lead-1", "schedule quiet 22:00-07:00")
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, "22:00-07:00", inc.Places[0].Quiet)
	b.now = at("2025-07-21 23:00")
	require.Contains(t, plain(b.must("resp-1", "schedule run rem")), "held by quiet hours: alice at 07:00", "of the channel")
	b.must("lead-1", "incident bind --tlp amber")
	inc, err = b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	require.Equal(t, "22:00-07:00", inc.Places[0].Quiet, "who binds again changes the ceiling alone")
	b.must("lead-1", "schedule quiet off")
}

func TestAnIncidentBeginsWithASchedule(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.parts.Zone = "Europe/Berlin"
	open := func(line string) (state.Incident, error) {
		spec := incidentOpen{}.Spec()
		_, words, err := chat.Find([]chat.Spec{spec}, line)
		require.NoError(t, err)
		v, err := chat.Parse(spec, words, nil)
		require.NoError(t, err)
		b.n++
		_, err = incidentOpen{store: b.store, load: b.parts.Load, now: b.parts.Now, cadence: b.parts.Cadence, zone: b.parts.Zone}.Run(context.Background(), chat.Call{
			Request: chat.Request{ID: line, Place: state.Place{Platform: "console", Channel: "ops", Ceiling: state.TLPAmberStrict}}, Values: v,
		})
		if err != nil {
			return state.Incident{}, err
		}
		return b.store.Incident(t.Context(), v.String("name"))
	}
	inc, err := open(`incident open two --cadence 30m --due "2025-07-21 18:00"`)
	require.NoError(t, err)
	require.Len(t, inc.Jobs, 2)
	require.Equal(t, "every 30m", inc.Jobs[0].Spec)
	require.Equal(t, "09:00,17:00 Europe/Berlin", inc.Jobs[1].Spec+" "+inc.Jobs[1].Zone)
	require.Equal(t, at("2025-07-21 18:00"), inc.Deadline())
	inc, err = open(`incident open three --zone America/New_York`)
	require.NoError(t, err)
	require.Equal(t, at("2025-07-22 04:00"), inc.Deadline(), "the day of the authorities ends where the incident is")
	_, err = open(`incident open four --zone Berlin`)
	require.ErrorContains(t, err, "is no time zone")
	_, err = open(`incident open four --due 2025-07-20`)
	require.ErrorContains(t, err, "The deadline has passed already.")
}
