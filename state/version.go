package state

import (
	"fmt"
	"strconv"
	"strings"
)

// maxVersionParts bounds a version; no product of a playbook has more than five.
const maxVersionParts = 6

// maxVersionPart bounds one number of a version, so that hostile digits cannot overflow.
const maxVersionPart = 1 << 31

// Version is a build number as its parts, most significant first. A version
// with fewer parts than the fix line is a prefix: it stands for every build
// that begins with it. The zero value is no version.
//
// Vendors write builds in different ways, and they all come to the same parts:
// "16.0.10417.20037" and "14.1-43.56" have four, "15.2.1118" three, "43.56" two.
// The two signs mean the same, and leading zeros mean nothing ("15.02.1118.020"
// is 15.2.1118.20). Parts are compared as numbers from the left, so a build
// without the first numbers of its product ("43.56" for 14.1-43.56) is another
// build, of another product: whoever reads it must know what comes before it.
type Version struct {
	parts [maxVersionParts]uint32
	n     uint8
}

// ParseVersion reads "16.0.10417.20037" or "14.1-43.56". Parts are decimal,
// separated by one '.' or '-', two to six of them.
func ParseVersion(s string) (Version, error) {
	var v Version
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '-' })
	if len(fields) < 2 || len(fields) > maxVersionParts || strings.Count(s, ".")+strings.Count(s, "-") != len(fields)-1 {
		return Version{}, fmt.Errorf("%.40q is not a version: want 2 to %d numbers like 16.0.10417.20037", s, maxVersionParts)
	}
	for _, f := range fields {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil || n >= maxVersionPart || f[0] == '+' {
			return Version{}, fmt.Errorf("%.40q is not a version: %.20q is not a number", s, f)
		}
		v.parts[v.n] = uint32(n)
		v.n++
	}
	return v, nil
}

// Len is how many parts are known.
func (v Version) Len() int { return int(v.n) }

// IsZero reports whether there is no version.
func (v Version) IsZero() bool { return v.n == 0 }

// Prefix is the version cut to its first n parts.
func (v Version) Prefix(n int) Version {
	if n >= int(v.n) {
		return v
	}
	n = max(n, 0)
	var p Version
	copy(p.parts[:n], v.parts[:n])
	p.n = uint8(n)
	return p
}

// Compare orders two versions by the parts that both have, then by length: a
// prefix sorts before what it begins.
func (v Version) Compare(o Version) int {
	for i := range min(v.n, o.n) {
		if v.parts[i] != o.parts[i] {
			if v.parts[i] < o.parts[i] {
				return -1
			}
			return 1
		}
	}
	return int(v.n) - int(o.n)
}

// opens reports whether v is the first of all builds that p stands for: nothing
// but zeros follow.
func (v Version) opens(p Version) bool {
	for i := p.n; i < v.n; i++ {
		if v.parts[i] != 0 {
			return false
		}
	}
	return true
}

// HasPrefix reports whether v begins with p.
func (v Version) HasPrefix(p Version) bool { return p.n <= v.n && v.Prefix(int(p.n)) == p }

// String is the canonical form, parts joined by dots; "" for the zero value.
func (v Version) String() string {
	var b strings.Builder
	for i := range v.n {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(v.parts[i]), 10))
	}
	return b.String()
}

// MarshalText makes a version its string in JSON and YAML.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText accepts "" as no version.
func (v *Version) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = Version{}
		return nil
	}
	p, err := ParseVersion(string(b))
	if err != nil {
		return err
	}
	*v = p
	return nil
}
