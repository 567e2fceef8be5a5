package redisstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// exportPage is how many keys are read at once.
const exportPage = 8

// line is one key in an export. Its name is without the store's prefix. With B all texts of the value are in base64,
// because one of them is not UTF-8.
type line struct {
	K string          `json:"k"`
	T string          `json:"t"`
	B bool            `json:"b,omitempty"`
	V json.RawMessage `json:"v"`
}

// trailer ends an export: the hash of all lines before it.
type trailer struct {
	Keys   int    `json:"keys"`
	SHA256 string `json:"sha256"`
}

// Export writes everything in the store as lines of JSON, sorted by key, with a last line that holds their number and
// hash. It is of one moment only if nobody writes meanwhile. Two stores with the same contents give the same bytes,
// whatever engine they are on.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	sum, n, err := s.export(ctx, w)
	if err != nil {
		return err
	}
	end, err := json.Marshal(trailer{Keys: n, SHA256: sum})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := w.Write(append(end, '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// Digest is the hash of the export.
func (s *Store) Digest(ctx context.Context) (string, error) {
	sum, _, err := s.export(ctx, io.Discard)
	return sum, err
}

func (s *Store) export(ctx context.Context, w io.Writer) (sum string, n int, err error) {
	keys, err := s.known(ctx)
	if err != nil {
		return "", 0, err
	}
	slices.SortFunc(keys, func(a, b held) int { return cmp.Compare(a.key, b.key) })
	h := sha256.New()
	for page := range slices.Chunk(keys, exportPage) {
		values, err := s.values(ctx, page)
		if err != nil {
			return "", 0, err
		}
		for _, v := range values {
			if err := s.writeLine(w, h, v); err != nil {
				return "", 0, err
			}
			n++
		}
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

func (s *Store) writeLine(w io.Writer, h hash.Hash, v value) error {
	l := line{K: strings.TrimPrefix(v.key, s.k.of("")), T: v.kind, B: !v.text()}
	if typeOf(l.K) != l.T { // nobody could import it
		return fmt.Errorf("export: no import knows a %s called %q", l.T, l.K)
	}
	if v.kind == typeSet {
		slices.Sort(v.list)
	}
	raw, err := encode(v.mapped(l.B).plain())
	if err != nil {
		return fmt.Errorf("export %q: %w", l.K, err)
	}
	l.V = raw
	out, err := encode(l)
	if err != nil {
		return fmt.Errorf("export %q: %w", l.K, err)
	}
	out = append(out, '\n')
	_, _ = h.Write(out)
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// encode is JSON that does not spell out what only HTML minds.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// plain is the value as JSON shows it.
func (v value) plain() any {
	switch v.kind {
	case typeHash:
		return v.hash
	case typeZset:
		return v.zset
	case typeString:
		return v.list[0]
	}
	return v.list
}

// text reports that all of the value is UTF-8.
func (v value) text() bool {
	for f, x := range v.hash {
		if !utf8.ValidString(f) || !utf8.ValidString(x) {
			return false
		}
	}
	for _, x := range v.list {
		if !utf8.ValidString(x) {
			return false
		}
	}
	for _, z := range v.zset {
		if !utf8.ValidString(z[0]) {
			return false
		}
	}
	return true
}

// mapped is the value with its texts in base64, if wanted.
func (v value) mapped(base bool) value {
	if !base {
		return v
	}
	enc := base64.StdEncoding.EncodeToString
	out := value{held: v.held}
	if v.hash != nil {
		out.hash = make(map[string]string, len(v.hash))
	}
	for f, x := range v.hash {
		out.hash[enc([]byte(f))] = enc([]byte(x))
	}
	for _, x := range v.list {
		out.list = append(out.list, enc([]byte(x)))
	}
	for _, z := range v.zset {
		out.zset = append(out.zset, [2]string{enc([]byte(z[0])), z[1]})
	}
	return out
}
