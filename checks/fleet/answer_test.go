package fleet_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
)

func tlsConfig(pool *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// quiet is a fleet in which only what every fleet has is odd.
func quiet() fleet.Options { return fleet.Options{Seed: 1, CompromisedShare: -1} }

func TestEachProductAnswersAsItDoes(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		o := quiet()
		o.TLS = secure
		f := started(t, o)
		c := client(t, f)
		for _, p := range []fleet.Product{fleet.Product2013, fleet.Product2016, fleet.Product2019, fleet.ProductSE, fleet.ProductOnline} {
			name := of(t, f, p)
			r := get(t, c, f.URL(name), "/")
			require.Equal(t, header(truth(t, f, name).Build), r.version(), p)
			require.Regexp(t, `^1[56]\.0\.0\.\d{4,5}$`, r.version())
			require.Regexp(t, `^\d$`, r.header.Get("X-SharePointHealthScore"))
			require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, r.header.Get("SPRequestGuid"))
			require.NotEqual(t, r.header.Get("SPRequestGuid"), get(t, c, f.URL(name), "/").header.Get("SPRequestGuid"))
		}
		alfresco := get(t, c, f.URL(of(t, f, fleet.ProductAlfresco)), "/")
		require.Equal(t, "14.00.0.000", alfresco.version())
		require.Contains(t, alfresco.body, "Alfresco")
	}
}

func TestTheHeaderIsThereWithoutALogin(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	statuses, service, build := map[int]int{}, map[int]int{}, map[int]int{}
	for _, r := range f.Inventory() {
		tr := truth(t, f, r.Name)
		if r.URL == "" || tr.Trait != fleet.TraitNone || !tr.Affected {
			continue
		}
		home := get(t, c, r.URL, "/")
		statuses[home.status]++
		require.NotEmpty(t, home.version())
		head, err := ask(t.Context(), c, http.MethodHead, r.URL, "/")
		require.NoError(t, err)
		require.Empty(t, head.body)
		cnf := get(t, c, r.URL, "/_vti_pvt/service.cnf")
		service[cnf.status]++
		if cnf.status == http.StatusOK && r.Via == "" {
			require.Contains(t, cnf.body, "vti_extenderversion:SR|"+home.version()+"\n")
		}
		four := get(t, c, r.URL, "/_vti_pvt/buildversion.cnf")
		build[four.status]++
		if four.status == http.StatusOK {
			require.Regexp(t, `vti_buildversion:SR\|1[56]\.0\.\d+\.\d+\n`, four.body)
		}
		require.Equal(t, http.StatusNotFound, get(t, c, r.URL, "/_layouts/15/spinstall0.aspx").status)
		require.Equal(t, http.StatusNotFound, get(t, c, r.URL, "/no/such/page").status)
	}
	for _, seen := range []map[int]int{statuses, service} {
		require.Positive(t, seen[200])
		require.Positive(t, seen[401])
		require.Len(t, seen, 2)
	}
	require.Positive(t, build[200])
	require.Positive(t, build[404])
}

func TestOddServers(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)

	all := f.URL(one(t, f, fleet.TraitCatchAll))
	a, b := get(t, c, all, "/_layouts/15/spinstall0.aspx"), get(t, c, all, "/no-such-page-4711")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, a.body, b.body)

	hidden := get(t, c, f.URL(one(t, f, fleet.TraitNoHeader)), "/")
	require.Empty(t, hidden.version())
	require.NotEmpty(t, hidden.header.Get("X-SharePointHealthScore"))

	stale := one(t, f, fleet.TraitStaleHeader)
	require.False(t, truth(t, f, stale).Vulnerable)
	require.Equal(t, "16.0.0.5495", get(t, c, f.URL(stale), "/").version())
	require.Contains(t, get(t, c, f.URL(stale), "/_vti_pvt/buildversion.cnf").body, truth(t, f, stale).Build)
	require.NoError(t, f.PSConfig(stale, began()))
	require.Equal(t, "16.0.0.5495", get(t, c, f.URL(stale), "/").version(), "PSConfig does not mend it")

	_, err := ask(t.Context(), c, http.MethodGet, f.URL(one(t, f, fleet.TraitResets)), "/")
	require.Error(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err = ask(ctx, c, http.MethodGet, f.URL(one(t, f, fleet.TraitHangs)), "/")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestHostileServers(t *testing.T) {
	t.Parallel()
	o := quiet()
	o.HostileShare = 0.4
	f := started(t, o)
	c := client(t, f)
	for trait, want := range map[fleet.Trait]string{
		fleet.TraitMarkup:   "<script>",
		fleet.TraitTerminal: "ALL CLEAR",
		fleet.TraitMention:  "@everyone",
		fleet.TraitFormula:  "=cmd()",
		fleet.TraitOverflow: "99999999999999999999",
	} {
		name := one(t, f, trait)
		for _, path := range []string{"/", "/_vti_pvt/service.cnf", "/_vti_pvt/buildversion.cnf"} {
			r := get(t, c, f.URL(name), path)
			require.Contains(t, r.body, want, "%s %s", trait, path)
			require.Contains(t, r.version(), want, "%s %s", trait, path)
			require.Truef(t, strings.HasPrefix(r.version(), header(truth(t, f, name).Build)) || !truth(t, f, name).Vulnerable, "%s claims more than it has", name)
		}
	}
	require.Contains(t, get(t, c, f.URL(one(t, f, fleet.TraitTerminal)), "/").body, "\x1b[2J")
	_, err := ask(t.Context(), c, http.MethodGet, f.URL(one(t, f, fleet.TraitMalformed)), "/")
	require.ErrorContains(t, err, "malformed")
	moved := get(t, c, f.URL(one(t, f, fleet.TraitRedirect)), "/")
	require.Equal(t, http.StatusFound, moved.status)
	require.Contains(t, moved.header.Get("Location"), "elsewhere.invalid")
	require.Len(t, get(t, c, f.URL(one(t, f, fleet.TraitEndless)), "/").body, limit)
}

func TestABalancerTakesTurnsAndAvoidsWhoIsGone(t *testing.T) {
	t.Parallel()
	o := quiet()
	f := started(t, o)
	c := client(t, f)
	var via, farm string
	for _, r := range f.Inventory() {
		if r.Via != "" {
			require.Contains(t, r.URL, r.Via)
			via, farm = r.URL, r.Farm
			break
		}
	}
	members := f.Members(farm)
	require.NoError(t, f.Compromise(members[0]))
	require.Equal(t, []int{200, 404, 200, 404}, statuses(t, c, via, 4))
	require.NoError(t, f.Disconnect(members[0]))
	require.Equal(t, []int{404, 404}, statuses(t, c, via, 2))
	require.NoError(t, f.Disconnect(members[1]))
	require.Equal(t, []int{503}, statuses(t, c, via, 1))
	require.NoError(t, f.Reconnect(members[0]))
	require.Equal(t, []int{200}, statuses(t, c, via, 1))
}

func statuses(t *testing.T, c *http.Client, base string, n int) []int {
	t.Helper()
	var got []int
	for range n {
		got = append(got, get(t, c, base, "/_layouts/15/spinstall0.aspx").status)
	}
	return got
}

func TestWhatWasAskedIsCounted(t *testing.T) {
	t.Parallel()
	f := started(t, quiet())
	c := client(t, f)
	name := of(t, f, fleet.Product2019)
	get(t, c, f.URL(name), "/")
	get(t, c, f.URL(name), "/_layouts/15/TOOLPANE.aspx")
	r, err := ask(t.Context(), c, http.MethodPost, f.URL(name), "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusMethodNotAllowed, r.status)
	r = get(t, c, strings.Replace(f.URL(name), name, "stranger", 1), "/")
	require.Equal(t, http.StatusMisdirectedRequest, r.status)
	require.Equal(t, fleet.Asked{Requests: 4, Writes: 1, Forbidden: 1, Strangers: 1}, f.Asked())
}
