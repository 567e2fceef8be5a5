package fleet_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// estate makes servers of a campaign that serve until the test ends.
func estate(t *testing.T, campaign string, opts fleet.Options) *fleet.Estate {
	t.Helper()
	e, err := fleet.NewEstate(campaign, opts)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func standing(t *testing.T, e *fleet.Estate, name string) fleet.Standing {
	t.Helper()
	s, err := e.Truth(name)
	require.NoError(t, err)
	return s
}

// portless is an inventory without what the system chose.
func portless(e *fleet.Estate) string { return fmt.Sprint(e.Inventory(), e.Farms(), e.Items()) }

func TestTheSameSeedMakesTheSameEstate(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		a, err := fleet.NewEstate(campaign, fleet.Options{Seed: 3})
		require.NoError(t, err)
		b, err := fleet.NewEstate(campaign, fleet.Options{Seed: 3})
		require.NoError(t, err)
		other, err := fleet.NewEstate(campaign, fleet.Options{Seed: 4})
		require.NoError(t, err)
		require.Equal(t, portless(a), portless(b))
		require.NotEqual(t, portless(a), portless(other))
		for _, s := range a.Inventory() {
			require.Equal(t, standing(t, a, s.Name), standing(t, b, s.Name))
			require.Contains(t, a.Members(s.Farm), s.Name)
		}
		for _, farm := range a.Farms() {
			one, err := a.Collect(farm, a.Epoch())
			require.NoError(t, err)
			two, err := b.Collect(farm, a.Epoch())
			require.NoError(t, err)
			require.Equal(t, one, two)
		}
		require.Equal(t, campaign, a.Campaign())
	}
}

func TestAnEstateHasEveryKindOfServer(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		e, err := fleet.NewEstate(campaign, fleet.Options{Servers: 120})
		require.NoError(t, err)
		var vulnerable, fixed, robbed, stolen, shared int
		traits := map[fleet.Trait]bool{}
		for _, s := range e.Inventory() {
			now := standing(t, e, s.Name)
			traits[now.Trait] = true
			for _, n := range []struct {
				is bool
				of *int
			}{{now.Vulnerable, &vulnerable}, {!now.Vulnerable, &fixed}, {now.Compromised, &robbed}, {now.Stolen, &stolen}, {s.Via != "", &shared}} {
				if n.is {
					*n.of++
				}
			}
		}
		require.NotZero(t, vulnerable)
		require.NotZero(t, fixed)
		require.NotZero(t, robbed)
		require.Equal(t, campaign == "proxynotshell", stolen == 0)
		require.NotZero(t, shared)
		require.GreaterOrEqual(t, len(traits), 10, "%s: %v", campaign, traits)
		for trait := range traits {
			require.NotEmpty(t, e.With(trait))
		}
	}
}

func TestWhoWantsNoHarmGetsNone(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		e, err := fleet.NewEstate(campaign, fleet.Options{Servers: 120, HostileShare: -1, HangingShare: -1})
		require.NoError(t, err)
		for _, s := range e.Inventory() {
			trait := standing(t, e, s.Name).Trait
			require.False(t, trait.Hostile() || trait == fleet.TraitHangs, trait)
		}
	}
}

func TestNetScalerAnswersWithAStampAndNoHeader(t *testing.T) {
	t.Parallel()
	e := estate(t, "citrixbleed2", fleet.Options{})
	first := e.Inventory()[0]
	require.Equal(t, "14.1.43.50", standing(t, e, first.Name).Build)
	c := client(t, e)
	r := get(t, c, first.URL, "/vpn/js/rdx/core/lang/rdx_en.json.gz")
	require.Equal(t, http.StatusOK, r.status)
	z, err := gzip.NewReader(bytes.NewReader([]byte(r.body)))
	require.NoError(t, err)
	require.Equal(t, "rdx_en.json", z.Name)
	require.EqualValues(t, 1740156084, z.ModTime.Unix())
	require.Equal(t, "/vpn/index.html", get(t, c, first.URL, "/").header.Get("Location"))
	require.Equal(t, http.StatusNotFound, get(t, c, first.URL, "/nothing").status)
	require.NotContains(t, fmt.Sprint(r.header), "14.1")
}

func TestExchangeTellsFourNumbersInAHeaderAndThreeInPaths(t *testing.T) {
	t.Parallel()
	e := estate(t, "proxynotshell", fleet.Options{})
	c := client(t, e)
	url := e.Inventory()[0].URL
	require.Equal(t, "15.2.1118.15", get(t, c, url, "/owa/").header.Get("X-OWA-Version"))
	page := get(t, c, url, "/owa/auth/logon.aspx")
	require.Contains(t, page.body, "/owa/auth/15.2.1118/")
	require.NotContains(t, page.body, "15.2.1118.15")
	shy := get(t, c, e.URL(e.With(fleet.TraitPathOnly)[0]), "/owa/")
	require.Empty(t, shy.header.Get("X-OWA-Version"))
}

func TestOperationsOnAnEstate(t *testing.T) {
	t.Parallel()
	e, err := fleet.NewEstate("citrixbleed2", fleet.Options{CompromisedShare: -1})
	require.NoError(t, err)
	farm, at := e.Farms()[0], e.Epoch()
	name := e.Members(farm)[0]

	_, err = fleet.NewEstate("nonsense", fleet.Options{})
	require.ErrorIs(t, err, fleet.ErrNoCampaign)
	require.ErrorContains(t, err, "there are some for citrixbleed2, proxynotshell, sharepoint-2026-50522")
	_, err = fleet.NewEstate("citrixbleed2", fleet.Options{Servers: -1})
	require.Error(t, err)
	_, err = fleet.NewEstate("citrixbleed2", fleet.Options{Epoch: time.Unix(0, 0)})
	require.ErrorContains(t, err, "nothing was published by then")
	_, err = e.Truth("nobody")
	require.ErrorIs(t, err, fleet.ErrNoServer)
	require.ErrorIs(t, e.Update("nobody", "14.1-43.56", at), fleet.ErrNoServer)
	require.ErrorContains(t, e.Update(name, "14.1-43.57", at), "not a build that was published")
	require.ErrorContains(t, e.Update(name, "13.1-58.32", at), "older")
	require.Error(t, e.Update(name, "latest", at))
	require.ErrorIs(t, e.Do("nowhere", state.Subject{}, "sessions.ica", "killed", at), fleet.ErrNoFarm)
	require.ErrorIs(t, e.Do(farm, state.Subject{Item: "Portal"}, "rotation", "rotated", at), fleet.ErrNoItem)
	require.ErrorIs(t, e.Do(farm, state.Subject{Server: "nobody"}, "secrets", "rotated", at), fleet.ErrNoServer)
	_, err = e.Collect("nowhere", at)
	require.ErrorIs(t, err, fleet.ErrNoFarm)
	_, err = e.Fix("nobody")
	require.ErrorIs(t, err, fleet.ErrNoServer)
	_, err = e.Hunt("nobody", at, at)
	require.ErrorIs(t, err, fleet.ErrNoServer)
	require.Empty(t, e.URL("nobody"))
	require.Empty(t, e.Members("nowhere"))

	require.NoError(t, e.Compromise(name))
	clean, err := e.Hunt(name, at, at)
	require.NoError(t, err)
	require.False(t, clean)
	require.True(t, standing(t, e, name).Compromised)
	require.NoError(t, e.Evict(name, at))
	require.False(t, standing(t, e, name).Compromised)
	require.NoError(t, e.Disconnect(name))
	require.True(t, standing(t, e, name).Disconnected)
	require.NoError(t, e.Reconnect(name))
}

// Sessions that end before the last node is fixed begin anew on the node that is not.
func TestStolenSessionsEndOnlyAfterTheLastNode(t *testing.T) {
	t.Parallel()
	e, err := fleet.NewEstate("citrixbleed2", fleet.Options{CompromisedShare: -1})
	require.NoError(t, err)
	farm, at := e.Farms()[0], e.Epoch()
	pair := e.Members(farm)
	require.Len(t, pair, 2)
	kill := func(at time.Time) {
		require.NoError(t, e.Do(farm, state.Subject{}, "sessions.ica", "killed", at))
		require.NoError(t, e.Do(farm, state.Subject{}, "sessions.pcoip", "killed", at))
	}
	require.NoError(t, e.Update(pair[0], "14.1-43.56", at))
	kill(at.Add(time.Minute))
	require.NoError(t, e.Update(pair[1], "14.1-43.56", at.Add(2*time.Minute)))
	require.True(t, standing(t, e, pair[0]).Stolen)
	kill(at.Add(3 * time.Minute))
	for _, n := range pair {
		require.True(t, standing(t, e, n).Remediated())
	}
}

// Keys are the attacker's until new ones are in use on every server.
func TestStolenKeysEndWithARestartAfterTheirRotation(t *testing.T) {
	t.Parallel()
	e, err := fleet.NewEstate("sharepoint-2026-50522", fleet.Options{CompromisedShare: -1})
	require.NoError(t, err)
	farm, at := e.Farms()[0], e.Epoch()
	for i, n := range e.Members(farm) {
		fix, err := e.Fix(n)
		require.NoError(t, err)
		require.NoError(t, e.Update(n, fix, at.Add(time.Duration(i)*time.Minute)))
	}
	at = at.Add(time.Hour)
	for _, item := range e.Items() {
		require.NoError(t, e.Do(farm, state.Subject{Item: item}, "rotation", "rotated", at))
	}
	for _, n := range e.Members(farm) {
		require.True(t, standing(t, e, n).Stolen)
		require.NoError(t, e.Do(farm, state.Subject{Server: n}, "restart", "restarted", at.Add(time.Minute)))
		require.True(t, standing(t, e, n).Remediated())
	}
}

func TestPeopleAndScansOfAnEstateAtOnce(t *testing.T) {
	t.Parallel()
	e := estate(t, "sharepoint-2026-50522", fleet.Options{Seed: 2, HangFor: 50 * time.Millisecond, TLS: true})
	require.Contains(t, string(e.CertPEM()), "BEGIN CERTIFICATE")
	c := client(t, e)
	var wg sync.WaitGroup
	for i, farm := range e.Farms() {
		wg.Go(func() {
			for _, n := range e.Members(farm) {
				fix, _ := e.Fix(n)
				_ = e.Update(n, fix, e.Epoch()) // a newer one stays
				_, _ = e.Truth(n)
				_ = e.Disconnect(n)
			}
			_, _ = e.Collect(farm, e.Epoch().Add(time.Hour))
		})
		wg.Go(func() { _, _ = ask(t.Context(), c, http.MethodGet, e.Inventory()[i].URL, "/") })
	}
	wg.Wait()
	require.Zero(t, e.Asked().Writes+e.Asked().Forbidden+e.Asked().Strangers)

	_, _ = ask(t.Context(), c, http.MethodPost, e.Inventory()[0].URL, "/")
	_, _ = ask(t.Context(), c, http.MethodGet, e.Inventory()[0].URL, "/_layouts/15/ToolPane.aspx")
	_, _ = ask(t.Context(), c, http.MethodGet, strings.Replace(e.Inventory()[0].URL, "sp-", "nobody-", 1), "/")
	asked := e.Asked()
	require.Equal(t, [3]int64{1, 1, 1}, [3]int64{asked.Writes, asked.Forbidden, asked.Strangers})
}

func TestAnEstateEndsWithItsContextAndByClose(t *testing.T) {
	t.Parallel()
	e, err := fleet.NewEstate("proxynotshell", fleet.Options{HangFor: time.Hour})
	require.NoError(t, err)
	require.NoError(t, e.Close(), "never started")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	require.Eventually(t, func() bool { return strings.Count(e.Inventory()[0].URL, ":") == 2 }, 5*time.Second, time.Millisecond)
	require.Equal(t, http.StatusFound, get(t, client(t, e), e.Inventory()[0].URL, "/").status)
	cancel()
	require.NoError(t, <-ended)
	require.Error(t, e.Start(t.Context()), "only once")
	require.NoError(t, e.Close(), "again")
}

func TestACarelessOrderLeavesWhatTheAttackerHasAndTheRightOneDoesNot(t *testing.T) {
	t.Parallel()
	for _, campaign := range []string{"citrixbleed2", "sharepoint-2026-50522"} {
		book, err := playbook.Builtin(campaign)
		require.NoError(t, err)
		e, err := fleet.NewEstate(campaign, fleet.Options{CompromisedShare: -1})
		require.NoError(t, err)
		farm := e.Farms()[0]
		at, err := e.RemediateCarelessly(book.Rules(), farm, e.Epoch(), time.Minute)
		require.NoError(t, err)
		for _, n := range e.Members(farm) {
			now := standing(t, e, n)
			require.False(t, now.Vulnerable)
			require.True(t, now.Stolen, campaign)
		}
		_, err = e.Remediate(book.Rules(), farm, at, time.Minute)
		require.NoError(t, err)
		for _, n := range e.Members(farm) {
			require.True(t, standing(t, e, n).Remediated(), campaign)
		}
	}
	e, err := fleet.NewEstate("citrixbleed2", fleet.Options{})
	require.NoError(t, err)
	_, err = e.RemediateCarelessly(state.Rules{}, "nowhere", e.Epoch(), time.Minute)
	require.ErrorIs(t, err, fleet.ErrNoFarm)
}

func TestWhoeverIsOnAServerIsFoundByTheHuntAndGoneAfterRecovery(t *testing.T) {
	t.Parallel()
	for _, campaign := range fleet.Campaigns() {
		book, err := playbook.Builtin(campaign)
		require.NoError(t, err)
		e, err := fleet.NewEstate(campaign, fleet.Options{CompromisedShare: -1})
		require.NoError(t, err)
		farm := e.Farms()[0]
		name := e.Members(farm)[0]
		require.NoError(t, e.Compromise(name))
		at, err := e.Remediate(book.Rules(), farm, e.Epoch(), time.Minute)
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(must(e.Collect(farm, at))), "hit", campaign)
		require.False(t, standing(t, e, name).Remediated())
		evicted, _, err := e.Recover(book.Rules(), farm, at, time.Minute)
		require.NoError(t, err)
		require.Len(t, evicted, 1)
		require.True(t, evicted[name].After(at))
		for _, n := range e.Members(farm) {
			require.True(t, standing(t, e, n).Remediated(), campaign)
		}
		evicted, _, err = e.Recover(book.Rules(), farm, at, time.Minute)
		require.NoError(t, err)
		require.Empty(t, evicted, "nobody is there")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
