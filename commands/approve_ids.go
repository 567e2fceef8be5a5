package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// proposalID names a proposal for people to type: what it is about, and a few
// digits over all that makes it different. The same facts make the same id, so a
// request that is run again finds what it made.
func proposalID(letter, about string, facts ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q %q", letter, about, facts)))
	return letter + "-" + idSafe(about) + "-" + hex.EncodeToString(sum[:3])
}

// idSafe is a name as part of a word that nobody needs to quote.
func idSafe(name string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
	return out[:min(len(out), 40)]
}

// approverRole is the least role that may be the second person.
func approverRole(k state.ProposalKind) state.Role {
	if k == state.ProposeConfirm {
		return state.RoleResponder
	}
	return state.RoleLead
}

// mayApprove lists who could be the second person.
func mayApprove(people state.People, k state.ProposalKind, not ...state.PersonID) []string {
	var out []string
	for _, p := range people {
		barred := false
		for _, n := range not {
			barred = barred || n == p.ID
		}
		if !barred && p.Role >= approverRole(k) {
			out = append(out, string(p.ID))
		}
	}
	return out
}

// whoMay says who could be the second person, in a sentence.
func whoMay(people state.People, k state.ProposalKind, not ...state.PersonID) string {
	names := mayApprove(people, k, not...)
	if len(names) == 0 {
		return fmt.Sprintf("Nobody else may approve it now: it takes a second person with the role %s.", approverRole(k))
	}
	return "Who may approve: " + fewOf(names, 5) + "."
}
