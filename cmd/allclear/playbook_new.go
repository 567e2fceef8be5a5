package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/checks/playbook"
)

const draftHelp = `Write a draft of a playbook from CVE records (JSON 5.x): its products, branches, fixed
builds, dates and references, as far as the records tell them. What a person has to
add is marked "FILL IN", with the reason; the draft does not load before that is done.

  allclear playbook new --from-cve CVE-2025-5777.json --kev kev.json > mine.yaml
  allclear playbook check mine.yaml

An id is looked for in the directory of --cve-dir (flat, or laid out like the CVE list),
and without one it is fetched from cveawg.mitre.org, the CVE Program's own service.
Several --from-cve make one playbook; where they differ, the higher fix line counts.`

// recordHost is the only one that CVE records are fetched from.
const recordHost = "https://cveawg.mitre.org/api/cve/"

// Bounds of fetching a record.
const (
	maxFetched = 4 << 20
	fetchTime  = 30 * time.Second
)

// fetchRecord gets the record of a CVE.
type fetchRecord func(ctx context.Context, id string) ([]byte, error)

func newPlaybookDraft(sys system, fetch fetchRecord) *cobra.Command {
	var d drafting
	d.fetch = fetch
	cmd := &cobra.Command{
		Use: "new --from-cve FILE|ID", Short: "Write a draft of a playbook from CVE records, with what is left to fill in", Long: draftHelp,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c.Context(), sys) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&d.from, "from-cve", nil, "a CVE record in JSON, or an id; may be repeated")
	f.StringVar(&d.kev, "kev", "", "CISA's catalogue in JSON, for due dates")
	f.StringVar(&d.dir, "cve-dir", "", "a directory with CVE records, for ids; then nothing is fetched")
	f.StringVar(&d.name, "name", "", "what the playbook is called; otherwise the first id")
	return cmd
}

func newPlaybookSchema(sys system) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of playbooks, for editors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := sys.Out.Write(playbook.Schema())
			return err
		},
	}
}

// drafting is one call of playbook new.
type drafting struct {
	from           []string
	kev, dir, name string
	fetch          fetchRecord
}

func (d drafting) run(ctx context.Context, sys system) error {
	if len(d.from) == 0 {
		return usage{errors.New("no CVE record is given: --from-cve FILE or --from-cve CVE-2025-53770")}
	}
	kev, err := d.catalogue()
	if err != nil {
		return err
	}
	var records []playbook.CVERecord
	for _, from := range d.from {
		rec, err := d.record(ctx, from)
		if err != nil {
			return err
		}
		records = append(records, rec)
	}
	text, open, err := playbook.Draft(d.name, records, kev)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(sys.Out, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sys.Err, "A draft with %d places to fill in. Save it, and \"allclear playbook check FILE\" lists them.\n", open)
	return err
}

func (d drafting) catalogue() (playbook.KEV, error) {
	if d.kev == "" {
		return playbook.KEV{}, nil
	}
	data, err := readBounded(d.kev)
	if err != nil {
		return playbook.KEV{}, err
	}
	k, err := playbook.ReadKEV(data)
	if err != nil {
		return k, fmt.Errorf("%s: %w", d.kev, err)
	}
	return k, nil
}

var recordID = regexp.MustCompile(`^CVE-([0-9]{4})-([0-9]{4,7})$`)

// record reads the record of a file, or that with an id.
func (d drafting) record(ctx context.Context, from string) (playbook.CVERecord, error) {
	id := strings.ToUpper(from)
	var data []byte
	var err error
	switch {
	case !recordID.MatchString(id):
		data, err = readBounded(from)
	case d.dir != "":
		data, err = recordIn(d.dir, id)
	default:
		data, err = d.fetch(ctx, id)
	}
	if err != nil {
		return playbook.CVERecord{}, err
	}
	rec, err := playbook.ReadCVE(data)
	if err != nil {
		return rec, fmt.Errorf("%s: %w", from, err)
	}
	if recordID.MatchString(id) && rec.ID != id {
		return rec, fmt.Errorf("%s: the record is of %s", from, rec.ID)
	}
	return rec, nil
}

// recordIn finds a record in a directory: flat, or in the folders of the CVE list.
func recordIn(dir, id string) ([]byte, error) {
	m := recordID.FindStringSubmatch(id)
	folder := filepath.Join(m[1], m[2][:len(m[2])-3]+"xxx")
	for _, path := range []string{id + ".json", filepath.Join(folder, id+".json"), filepath.Join("cves", folder, id+".json")} {
		data, err := readBounded(filepath.Join(dir, path))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, fmt.Errorf("%s has no record of %s: neither %s.json nor cves/%s/%s.json", dir, id, id, filepath.ToSlash(folder), id)
}

// readBounded reads a file that is no larger than a record or catalogue can be.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, playbook.MaxRecord+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// recordService fetches records over HTTP.
type recordService struct {
	base   string // in front of the id; "" for the only host that is asked
	client *http.Client
}

// fetch asks for one record. It follows no redirect: another host is not ours to ask.
func (s recordService) fetch(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cmp.Or(s.base, recordHost)+id, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", id, err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if s.client != nil {
		client.Transport = s.client.Transport
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", id, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched+1))
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("fetch %s: %s knows no such record", id, req.URL.Host)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("fetch %s: %s answers %d; get the file yourself, and use --from-cve FILE", id, req.URL.Host, resp.StatusCode)
	case err != nil:
		return nil, fmt.Errorf("fetch %s: %w", id, err)
	case len(data) > maxFetched:
		return nil, fmt.Errorf("fetch %s: the answer is larger than %d bytes", id, maxFetched)
	}
	return data, nil
}
