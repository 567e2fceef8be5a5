package commands

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// narrow is a store that takes few farms at once, and of which some farms are spoilt.
type narrow struct {
	noRecord
	most    int
	spoilt  map[string]error
	list    []string
	updated map[string]int
	calls   int
}

func (n *narrow) Update(_ context.Context, _ state.Work, _ string, farms []string, _ func(*state.Tx) error) (state.Outcome, error) {
	n.calls++
	if len(farms) > n.most {
		return state.Outcome{}, fmt.Errorf("%d farms: %w", len(farms), state.ErrTooBig)
	}
	for _, f := range farms {
		if err := n.spoilt[f]; err != nil {
			return state.Outcome{}, err
		}
	}
	for _, f := range farms {
		n.updated[f]++
	}
	return state.Outcome{}, nil
}

func (n *narrow) Due(context.Context, string, time.Time, int) ([]string, error) { return nil, nil }

func (n *narrow) Behind(_ context.Context, _ string, limit int) ([]string, error) {
	return n.list[:min(limit, len(n.list))], nil
}

func narrowOf(farms, most int) *narrow {
	n := &narrow{most: most, spoilt: map[string]error{}, updated: map[string]int{}}
	for i := range farms {
		n.list = append(n.list, fmt.Sprintf("f%03d", i))
	}
	return n
}

func TestASweepDividesWhatIsTooMuchForOneChange(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 3, 5, 64} {
		n := narrowOf(150, most)
		swept, err := Sweep(t.Context(), n, "x", morning)
		require.NoError(t, err)
		require.Equal(t, 150, swept.Farms)
		require.Len(t, n.updated, 150)
	}
}

func TestOneBadFarmStopsNoOther(t *testing.T) {
	t.Parallel()
	n := narrowOf(150, 64)
	n.spoilt["f007"], n.spoilt["f140"] = errSpoilt, fmt.Errorf("alone: %w", state.ErrTooBig)
	swept, err := Sweep(t.Context(), n, "x", morning)
	require.ErrorIs(t, err, errSpoilt)
	require.ErrorIs(t, err, state.ErrTooBig)
	require.ErrorContains(t, err, "f140")
	require.Equal(t, 148, swept.Farms)
	require.Len(t, n.updated, 148)
}

func TestASweepDoesNotGoOnAskingAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	n := narrowOf(150, 64)
	for _, f := range n.list {
		n.spoilt[f] = state.ErrUnavailable
	}
	_, err := Sweep(t.Context(), n, "x", morning)
	require.ErrorIs(t, err, state.ErrUnavailable)
	require.Equal(t, 1, n.calls)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n = narrowOf(150, 64)
	n.spoilt["f001"] = context.Canceled
	_, err = Sweep(ctx, n, "x", morning)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n.calls)
}

// tight is a real store that refuses more than some farms at once.
type tight struct {
	Store
	most int
}

func (s tight) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if len(farms) > s.most {
		return state.Outcome{}, fmt.Errorf("%d farms: %w", len(farms), state.ErrTooBig)
	}
	return s.Store.Update(ctx, w, incident, farms, change)
}

func TestARevisionIsPutInForceThoughFarmsAreTooBigTogether(t *testing.T) {
	t.Parallel()
	w := july(t)
	_, call := w.call(t, "lead-1", "playbook revise toolshell@2 --apply "+shownHash(t, w, "toolshell@2"))
	m, err := playbookRevise{tight{w.store, 1}, w.parts.Load, w.clock}.Run(t.Context(), call)
	require.NoError(t, err)
	require.Contains(t, words(m), "3 farms assessed anew.")
}

func TestARevisionTellsWhichFarmsCouldNotBeAssessed(t *testing.T) {
	t.Parallel()
	w := july(t)
	_, call := w.call(t, "lead-1", "playbook revise toolshell@2 --apply "+shownHash(t, w, "toolshell@2"))
	m, err := playbookRevise{spoilt{w.store, "lab"}, w.parts.Load, w.clock}.Run(t.Context(), call)
	require.NoError(t, err)
	require.Contains(t, words(m), "2 farms assessed anew.")
	require.Contains(t, words(m), "1 farm could not be assessed anew: lab")
	_, call = w.call(t, "lead-1", "incident clear")
	_, err = incidentClear{spoilt{w.store, "lab"}, people, w.clock}.Run(t.Context(), call)
	require.ErrorContains(t, err, "1 farm waits to be assessed anew")
}

func webShell(server string) checks.Result {
	return checks.Result{Server: server, Reached: true, Evidence: []state.Evidence{{
		Subject: state.Subject{Server: server}, Kind: state.KindIndicator, Value: "found", Tool: "spinstall0", Source: state.SourceProbe, Observed: morning,
	}}}
}

func TestAWebShellIsRecordedThoughTheBatchIsTooBig(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm\na,A\nb,B\nc,C\n")
	_, call := w.call(t, "alice", "scan")
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	r := newRecorder(tight{w.store, 1}, call, w.clock, inc.Rules)
	for _, s := range []string{"a", "b", "c"} {
		require.NoError(t, r.add(t.Context(), map[string]string{"a": "A", "b": "B", "c": "C"}[s], webShell(s)))
	}
	require.NoError(t, r.flush(t.Context()))
	require.Zero(t, r.lost)
	for _, s := range []string{"a", "b", "c"} {
		require.Contains(t, []state.Status{state.StatusSuspected, state.StatusCompromised}, w.row(t, s).Status)
	}
}

func TestASignThatCannotBeRecordedIsNotLostSilently(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm\na,A\nb,B\nc,C\n")
	_, call := w.call(t, "alice", "scan")
	inc, err := w.store.Incident(t.Context(), "toolshell-1")
	require.NoError(t, err)
	r := newRecorder(spoilt{w.store, "B"}, call, w.clock, inc.Rules)
	for s, farm := range map[string]string{"a": "A", "b": "B", "c": "C"} {
		require.NoError(t, r.add(t.Context(), farm, webShell(s)))
	}
	err = r.flush(t.Context())
	require.ErrorIs(t, err, errSpoilt)
	require.ErrorContains(t, err, "signs of an attacker on b")
	require.Equal(t, []string{"b"}, r.lostSigns)
	for _, s := range []string{"a", "c"} {
		require.True(t, w.row(t, s).Status != state.StatusUnknown, s)
	}
	watch := newWatch(call, w.clock, state.Scan{ID: "s1", Selection: "all", Complete: true}, inc)
	watch.recorder = r
	m := watch.result(nil)
	require.Contains(t, words(m), "signs of an attacker were found and could not be recorded: b")
}

func TestWhatIsTooMuchIsDividedDownToOne(t *testing.T) {
	t.Parallel()
	var done []string
	err := divided([]string{"a", "b", "c", "d", "e"}, func(names []string) error {
		if len(names) > 1 || names[0] == "c" {
			return state.ErrTooBig
		}
		done = append(done, names...)
		return nil
	})
	require.ErrorIs(t, err, state.ErrTooBig)
	require.Equal(t, []string{"a", "b", "d", "e"}, done)
	require.NoError(t, divided([]string{}, func([]string) error { return nil }))
	require.True(t, errors.Is(divided([]string{"a", "b"}, func([]string) error { return state.ErrUnavailable }), state.ErrUnavailable))
}
