package hunt_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

// FuzzLog reads anything as a log. Whatever it is, it ends, and what it calls clean lies
// between lines that it could read, and holds nothing that it found.
func FuzzLog(f *testing.F) {
	p := toolshell(f)
	f.Add([]byte(fields + usual("2025-07-07", "2025-07-07") + exploit("2025-07-07 00:10:00", "198.51.100.7", 200) + usual("2025-07-07", "2025-07-07")))
	f.Add([]byte("#Fields: time cs-uri-stem\n00:00:00 /spinstall0.aspx\n#Date: 2025-07-18 00:00:00\n00:00:01 /%75spinstall0.aspx"))
	f.Add([]byte(`198.51.100.7 - - [18/Jul/2025:20:04:05 +0200] "POST /_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx HTTP/1.1" 200 77 "/_layouts/SignOut.aspx" "x"`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Add([]byte("#Fields: date time cs-uri-stem c-ip\n2025-07-07 00:00:00 /spinstall0.aspx 96.9.125.147\n\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := hunt.New(hunt.Options{Playbook: p, Now: time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC), Limits: hunt.Limits{Bytes: 1 << 20}})
		_, err := h.Read(t.Context(), hunt.Origin{Server: "s", Site: "1", Name: "x"}, bytes.NewReader(data))
		require.NoError(t, err)
		r := h.Report("s", time.Time{})
		for _, c := range r.Clean {
			require.False(t, c.To.Before(c.From))
			require.False(t, c.To.After(r.Last))
			for _, tr := range r.Traffic {
				if tr.Value != state.AttackAttempt && tr.Value != state.AttackContact {
					require.False(t, tr.First.After(c.From) && tr.First.Before(c.To), "%v in %v", tr, c)
				}
			}
		}
		for _, e := range r.Evidence() {
			require.LessOrEqual(t, len(e.Detail), state.MaxValue)
			require.False(t, e.Observed.IsZero() || e.At.After(e.Observed) || e.To.After(e.Observed) || e.To.Before(e.From))
			if e.Kind == state.KindAttack {
				_, ok := hunt.ParseTraffic(e)
				require.True(t, ok, e.Detail)
			}
		}
	})
}

// FuzzTraffic reads any detail of evidence.
func FuzzTraffic(f *testing.F) {
	f.Add(`3x POST "/a b" params "a&b" status 200:3 from 192.0.2.1 +4 agent "x\"y" size 4 front at "f:1"`)
	f.Add(`9x - "" status from`)
	f.Fuzz(func(t *testing.T, detail string) {
		tr, ok := hunt.ParseTraffic(state.Evidence{Kind: state.KindAttack, Tool: "hunt/r/1", Value: "attempt", Detail: detail})
		if !ok || strings.ContainsAny(tr.Method, "\" ") || tr.Method == "" {
			return
		}
		again, ok := hunt.ParseTraffic(tr.Evidence())
		require.True(t, ok)
		require.Equal(t, tr.Text(), again.Text())
	})
}
