package hunt

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Log is one file that may be a log, and how it is opened.
type Log struct {
	Path string // with slashes; of an entry of an archive: behind the archive's
	Open func() (io.ReadCloser, error)
}

// logName is how files are called that hold logs of web servers.
var logName = regexp.MustCompile(`(?i)(\.log([._-][0-9a-z._-]*)?|^(u_ex|httperr)[0-9a-z_]*\.(log|txt))(\.gz)?$`)

// maxEntries is how many entries an archive may have.
const maxEntries = 100_000

// Logs lists the logs of files and folders, in order of their names, and what was left
// out because it is not called like one. A file that is named is always taken.
func Logs(paths []string) (logs []Log, left []string, err error) {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, nil, err
		}
		if !info.IsDir() {
			l, skipped, err := one(p)
			if err != nil {
				return nil, nil, err
			}
			logs, left = append(logs, l...), append(left, skipped...)
			continue
		}
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case !d.Type().IsRegular():
				return nil // links are not followed
			case strings.HasSuffix(strings.ToLower(name), ".zip"), logName.MatchString(d.Name()):
				l, skipped, err := one(name)
				logs, left = append(logs, l...), append(left, skipped...)
				return err
			}
			left = append(left, filepath.ToSlash(name))
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(logs, func(a, b Log) int { return strings.Compare(a.Path, b.Path) })
	return logs, left, nil
}

func one(name string) ([]Log, []string, error) {
	slashed := filepath.ToSlash(name)
	if !strings.HasSuffix(strings.ToLower(name), ".zip") {
		return []Log{{slashed, func() (io.ReadCloser, error) { return os.Open(name) }}}, nil, nil
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return entries(slashed, &z.Reader) // it stays open: the process reads it once and ends
}

// Packed lists the logs in what somebody handed in: a zip, or one log, packed or not.
func Packed(name string, data []byte) (logs []Log, left []string, err error) {
	if !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return []Log{{name, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}}, nil, nil
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return entries(strings.TrimSuffix(name, ".zip"), z)
}

func entries(archive string, z *zip.Reader) (logs []Log, left []string, err error) {
	if len(z.File) > maxEntries {
		return nil, nil, fmt.Errorf("%s: more than %d files: hunt in parts", archive, maxEntries)
	}
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		switch {
		case f.FileInfo().IsDir():
		case !logName.MatchString(path.Base(name)):
			left = append(left, archive+"/"+name)
		default:
			logs = append(logs, Log{archive + "/" + name, f.Open})
		}
	}
	slices.SortStableFunc(logs, func(a, b Log) int { return strings.Compare(a.Path, b.Path) })
	return logs, left, nil
}

// Identity is what the beginning of a log says of where it was written.
type Identity struct {
	Computer string // s-computername
	Address  string // s-ip
}

// sniffed is how much of a log is looked at to learn whose it is.
const sniffed = 64 << 10

// Identify looks at the beginning of a log.
func (l Log) Identify() (Identity, error) {
	f, err := l.Open()
	if err != nil {
		return Identity{}, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return Identity{}, err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(head))
		if err != nil {
			return Identity{}, err
		}
		if head, err = io.ReadAll(io.LimitReader(z, sniffed)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return Identity{}, err
		}
	}
	return identity(head), nil
}

func identity(head []byte) Identity {
	var id Identity
	var lay layout
	ok := false
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case bytes.HasPrefix(bytes.ToLower(line), []byte("#fields:")):
			var names []string
			for _, n := range bytes.Fields(line[len("#fields:"):]) {
				names = append(names, string(n))
			}
			lay, ok = newLayout(names, nil)
		case !ok || len(line) == 0 || line[0] == '#' || bytes.Count(line, space) != lay.n-1:
		default:
			if at := lay.at[colComputer]; at != absent {
				id.Computer = string(field(line, at))
			}
			if at := lay.at[colAddress]; at != absent && !lay.errors {
				id.Address = clientOf(string(field(line, at)))
			}
			return id
		}
	}
	return id
}
