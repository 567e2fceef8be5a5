package checks

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestPathsThatLookLikeTheAttackAreRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"/_layouts/15/ToolPane.aspx", "/_LAYOUTS/16/TOOLPANE.ASPX?DisplayMode=Edit", "/_layouts/15/toolpane.aspx/x",
		"/_layouts/15/tool%50ane.aspx", "/_layouts/15/tool%2550ane.aspx", "/_layouts/15/tool%252550ane.aspx",
		"/_layouts/15/%u0054oolPane.aspx", "/_layouts/15/tool%00pane.aspx", "/_layouts/15/tool%0apane.aspx",
		"/x?a=/ToolPane.aspx", "/x?a=%2fToolPane.aspx", "/x?DisplayMode=Edit", "/x?__VIEWSTATE=abc",
		"/_layouts/15/%ef%bd%94oolpane.aspx", "/_layouts/15/%uff34oolpane.aspx", "/a\r\nHost: x", "/a b", "/ä", "", "http://x/", "x",
		"/%25252525252525" + "2f", "/" + strings.Repeat("a", 3000),
	} {
		require.ErrorIs(t, guardPath(p), ErrPath, p)
	}
	for _, p := range []string{"/", "/_vti_pvt/service.cnf", "/_layouts/15/spinstall0.aspx", "/a?b=c%20d&e=100%", "/%", "/%u00", "/%zz"} {
		require.NoError(t, guardPath(p), p)
	}
}

func TestOnlyGetAndHeadPass(t *testing.T) {
	t.Parallel()
	require.NoError(t, guardMethod("GET"))
	require.NoError(t, guardMethod("HEAD"))
	for _, m := range []string{"POST", "PUT", "OPTIONS", "get", "", "GET\r\n"} {
		require.ErrorIs(t, guardMethod(m), ErrMethod, m)
	}
}

func TestAddressesOutOfScopeAreRefused(t *testing.T) {
	t.Parallel()
	everything := func(netip.Addr) bool { return true }
	nothing := func(netip.Addr) bool { return false }
	for _, a := range []string{
		"169.254.169.254", "169.254.1.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200",
		"168.63.129.16", "192.0.0.192", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1",
		"64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::a9fe:a9fe",
	} {
		require.ErrorIs(t, guardAddress(netip.MustParseAddr(a), everything), ErrScope, a)
	}
	for _, a := range []string{"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"} {
		require.ErrorIs(t, guardAddress(netip.MustParseAddr(a), nothing), ErrScope, a)
	}
	for _, a := range []string{"10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"} {
		require.NoError(t, guardAddress(netip.MustParseAddr(a), nothing), a)
	}
	require.NoError(t, guardAddress(netip.MustParseAddr("127.0.0.1"), everything))
}

func TestRedirectsStayInScope(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ origin, location, to, path string }{
		{"https://a.example", "/x?y=1#z", "https://a.example", "/x?y=1"},
		{"https://a.example", "https://A.example:443/x", "https://a.example", "/x"},
		{"https://a.example:444", "https://a.example:444/x", "https://a.example:444", "/x"},
		{"http://a.example", "https://a.example/", "https://a.example", "/"},
		{"https://a.example", "y", "https://a.example", "/from/y"},
		{"https://a.example", "http://a.example/", "", ""},
		{"http://a.example:8080", "https://a.example/", "", ""},
		{"https://a.example", "https://a.example:8443/", "", ""},
		{"https://a.example", "//b.example/", "", ""},
		{"https://a.example", "https://a.example@b.example/", "", ""},
		{"https://a.example", "https://u:p@a.example/", "", ""},
		{"https://a.example", "https://a.example.b.example/", "", ""},
		{"https://a.example", "javascript:alert(1)", "", ""},
		{"https://a.example", "file:///etc/passwd", "", ""},
		{"https://a.example", "http://169.254.169.254/latest", "", ""},
		{"https://a.example", ":\x1b", "", ""},
	} {
		o, err := parseOrigin(tc.origin)
		require.NoError(t, err)
		to, path, err := o.leads("/from/here", tc.location)
		if tc.to == "" {
			require.ErrorIs(t, err, ErrScope, tc.location)
			require.Equal(t, Clean(err.Error(), 1000), err.Error())
			continue
		}
		require.NoError(t, err, tc.location)
		require.Equal(t, []string{tc.to, tc.path}, []string{to.String(), path})
	}
}

func TestURLsOfTheInventory(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://SP01.example/sites/a": "https://sp01.example", "http://sp01:80": "http://sp01", "https://sp01.example.": "https://sp01.example",
		"https://[2001:db8::1]:8443/": "https://[2001:db8::1]:8443",
	} {
		o, err := parseOrigin(raw)
		require.NoError(t, err)
		require.Equal(t, want, o.String())
	}
	for _, raw := range []string{"", "sp01", "ftp://sp01", "https://", "https://sp01:0", "https://sp01:99999", "https://u:p@sp01", "https://sp ä", "https://spä", "\x00"} {
		_, err := parseOrigin(raw)
		require.Error(t, err, raw)
		require.NotContains(t, err.Error(), "u:p")
	}
}

func TestTargetsThatShareAnAddressSpeakForTheFarm(t *testing.T) {
	t.Parallel()
	targets := Targets([]state.Server{
		{Name: "via", URL: "https://vip", Via: "lb01"},
		{Name: "own1", URL: "https://portal", Addresses: []string{"10.0.0.1"}},
		{Name: "own2", URL: "https://PORTAL:443/", Addresses: []string{"10.0.0.2"}},
		{Name: "none", URL: "https://portal"},
		{Name: "same1", URL: "https://x", Addresses: []string{"10.0.0.9"}},
		{Name: "same2", URL: "https://x", Addresses: []string{"::ffff:10.0.0.9"}},
		{Name: "virtual1", URL: "https://v1", Addresses: []string{"10.0.0.7"}},
		{Name: "virtual2", URL: "https://v2", Addresses: []string{"10.0.0.7"}},
		{Name: "app"},
		{Name: "single", URL: "https://single"},
	})
	got := map[string]string{}
	for _, x := range targets {
		got[x.Server.Name] = x.Scope.String()
		require.Equal(t, x.Scope == state.ScopeFarm, x.Shared != "")
	}
	require.Equal(t, map[string]string{
		"via": "farm", "own1": "server", "own2": "server", "none": "farm", "same1": "farm", "same2": "farm",
		"virtual1": "server", "virtual2": "server", "app": "server", "single": "server",
	}, got)
}

func TestExcerptsHoldNothingThatActs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b", Clean("a\r\n\t b\n", 10))
	require.Equal(t, "·[2J·x·y", Clean("\x1b[2J\u202ex\x00y", 20))
	require.Equal(t, "a…", Clean("abc", 2))
	require.Equal(t, "ab", Clean("ab  ", 2))
	require.Equal(t, "··", Clean("\xff\u200b", 20))
	require.Equal(t, "·!channel· ·everyone ·b·", Excerpt("<!channel> @everyone *b*", 50))
	require.Equal(t, "16.0.0.5508", Excerpt("16.0.0.5508", 50))
}

func FuzzGuardPath(f *testing.F) {
	for _, s := range []string{"/", "/tool%50ane", "/%u0054ool", "/a?b=%25%32%35"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if guardPath(p) != nil {
			return
		}
		for range maxDecode + 2 {
			require.NotContains(t, strings.ToLower(p), "toolpane")
			p = decode(p)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2J", 10)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(1, min(n, 1000))
		for _, out := range []string{Clean(s, n), Excerpt(s, n)} {
			require.Equal(t, out, Clean(out, n))
			require.LessOrEqual(t, len([]rune(out)), n)
		}
	})
}
