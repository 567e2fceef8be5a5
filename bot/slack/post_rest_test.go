package slack

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// threeSheets is a message that needs three, with a file.
func threeSheets() chat.Message {
	m := longCode(600)
	m.Add(chat.Attachment{Name: "servers.csv", Data: []byte("name\nsp-01\n")})
	return m
}

func TestALongMessageGoesOnInItsThread(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.NoError(t, err)
	st.Eventually("the file is there", func() bool { return len(st.Messages("incident")) == 4 })
	thread := st.Thread("incident", id)
	require.Len(t, thread, 4)
	require.Contains(t, thread[0].Text, "1 of 3 · it goes on in the thread")
	require.True(t, strings.HasPrefix(thread[1].Text, "2 of 3"))
	require.True(t, strings.HasPrefix(thread[2].Text, "3 of 3"))
	require.Equal(t, "servers.csv", thread[3].Files[0].Title)
	require.Equal(t, "A log (2 of 3)", thread[1].Fallback)
	for i := range 600 {
		require.Equal(t, 1, strings.Count(thread[0].Text+thread[1].Text+thread[2].Text, "line "+number(i)+" "))
	}
	found, ok, err := st.restarted(t).Find(t.Context(), incidentPlace(), "k")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, id, found, "what is found is what is edited and pinned")
}

func TestInAThreadALongMessageGoesOnInTheSameThread(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	head, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("head")), "head")
	require.NoError(t, err)
	place := incidentPlace()
	place.Thread = head
	for _, key := range []string{"k", "k-2"} {
		_, err = st.p.Post(t.Context(), place, longCode(300), key)
		require.NoError(t, err)
		_, ok, err := st.restarted(t).Find(t.Context(), place, key)
		require.NoError(t, err)
		require.True(t, ok)
	}
	require.Len(t, st.Thread("incident", head), 5)
}

// deliver does what an outbox does: what was tried before is looked for, and posted
// when it is not there. Each turn is another process.
func (st *stage) deliver(t *testing.T, place state.Place, m chat.Message, key string, settle func()) (id string, turns int) {
	t.Helper()
	for turns = 1; turns < 20; turns++ {
		p := st.restarted(t)
		if turns > 1 {
			found, ok, err := p.Find(t.Context(), place, key)
			if err != nil {
				continue
			}
			if ok {
				return found, turns
			}
		}
		id, err := p.Post(t.Context(), place, m, key)
		if err == nil {
			return id, turns
		}
		require.False(t, isPermanent(err), err)
		settle()
	}
	require.Fail(t, "it is never delivered")
	return "", turns
}

func TestACrashAtAnyPointDoublesNothingAndLosesNothing(t *testing.T) {
	t.Parallel()
	plain := newStage(t, false, slackfake.Options{}, nil)
	_, err := plain.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.NoError(t, err)
	const calls = 6 // three messages, and a file in three steps
	plain.Eventually("all is called", func() bool { return len(plain.Calls()) == calls })
	for name, fault := range map[string]slackfake.Fault{"before": slackfake.Lost(), "after": slackfake.LostAnswer()} {
		for at := range calls {
			for _, dedupe := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s call %d, Slack knows ids: %t", name, at, dedupe), func(t *testing.T) {
					t.Parallel()
					st := newStage(t, false, slackfake.Options{NoDedupe: !dedupe}, nil)
					if at > 0 {
						st.NextCalls("*", at, slackfake.Fault{})
					}
					st.NextCalls("*", 1, fault)
					// A file is shared a little after Slack said so. Who looks before is not told, and
					// shares it again: that is the one thing that may be doubled.
					settle := func() {
						if name == "after" && at == calls-1 {
							st.Eventually("the file is shared", func() bool {
								return slices.ContainsFunc(st.All(), func(m slackfake.Message) bool { return len(m.Files) > 0 })
							})
						}
					}
					id, _ := st.deliver(t, incidentPlace(), threeSheets(), "k", settle)
					st.Eventually("all is there", func() bool { return len(st.Messages("incident")) >= 4 })
					thread := st.Thread("incident", id)
					require.Len(t, thread, 4)
					require.Len(t, st.Messages("incident"), 4)
					for i, begins := range []string{"A log", "2 of 3", "3 of 3"} {
						require.True(t, strings.HasPrefix(thread[i].Text, begins), "%d: %.40q", i, thread[i].Text)
					}
					require.Len(t, thread[3].Files, 1)
				})
			}
		}
	}
}

func TestTheSameProcessGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{NoDedupe: true}, nil)
	st.NextCalls("*", 2, slackfake.Fault{})
	st.NextCalls("*", 1, slackfake.ServerError())
	_, err := st.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.ErrorContains(t, err, "there in part")
	require.False(t, classifiedAs(err), "something was posted")
	id, err := st.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.NoError(t, err)
	st.Eventually("all is there", func() bool { return len(st.Messages("incident")) == 4 })
	require.Len(t, st.Thread("incident", id), 4)
}

func TestWhatWasBegunAndTakenAwayIsPostedAnew(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("*", 1, slackfake.Fault{})
	st.NextCalls("*", 1, slackfake.ServerError())
	_, err := st.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.Error(t, err)
	_, _, err = st.p.api.DeleteMessageContext(t.Context(), slackfake.Incident, st.In("incident").Last().TS)
	require.NoError(t, err)
	id, err := st.p.Post(t.Context(), incidentPlace(), threeSheets(), "k")
	require.NoError(t, err)
	st.Eventually("all is there", func() bool { return len(st.Messages("incident")) == 4 })
	require.Len(t, st.Thread("incident", id), 4)
}

func TestAnEditChangesHowManyMessagesItNeeds(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"the same process": false, "another process each time": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			p := st.p
			id, err := p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("short")), "k")
			require.NoError(t, err)
			st.User("lead-1").Says("incident", "a word in the channel")
			for i, lines := range []int{300, 600, 1, 300, 0, 900, 0, 600} {
				if again {
					p = st.restarted(t)
				}
				require.NoError(t, p.Edit(t.Context(), incidentPlace(), id, longCode(lines), "k-"+number(i)))
				want := max(1, len(render(longCode(lines), channelSetting()).sheets))
				thread := slices.DeleteFunc(st.Thread("incident", id), func(m slackfake.Message) bool { return len(m.Files) > 0 })
				require.Len(t, thread, want, "%d lines", lines)
				for n := range thread[1:] {
					require.True(t, strings.HasPrefix(thread[n+1].Text, fmt.Sprintf("%d of %d", n+2, want)), "%.40q", thread[n+1].Text)
				}
			}
			require.Equal(t, id, st.Messages("incident")[0].TS)
		})
	}
}

func TestAnEditTakesAwayTheFilesThatBelongToAMessageNoMore(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	with := func(version, file string) chat.Message {
		m := chat.Say(chat.P(version))
		if file != "" {
			m.Add(chat.Attachment{Name: "indicators.csv", Data: []byte(file)})
		}
		return m
	}
	files := func() (out []string) {
		for _, m := range st.Messages("incident") {
			for _, f := range m.Files {
				out = append(out, string(f.Data))
			}
		}
		return out
	}
	id, err := st.p.Post(t.Context(), incidentPlace(), with("one", "old"), "k")
	require.NoError(t, err)
	st.Eventually("the file is there", func() bool { return len(files()) == 1 })
	require.NoError(t, st.restarted(t).Edit(t.Context(), incidentPlace(), id, with("two", "new"), "k-2"))
	st.Eventually("only the new one is", func() bool { return slices.Equal(files(), []string{"new"}) })
	st.NextCalls("files.delete", 1, slackfake.ServerError())
	require.ErrorContains(t, st.p.Edit(t.Context(), incidentPlace(), id, with("struck", ""), "k-3"), "there in part")
	require.NoError(t, st.restarted(t).Edit(t.Context(), incidentPlace(), id, with("struck", ""), "k-3"))
	require.Empty(t, files())
	require.Len(t, st.Messages("incident"), 1)
}

func TestAFileThatCannotBeTakenAwayHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"cant_delete_file", "missing_scope"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			m := longCode(1)
			m.Add(chat.Attachment{Name: "one.csv", Data: []byte("one")}, chat.Attachment{Name: "two.csv", Data: []byte("two")})
			id, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
			require.NoError(t, err)
			st.Eventually("the files are there", func() bool { return len(st.Messages("incident")) == 3 })
			st.NextCalls("files.delete", 1, slackfake.Fault{Error: word})
			err = st.restarted(t).Edit(t.Context(), incidentPlace(), id, threeSheets(), "k-2")
			require.ErrorContains(t, err, "take a file away, which is still there: "+word)
			require.False(t, isPermanent(err), "it would be posted anew")
			st.Eventually("the rest is there", func() bool { return len(st.Messages("incident")) == 5 })
			var files []string
			for _, m := range st.Messages("incident") {
				for _, f := range m.Files {
					files = append(files, f.Title)
				}
			}
			require.Len(t, files, 2, "the new one, and that which cannot be taken away")
			require.Contains(t, files, "servers.csv")
			require.NoError(t, st.restarted(t).Edit(t.Context(), incidentPlace(), id, threeSheets(), "k-2"))
			require.Len(t, st.Messages("incident"), 4, "it is taken away when it can be")
		})
	}
}

func TestAnEditThatBreaksOffIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for at := range 5 {
		t.Run(number(at), func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{NoDedupe: true}, nil)
			id, err := st.p.Post(t.Context(), incidentPlace(), longCode(300), "k")
			require.NoError(t, err)
			if at > 0 {
				st.NextCalls("*", at, slackfake.Fault{})
			}
			st.NextCalls("*", 1, slackfake.HalfDone())
			err = st.restarted(t).Edit(t.Context(), incidentPlace(), id, longCode(600), "k-2")
			require.Error(t, err)
			require.False(t, isPermanent(err), "it would be posted anew")
			require.NoError(t, st.restarted(t).Edit(t.Context(), incidentPlace(), id, longCode(600), "k-2"))
			require.Len(t, st.Messages("incident"), 3)
		})
	}
}

func TestReplicasThatEditInTurnLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	one, other := st.p, st.restarted(t)
	id, err := one.Post(t.Context(), incidentPlace(), longCode(1), "k")
	require.NoError(t, err)
	require.NoError(t, one.Edit(t.Context(), incidentPlace(), id, longCode(2), "k-2"))
	require.NoError(t, other.Edit(t.Context(), incidentPlace(), id, longCode(600), "k-3"))
	require.Len(t, st.Messages("incident"), 3)
	require.NoError(t, one.Edit(t.Context(), incidentPlace(), id, longCode(3), "k-4"))
	require.Len(t, st.Messages("incident"), 1)
	_, ok, err := one.Find(t.Context(), incidentPlace(), "k")
	require.NoError(t, err)
	require.False(t, ok, "it says that there was more; Post would make it whole")
	again, err := one.Post(t.Context(), incidentPlace(), longCode(3), "k")
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.Len(t, st.Messages("incident"), 1)
}

func TestAFileThatSlackDoesNotTakeIsSaidInTheThread(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		call  string
		fault slackfake.Fault
		why   string
	}{
		{"files.getUploadURLExternal", slackfake.Fault{Error: "file_uploads_disabled"}, "file_uploads_disabled"},
		{"files.getUploadURLExternal", slackfake.Fault{Error: "missing_scope"}, "missing_scope"},
		{"files.completeUploadExternal", slackfake.Fault{Error: "something_new"}, "something_new"},
		{"upload", slackfake.Fault{Status: http.StatusForbidden}, "HTTP status 403"},
	} {
		t.Run(fault.call+" "+fault.why, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			st.NextCalls(fault.call, -1, fault.fault)
			aFileIsSaidToBeMissing(t, st, fault.why)
		})
	}
}

func aFileIsSaidToBeMissing(t *testing.T, st *stage, why string) {
	t.Helper()
	m := chat.Say(chat.P("a report"), chat.Attachment{Name: "a<b>.csv", Data: []byte("x")})
	id, err := st.p.Post(t.Context(), incidentPlace(), m, "k")
	require.NoError(t, err, "the message is there")
	thread := st.Thread("incident", id)
	require.Len(t, thread, 2)
	require.Contains(t, thread[1].Text, "A file could not be attached: a<b>.csv (")
	require.Contains(t, thread[1].Text, why)
	_, ok, err := st.restarted(t).Find(t.Context(), incidentPlace(), "k")
	require.NoError(t, err)
	require.True(t, ok, "that is all there will be of it")
	require.NoError(t, st.restarted(t).Edit(t.Context(), incidentPlace(), id, m, "k-2"))
	require.Len(t, st.Thread("incident", id), 2, "it is said once")
}

func TestAThreadThatTakesNoMoreCutsTheMessageShort(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("chat.postMessage", 1, slackfake.Fault{})
	st.NextCalls("chat.postMessage", -1, slackfake.Fault{Error: "restricted_action_thread_locked"})
	id, err := st.p.Post(t.Context(), incidentPlace(), longCode(300), "k")
	require.NoError(t, err)
	all := st.Messages("incident")
	require.Len(t, all, 1)
	require.Equal(t, id, all[0].TS)
	require.Contains(t, all[0].Text, "This is the beginning; there is no room for all of it here.")
	require.Equal(t, []string{"Next"}, all[0].Buttons())
	require.NoError(t, st.p.Edit(t.Context(), incidentPlace(), id, longCode(300), "k-2"), "it is not posted anew for ever")
}

func TestTheRestWaitsALittleWhenSlackWantsUsToSlowDown(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("chat.postMessage", 1, slackfake.Fault{})
	st.NextCalls("chat.postMessage", 1, slackfake.RateLimited(time.Second))
	_, err := st.p.Post(t.Context(), incidentPlace(), longCode(300), "k")
	require.NoError(t, err)
	require.Len(t, st.Messages("incident"), 2)

	st.NextCalls("chat.postMessage", 1, slackfake.Fault{})
	st.NextCalls("chat.postMessage", 1, slackfake.RateLimited(time.Minute))
	_, err = st.p.Post(t.Context(), incidentPlace(), longCode(300), "k-2")
	require.ErrorContains(t, err, "there in part")
	require.False(t, isPace(err), "something was posted")
}

func TestPinsAreSetOnceAndWhatForbidsThemIsPermanent(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("board")), "k")
	require.NoError(t, err)
	require.NoError(t, st.p.Pin(t.Context(), incidentPlace(), id))
	require.NoError(t, st.p.Pin(t.Context(), incidentPlace(), id), "it is there already")
	require.Len(t, st.Pins("incident"), 1)
	require.True(t, isPermanent(st.p.Pin(t.Context(), incidentPlace(), "home")))
	require.True(t, isPermanent(st.p.Pin(t.Context(), incidentPlace(), "1234567890.000001")))
	st.Grant("chat:write")
	require.True(t, isPermanent(st.p.Pin(t.Context(), incidentPlace(), id)), "a scope is missing")
	st.NextCalls("pins.add", 1, slackfake.RateLimited(time.Minute))
	require.True(t, isPace(st.p.Pin(t.Context(), incidentPlace(), id)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, st.p.Pin(ctx, incidentPlace(), id), context.Canceled)
}
