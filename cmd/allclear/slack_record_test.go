package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/commands"
)

// record asks for all that the record can tell of the whole story: the board of a past
// moment, the proof of a farm, and the report.
func (p *slackPlay) record() {
	t, ctx := p.t, p.t.Context()
	store := p.stage.app.store
	inc, err := store.Incident(ctx, incidentName)
	require.NoError(t, err)

	for at, want := range map[time.Time]string{inc.Opened.Add(time.Minute): "There were no servers", inc.Clear.At.Add(-time.Hour): "of 60 servers"} {
		board, err := p.say(ctx, "lead-1", "status --at "+at.UTC().Format(time.RFC3339), nil)
		require.NoError(t, err)
		require.Contains(t, fmt.Sprintf("%v", board), want)
	}

	_, raw, err := commands.Prove(ctx, store, incidentName, "extranet", "", p.stage.clock.Now())
	require.NoError(t, err)
	proof, err := commands.VerifyProof(bytes.NewReader(raw))
	require.NoError(t, err)
	require.NotEmpty(t, fmt.Sprint(proof))

	report, err := p.say(ctx, "lead-1", "report", nil)
	require.NoError(t, err)
	var files []string
	for _, part := range report.Parts {
		if f, ok := part.(chat.Attachment); ok {
			files = append(files, f.Name)
			require.NotEmpty(t, f.Data)
		}
	}
	require.NotEmpty(t, files)
}
