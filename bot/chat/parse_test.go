package chat

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOptionsBehindATextAreOptionsAndWhatOnlyLooksLikeOneIsText(t *testing.T) {
	t.Parallel()
	s := Spec{Path: "claim", Args: []Arg{{Name: "server"}, {Name: "note", Rest: true, Optional: true}}, Flags: []Arg{{Name: "incident"}, {Name: "dry-run", Type: Switch}}}
	for line, want := range map[string]map[string]string{
		"sp-1 done at noon --incident ts-1": {"server": "sp-1", "note": "done at noon", "incident": "ts-1"},
		"sp-1 ran psconfig --force":         {"server": "sp-1", "note": "ran psconfig --force"},
		"sp-1 --dry-run done":               {"server": "sp-1", "note": "done", "dry-run": "yes"},
		"sp-1 -- said --incident is odd":    {"server": "sp-1", "note": "said --incident is odd"},
	} {
		words, err := Words(line)
		require.NoError(t, err)
		v, err := Parse(s, words, nil)
		require.NoError(t, err, line)
		require.Equal(t, want, v.words, line)
	}
}
