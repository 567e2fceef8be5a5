package playbook

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// builtins holds <name>.yaml, the newest revision of each playbook in full, and
// <name>.<revision>.yaml, older ones told by their differences.
//
//go:embed builtin/*.yaml
var builtins embed.FS

// ErrUnknown is wrapped by errors that say that there is no such playbook.
var ErrUnknown = errors.New("no such playbook")

// Builtins lists the names of the playbooks that are built in, sorted.
func Builtins() []string {
	entries, _ := fs.ReadDir(builtins, "builtin") // embedded: it is there
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".yaml"); !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

// Builtin returns the newest revision of a built-in playbook.
func Builtin(name string) (Playbook, error) {
	if !slices.Contains(Builtins(), name) {
		return Playbook{}, unknown(name)
	}
	return embedded(name + ".yaml")
}

// BuiltinRevision returns a built-in playbook as it was at a revision.
func BuiltinRevision(name string, revision int) (Playbook, error) {
	p, err := Builtin(name)
	if err != nil || p.Revision == revision {
		return p, err
	}
	p, err = embedded(fmt.Sprintf("%s.%d.yaml", name, revision))
	if errors.Is(err, fs.ErrNotExist) {
		return Playbook{}, fmt.Errorf("%w as %s at revision %d", ErrUnknown, name, revision)
	}
	return p, err
}

// whole returns a built-in playbook that is told in full, as the base of another revision.
func whole(name string, revision int) (Playbook, error) {
	p, err := Builtin(name)
	if err == nil && p.Revision != revision {
		err = fmt.Errorf("revision %d of %s cannot be a base: revision %d can", revision, name, p.Revision)
	}
	return p, err
}

func unknown(name string) error {
	return fmt.Errorf("%w as %.60q: built in are %s%s", ErrUnknown, name, strings.Join(Builtins(), ", "), suggest(name, Builtins()))
}

// BuiltinSource is the newest revision of a built-in playbook as it is written, for those
// who make one of their own.
func BuiltinSource(name string) ([]byte, error) {
	if !slices.Contains(Builtins(), name) {
		return nil, unknown(name)
	}
	return builtins.ReadFile("builtin/" + name + ".yaml")
}

func embedded(file string) (Playbook, error) {
	data, err := builtins.ReadFile("builtin/" + file)
	if err != nil {
		return Playbook{}, fmt.Errorf("built-in playbook %s: %w", file, err)
	}
	return Parse(data, file)
}

// Load returns a playbook by its name ("toolshell"), by name and revision
// ("toolshell@1"), or the one in a file, whose name has a slash or ends in .yaml or .yml.
// A name that is not built in is looked for as NAME.yaml in the working directory: an
// incident remembers only the name of its playbook, and a scan finds it again there.
func Load(nameOrPath string) (Playbook, error) { return load(".", nameOrPath) }

func load(dir, nameOrPath string) (Playbook, error) {
	if strings.ContainsAny(nameOrPath, `/\`) || strings.HasSuffix(nameOrPath, ".yaml") || strings.HasSuffix(nameOrPath, ".yml") {
		return readFile(nameOrPath)
	}
	name, number, dated := strings.Cut(nameOrPath, "@")
	revision, err := strconv.Atoi(number)
	switch builtin := slices.Contains(Builtins(), name); {
	case dated && err != nil:
		return Playbook{}, fmt.Errorf("%.20q is not a revision: want a number, like %s@1", number, name)
	case builtin && dated:
		return BuiltinRevision(name, revision)
	case builtin:
		return Builtin(name)
	}
	p, err := own(dir, name)
	if err == nil && dated && p.Revision != revision {
		return Playbook{}, fmt.Errorf("%w as %s at revision %d: the file has revision %d", ErrUnknown, name, revision, p.Revision)
	}
	return p, err
}

// ownName is what may be looked for in a directory.
var ownName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,59}$`)

// own reads a playbook that is not built in from the file of its name.
func own(dir, name string) (Playbook, error) {
	if !ownName.MatchString(name) {
		return Playbook{}, unknown(name)
	}
	p, err := readFile(filepath.Join(dir, name+".yaml"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && suggest(name, Builtins()) == "":
		return Playbook{}, fmt.Errorf("%w; there is no file %s.yaml here either", unknown(name), name)
	case errors.Is(err, fs.ErrNotExist):
		return Playbook{}, unknown(name)
	case err == nil && p.Name != name:
		return Playbook{}, fmt.Errorf("the playbook in %s.yaml is called %s", name, p.Name)
	}
	return p, err
}

func readFile(path string) (Playbook, error) {
	f, err := os.Open(path)
	if err != nil {
		return Playbook{}, fmt.Errorf("read playbook: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Playbook{}, fmt.Errorf("read playbook %s: %w", path, err)
	}
	return Parse(data, path)
}
