package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestAnAnswerThatWasLostIsFoundAndNotPostedAgain(t *testing.T) {
	t.Parallel()
	for name, dedupe := range map[string]bool{"Slack knows the id": true, "Slack does not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{NoDedupe: !dedupe}, nil)
			st.NextCalls("chat.postMessage", 1, slackfake.LostAnswer())
			_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("once")), "k")
			require.Error(t, err)
			require.False(t, classifiedAs(err), "it is not known whether it arrived")
			for i := range 30 {
				_, err = st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("other")), "other "+number(i))
				require.NoError(t, err)
			}
			id, ok, err := st.restarted(t).Find(t.Context(), incidentPlace(), "k")
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, st.Messages("incident")[0].TS, id)
		})
	}
}

// classifiedAs reports whether an error says that nothing was posted.
func classifiedAs(err error) bool {
	return isPermanent(err) || isPace(err)
}

// restarted is the platform after a crash: it remembers nothing.
func (st *stage) restarted(t *testing.T) *Platform {
	t.Helper()
	return st.platform(t, st.opt)
}

func TestAMessageFarBackIsFound(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("old")), "k")
	require.NoError(t, err)
	for i := range 450 {
		st.User("lead-1").Says("incident", "talk "+number(i))
	}
	found, ok, err := st.p.Find(t.Context(), incidentPlace(), "k")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, id, found)
	require.Len(t, st.called(t, 3, "conversations.history"), 3)
}

func TestMetadataOfOthersAreNotOurs(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("ours")), "k")
	require.NoError(t, err)
	for _, key := range []string{"", "k-other", hashOf("k")} {
		_, ok, err := st.p.Find(t.Context(), incidentPlace(), key)
		require.NoError(t, err)
		require.False(t, ok, key)
	}
}

func TestAMessageThatSlackSawAndNobodyFindsIsPostedAsANewOne(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("gone")), "k")
	require.NoError(t, err)
	_, _, err = st.p.api.DeleteMessageContext(t.Context(), slackfake.Incident, id)
	require.NoError(t, err)
	again, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("gone")), "k")
	require.NoError(t, err)
	require.NotEqual(t, id, again)
	require.Len(t, st.Messages("incident"), 1)
}

func TestInAThreadTheLastHourIsLookedAtFirstAndThenWhatWasBefore(t *testing.T) {
	t.Parallel()
	st, waits := aged(t, nil)
	root, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("root")), "root")
	require.NoError(t, err)
	place := incidentPlace()
	place.Thread = root
	id, err := st.p.Post(t.Context(), place, chat.Say(chat.P("x")), "k")
	require.NoError(t, err)
	for _, calls := range []int{1, 2} {
		before := len(st.Calls("conversations.replies"))
		got, found, err := st.p.Find(t.Context(), place, "k")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, id, got)
		require.Len(t, st.Calls("conversations.replies"), before+calls)
		require.NotEmpty(t, st.Calls("conversations.replies")[before].Args["oldest"])
		waits(2 * time.Hour)
	}
}
