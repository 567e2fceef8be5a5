package discord

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func TestOnlyWhatIsSignedIsTaken(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, discordfake.Options{Limits: discordfake.Limits{Off: true}}, nil)
	d := &desk{specs: someSpecs(), suggest: func(bot.Question) ([]string, error) { return []string{"sp-01"}, nil }}
	st.runs(t, d)
	require.NoError(t, st.TestSignatures(t.Context()))
	require.Positive(t, st.counts.Of("signature wrong"))
	st.answers(t, d, st.User("lead-1").Runs("responders", "/allclear scan"), "over HTTP")
	require.Equal(t, []string{"sp-01"}, st.User("lead-1").Types("responders", "/allclear scan", "server", "s").Offers())
	require.Zero(t, st.Connected(), "there is no gateway then")

	st.p.opt.Now = func() time.Time { return time.Now().Add(time.Hour) }
	require.Error(t, st.SetEndpoint(t.Context(), ""+st.URL()), "nobody answers there")
	server := httptest.NewServer(st.p.Handler())
	t.Cleanup(server.Close)
	require.Error(t, st.SetEndpoint(t.Context(), server.URL+"/discord/interactions"), "the time is not ours")
	require.Positive(t, st.counts.Of("signature time"))
}

func TestARequestOfNobodyIsRefused(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, discordfake.Options{}, nil)
	for body, want := range map[string]int{"{}": http.StatusUnauthorized, strings.Repeat("x", maxBody+1): http.StatusRequestEntityTooLarge} {
		w := httptest.NewRecorder()
		st.p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/discord/interactions", strings.NewReader(body)))
		require.Equal(t, want, w.Code)
	}
	w := httptest.NewRecorder()
	st.p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/discord/interactions", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}
