package fleet

import (
	"net/http"
	"strings"
)

// elsewhere is where a redirecting server sends people: a name that cannot exist.
const elsewhere = "http://elsewhere.invalid/_layouts/15/start.aspx"

// oddly changes an answer by the trait of the server.
func (s *machine) oddly(a answer, path string) answer {
	switch s.trait {
	case TraitCatchAll:
		a.status = http.StatusOK
		a.drop("WWW-Authenticate")
		a.set(contentType, "text/html; charset=utf-8")
		a.body = "<!DOCTYPE html>\n<html><body>Welcome. Please sign in.</body></html>\n"
	case TraitNoHeader:
		a.drop(versionHeader)
	case TraitRedirect:
		a.status = http.StatusFound
		a.set("Location", elsewhere)
		a.body = ""
	case TraitEndless:
		a.manner, a.status = endless, http.StatusOK
		a.body = strings.Repeat("and so on, ", 1024)
	case TraitMalformed:
		a.set("X-Malformed", nasty(TraitTerminal))
	default:
		if nasty := nasty(s.trait); nasty != "" {
			a = s.poison(a, nasty, path)
		}
	}
	return a
}

// nasty is text that does harm to who shows it without care. None of it attacks
// a server.
func nasty(t Trait) string {
	switch t {
	case TraitMarkup:
		return `<script>alert(1)</script><!channel> *bold* [all clear](https://elsewhere.invalid/) ||hidden|| ` + "```"
	case TraitTerminal:
		return "\x1b[2J\x1b[1;32mALL CLEAR\x1b[0m\x1b]0;fixed\x07\r\u202edexif"
	case TraitMention:
		return "@everyone @here <@U000000> <!everyone> <@&1>"
	case TraitFormula:
		return `=cmd()+1,"@SUM(1)","-1"`
	case TraitOverflow:
		return "99999999999999999999.4294967296." + strings.Repeat("9", 4000)
	default:
		return ""
	}
}

// poison puts nasty text wherever a reader looks for a version. What the server
// really says stays in front of it in the header, so that it claims no more than
// it has.
func (s *machine) poison(a answer, nasty, path string) answer {
	visible := strings.Map(func(r rune) rune { // a client refuses other headers; see TraitMalformed
		if r < ' ' {
			return '\u009b' // begins an escape as well
		}
		return r
	}, nasty)
	a.set(versionHeader, threePart(s.header)+visible)
	a.set("Server", visible)
	if a.status == http.StatusOK && strings.HasPrefix(path, "/_vti_pvt/") {
		a.body = strings.Replace(a.body, "SR|", "SR|"+nasty, 2)
		return a
	}
	a.body = nasty + "\n" + a.body
	return a
}

// online answers like a tenant of SharePoint Online.
func (s *machine) online(id, path string) answer {
	switch path {
	case "/_vti_pvt/service.cnf":
		return s.text(id, "vti_encoding:SR|utf8-nl\nvti_extenderversion:SR|"+threePart(s.header)+"\n")
	case "/_vti_pvt/buildversion.cnf":
		return s.text(id, "vti_encoding:SR|utf8-nl\nvti_buildversion:SR|16.0.27306.12004\n")
	case "/":
		a := s.page(id, http.StatusForbidden, "403 FORBIDDEN")
		a.set("X-FORMS_BASED_AUTH_REQUIRED", "https://login.fleet.test/")
		return a
	}
	return s.page(id, http.StatusNotFound, "404 NOT FOUND")
}

// alfresco answers like other software that speaks the protocol of SharePoint.
func (s *machine) alfresco(path string) answer {
	a := answer{status: http.StatusOK, header: [][2]string{
		{"Server", "Apache-Coyote/1.1"},
		{versionHeader, "14.00.0.000"},
		{contentType, "text/html;charset=UTF-8"},
	}}
	if path != "/" {
		a.status, a.body = http.StatusNotFound, "Not found\n"
		return a
	}
	a.body = "<html><head><title>Alfresco</title></head><body>Alfresco Content Services</body></html>\n"
	return a
}
