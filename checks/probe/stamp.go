package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/allclear-bot/allclear/checks"
)

// The flags of a gzip header, RFC 1952.
const (
	gzipExtra    = 1 << 2
	gzipName     = 1 << 3
	gzipReserved = 0xe0
)

// maxGzipName bounds the file's name in a gzip header, in bytes.
const maxGzipName = 255

var (
	errNoGzip = errors.New("is no gzip file")
	errNoName = errors.New("was compressed on the way, by who knows whom: its stamp says nothing")
)

// gzipStamp reads the time stamp and the file's name from the header of a gzip
// file. Nothing is decompressed.
func gzipStamp(b []byte) (seconds uint32, name string, err error) {
	if len(b) < 10 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&gzipReserved != 0 {
		return 0, "", errNoGzip
	}
	flags, seconds, rest := b[3], binary.LittleEndian.Uint32(b[4:]), b[10:]
	if flags&gzipExtra != 0 {
		if len(rest) < 2 || len(rest) < 2+int(binary.LittleEndian.Uint16(rest)) {
			return 0, "", errNoGzip
		}
		rest = rest[2+int(binary.LittleEndian.Uint16(rest)):]
	}
	if flags&gzipName == 0 {
		return 0, "", errNoName
	}
	end := bytes.IndexByte(rest[:min(len(rest), maxGzipName+1)], 0)
	if end < 1 {
		return 0, "", errNoGzip
	}
	return seconds, string(rest[:end]), nil
}

// readStamp reads the build of a gzip file's time stamp. An encoding that the
// answer names does not matter: a file that was compressed for the journey has no
// name.
func readStamp(o checks.Observer, a checks.Answer) (found []reading, odd string) {
	if a.Status != http.StatusOK {
		return nil, ""
	}
	seconds, name, err := gzipStamp(a.Body)
	at := time.Unix(int64(seconds), 0).UTC().Format("2006-01-02 15:04:05")
	switch {
	case err != nil:
		return nil, fmt.Sprintf("%s %s", o.Path, err)
	case path.Base(name) != o.Stamps.Name:
		return nil, checks.Clean(fmt.Sprintf("%s is another file, %s", o.Path, checks.Excerpt(name, 60)), 300)
	case seconds == 0:
		return nil, o.Path + " carries no time stamp"
	}
	v := o.Stamps.Build(seconds)
	if v.IsZero() {
		return nil, fmt.Sprintf("%s was made %s UTC, which is in no table: the build is not known", o.Path, at)
	}
	return []reading{{observer: o, version: v, digest: digest(string(a.Body)), detail: fmt.Sprintf("%s was made %s UTC", o.Path, at)}}, ""
}
