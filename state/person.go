package state

import (
	"fmt"
	"slices"
	"strings"
)

// PersonID identifies a human across platforms ("lead-1"). It comes from
// configuration or from a lead, never from a display name.
type PersonID string

// Role is what a person may do. The zero value may only look.
type Role uint8

// The roles; each may do what the ones before it may.
const (
	RoleViewer Role = iota
	RoleResponder
	RoleLead
)

var roleNames = []string{"viewer", "responder", "lead"}

func (r Role) String() string { return nameOf(roleNames, int(r)) }

// MarshalText makes a role its word in JSON.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word.
func (r *Role) UnmarshalText(b []byte) error {
	i, err := indexOf(roleNames, "role", string(b))
	*r = Role(i)
	return err
}

// Person is a human and the platform identities that are linked to them.
type Person struct {
	ID   PersonID `json:"id"`
	Name string   `json:"name"` // how messages call them
	Role Role     `json:"role"`
	// Links are identities proved by a platform: "slack:T1:U123", "console:USER".
	Links []string `json:"links,omitempty"`
	// Owns are the owners of the inventory for whom they act. An owner that is
	// called like a person is that person.
	Owns []string `json:"owns,omitempty"`
	// Zone is where they live, by its IANA name; "": where the incident is.
	Zone string `json:"zone,omitempty"`
	// Quiet are hours in which they are not reminded, like "22:00-07:00", in their zone.
	Quiet string `json:"quiet,omitempty"`
}

// OwnerNames are the names by which the inventory may call a person.
func (p Person) OwnerNames() []string { return append([]string{string(p.ID)}, p.Owns...) }

// ByOwner finds who acts for an owner of the inventory.
func (p People) ByOwner(owner string) (Person, bool) {
	i := slices.IndexFunc(p, func(x Person) bool { return slices.Contains(x.Owns, owner) })
	if i < 0 {
		return p.ByID(PersonID(owner))
	}
	return p[i], true
}

// People is the directory of persons. It is small and held in memory.
type People []Person

// ByLink finds who a platform identity belongs to. An identity that is linked to
// nobody is a stranger: a viewer with no name, who can never be one of two persons.
func (p People) ByLink(link string) (Person, bool) {
	i := slices.IndexFunc(p, func(x Person) bool { return slices.Contains(x.Links, link) })
	if i < 0 {
		return Person{}, false
	}
	return p[i], true
}

// ByID finds a person.
func (p People) ByID(id PersonID) (Person, bool) {
	i := slices.IndexFunc(p, func(x Person) bool { return x.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return p[i], true
}

// PersonOf is who an identity is when no person is linked to it: the identity
// itself. A platform's user group gives it a role.
func PersonOf(link string) PersonID { return PersonID(link) }

// Distinct reports whether two persons are surely two humans. Persons of the
// configuration are: whoever wrote it says so. An identity that is linked to none
// of them could be anybody who is known by another name; of two identities of the
// same workspace it is known that they are two. The identities by which the persons
// came may be empty.
func Distinct(a PersonID, viaA string, b PersonID, viaB string) bool {
	switch {
	case a == b || a == "" || b == "":
		return false
	case !a.unlinked() && !b.unlinked():
		return true
	}
	wa, wb := workspaceOf(viaA), workspaceOf(viaB)
	return wa != "" && wa == wb && viaA != viaB
}

// unlinked reports whether a person is an identity that nobody was linked to.
func (id PersonID) unlinked() bool { return strings.Contains(string(id), ":") }

// workspaceOf is the part of an identity that is the same for everybody in a
// workspace: "slack:T1" of "slack:T1:U2". It is empty for an identity without one.
func workspaceOf(link string) string {
	i := strings.LastIndexByte(link, ':')
	if i < 0 || !strings.Contains(link[:i], ":") {
		return ""
	}
	return link[:i]
}

// Validate refuses a directory in which an id or an identity is used twice:
// that would let one human count as two.
func (p People) Validate() error {
	ids, links, owners := map[PersonID]bool{}, map[string]PersonID{}, map[string]PersonID{}
	for _, x := range p {
		id := PersonID(strings.ToLower(strings.TrimSpace(string(x.ID))))
		if id == "" || ids[id] {
			return fmt.Errorf("person id %q is empty or used twice", x.ID)
		}
		if id.unlinked() {
			return fmt.Errorf("person id %q has a colon in it, as identities have", x.ID)
		}
		ids[id] = true
		for _, o := range x.Owns {
			if first, ok := owners[o]; ok || o == "" {
				return fmt.Errorf("owner %q is empty, or given to both %q and %q", o, first, x.ID)
			}
			owners[o] = x.ID
		}
		for _, l := range x.Links {
			if l == "" || l != strings.TrimSpace(l) {
				return fmt.Errorf("identity %q of %q is empty, or begins or ends with a space", l, x.ID)
			}
			if o, ok := links[l]; ok {
				return fmt.Errorf("identity %q is linked to both %q and %q", l, o, x.ID)
			}
			links[l] = x.ID
		}
	}
	return nil
}
