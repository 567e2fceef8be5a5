package hunt_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

func TestWhoseALogIsTellsItsFolderItsTextOrItsAddress(t *testing.T) {
	t.Parallel()
	w := hunt.NewWhose([]state.Server{
		{Name: "sp-1.example.org", Addresses: []string{"10.0.0.5"}},
		{Name: "sp-2", Addresses: []string{"10.0.0.6"}},
		{Name: "sp-3", Addresses: []string{"10.0.0.6"}},
	})
	for name, c := range map[string]struct {
		path         string
		id           hunt.Identity
		server, site string
		ok           bool
	}{
		"folder":                        {"/evidence/SP-2/inetpub/logs/LogFiles/W3SVC12/u_ex1.log", hunt.Identity{Computer: "sp-3"}, "sp-2", "W3SVC12", true},
		"short name":                    {"sp-1/w3svc1/u_ex1.log", hunt.Identity{}, "sp-1.example.org", "W3SVC1", true},
		"computer":                      {"logs/u_ex1.log", hunt.Identity{Computer: "SP-3"}, "sp-3", "", true},
		"computer with a domain":        {"logs/u_ex1.log", hunt.Identity{Computer: "sp-2.corp.local"}, "sp-2", "", true},
		"address":                       {"logs/u_ex1.log", hunt.Identity{Address: "10.0.0.5"}, "sp-1.example.org", "", true},
		"address that two have":         {"logs/u_ex1.log", hunt.Identity{Address: "10.0.0.6"}, "10.0.0.6", "", false},
		"file":                          {"logs/sp-2.log", hunt.Identity{}, "sp-2", "", true},
		"nobody":                        {"logs/u_ex1.log", hunt.Identity{}, "(unnamed)", "", false},
		"a folder that nobody knows":    {"other-9/u_ex1.log", hunt.Identity{}, "other-9", "", false},
		"the error log in its folder":   {"sp-2/HTTPERR/httperr1.log", hunt.Identity{}, "sp-2", "HTTPERR", true},
		"a name that only begins alike": {"sp-22/u_ex1.log", hunt.Identity{}, "sp-22", "", false},
	} {
		o, ok := w.Origin(hunt.Log{Path: c.path}, c.id)
		require.Equal(t, c.ok, ok, name)
		require.Equal(t, c.server, o.Server, name)
		require.Equal(t, c.site, o.Site, name)
	}
}

func TestAFolderGivesItsLogsAndNamesWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sp-1/W3SVC1/u_ex250718.log": fields + "2025-07-18 00:00:00 10.0.0.5 GET / - 443 - 1.1.1.1 x - 200 0 0 1\n",
		"sp-1/W3SVC1/readme.md":      "x", "fe/access.log.1.gz": "x", "fe/access.log-20250718": "x", "fe/picture.png": "x",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	logs, left, err := hunt.Logs([]string{dir})
	require.NoError(t, err)
	require.Len(t, logs, 3)
	require.Len(t, left, 2)
	id, err := logs[2].Identify()
	require.NoError(t, err)
	require.Equal(t, hunt.Identity{Address: "10.0.0.5"}, id)
	logs, _, err = hunt.Logs([]string{filepath.Join(dir, "sp-1/W3SVC1/readme.md")})
	require.NoError(t, err)
	require.Len(t, logs, 1, "what is named is taken")
	_, _, err = hunt.Logs([]string{filepath.Join(dir, "nothing")})
	require.Error(t, err)
}

func TestWhatUnpacksToTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(fields))
	for range 64 {
		_, _ = z.Write(bytes.Repeat([]byte{0}, 1<<20))
	}
	require.NoError(t, z.Close())
	h := hunt.New(hunt.Options{Playbook: toolshell(t), Limits: hunt.Limits{Total: 8 << 20}})
	_, err := h.Read(t.Context(), hunt.Origin{Server: "s"}, bytes.NewReader(packed.Bytes()))
	require.ErrorIs(t, err, hunt.ErrTooMuch)
	h = hunt.New(hunt.Options{Playbook: toolshell(t), Limits: hunt.Limits{Bytes: 8 << 20}})
	f, err := h.Read(t.Context(), hunt.Origin{Server: "s"}, bytes.NewReader(packed.Bytes()))
	require.NoError(t, err)
	require.Contains(t, f.Problem, "longer than may be read")
	h = hunt.New(hunt.Options{Playbook: toolshell(t), Limits: hunt.Limits{Servers: 1}})
	_, err = h.Read(t.Context(), hunt.Origin{Server: "a"}, strings.NewReader(""))
	require.NoError(t, err)
	_, err = h.Read(t.Context(), hunt.Origin{Server: "b"}, strings.NewReader(""))
	require.ErrorIs(t, err, hunt.ErrTooMuch)
}

func TestALineWithoutEndIsNotKept(t *testing.T) {
	t.Parallel()
	r := read(t, fields+usual("2025-07-07", "2025-07-08")+"2025-07-08 00:10:00 "+strings.Repeat("x", 5<<20)+"\n"+usual("2025-07-08", "2025-07-09"))
	require.Equal(t, []string{"07-08 00:10 to 07-08 00:10 lines cannot be read"}, gaps(r))
	require.Equal(t, int64(1), r.Files[0].Unreadable)
}
