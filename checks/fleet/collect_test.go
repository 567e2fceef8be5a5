package fleet_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

func find(t *testing.T, all []state.Evidence, on string, k state.Kind) state.Evidence {
	t.Helper()
	i := slices.IndexFunc(all, func(e state.Evidence) bool {
		return e.Kind == k && (e.Subject.Server == on || e.Subject.Item == on)
	})
	require.GreaterOrEqual(t, i, 0, "no %s on %q", k, on)
	return all[i]
}

func TestAfterTheWorkTheCollectorProvesIt(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Seed: 1, CompromisedShare: 0.2})
	require.NoError(t, err)
	clock := fleet.Ticking(began(), time.Minute)
	for _, farm := range f.Farms() {
		first := truth(t, f, f.Members(farm)[0])
		switch err := f.Remediate(farm, clock); {
		case !first.Affected:
			require.ErrorIs(t, err, fleet.ErrNotAffected)
			continue
		case first.Product == fleet.Product2013:
			require.ErrorIs(t, err, fleet.ErrNoFix)
			require.True(t, truth(t, f, first.Server).Disconnected)
			continue
		default:
			require.NoError(t, err)
		}
		all, err := f.Collect(farm, clock())
		require.NoError(t, err)
		proves(t, f, farm, all)
	}
}

// proves checks the predicate of the campaign on evidence alone.
func proves(t *testing.T, f *fleet.Fleet, farm string, all []state.Evidence) {
	t.Helper()
	var patched, clean, rotated time.Time
	latest := func(at *time.Time, e state.Evidence) {
		if e.At.After(*at) {
			*at = e.At
		}
	}
	for _, name := range f.Members(farm) {
		tr := truth(t, f, name)
		require.True(t, tr.Remediated(), "%+v", tr)
		p, ps := find(t, all, name, "package"), find(t, all, name, "psconfig")
		require.Equal(t, tr.Build, p.Value)
		require.Equal(t, "done", ps.Value)
		require.True(t, ps.At.After(p.At))
		if tr.Language != "" {
			lang := find(t, all, name, "package.language")
			require.Equal(t, tr.Language, lang.Value)
			require.True(t, ps.At.After(lang.At))
		}
		require.Equal(t, "clean", find(t, all, name, "modules").Value)
		require.Equal(t, "yes", find(t, all, name, "keys.match").Value)
		preserved := find(t, all, name, "preserved")
		require.Equal(t, "done", preserved.Value)
		require.True(t, preserved.At.Before(ps.At))
		hunt := find(t, all, name, state.KindHunt)
		require.Equal(t, "clean", hunt.Value)
		require.Equal(t, state.SourceHunt, hunt.Source)
		require.True(t, hunt.To.After(ps.At))
		require.Equal(t, time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC), hunt.From)
		latest(&patched, ps)
		latest(&clean, state.Evidence{At: hunt.To})
	}
	items := all[0]
	require.Equal(t, state.KindItems, items.Kind)
	require.Equal(t, state.ScopeFarm, items.Subject.Scope())
	require.Equal(t, f.Items(farm), strings.Split(items.Value, "\n"))
	for _, item := range f.Items(farm) {
		require.Contains(t, []string{"full", "on"}, find(t, all, item, "amsi").Value)
		r, d := find(t, all, item, "rotation"), find(t, all, item, "deployment")
		require.Equal(t, "rotated", r.Value)
		require.Equal(t, "deployed", d.Value)
		require.True(t, r.At.After(patched) && r.At.After(clean))
		require.True(t, d.At.After(r.At))
		latest(&rotated, d)
	}
	for _, name := range f.Members(farm) {
		restart := find(t, all, name, "restart")
		require.Equal(t, "restarted", restart.Value)
		require.True(t, restart.At.After(rotated))
	}
}

func TestEvidenceIsCompleteAndEqualEachTime(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(quiet())
	require.NoError(t, err)
	require.NoError(t, f.Compromise(f.Members("finance")[0]))
	_, err = f.Hunt(f.Members("finance")[0], began())
	require.NoError(t, err)
	at := began().Add(time.Hour)
	all, err := f.Collect("finance", at)
	require.NoError(t, err)
	again, err := f.Collect("finance", at)
	require.NoError(t, err)
	require.Equal(t, all, again)
	ids := map[string]bool{}
	for _, e := range all {
		raw, err := hex.DecodeString(e.Digest)
		require.NoError(t, err)
		require.Len(t, raw, 32)
		require.True(t, e.Source.Inside())
		require.Empty(t, e.ID)
		require.False(t, e.Observed.After(at))
		require.False(t, e.At.After(at))
		if e.Source == state.SourceCollector {
			require.Equal(t, "collector/1", e.Tool)
			require.Equal(t, at, e.Observed)
		}
		require.False(t, ids[e.NewID()], "told twice: %+v", e)
		ids[e.NewID()] = true
	}
	require.Equal(t, "hit", find(t, all, f.Members("finance")[0], state.KindHunt).Value)
	later, err := f.Collect("finance", at.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, find(t, all, f.Members("finance")[0], state.KindHunt), find(t, later, f.Members("finance")[0], state.KindHunt))
}

func TestWhatIsNotDoneIsNotShown(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(quiet())
	require.NoError(t, err)
	name := f.Members("hr")[0]
	require.NoError(t, f.Patch(name, "16.0.5513.1001", began()))
	require.NoError(t, f.InstallModule(name))
	require.NoError(t, f.SetAMSI("hr", "Portal", "off"))
	require.NoError(t, f.RotateKeys("hr", began(), "Portal"))
	all, err := f.Collect("hr", began())
	require.NoError(t, err)
	require.Equal(t, "needed", find(t, all, name, "psconfig").Value)
	require.Equal(t, "malicious", find(t, all, name, "modules").Value)
	require.Equal(t, "off", find(t, all, "Portal", "amsi").Value)
	require.Equal(t, "no", find(t, all, name, "keys.match").Value)
	require.Equal(t, began(), find(t, all, "Portal", "rotation").At)
	for _, e := range all {
		require.NotContains(t, []state.Kind{"deployment", "hunt", "preserved", "eviction", "contained"}, e.Kind)
		require.False(t, e.Kind == "rotation" && e.Subject.Item != "Portal")
	}
}

func TestAClockThatStandsStillStillTellsTheOrder(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(quiet())
	require.NoError(t, err)
	require.NoError(t, f.Remediate("intranet", began))
	all, err := f.Collect("intranet", began().Add(time.Hour))
	require.NoError(t, err)
	proves(t, f, "intranet", all)
}
