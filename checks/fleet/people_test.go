package fleet_test

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

func TestAPatchShowsOnlyAfterPSConfig(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	name := f.Members("hr")[0]
	fix, err := f.Fix(name)
	require.NoError(t, err)
	require.Equal(t, "16.0.5513.1001", fix)
	before := get(t, c, f.URL(name), "/").version()

	require.NoError(t, f.Patch(name, fix, began()))
	tr := truth(t, f, name)
	require.False(t, tr.Vulnerable)
	require.True(t, tr.Incomplete, "neither the second package nor PSConfig")
	require.Equal(t, before, get(t, c, f.URL(name), "/").version())

	require.NoError(t, f.PSConfig(name, began()))
	require.Equal(t, "16.0.0.5513", get(t, c, f.URL(name), "/").version())
	require.True(t, truth(t, f, name).Incomplete, "the second package is missing")

	require.NoError(t, f.PatchLanguage(name, fix, began()))
	require.True(t, truth(t, f, name).Incomplete, "PSConfig has to run again")
	require.NoError(t, f.PSConfig(name, began()))
	require.False(t, truth(t, f, name).Incomplete)
}

func TestPatchesThatCannotBe(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(quiet())
	require.NoError(t, err)
	hr, intranet, old := f.Members("hr")[0], f.Members("intranet")[0], of(t, f, fleet.Product2013)
	for _, err := range []error{
		f.Patch("nobody", "16.0.5513.1001", began()),
		f.Patch(hr, "not a build", began()),
		f.Patch(hr, "16.0.5513", began()),
		f.Patch(hr, "16.0.10417.20037", began()),
		f.Patch(hr, "16.0.5495.1002", began()),
		f.Patch(of(t, f, fleet.ProductOnline), "16.0.18526.20508", began()),
		f.PatchLanguage(intranet, "16.0.18526.20508", began()),
		f.SetAMSI("hr", "Portal", "maybe"),
		f.SetAMSI("hr", "No Such Item", "on"),
		f.RotateKeys("hr", began(), "No Such Item"),
		f.DeployKeys("hr", began(), intranet),
		f.Restore(hr, began()),
	} {
		require.Error(t, err)
	}
	require.ErrorIs(t, f.Disconnect("nobody"), fleet.ErrNoServer)
	require.ErrorIs(t, f.RotateKeys("nothing", began()), fleet.ErrNoFarm)
	_, err = f.Fix(old)
	require.ErrorIs(t, err, fleet.ErrNoFix)
	_, err = f.Fix(of(t, f, fleet.ProductAlfresco))
	require.ErrorIs(t, err, fleet.ErrNotAffected)
	_, err = f.Collect("nothing", began())
	require.ErrorIs(t, err, fleet.ErrNoFarm)
}

func TestAnAttackerIsSeenUntilEvicted(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	name := f.Members("finance")[1]
	require.NoError(t, f.Compromise(name))
	for _, path := range []string{"/_layouts/15/spinstall0.aspx", "/_layouts/16/spinstall0.aspx", "/_LAYOUTS/15/SpInstall0.aspx", "/_layouts/15/debug_dev.js"} {
		r := get(t, c, f.URL(name), path)
		require.Equal(t, http.StatusOK, r.status, path)
		require.Contains(t, r.body, "make-believe")
	}
	clean, err := f.Hunt(name, began())
	require.NoError(t, err)
	require.False(t, clean)
	require.NoError(t, f.InstallModule(name))
	require.NoError(t, f.RemoveFiles(name))
	require.Equal(t, http.StatusNotFound, get(t, c, f.URL(name), "/_layouts/15/spinstall0.aspx").status)
	require.True(t, truth(t, f, name).Compromised, "the module outlives the files")
	require.NoError(t, f.Evict(name, began()))
	require.False(t, truth(t, f, name).Compromised)
	require.True(t, truth(t, f, name).KeysStolen, "eviction takes no keys back")
	clean, err = f.Hunt(name, began().Add(time.Hour))
	require.NoError(t, err)
	require.True(t, clean)
}

func TestStolenKeysEndOnlyInTheRightOrder(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(quiet())
	require.NoError(t, err)
	farm, members := "finance", f.Members("finance")
	stolen := func() (n int) {
		for _, name := range members {
			n += count(truth(t, f, name).KeysStolen)
		}
		return n
	}
	renew := func() {
		require.NoError(t, f.RotateKeys(farm, began()))
		require.NoError(t, f.DeployKeys(farm, began()))
		for _, name := range members {
			require.NoError(t, f.RestartIIS(name, began()))
		}
	}
	require.Zero(t, stolen())
	require.NoError(t, f.Compromise(members[0]))
	require.Equal(t, 4, stolen(), "the farm shares its keys")
	renew()
	require.Equal(t, 4, stolen(), "who is still there reads the new keys")
	require.NoError(t, f.Evict(members[0], began()))
	require.Equal(t, 4, stolen())
	require.NoError(t, f.RotateKeys(farm, began(), "Portal"))
	require.NoError(t, f.DeployKeys(farm, began()))
	require.NoError(t, f.RestartIIS(members[0], began()))
	require.Equal(t, 4, stolen(), "one item was forgotten")
	renew()
	require.Zero(t, stolen())

	require.NoError(t, f.RotateKeys(farm, began()))
	require.NoError(t, f.DeployKeys(farm, began(), members[0]))
	require.True(t, truth(t, f, members[0]).KeysMatch)
	require.False(t, truth(t, f, members[1]).KeysMatch, "a local rotation leaves the others behind")
}

func TestARestoredSnapshotTakesEverythingBack(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	name := f.Members("hr")[1]
	require.NoError(t, f.Snapshot(name))
	before, header := truth(t, f, name), get(t, c, f.URL(name), "/").version()
	require.NoError(t, f.Remediate("hr", fleet.Ticking(began(), time.Minute)))
	require.True(t, truth(t, f, name).Remediated())
	require.NotEqual(t, header, get(t, c, f.URL(name), "/").version())

	require.NoError(t, f.Restore(name, began().Add(48*time.Hour)))
	after := truth(t, f, name)
	require.True(t, after.Vulnerable)
	require.False(t, after.KeysMatch)
	require.Equal(t, before.Build, after.Build)
	require.Equal(t, header, get(t, c, f.URL(name), "/").version())
	all, err := f.Collect("hr", began().Add(49*time.Hour))
	require.NoError(t, err)
	e := find(t, all, name, "keys.match")
	require.Equal(t, "no", e.Value)
	require.Equal(t, "clean", find(t, all, name, state.KindHunt).Value, "what was hunted then stays told")
}

func TestDisconnectedServersAreWorkedOnButNotReached(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	name := f.Members("finance")[0]
	require.NoError(t, f.Disconnect(name))
	_, err := ask(t.Context(), c, http.MethodGet, f.URL(name), "/")
	require.Error(t, err)
	require.NoError(t, f.PSConfig(name, began()))
	require.NoError(t, f.Reconnect(name))
	get(t, c, f.URL(name), "/")
}

// Whatever people do, a SharePoint server never claims more than it has: that
// is what lets tests take a "fixed" for a vulnerable server as the reader's error.
func TestNoServerClaimsMoreThanItHas(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{Seed: 3, HangingShare: -1, Servers: 40})
	c := client(t, f)
	rng := rand.New(rand.NewPCG(1, 2))
	inv := f.Inventory()
	clock := fleet.Ticking(began(), time.Minute)
	for range 600 {
		name := inv[rng.IntN(len(inv))].Name
		tr := truth(t, f, name)
		switch rng.IntN(7) {
		case 0:
			if fix, err := f.Fix(name); err == nil {
				_ = f.Patch(name, fix, clock()) // may be newer already
			}
		case 1:
			require.NoError(t, f.PSConfig(name, clock()))
		case 2:
			require.NoError(t, f.Snapshot(name))
		case 3:
			_ = f.Restore(name, clock()) // may have no snapshot
		case 4:
			if fix, err := f.Fix(name); err == nil {
				_ = f.PatchLanguage(name, fix, clock()) // may have none
			}
		case 5:
			require.NoError(t, f.Compromise(name))
		case 6:
			require.NoError(t, f.Evict(name, clock()))
		}
		url := f.URL(name)
		if url == "" || !tr.Affected || tr.Trait != fleet.TraitNone && tr.Trait != fleet.TraitStaleHeader {
			continue
		}
		tr = truth(t, f, name)
		says := get(t, c, url, "/").version()
		require.LessOrEqual(t, threePart(t, says), threePart(t, header(tr.Build)), name)
	}
}

func threePart(t *testing.T, header string) uint64 {
	t.Helper()
	v, err := state.ParseVersion(header)
	require.NoError(t, err)
	var n uint64
	for _, c := range v.String()[len("16.0.0."):] {
		n = n*10 + uint64(c-'0')
	}
	return n
}
