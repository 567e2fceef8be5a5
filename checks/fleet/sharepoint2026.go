package fleet

import (
	"net/http"
	"time"
)

// sharePoint2026 is SharePoint farms in July 2026: fixed for ToolShell, and not for
// CVE-2026-50522. Builds are the fix lines of Microsoft's CVE records.
func sharePoint2026() breed {
	return breed{
		campaign: "sharepoint-2026-50522", prefix: "sp", size: 4, kind: "package", second: "package.language",
		epoch: time.Date(2026, 7, 22, 8, 0, 0, 0, time.UTC),
		items: []string{"Central Administration", "Portal"},
		releases: []edition{
			{build: "16.0.10417.20128", fix: "16.0.10417.20175", day: "2026-05-21"},
			{build: "16.0.5552.1002", fix: "16.0.5561.1001", day: "2026-05-21"},
			{build: "16.0.19725.20280", fix: "16.0.19725.20434", day: "2026-05-21"},
			{build: "16.0.5561.1001", fix: "16.0.5561.1001", day: "2026-07-14"},
			{build: "16.0.18526.20508", fix: "16.0.19725.20434", day: "2025-07-21"},
			{build: "16.0.10417.20175", fix: "16.0.10417.20175", day: "2026-07-14"},
			{build: "16.0.5513.1001", fix: "16.0.5561.1001", day: "2025-07-21"},
			{build: "16.0.19725.20434", fix: "16.0.19725.20434", day: "2026-07-14"},
		},
		traits: []Trait{TraitNoHeader, TraitStaleHeader, TraitCatchAll, TraitMarkup, TraitResets, TraitOverflow, TraitRedirect, TraitFormula, TraitEndless, TraitMalformed, TraitHangs},
		answer: sharePoint2026Answer,
		// Keys outlive the update: new ones count after it, and after IIS took them.
		stolen: func(c *camp, b *box) bool {
			safe, ok := c.safeSince()
			if !ok {
				return true
			}
			restarted := last(b.deeds, "", "restart", "restarted")
			for _, item := range b.breed.items {
				rotated := last(c.deeds, item, "rotation", "rotated")
				if !rotated.After(safe) || !restarted.After(rotated) {
					return true
				}
			}
			return false
		},
	}
}

func sharePoint2026Answer(b *box, q question) answer {
	a := answer{status: http.StatusNotFound, body: "404 NOT FOUND\n"}
	a.set("Server", "Microsoft-IIS/10.0")
	a.set("X-AspNet-Version", "4.0.30319")
	a.set("X-SharePointHealthScore", "0")
	a.set(contentType, "text/html; charset=utf-8")
	if b.trait != TraitNoHeader {
		a.set(versionHeader, threePart(b.shown))
	}
	switch q.path {
	case "/":
		a.status, a.body = http.StatusUnauthorized, "401 UNAUTHORIZED\n"
		a.set("WWW-Authenticate", "NTLM")
	case "/_vti_pvt/service.cnf":
		if a.status, a.body = http.StatusUnauthorized, "401 UNAUTHORIZED\n"; b.open && b.trait != TraitNoHeader {
			a.status, a.body = http.StatusOK, "vti_encoding:SR|utf8-nl\nvti_extenderversion:SR|"+threePart(b.shown)+"\n"
			a.set(contentType, "text/plain")
		}
	}
	return a
}
