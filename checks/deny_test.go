package checks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsDeniedIsRefusedHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	encoded := func(s string) string { return "%" + strings.ToUpper(hexOf(s[0])) + s[1:] }
	for _, d := range denied {
		require.NotEmpty(t, d.why, d.shape)
		require.Equal(t, strings.ToLower(d.shape), d.shape, "shapes are compared in lower case")
		for _, p := range []string{"/x" + d.shape, "/X" + strings.ToUpper(d.shape) + "/y", "/x" + encoded(d.shape), "/x" + strings.ReplaceAll(encoded(d.shape), "%", "%25")} {
			require.Contains(t, Denied(p), d.why, p)
			require.ErrorIs(t, guardPath(p), ErrPath, p)
		}
	}
}

func hexOf(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

func TestWhatIsHarmlessIsNotDenied(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"/", "/_vti_pvt/service.cnf", "/_layouts/15/start.aspx", "/owa/", "/owa/auth/logon.aspx?url=https%3a%2f%2fmail.example%2fowa%2f&reason=0",
		"/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application", "/vpn/js/rdx/core/lang/rdx_en.json.gz", "/vpn/index.html",
		"/a.b/c..d", "/autodiscover/autodiscover.xml",
	} {
		require.Empty(t, Denied(p), p)
		require.NoError(t, guardPath(p), p)
	}
}
