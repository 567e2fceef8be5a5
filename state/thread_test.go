package state_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

var (
	channel = state.Place{Platform: "slack", Workspace: "T1", Channel: "C1", Ceiling: state.TLPAmberStrict, Threads: true}
	pipe    = state.Place{Platform: "console", Channel: "terminal", Ceiling: state.TLPAmberStrict}
)

// letters are those of the last change for a place, by kind.
func (b *books) letters(p state.Place) map[state.NoticeKind][]state.Notice {
	out := map[state.NoticeKind][]state.Notice{}
	for _, l := range b.last.Letters {
		if l.Place.Key() == p.Key() {
			out[l.Notice.Kind] = append(out[l.Notice.Kind], l.Notice)
		}
	}
	return out
}

func (b *books) bind(ps ...state.Place) {
	b.must("lead", func(tx *state.Tx) error {
		var errs []error
		for _, p := range ps {
			errs = append(errs, tx.Bind(p))
		}
		return errors.Join(errs...)
	})
}

func TestAThreadIsToldWhatChangedAndHasAHead(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.bind(channel, pipe)
	b.must("lead", func(tx *state.Tx) error { return tx.Record("F", remediated(t).evidence...) })
	require.Empty(t, b.letters(pipe), "where there are no threads, nothing quiet is said")
	got := b.letters(channel)
	require.Len(t, got[state.NoticeThread], 2, "each server has a thread")
	require.Len(t, got[state.NoticeChanged], 2)
	for _, n := range got[state.NoticeChanged] {
		require.Len(t, n.Changes, 1)
		require.Equal(t, state.StatusReady, n.Changes[0].To)
		require.Equal(t, "thread i server "+n.Changes[0].Server, n.Thread)
	}
	require.Less(t, indexOfKind(b.last.Letters, state.NoticeThread), indexOfKind(b.last.Letters, state.NoticeChanged), "the head comes first")
}

func indexOfKind(ls []state.Letter, k state.NoticeKind) int {
	for i, l := range ls {
		if l.Notice.Kind == k {
			return i
		}
	}
	return -1
}

func TestWhatIsToldAloudIsNotToldAgainQuietly(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.confirm("A", "B")
	b.bind(channel)
	b.now = b.now.Add(1)
	b.must("lead", func(tx *state.Tx) error {
		return tx.Record("F", state.Evidence{
			Subject: state.Subject{Server: "A"}, Kind: state.KindIndicator, Value: remediated(t).rules.Signs[0].Values[0],
			Source: state.SourceProbe, Observed: b.now,
		})
	})
	got := b.letters(channel)
	require.NotEmpty(t, got[state.NoticeCompromised])
	require.NotEmpty(t, got[state.NoticeThread])
	for _, n := range got[state.NoticeChanged] {
		for _, c := range n.Changes {
			require.NotEqual(t, "A", c.Server)
		}
	}
}

func TestMoreThanSixtyServersHaveThreadsOfTheirGroups(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	require.False(t, b.inc.ByGroup)
	require.Equal(t, "thread i server A", b.inc.ThreadOf("A", "emea"))
	b.must("lead", func(tx *state.Tx) error {
		for n := range state.MaxThreads - 2 {
			if err := tx.PutServer(state.Server{Name: fmt.Sprint("g", n), Farm: "G", Group: "emea"}); err != nil {
				return err
			}
		}
		return nil
	})
	require.False(t, b.inc.ByGroup, "sixty have one each")
	b.must("lead", func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "h", Farm: "H"}) })
	require.True(t, b.inc.ByGroup)
	require.Equal(t, "thread i group emea", b.inc.ThreadOf("A", "emea"))
	rev := b.inc.Servers
	b.must("lead", func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "h2", Farm: "H"}) })
	require.Equal(t, rev, b.inc.Servers, "nothing is counted any more")
}

func TestALargeChangeTellsAThreadTheFirstAndCountsTheRest(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.bind(channel)
	b.inc.ByGroup = true
	b.must("lead", func(tx *state.Tx) error {
		for n := range state.MaxTold + 5 {
			if err := tx.PutServer(state.Server{Name: fmt.Sprint("g", n), Farm: "G", Group: "emea"}); err != nil {
				return err
			}
		}
		return nil
	})
	b.must("lead", func(tx *state.Tx) error {
		for n := range state.MaxTold + 5 {
			err := tx.Record("G", state.Evidence{
				Subject: state.Subject{Server: fmt.Sprint("g", n)}, Kind: state.KindContained, Value: "yes", Source: state.SourceCollector, Observed: b.now,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	got := b.letters(channel)[state.NoticeChanged]
	require.Len(t, got, 1)
	require.Len(t, got[0].Changes, state.MaxTold)
	require.Equal(t, 5, got[0].More)
	require.Len(t, b.letters(channel)[state.NoticeThread], 1)
}

func TestAPlaceIsBoundOnceAndUnbound(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.bind(channel, channel)
	require.Len(t, b.inc.Places, 1)
	lower := channel
	lower.Ceiling = state.TLPGreen
	b.bind(lower)
	require.Equal(t, []state.Place{lower}, b.inc.Places)
	b.must("lead", func(tx *state.Tx) error { return tx.Unbind(channel.Key()) })
	require.Empty(t, b.inc.Places)
	b.refused("lead", "does not hear", func(tx *state.Tx) error { return tx.Unbind(channel.Key()) })
	b.refused("lead", "already", func(tx *state.Tx) error {
		for n := range state.MaxPlaces + 1 {
			p := channel
			p.Channel = fmt.Sprint("C", n)
			if err := tx.Bind(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestACardAndAThreadHaveLanesOfTheirOwn(t *testing.T) {
	t.Parallel()
	lane := func(n state.Notice) string { return state.Letter{Notice: n, Place: channel}.Lane() }
	require.Equal(t, channel.Key(), lane(state.Notice{}))
	require.Equal(t, channel.Key(), lane(state.Notice{Card: "answer", Payload: []byte("{}")}), "an answer keeps its turn")
	require.NotEqual(t, channel.Key(), lane(state.Notice{Card: "board"}))
	require.Equal(t, lane(state.Notice{Kind: state.NoticeThread, Card: "thread x"}), lane(state.Notice{Kind: state.NoticeChanged, Thread: "thread x"}))
}

func TestARiskIsAcceptedForWhatWasMissingWhenItWasAskedAndForNoMore(t *testing.T) {
	t.Parallel()
	b := remediatedBooks(t)
	b.must("lead", func(tx *state.Tx) error {
		return tx.Record("F", state.Evidence{Subject: state.Subject{Server: "A"}, Kind: "modules", Value: "malicious", Source: state.SourceCollector, Observed: b.now})
	})
	b.propose("lead", state.Proposal{ID: "x", Kind: state.ProposeExcept, Server: "A", Reason: "the ledger closes", Exception: exception(b.now.Add(48 * time.Hour))})
	b.now = b.now.Add(time.Hour)
	b.must("lead", func(tx *state.Tx) error {
		return tx.Record("F", state.Evidence{Subject: state.Subject{Server: "A"}, Kind: "package", Value: "16.0.10417.20010", Source: state.SourceCollector, Observed: b.now})
	})
	b.refused("second", "More is missing on A than when this was asked for", func(tx *state.Tx) error { _, err := tx.Approve("x"); return err })
}
