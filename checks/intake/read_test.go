package intake

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
)

var update = flag.Bool("update", false, "write the golden files")

// header is how SharePoint shows its build, as the built-in playbook has it.
func header() checks.Observer {
	return checks.Observer{
		ID: "header", Method: "GET", Path: "/", Header: "MicrosoftSharePointTeamServices",
		Pattern: regexp.MustCompile(`^([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$`), Parts: []int{0, 1, 3},
		Lookalikes: []checks.Lookalike{{Pattern: regexp.MustCompile(`^14\.0+\.0\.0+$`), Name: "Alfresco"}},
	}
}

func options() Options {
	return Options{Observers: []checks.Observer{header()}, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// told is everything that a report says, a line each.
func told(ctx context.Context, data []byte, o Options) string {
	var b strings.Builder
	for f, err := range Read(ctx, bytes.NewReader(data), o) {
		var p *Problem
		switch {
		case errors.As(err, &p):
			fmt.Fprintf(&b, "refused %s\n", p)
		case err != nil:
			fmt.Fprintf(&b, "unreadable: %s\n", err)
		default:
			fmt.Fprintf(&b, "line %d, record %d: %s %s", f.Line, f.Record, f.Source(), f.Says)
			if f.Shows {
				b.WriteString(", shown")
			}
			if f.Bears {
				b.WriteString(", bears")
			}
			fmt.Fprintf(&b, "\n  names %v, hints %v, address %v, port %d, reached %v\n", f.Where.Names, f.Where.Hints, f.Where.Address, f.Where.Port, f.Reached)
			fmt.Fprintf(&b, "  observed %s, build %q, product %q, cves %v\n", f.Observed.Format(time.RFC3339Nano), f.Build, f.Product, f.CVEs)
			fmt.Fprintf(&b, "  %q because %s\n  digest %.12s\n", f.Excerpt, f.Reason, f.Digest)
		}
	}
	return b.String()
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

func TestReportsAsTheirMakersDocumentThem(t *testing.T) {
	t.Parallel()
	table, err := ParseMapping("name=Server,address=IP,finding=Ergebnis,build=Build,time=Gesehen")
	require.NoError(t, err)
	for _, name := range []string{
		"compromised_website.csv", "scan_http_vulnerable.csv", "scan_exchange.csv", "scan_badsecrets.csv", "event4_honeypot_http_scan.csv",
		"shodan_banners.jsonl", "shodan_host.json", "nuclei.jsonl", "nmap.xml", "nessus.nessus", "table.csv",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options()
			if name == "table.csv" {
				o.Map, o.Zone = table, time.FixedZone("", 2*3600)
			}
			got := told(t.Context(), sample(t, name), o)
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			require.Equal(t, string(sample(t, name+".golden")), got)
		})
	}
}
