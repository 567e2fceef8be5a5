package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
)

// handedIn is a word like @report.json or @"my report.json".
var handedIn = regexp.MustCompile(`(^|\s)@("[^"]+"|\S+)`)

// files takes the files out of a line. A word that begins with @ is one when it
// names a file that is there, or looks like nothing else. JSON is left alone.
func (p *Platform) files(line string) (string, []chat.File, error) {
	if !p.opt.Files {
		return line, nil, nil
	}
	head, json := line, ""
	if i := strings.Index(line, " {"); i >= 0 {
		head, json = line[:i], line[i:]
	}
	var files []chat.File
	var failed error
	head = handedIn.ReplaceAllStringFunc(head, func(word string) string {
		name := strings.Trim(strings.TrimSpace(word)[1:], `"`)
		if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, "./\\") {
			return word
		}
		data, err := readFile(name)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%q was not handed in: %w", name, err))
		}
		files = append(files, chat.File{Name: filepath.Base(name), Data: data})
		return ""
	})
	if failed != nil {
		return "", nil, failed
	}
	return strings.TrimSpace(head + json), files, nil
}

// readFile reads a regular file of a bounded size.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, reason(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("it is larger than %s", chat.FileSize(maxFile))
	}
	return data, nil
}

// reason is an error without the path, which the person knows.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Save writes what a message carries into a directory and returns a line for each
// file. The names are ours: what a stranger called a file is not a path. No file
// is written over.
func Save(dir string, m chat.Message) []string {
	var lines []string
	for _, c := range carriedBy(m) {
		path, err := create(dir, c.name, c.data)
		if err != nil {
			lines = append(lines, "not saved: "+Clean(err.Error()))
			continue
		}
		lines = append(lines, "saved as "+Clean(path))
	}
	return lines
}

func (p *Platform) save(m chat.Message) []string {
	switch {
	case p.opt.SaveDir != "":
		return Save(p.opt.SaveDir, m)
	case p.opt.Unsaved != "" && Carries(m):
		return []string{p.opt.Unsaved}
	}
	return nil
}

// Carries reports whether a message has pictures or attachments.
func Carries(m chat.Message) bool { return len(carriedBy(m)) > 0 }

// carried is a picture or an attachment.
type carried struct {
	name string
	data []byte
}

func carriedBy(m chat.Message) []carried {
	var out []carried
	for _, part := range m.Parts {
		switch part := part.(type) {
		case chat.Picture:
			out = append(out, carried{part.Name, part.PNG})
		case chat.Attachment:
			out = append(out, carried{part.Name, part.Data})
		}
	}
	return out
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// mostCopies is how many files of one name there may be.
const mostCopies = 1000

func create(dir, name string, data []byte) (string, error) {
	name = strings.TrimLeft(unsafeInName.ReplaceAllString(name, "_"), "._-")
	if name == "" {
		name = "file"
	}
	ext := filepath.Ext(name)
	if len(ext) > 10 {
		ext = ""
	}
	base := strings.TrimSuffix(name, ext)
	base = base[:min(len(base), 80)]
	for n := range mostCopies {
		path := filepath.Join(dir, base+ext)
		if n > 0 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", base, n, ext))
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(data)
		return path, errors.Join(err, f.Close())
	}
	return "", fmt.Errorf("there are %d files of that name", mostCopies)
}
