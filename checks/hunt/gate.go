package hunt

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"strings"
)

// gate tells quickly whether a path may contain one of some names, whatever its case.
// It looks at four bytes at a time, as far apart as the shortest name allows: whatever
// contains a name has, at one of these places, four bytes of it.
type gate struct {
	names  [][]byte
	stride int
	table  [1 << 10]uint64 // a bit for each hash of four bytes
	buf    []byte
}

const window = 4

func newGate(names []string) *gate {
	g := &gate{}
	for _, n := range names {
		if len(n) >= window && (g.stride == 0 || len(n)-window+1 < g.stride) {
			g.stride = len(n) - window + 1
		}
		g.names = append(g.names, []byte(strings.ToLower(n)))
	}
	for _, n := range g.names {
		for i := 0; i < g.stride && i+window <= len(n); i++ {
			h := folded(n[i:])
			g.table[h>>6] |= 1 << (h & 63)
		}
	}
	return g
}

// folded is a hash of the first four bytes, the same for both cases.
func folded(b []byte) uint32 {
	return ((binary.LittleEndian.Uint32(b) | 0x20202020) * 0x9E3779B1) >> 16
}

// opens reports whether the path contains a name once it is decoded.
func (g *gate) opens(path []byte) bool {
	if g.stride == 0 {
		return false
	}
	for i := 0; i+window <= len(path); i += g.stride {
		if h := folded(path[i:]); g.table[h>>6]&(1<<(h&63)) != 0 && g.contains(path) {
			return true
		}
	}
	return bytes.IndexByte(path, '%') >= 0 && g.contains([]byte(decoded(string(path))))
}

func (g *gate) contains(path []byte) bool {
	g.buf = g.buf[:0]
	for _, c := range path {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		g.buf = append(g.buf, c)
	}
	for _, n := range g.names {
		if bytes.Contains(g.buf, n) {
			return true
		}
	}
	return false
}

// decoded is text without the encodings that servers undo: percent signs, twice at
// most, and %u with four digits. What is no encoding stays as it is.
func decoded(s string) string {
	for range 2 {
		if !strings.Contains(s, "%") {
			break
		}
		next := undone(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

func undone(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if c, n := escape(s[i+1:]); n > 0 {
			b.WriteString(c)
			i += n
			continue
		}
		b.WriteByte('%')
	}
	return b.String()
}

// escape reads what follows a percent sign, and how long it is; 0: it is none.
func escape(s string) (string, int) {
	if len(s) >= 5 && (s[0] == 'u' || s[0] == 'U') {
		var r rune
		for _, c := range []byte(s[1:5]) {
			d, ok := hexDigit(c)
			if !ok {
				return "", 0
			}
			r = r<<4 | rune(d)
		}
		return string(r), 5
	}
	if len(s) < 2 {
		return "", 0
	}
	c, err := url.PathUnescape("%" + s[:2])
	if err != nil {
		return "", 0
	}
	return c, 2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// plainPath is a path as rules see it: decoded, with slashes the right way round and
// not doubled.
func plainPath(s string) string {
	s = strings.ReplaceAll(decoded(s), `\`, "/")
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return s
}

// plainText is a query, a referer or an agent as rules see it: decoded, with the
// spaces that the log writes as plus signs.
func plainText(s string) string {
	if s == "-" {
		return ""
	}
	return strings.ReplaceAll(decoded(s), "+", " ")
}
