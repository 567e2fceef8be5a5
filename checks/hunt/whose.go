package hunt

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// Whose tells of which server a log is: by its folder, by the computer's name in it, or
// by the address that it was asked at.
type Whose struct {
	names     map[string]string // in lower case, whole and up to the first dot
	addresses map[string]string // "" when several servers have it
	listed    bool
}

// NewWhose knows the servers of an inventory; without any, folders and logs name them.
func NewWhose(servers []state.Server) *Whose {
	w := &Whose{names: map[string]string{}, addresses: map[string]string{}, listed: len(servers) > 0}
	short := map[string]string{}
	for _, s := range servers {
		w.names[strings.ToLower(s.Name)] = s.Name
		if head, _, ok := strings.Cut(strings.ToLower(s.Name), "."); ok {
			if _, twice := short[head]; twice {
				short[head] = ""
			} else {
				short[head] = s.Name
			}
		}
		for _, a := range s.Addresses {
			if ip, ok := addressOf(a); ok {
				if o, twice := w.addresses[ip.String()]; twice && o != s.Name {
					w.addresses[ip.String()] = ""
				} else {
					w.addresses[ip.String()] = s.Name
				}
			}
		}
	}
	for head, name := range short {
		if _, taken := w.names[head]; !taken && name != "" {
			w.names[head] = name
		}
	}
	return w
}

// siteFolder is how IIS names the folders of its logs.
var siteFolder = regexp.MustCompile(`(?i)^(w3svc[0-9]+|httperr)$`)

// common are folders that name no server.
func common(folder string) bool {
	return slices.Contains([]string{"", ".", "..", "inetpub", "logs", "logfiles", "log", "iis", "c$", "c", "system32", "windows", "var", "tmp", "home"}, strings.ToLower(folder))
}

// Origin says whose log it is. It is not ok when nobody can say; then its Server is what
// the log or its folder calls it.
func (w *Whose) Origin(l Log, id Identity) (o Origin, ok bool) {
	o = Origin{Name: path.Base(l.Path)}
	folders := strings.Split(path.Dir(l.Path), "/")
	slices.Reverse(folders)
	guess := ""
	for _, f := range folders {
		name, known := w.names[strings.ToLower(f)]
		switch {
		case o.Site == "" && siteFolder.MatchString(f):
			o.Site = strings.ToUpper(f)
		case known:
			o.Server = name
		case guess == "" && !common(f):
			guess = f
		}
		if o.Server != "" {
			return o, true
		}
	}
	if name, known := w.names[strings.ToLower(id.Computer)]; known {
		o.Server = name
		return o, true
	}
	if head, _, _ := strings.Cut(strings.ToLower(id.Computer), "."); w.names[head] != "" {
		o.Server = w.names[head]
		return o, true
	}
	if name := w.addresses[id.Address]; name != "" {
		o.Server = name
		return o, true
	}
	if name, known := w.names[strings.ToLower(baseOf(o.Name))]; known {
		o.Server = name
		return o, true
	}
	o.Server = cmp.Or(id.Computer, guess, id.Address, "(unnamed)")
	return o, !w.listed && o.Server != "(unnamed)"
}

// baseOf is a file's name up to its first dot.
func baseOf(name string) string {
	base, _, _ := strings.Cut(name, ".")
	return base
}
