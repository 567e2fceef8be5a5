package slackfake_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{EnterpriseID: "E0ACME00001"})
	out := done(t, post(t, s, "auth.test", nil))
	require.Equal(t, slackfake.BotUser, out["user_id"])
	require.Equal(t, "E0ACME00001", out["enterprise_id"])
	require.Equal(t, slackfake.TeamID, done(t, form(t, s, "auth.test", nil))["team_id"], "a token in a form is a token")

	refused(t, "not_authed", postAs(t, s, "", "auth.test", nil).body)
	refused(t, "invalid_auth", postAs(t, s, "xoxb-wrong", "auth.test", nil).body)
	refused(t, "not_allowed_token_type", postAs(t, s, s.AppToken(), "auth.test", nil).body)
	refused(t, "not_allowed_token_type", postAs(t, s, s.BotToken(), "apps.connections.open", nil).body)
	refused(t, "not_authed", postAs(t, s, "", "auth.test", object{"token": s.BotToken()}).body)
	for _, word := range []string{"token_revoked", "account_inactive"} {
		s.RevokeTokens(word)
		refused(t, word, post(t, s, "auth.test", nil))
	}
	s.RevokeTokens("")
	done(t, post(t, s, "auth.test", nil))
}

func TestEveryMethodDemandsItsScope(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Scopes: []string{"commands"}})
	s.Allow(slackfake.Ignored)
	for method, scope := range map[string]string{
		"chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.delete": "chat:write", "chat.postEphemeral": "chat:write",
		"chat.scheduleMessage": "chat:write", "conversations.history": "channels:history", "conversations.replies": "channels:history",
		"conversations.info": "channels:read", "conversations.list": "channels:read", "conversations.members": "channels:read",
		"conversations.join": "channels:join", "conversations.open": "im:write", "users.info": "users:read", "users.list": "users:read",
		"users.lookupByEmail": "users:read.email", "usergroups.list": "usergroups:read", "usergroups.users.list": "usergroups:read",
		"pins.add": "pins:write", "pins.remove": "pins:write", "pins.list": "pins:read", "reactions.add": "reactions:write",
		"reactions.get": "reactions:read", "files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write",
		"files.info": "files:read", "files.delete": "files:write", "bots.info": "users:read", "team.info": "team:read",
	} {
		out := form(t, s, method, map[string]string{"channel": slackfake.Incident})
		refused(t, "missing_scope", out)
		require.Equal(t, scope, out["needed"], method)
		require.Equal(t, "commands", out["provided"])
	}
	s.Grant("channels:history")
	refused(t, "missing_scope", form(t, s, "conversations.history", map[string]string{"channel": slackfake.Secret}))
	done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident}))
}

func TestWhatIsMalformedIsRefusedAndComplainedOf(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	refused(t, "unknown_method", post(t, s, "chat.shout", nil))
	require.Equal(t, []slackfake.Kind{slackfake.Unknown}, kinds(s))

	send := func(kind, body string) object {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+"chat.postMessage", bytes.NewBufferString(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+s.BotToken())
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		return do(t, req).body
	}
	refused(t, "invalid_json", send("application/json", "{"))
	refused(t, "json_not_object", send("application/json", "[1]"))
	refused(t, "invalid_post_type", send("application/xml", "<a/>"))
	refused(t, "missing_post_type", send("", "x"))
	refused(t, "invalid_form_data", send("application/x-www-form-urlencoded", "%zz"))

	out := done(t, send("application/json", `{"channel":"`+slackfake.Incident+`","text":"x"}`))
	require.Equal(t, "missing_charset", out["warning"])
	require.Equal(t, object{"warnings": []any{"missing_charset"}}, out["response_metadata"])

	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "thread_td": "1"}))
	require.Contains(t, kinds(s), slackfake.Ignored)
	refused(t, "channel_not_found", post(t, s, "conversations.info", object{"channel": slackfake.Incident}))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL()+"auth.test?token="+s.BotToken(), nil)
	require.NoError(t, err)
	refused(t, "not_authed", do(t, req).body)
	require.Contains(t, kinds(s), slackfake.TokenInURL)

	_ = say(t, s, slackfake.Incident, "my token is "+s.BotToken())
	require.Contains(t, kinds(s), slackfake.Leaked)
	err = s.Close()
	require.ErrorContains(t, err, "chat.shout")
	require.NotContains(t, err.Error(), s.BotToken())
}

func TestPeopleAndGroupsAreFound(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	out := done(t, form(t, s, "users.info", map[string]string{"user": slackfake.Guest}))
	require.Equal(t, true, out["user"].(object)["is_restricted"])
	out = done(t, form(t, s, "users.info", map[string]string{"user": slackfake.Stranger}))
	require.Equal(t, true, out["user"].(object)["is_stranger"])
	require.Equal(t, slackfake.OtherTeam, out["user"].(object)["team_id"])
	refused(t, "user_not_found", form(t, s, "users.info", map[string]string{"user": "U0NOBODY001"}))
	refused(t, "user_not_found", form(t, s, "users.info", map[string]string{"user": "lead-1"}))
	out = done(t, form(t, s, "users.lookupByEmail", map[string]string{"email": "LEAD-1@acme.example"}))
	require.Equal(t, slackfake.Lead1, out["user"].(object)["id"])
	refused(t, "users_not_found", form(t, s, "users.lookupByEmail", map[string]string{"email": "nobody@acme.example"}))

	out = done(t, form(t, s, "usergroups.list", map[string]string{"include_users": "true"}))
	require.Len(t, out["usergroups"], 1)
	out = done(t, form(t, s, "usergroups.users.list", map[string]string{"usergroup": slackfake.SPTeam}))
	require.Equal(t, []any{slackfake.Responder, slackfake.Lead2}, out["users"])
	refused(t, "no_such_subteam", form(t, s, "usergroups.users.list", map[string]string{"usergroup": "S0NOTEAM001"}))
	done(t, form(t, s, "bots.info", map[string]string{"bot": slackfake.BotID}))
	refused(t, "bot_not_found", form(t, s, "bots.info", map[string]string{"bot": "B1"}))
	done(t, form(t, s, "team.info", nil))

	all := done(t, form(t, s, "users.list", map[string]string{"limit": "3"}))
	require.Len(t, all["members"], 3)
	next := all["response_metadata"].(object)["next_cursor"].(string)
	rest := done(t, form(t, s, "users.list", map[string]string{"cursor": next}))
	require.Len(t, rest["members"], 5)
	refused(t, "invalid_cursor", form(t, s, "users.list", map[string]string{"cursor": "nonsense"}))
}

func TestConversationsShowWhatTheBotMaySee(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	info := func(ch string) object { return form(t, s, "conversations.info", map[string]string{"channel": ch}) }
	require.Equal(t, true, done(t, info(slackfake.Shared))["channel"].(object)["is_ext_shared"])
	require.Equal(t, false, done(t, info(slackfake.General))["channel"].(object)["is_member"])
	require.Equal(t, true, done(t, info(slackfake.Secret))["channel"].(object)["is_private"])
	for _, id := range []string{slackfake.Hidden, "C0NOWHERE01", "incident", "#incident", "c0incident1", ""} {
		refused(t, "channel_not_found", info(id))
	}
	out := done(t, form(t, s, "conversations.list", map[string]string{"types": "public_channel,private_channel", "exclude_archived": "true"}))
	require.Len(t, out["channels"], 5)
	out = done(t, form(t, s, "users.conversations", nil))
	require.Len(t, out["channels"], 4)
	refused(t, "invalid_types", form(t, s, "conversations.list", map[string]string{"types": "secret"}))
	out = done(t, form(t, s, "conversations.members", map[string]string{"channel": slackfake.Secret}))
	require.Len(t, out["members"], 4)

	refused(t, "not_in_channel", post(t, s, "chat.postMessage", object{"channel": slackfake.General, "text": "x"}))
	done(t, post(t, s, "conversations.join", object{"channel": slackfake.General}))
	_ = say(t, s, slackfake.General, "x")
	require.Equal(t, "already_in_channel", done(t, post(t, s, "conversations.join", object{"channel": slackfake.General}))["warning"])
	refused(t, "is_archived", post(t, s, "conversations.join", object{"channel": slackfake.Archived}))

	open := func(users string) object {
		return post(t, s, "conversations.open", object{"users": users})
	}
	dm := done(t, open(slackfake.Lead1))["channel"].(object)["id"].(string)
	require.Equal(t, true, done(t, open(slackfake.Lead1))["already_open"])
	require.Equal(t, true, done(t, info(dm))["channel"].(object)["is_im"])
	refused(t, "user_not_found", open("U0NOBODY001"))
	refused(t, "user_disabled", open(slackfake.Gone))
	_ = say(t, s, dm, "hello")
	require.Equal(t, []string{slackfake.Lead1}, s.DM("lead-1").Last().Pings, "what is said in private notifies")
}
