package fleet

import (
	"net/http"
	"strings"
)

// oddly changes an answer by the trait of the server. What is odd about one
// product only is in its own answers.
func (b *box) oddly(a answer) answer {
	switch b.trait {
	case TraitCatchAll:
		a = answer{status: http.StatusOK, body: "<!DOCTYPE html>\n<html><body>Welcome. Please sign in.</body></html>\n"}
		a.set(contentType, "text/html; charset=utf-8")
	case TraitRedirect:
		a = answer{status: http.StatusFound}
		a.set("Location", elsewhere)
	case TraitEndless:
		a.manner, a.status = endless, http.StatusOK
		a.body = strings.Repeat("and so on, ", 1024)
	case TraitMalformed:
		a.set("X-Malformed", nasty(TraitTerminal))
	case TraitMarkup, TraitTerminal, TraitMention, TraitFormula, TraitOverflow:
		a = poisoned(a, nasty(b.trait))
	}
	return a
}

// poisoned puts nasty text where a reader looks for a version: behind what is really
// said in headers, and in front of bodies. It claims no more than before.
func poisoned(a answer, nasty string) answer {
	visible := strings.Map(func(r rune) rune { // a client refuses other headers; see TraitMalformed
		if r < ' ' {
			return '\u009b' // begins an escape as well
		}
		return r
	}, nasty)
	for i := range a.header {
		if strings.Contains(strings.ToLower(a.header[i][0]), "version") || a.header[i][0] == versionHeader {
			a.header[i][1] += visible
		}
	}
	a.set("Server", visible)
	a.body = nasty + "\n" + a.body
	return a
}
