package fleet

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"time"
)

// netScaler is pairs and clusters of NetScaler appliances. Builds and stamps are
// those of github.com/fox-it/citrix-netscaler-triage; a build that gets no update
// moves to 14.1.
func netScaler() breed {
	return breed{
		campaign: "citrixbleed2", prefix: "ns", size: 3, kind: "firmware",
		epoch: time.Date(2025, 7, 12, 8, 0, 0, 0, time.UTC),
		releases: []edition{
			{build: "14.1-43.50", fix: "14.1-43.56", day: "2025-02-21", detail: 1740156084},
			{build: "13.1-58.21", fix: "13.1-58.32", day: "2025-04-08", detail: 1744121299},
			{build: "14.1-43.56", fix: "14.1-43.56", day: "2025-06-17", detail: 1749552827},
			{build: "13.1-37.232", fix: "13.1-37.235", day: "2025-04-01", detail: 1743497009},
			{build: "13.0-92.31", fix: "14.1-43.56", day: "2024-07-08", detail: 1720464791},
			{build: "13.1-58.32", fix: "13.1-58.32", day: "2025-06-17", detail: 1749588747},
			{build: "12.1-55.325", fix: "12.1-55.328", day: "2025-02-18", detail: 1739840877},
			{build: "14.1-47.46", fix: "14.1-47.46", day: "2025-06-07", detail: 1749304395},
			{build: "12.1-65.39", fix: "14.1-43.56", day: "2023-12-18", detail: 1702908964},
			{build: "13.1-37.235", fix: "13.1-37.235", day: "2025-06-17", detail: 1749572802},
			{build: "14.1-25.56", fix: "14.1-43.56", day: "2024-07-04", detail: 1720110688},
			{build: "12.1-55.328", fix: "12.1-55.328", day: "2025-06-17", detail: 1750134083},
		},
		traits: []Trait{
			TraitUnlisted, TraitNoHeader, TraitRepacked, TraitCatchAll, TraitNameless, TraitResets, TraitMarkup, TraitEndless, TraitRedirect, TraitTerminal, TraitMalformed, TraitHangs,
		},
		answer: netScalerAnswer,
		// A session outlives the update; it ends for good only when no node hands out new ones.
		stolen: func(c *camp, _ *box) bool {
			safe, ok := c.safeSince()
			return !ok || !last(c.deeds, "", "sessions.ica", "killed").After(safe) || !last(c.deeds, "", "sessions.pcoip", "killed").After(safe)
		},
	}
}

// stampedFile is where a NetScaler shows which build packed it.
const stampedFile = "/vpn/js/rdx/core/lang/rdx_en.json.gz"

func netScalerAnswer(b *box, q question) answer {
	a := answer{status: http.StatusNotFound, body: "<html><body>Not Found</body></html>\n"}
	a.set("X-Frame-Options", "SAMEORIGIN")
	a.set(contentType, "text/html; charset=utf-8")
	switch q.path {
	case "/":
		a.status, a.body = http.StatusFound, ""
		a.set("Location", "/vpn/index.html")
	case "/vpn/index.html":
		a.status, a.body = http.StatusOK, "<!DOCTYPE html>\n<html><head><title>NetScaler AAA</title></head><body></body></html>\n"
	case stampedFile:
		if b.trait != TraitNoHeader { // it does not serve the VPN page
			a.status, a.body = http.StatusOK, b.packedFile()
			a.set(contentType, "application/x-gzip")
		}
	}
	return a
}

// packedFile is the gzip file with the stamp of the build.
func (b *box) packedFile() string {
	ed, _ := b.breed.edition(b.shown)
	name, stamp := "rdx_en.json", int64(ed.detail)
	switch b.trait {
	case TraitUnlisted:
		stamp += 17
	case TraitRepacked:
		name, stamp = "", 1752000000
	case TraitNameless:
		return "\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03" + strings.Repeat("rdx_en.json", 2000)
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Name, w.ModTime = name, time.Unix(stamp, 0)
	_, _ = w.Write([]byte(`{"make-believe":"texts of the sign-in page"}`)) // into memory: it cannot fail
	_ = w.Close()
	return buf.String()
}
