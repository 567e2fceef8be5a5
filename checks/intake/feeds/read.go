package feeds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/checks"
)

// Limits of what is read.
const (
	MaxCVE    = 8 << 20  // bytes of a CVE record
	MaxKEV    = 64 << 20 // bytes of the catalogue
	MaxCSAF   = 64 << 20 // bytes of a CSAF document
	maxDepth  = 64
	maxListed = 100_000 // entries of the catalogue
)

// document reads a JSON document, bounded in length and depth, without null in places
// where none can be: a decoder makes a hole of it.
func document(r io.Reader, what string, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", what, err)
	case len(data) > most:
		return nil, fmt.Errorf("%s is longer than %d bytes", what, most)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s is not UTF-8", what)
	}
	if why := shape(data); why != "" {
		return nil, fmt.Errorf("%s %s", what, why)
	}
	return data, nil
}

// shape says what is wrong with the nesting of a document, "" when nothing is.
func shape(data []byte) string {
	depth, quoted, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Sprintf("is nested deeper than %d", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return ""
}

// hasNull reports whether a document has the value null anywhere.
func hasNull(data []byte) bool {
	quoted, escaped := false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && c == 'n':
			return true
		}
	}
	return false
}

// decode decodes a whole document, and tells where it is none.
func decode(data []byte, what string, into any) error {
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not JSON (line %d): %s", what, line(data, syntax.Offset), checks.Clean(err.Error(), 100))
	case errors.As(err, &typ):
		return fmt.Errorf("%s is not as it should be (line %d): %s cannot be of the type %s", what, line(data, typ.Offset), checks.Clean(typ.Field, 80), typ.Value)
	}
	return fmt.Errorf("%s cannot be read: %s", what, checks.Clean(err.Error(), 160))
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte{'\n'})
}
