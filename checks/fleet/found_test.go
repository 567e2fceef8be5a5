package fleet_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

// sum is a hash of the inventory and of the truth behind it.
func sum(t *testing.T, opts fleet.Options) string {
	t.Helper()
	f, err := fleet.New(opts)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, f.WriteInventory(&b))
	for _, r := range f.Inventory() {
		fmt.Fprintf(&b, "%+v\n", truth(t, f, r.Name))
	}
	h := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(h[:8])
}

func TestTheSameSeedMakesTheSameFleet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts fleet.Options
		want string
	}{
		{fleet.Options{}, "3765868584c9b474"},
		{fleet.Options{Seed: 1}, "0702bf4d9ac3dd21"},
		{fleet.Options{Seed: 1, Servers: 8000}, "5c95846d00e6114b"},
	} {
		require.Equal(t, c.want, sum(t, c.opts), "%+v: a change of this hash changes every demo", c.opts)
		require.Equal(t, c.want, sum(t, c.opts))
	}
}

func TestTheDefaultFleetHasSomethingOfEverything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		f, err := fleet.New(fleet.Options{Seed: seed})
		require.NoError(t, err)
		inv := f.Inventory()
		require.Len(t, inv, 60)
		products, via, apps, internet, fixed, compromised := map[fleet.Product]int{}, 0, 0, 0, 0, 0
		for _, r := range inv {
			tr := truth(t, f, r.Name)
			products[tr.Product]++
			via += count(r.Via != "")
			apps += count(r.URL == "")
			internet += count(r.Exposure == state.ExposureInternet)
			fixed += count(!tr.Vulnerable)
			compromised += count(tr.Compromised)
		}
		for _, p := range []fleet.Product{fleet.Product2016, fleet.Product2019, fleet.ProductSE} {
			require.Greater(t, products[p], 2, "seed %d %s", seed, p)
		}
		require.Equal(t, 1, products[fleet.Product2013])
		require.Equal(t, 1, products[fleet.ProductOnline])
		require.Equal(t, 1, products[fleet.ProductAlfresco])
		require.GreaterOrEqual(t, via, 2)
		require.Greater(t, apps, 3)
		require.Greater(t, internet, 15)
		require.Greater(t, fixed, 3)
		require.Positive(t, compromised)
		hostile := 0
		for _, r := range inv {
			hostile += count(truth(t, f, r.Name).Trait.Hostile())
		}
		require.GreaterOrEqual(t, hostile, 6)
		for _, trait := range []fleet.Trait{
			fleet.TraitCatchAll, fleet.TraitNoHeader, fleet.TraitResets, fleet.TraitHangs,
			fleet.TraitMarkup, fleet.TraitTerminal, fleet.TraitMention, fleet.TraitFormula,
			fleet.TraitOverflow, fleet.TraitRedirect,
		} {
			require.NotEmpty(t, f.With(trait), "seed %d %s", seed, trait)
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestFarmsHaveOneToSixServersOfOneProduct(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Servers: 1000, Seed: 7})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, farm := range f.Farms() {
		members := f.Members(farm)
		require.NotEmpty(t, members)
		require.LessOrEqual(t, len(members), 6)
		require.Contains(t, f.Items(farm), "Central Administration")
		for _, name := range members {
			tr := truth(t, f, name)
			require.Equal(t, farm, tr.Farm)
			require.Equal(t, truth(t, f, members[0]).Product, tr.Product)
			require.False(t, seen[name], "%s twice", name)
			seen[name] = true
		}
	}
	require.Len(t, seen, 1000)
}

func TestTheFirstFarmsAreLeftToStories(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		f, err := fleet.New(fleet.Options{Seed: seed})
		require.NoError(t, err)
		require.Equal(t, []string{"finance", "hr", "intranet"}, f.Farms()[:3])
		for _, farm := range f.Farms()[:3] {
			for _, name := range f.Members(farm) {
				tr := truth(t, f, name)
				require.Empty(t, tr.Trait)
				require.True(t, tr.Vulnerable)
				require.False(t, tr.Compromised)
				require.False(t, tr.KeysStolen)
			}
		}
	}
}

func TestSharesAreAskedFor(t *testing.T) {
	t.Parallel()
	none := fleet.Options{HangingShare: -1, HostileShare: -1, CompromisedShare: -1}
	f, err := fleet.New(none)
	require.NoError(t, err)
	require.Empty(t, f.With(fleet.TraitHangs))
	for _, r := range f.Inventory() {
		tr := truth(t, f, r.Name)
		require.False(t, tr.Trait.Hostile() || tr.Compromised)
	}
	f, err = fleet.New(fleet.Options{Servers: 400, HangingShare: 0.25, HostileShare: -1})
	require.NoError(t, err)
	asked := 0
	for _, r := range f.Inventory() {
		asked += count(r.URL != "")
	}
	require.InDelta(t, 0.25, float64(len(f.With(fleet.TraitHangs)))/float64(asked), 0.05)
}

func TestTheInventoryAsCSV(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Port: 8443, TLS: true})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, f.WriteInventory(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, strings.Split("name,url,addresses,via,farm,owner,group,exposure,tags", ","), rows[0])
	require.Len(t, rows, 61)
	require.Equal(t, []string{
		"sp-finance-w1", "https://sp-finance-w1.fleet.test:8443/", "127.0.0.1", "", "finance", "owner-finance", rows[1][6], "internet", "role=web",
	}, rows[1])
	require.Equal(t, []string{"sp-finance-a1", "", "", "", "finance", "owner-finance", rows[1][6], "internal", "role=app"}, rows[4])
	require.Regexp(t, `^team-[a-z]+$`, rows[1][6])
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, o := range []fleet.Options{{Servers: -1}, {Servers: 2_000_000}, {Port: 70000}, {Port: -1}} {
		_, err := fleet.New(o)
		require.Error(t, err, "%+v", o)
	}
	for n := 1; n < 25; n++ {
		f, err := fleet.New(fleet.Options{Servers: n})
		require.NoError(t, err)
		require.Len(t, f.Inventory(), n)
	}
}
