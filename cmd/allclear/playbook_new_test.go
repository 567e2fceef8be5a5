package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
)

const records = "../../checks/playbook/testdata/"

// drafts runs playbook new with a fetcher, and returns what it printed.
func drafts(t *testing.T, fetch fetchRecord, args ...string) (out, errs string, err error) {
	t.Helper()
	sys, o, e := piped(t, "")
	cmd := newPlaybookDraft(sys, fetch)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func noFetch(t *testing.T) fetchRecord {
	t.Helper()
	return func(_ context.Context, id string) ([]byte, error) {
		t.Errorf("%s was fetched", id)
		return nil, nil
	}
}

func TestADraftIsWrittenFromAFileAndRefusedUntilItIsFilledIn(t *testing.T) {
	t.Parallel()
	out, errs, err := drafts(t, noFetch(t), "--from-cve", records+"cve/CVE-2025-5777.json", "--kev", records+"kev.json", "--name", "mine")
	require.NoError(t, err)
	require.Contains(t, out, "playbook: mine\n")
	require.Contains(t, out, "fixed: 14.1-43.56")
	require.Contains(t, errs, "A draft with 6 places to fill in.")

	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
	sys, o, e := piped(t, "")
	require.Equal(t, exitFailure, run(t.Context(), []string{"playbook", "check", file}, sys))
	require.Empty(t, o.String())
	require.Equal(t, 6, strings.Count(e.String(), "to be filled in"))
	sys, o, _ = piped(t, "", "ALLCLEAR_DATA="+t.TempDir())
	require.Equal(t, exitFailure, run(t.Context(), []string{"do", "incident", "open", "x", "--playbook", file}, sys), "nor is it worked with")
	require.Contains(t, o.String(), "The playbook is not in order")
}

func TestAnIdIsLookedForInTheDirectoryThatIsGivenAndNowhereElse(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(records + "cve/CVE-2025-5777.json")
	require.NoError(t, err)
	for _, path := range []string{"CVE-2025-5777.json", "2025/5xxx/CVE-2025-5777.json", "cves/2025/5xxx/CVE-2025-5777.json"} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, path), data, 0o600))
		out, _, err := drafts(t, noFetch(t), "--from-cve", "cve-2025-5777", "--cve-dir", dir)
		require.NoError(t, err, path)
		require.Contains(t, out, "playbook: cve-2025-5777\n")
		_, _, err = drafts(t, noFetch(t), "--from-cve", "CVE-2025-12345", "--cve-dir", dir)
		require.ErrorContains(t, err, "has no record of CVE-2025-12345: neither CVE-2025-12345.json nor cves/2025/12xxx/CVE-2025-12345.json")
	}
}

func TestAnIdWithoutADirectoryIsFetchedFromTheOneHost(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(records + "cve/CVE-2025-5777.json")
	require.NoError(t, err)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	t.Cleanup(elsewhere.Close)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/api/cve/") {
		case "CVE-2025-5777", "CVE-2025-0002":
			_, _ = w.Write(data)
		case "CVE-2025-0003":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "CVE-2025-0004":
			_, _ = w.Write(bytes.Repeat([]byte(" "), maxFetched+1))
		case "CVE-2025-0005":
			_, _ = w.Write([]byte("<html>"))
		case "CVE-2025-0006":
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	service := recordService{base: srv.URL + "/api/cve/", client: srv.Client()}
	out, _, err := drafts(t, service.fetch, "--from-cve", "CVE-2025-5777")
	require.NoError(t, err)
	require.Contains(t, out, "fixed: 14.1-43.56")
	for id, want := range map[string]string{
		"CVE-2025-0001": "knows no such record",
		"CVE-2025-0002": "CVE-2025-0002: the record is of CVE-2025-5777",
		"CVE-2025-0003": "answers 302; get the file yourself",
		"CVE-2025-0004": "larger than",
		"CVE-2025-0005": "no CVE record to work with",
		"CVE-2025-0006": "answers 429",
	} {
		out, _, err := drafts(t, service.fetch, "--from-cve", id)
		require.ErrorContains(t, err, want, id)
		require.Empty(t, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = service.fetch(ctx, "CVE-2025-5777")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "https://cveawg.mitre.org/api/cve/", recordHost)
}

func TestWrongInputToPlaybookNewIsNamed(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"no CVE record is given":     nil,
		"no such file":               {"--from-cve", "none.json"},
		"no CVE record to work with": {"--from-cve", records + "kev.json"},
		"kev.json: no":               {"--from-cve", records + "kev.json"},
		"not CISA's catalogue":       {"--from-cve", records + "cve/CVE-2025-5777.json", "--kev", records + "cve/CVE-2025-5777.json"},
		"cannot name a playbook":     {"--from-cve", records + "cve/CVE-2025-5777.json", "--name", "Not A Name"},
		"was given twice":            {"--from-cve", records + "cve/CVE-2025-5777.json", "--from-cve", records + "cve/CVE-2025-5777.json"},
		"unknown flag":               {"--from", "x"},
	} {
		out, _, err := drafts(t, noFetch(t), args...)
		require.ErrorContains(t, err, want)
		require.Empty(t, out)
	}
}

func TestTheSchemaIsPrintedAsItShips(t *testing.T) {
	t.Parallel()
	sys, out, _ := piped(t, "")
	require.Equal(t, exitOK, run(t.Context(), []string{"playbook", "schema"}, sys))
	require.True(t, json.Valid(out.Bytes()))
	require.Equal(t, string(playbook.Schema()), out.String())
}
