package checks

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Reasons for which the guard refuses; test with errors.Is.
var (
	// ErrMethod: only GET and HEAD are ever sent.
	ErrMethod = errors.New("only GET and HEAD are sent")
	// ErrPath: the path looks like the attack, or hides what it is.
	ErrPath = errors.New("path is refused")
	// ErrScope: it leads out of the inventory.
	ErrScope = errors.New("out of scope")
	// ErrBudget: the server has had its share of requests or bytes.
	ErrBudget = errors.New("budget is spent")
)

// maxDecode is how often a path is decoded before its shape is looked at.
const maxDecode = 5

// guardMethod lets only harmless methods pass.
func guardMethod(m string) error {
	if m != http.MethodGet && m != http.MethodHead {
		return fmt.Errorf("%w, not %s", ErrMethod, Excerpt(m, 20))
	}
	return nil
}

// guardPath lets a path with its query pass if it is plain, absolute and not of
// a forbidden shape, however often it is encoded.
func guardPath(p string) error {
	if !strings.HasPrefix(p, "/") || len(p) > 2048 {
		return fmt.Errorf("%w: not an absolute path of a sensible length", ErrPath)
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] > '~' {
			return fmt.Errorf("%w: it holds a space, a control character or one outside ASCII", ErrPath)
		}
	}
	for range maxDecode {
		if bad := badShape(p); bad != "" {
			return fmt.Errorf("%w: %s", ErrPath, bad)
		}
		next := decode(p)
		if next == p {
			return nil
		}
		p = next
	}
	return fmt.Errorf("%w: it is encoded more than %d times", ErrPath, maxDecode-1)
}

// badShape says what is wrong with a path as it is spelled; "" when nothing is.
func badShape(p string) string {
	for i := range len(p) {
		if p[i] > '~' {
			return likeAttack + " (letters outside ASCII)"
		}
	}
	if d := denialOf(p); d.why != "" {
		return d.why + " (" + d.shape + ")"
	}
	return ""
}

// decode undoes one layer of %XX and of the %uXXXX that IIS knows.
func decode(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			b.WriteByte(p[i])
			continue
		}
		digits, skip := 2, 1
		if i+1 < len(p) && (p[i+1] == 'u' || p[i+1] == 'U') {
			digits, skip = 4, 2
		}
		end := i + skip + digits
		if end > len(p) {
			b.WriteByte('%')
			continue
		}
		n, err := strconv.ParseUint(p[i+skip:end], 16, 32)
		switch {
		case err != nil:
			b.WriteByte('%')
			continue
		case digits == 4:
			b.WriteRune(rune(n))
		default:
			b.WriteByte(byte(n))
		}
		i = end - 1
	}
	return b.String()
}

// metadata are addresses at which clouds hand out credentials; the link-local
// ranges are refused as a whole.
var metadata = []string{"fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"}

// guardAddress lets an address pass that may be dialled. named are the addresses
// that the inventory itself writes down; loopback passes only among them.
func guardAddress(a netip.Addr, named func(netip.Addr) bool) error {
	for _, ip := range append(embedded(a), a.Unmap()) {
		switch {
		case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			return fmt.Errorf("%w: %s is not the address of a server", ErrScope, a)
		case ip.IsLinkLocalUnicast(), isMetadata(ip):
			return fmt.Errorf("%w: %s is a link-local or cloud metadata address", ErrScope, a)
		case ip.IsLoopback() && !named(a.Unmap()):
			return fmt.Errorf("%w: %s is this machine, and the inventory does not name it", ErrScope, a)
		}
	}
	return nil
}

func isMetadata(a netip.Addr) bool {
	for _, m := range metadata {
		if netip.MustParseAddr(m) == a.WithZone("") {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 addresses that an IPv6 address stands for: NAT64,
// 6to4 and the old "compatible" form.
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() || a.Is4In6() {
		return nil
	}
	b := a.As16()
	at := -1
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a.WithZone("")):
		at = 12
	case b[0] == 0x20 && b[1] == 0x02:
		at = 2
	case netip.MustParsePrefix("::/96").Contains(a.WithZone("")) && !a.IsLoopback() && !a.IsUnspecified():
		at = 12
	}
	if at < 0 {
		return nil
	}
	return []netip.Addr{netip.AddrFrom4([4]byte(b[at : at+4]))}
}

// origin is a scheme, host and port: where a server of the inventory answers.
type origin struct {
	scheme, host string // host as the Host header and SNI have it, without port
	port         uint16
}

// parseOrigin reads the URL of the inventory. Its path does not matter.
func parseOrigin(raw string) (origin, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return origin{}, fmt.Errorf("the URL of the inventory cannot be read")
	case u.User != nil:
		return origin{}, fmt.Errorf("the URL of the inventory holds credentials: they are never sent, take them out")
	}
	return originOf(u)
}

func originOf(u *url.URL) (origin, error) {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))}
	switch o.scheme {
	case "http":
		o.port = 80
	case "https":
		o.port = 443
	default:
		return origin{}, fmt.Errorf("a URL must begin with http:// or https://")
	}
	if o.host == "" || strings.ContainsFunc(o.host, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return origin{}, fmt.Errorf("a URL must name a host, in ASCII (other letters as xn--…)")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return origin{}, fmt.Errorf("a URL's port must be 1 to 65535")
		}
		o.port = uint16(n)
	}
	return o, nil
}

// hostport is the value of the Host header.
func (o origin) hostport() string {
	h := o.host
	if strings.Contains(h, ":") {
		h = "[" + h + "]"
	}
	if o.scheme == "http" && o.port == 80 || o.scheme == "https" && o.port == 443 {
		return h
	}
	return h + ":" + strconv.Itoa(int(o.port))
}

func (o origin) String() string { return o.scheme + "://" + o.hostport() }

// leads tells where a redirect from o leads, if it stays in scope: the same
// origin, or the same host from plain HTTP to HTTPS on the usual ports.
func (o origin) leads(from, location string) (origin, string, error) {
	base, err := url.Parse(o.String() + from)
	if err != nil {
		return origin{}, "", fmt.Errorf("%w: a redirect from a strange path", ErrScope)
	}
	u, err := base.Parse(location)
	if err != nil {
		return origin{}, "", fmt.Errorf("%w: a redirect that cannot be read (%s)", ErrScope, Excerpt(location, 60))
	}
	to, err := originOf(u)
	upgrade := o.scheme == "http" && to.scheme == "https" && o.host == to.host && o.port == 80 && to.port == 443
	if err != nil || u.User != nil || to != o && !upgrade {
		return origin{}, "", fmt.Errorf("%w: a redirect to %s, not followed", ErrScope, Excerpt(u.Scheme+" "+u.Host, 80))
	}
	return to, u.RequestURI(), nil
}
