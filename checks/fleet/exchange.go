package fleet

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// exchange is Exchange servers, alone or in groups. Builds are those of Microsoft's
// table; a cumulative update without a security update moves to a later one.
func exchange() breed {
	return breed{
		campaign: "proxynotshell", prefix: "ex", size: 4, kind: "package",
		epoch: time.Date(2022, 11, 10, 8, 0, 0, 0, time.UTC),
		releases: []edition{
			{build: "15.2.1118.15", fix: "15.2.1118.20", day: "2022-10-11"},
			{build: "15.1.2507.13", fix: "15.1.2507.16", day: "2022-10-11"},
			{build: "15.2.1118.20", fix: "15.2.1118.20", day: "2022-11-08"},
			{build: "15.0.1497.42", fix: "15.0.1497.44", day: "2022-10-11"},
			{build: "15.1.2375.32", fix: "15.1.2375.37", day: "2022-10-11"},
			{build: "15.1.2308.27", fix: "15.1.2507.16", day: "2022-03-08"},
			{build: "15.1.2507.16", fix: "15.1.2507.16", day: "2022-11-08"},
			{build: "15.2.986.30", fix: "15.2.986.36", day: "2022-10-11"},
			{build: "15.2.922.27", fix: "15.2.1118.20", day: "2022-03-08"},
			{build: "15.2.986.36", fix: "15.2.986.36", day: "2022-11-08"},
			{build: "15.1.2375.37", fix: "15.1.2375.37", day: "2022-11-08"},
			{build: "15.0.1497.44", fix: "15.0.1497.44", day: "2022-11-08"},
		},
		traits: []Trait{
			TraitPathOnly, TraitNoHeader, TraitStaleHeader, TraitCatchAll, TraitResets, TraitMarkup, TraitRedirect, TraitOverflow, TraitEndless, TraitMention, TraitMalformed, TraitHangs,
		},
		answer: exchangeAnswer,
		stolen: func(*camp, *box) bool { return false }, // what a user's password opens is not the server's
	}
}

// exportTool is where Exchange hands out a tool whose manifest has its build.
const exportTool = "/ecp/current/exporttool/microsoft.exchange.ediscovery.exporttool.application"

func exchangeAnswer(b *box, q question) answer {
	a := answer{status: http.StatusNotFound, body: "<html><body>404 - File or directory not found.</body></html>\n"}
	a.set("Server", "Microsoft-IIS/10.0")
	a.set("X-FEServer", strings.ToUpper(b.name))
	a.set("X-Powered-By", "ASP.NET")
	a.set(contentType, "text/html; charset=utf-8")
	build := b.shown.String()
	version := func() {
		if b.trait != TraitPathOnly && b.trait != TraitNoHeader {
			a.set("X-OWA-Version", build)
		}
	}
	switch q.path {
	case "/":
		a.status, a.body = http.StatusFound, ""
		a.set("Location", q.base+"/owa/")
	case "/owa/":
		a.status, a.body = http.StatusFound, ""
		a.set("Location", q.base+"/owa/auth/logon.aspx?url="+url.QueryEscape(q.base+"/owa/")+"&reason=0")
		version()
	case "/owa/auth/logon.aspx":
		a.status, a.body = http.StatusOK, signIn(b, build)
	case exportTool:
		if b.open && b.trait != TraitPathOnly && b.trait != TraitNoHeader {
			a.status = http.StatusOK
			a.set(contentType, "application/x-ms-application")
			a.body = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<asmv1:assembly manifestVersion=\"1.0\">\n"+
				"  <assemblyIdentity name=\"microsoft.exchange.ediscovery.exporttool.application\" version=\"%s\" language=\"neutral\" />\n"+
				"  <dependentAssembly><assemblyIdentity name=\"Microsoft.Windows.CommonLanguageRuntime\" version=\"4.0.30319.0\" /></dependentAssembly>\n</asmv1:assembly>\n", build)
		}
	case "/ews/exchange.asmx", "/autodiscover/autodiscover.xml", "/mapi/":
		a.status, a.body = http.StatusUnauthorized, ""
		a.set("WWW-Authenticate", "Negotiate")
		version()
	}
	return a
}

// signIn is the sign-in page: its links have three numbers of the build.
func signIn(b *box, build string) string {
	three := build[:strings.LastIndexByte(build, '.')]
	if b.trait == TraitNoHeader {
		three = "" // a proxy shows a page of its own
	}
	page := "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.0 Transitional//EN\">\n<html><head>\n<title>Outlook</title>\n"
	if three != "" {
		page += fmt.Sprintf("<link rel=\"shortcut icon\" href=\"/owa/auth/%[1]s/themes/resources/favicon.ico\" type=\"image/x-icon\">\n"+
			"<style>@font-face { font-family: \"wf_segoe-ui_normal\"; src: url(\"/owa/auth/%[1]s/themes/resources/segoeui-regular.ttf\") format(\"truetype\"); }</style>\n", three)
	}
	return page + "</head><body class=\"signInBg\">make-believe: nobody signs in here</body></html>\n"
}
