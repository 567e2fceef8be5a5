package discordfake

import (
	"net/url"
	"strings"
)

// handler executes a call; the lock is held unless the route is alone. A nil body
// is answered with 204.
type handler func(*request) (any, *apiError)

// route is one endpoint.
type route struct {
	method, pattern string
	parts           []string
	run             handler
	open            bool // the token in the address is enough, and no global limit holds
	alone           bool // it takes the lock itself
}

func (r *route) String() string { return r.method + " " + r.pattern }

// routes are all endpoints there are.
func routes() []*route {
	var all []*route
	add := func(method, pattern string, run handler) *route {
		r := &route{method: method, pattern: pattern, run: run, parts: strings.Split(strings.TrimPrefix(pattern, "/"), "/")}
		all = append(all, r)
		return r
	}
	add("GET", "/gateway", (*request).getGateway).open = true
	add("GET", "/gateway/bot", (*request).getGatewayBot)
	add("GET", "/users/@me", (*request).getMe)
	add("GET", "/users/@me/guilds", (*request).getMyGuilds)
	add("POST", "/users/@me/channels", (*request).openDM)
	add("GET", "/users/{user}", (*request).getUser)
	add("GET", "/applications/@me", (*request).getApp)
	add("PATCH", "/applications/@me", (*request).editApp).alone = true
	add("GET", "/oauth2/applications/@me", (*request).getApp)

	add("GET", "/guilds/{guild}", (*request).getGuild)
	add("GET", "/guilds/{guild}/channels", (*request).getGuildChannels)
	add("GET", "/guilds/{guild}/roles", (*request).getRoles)
	add("GET", "/guilds/{guild}/members", (*request).getMembers)
	add("GET", "/guilds/{guild}/members/search", (*request).searchMembers)
	add("GET", "/guilds/{guild}/members/{user}", (*request).getMember)
	add("GET", "/guilds/{guild}/threads/active", (*request).getActiveThreads)

	add("GET", "/channels/{channel}", (*request).getChannel)
	add("PATCH", "/channels/{channel}", (*request).editChannel)
	add("DELETE", "/channels/{channel}", (*request).deleteChannel)
	add("POST", "/channels/{channel}/typing", (*request).typing)
	add("POST", "/channels/{channel}/followers", (*request).followChannel)
	add("GET", "/channels/{channel}/webhooks", (*request).getWebhooks)
	add("POST", "/channels/{channel}/webhooks", (*request).createWebhook)

	add("GET", "/channels/{channel}/messages", (*request).getMessages)
	add("POST", "/channels/{channel}/messages", (*request).createMessage)
	add("POST", "/channels/{channel}/messages/bulk-delete", (*request).bulkDelete)
	add("GET", "/channels/{channel}/messages/pins", (*request).getPins)
	add("PUT", "/channels/{channel}/messages/pins/{message}", (*request).pin)
	add("DELETE", "/channels/{channel}/messages/pins/{message}", (*request).unpin)
	add("GET", "/channels/{channel}/pins", (*request).getOldPins)
	add("PUT", "/channels/{channel}/pins/{message}", (*request).pin)
	add("DELETE", "/channels/{channel}/pins/{message}", (*request).unpin)
	add("GET", "/channels/{channel}/messages/{message}", (*request).getMessage)
	add("PATCH", "/channels/{channel}/messages/{message}", (*request).editMessage)
	add("DELETE", "/channels/{channel}/messages/{message}", (*request).deleteMessage)
	add("POST", "/channels/{channel}/messages/{message}/crosspost", (*request).crosspost)
	add("POST", "/channels/{channel}/messages/{message}/threads", (*request).threadFromMessage)
	add("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", (*request).react)
	add("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", (*request).unreact)

	add("POST", "/channels/{channel}/threads", (*request).startThread)
	add("GET", "/channels/{channel}/threads/archived/public", (*request).getArchived)
	add("GET", "/channels/{channel}/thread-members", (*request).getThreadMembers)
	add("PUT", "/channels/{channel}/thread-members/@me", (*request).joinThread)
	add("DELETE", "/channels/{channel}/thread-members/@me", (*request).leaveThread)
	add("PUT", "/channels/{channel}/thread-members/{user}", (*request).addThreadMember)

	for _, scope := range []string{"/applications/{app}", "/applications/{app}/guilds/{guild}"} {
		add("GET", scope+"/commands", (*request).getCommands)
		add("POST", scope+"/commands", (*request).createCommand)
		add("PUT", scope+"/commands", (*request).overwriteCommands)
		add("GET", scope+"/commands/{command}", (*request).getCommand)
		add("PATCH", scope+"/commands/{command}", (*request).editCommand)
		add("DELETE", scope+"/commands/{command}", (*request).deleteCommand)
	}
	add("PUT", "/applications/{app}/guilds/{guild}/commands/{command}/permissions", (*request).editCommandPermissions)

	add("POST", "/interactions/{interaction}/{token}/callback", (*request).callback).open = true
	add("POST", "/webhooks/{webhook}/{token}", (*request).executeWebhook).open = true
	add("GET", "/webhooks/{webhook}/{token}/messages/{message}", (*request).getWebhookMessage).open = true
	add("PATCH", "/webhooks/{webhook}/{token}/messages/{message}", (*request).editWebhookMessage).open = true
	add("DELETE", "/webhooks/{webhook}/{token}/messages/{message}", (*request).deleteWebhookMessage).open = true
	return all
}

// findRoute finds the endpoint of a call. Words win over parameters, for they come
// first in the list.
func findRoute(all []*route, method, path string) (*route, map[string]string, *apiError) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	err := errNoRoute
	for _, r := range all {
		params := match(r.parts, parts)
		if params == nil {
			continue
		}
		if r.method == method {
			return r, params, nil
		}
		err = errMethod
	}
	return nil, nil, err
}

func match(pattern, parts []string) map[string]string {
	if len(pattern) != len(parts) {
		return nil
	}
	params := map[string]string{}
	for i, p := range pattern {
		value, err := url.PathUnescape(parts[i])
		name, ok := strings.CutPrefix(p, "{")
		switch {
		case err != nil, !ok && p != value:
			return nil
		case ok && value == "":
			return nil
		case ok:
			params[strings.TrimSuffix(name, "}")] = value
		}
	}
	return params
}

// bucket names the rate limit of a call: the route with the resource that it is
// about.
func (req *request) bucket() string {
	key := req.route.String()
	for _, major := range []string{"channel", "guild", "webhook", "token"} {
		if v := req.params[major]; v != "" {
			key += " " + v
		}
	}
	return key
}

// shownPath is the path of a call, with the tokens in it taken out.
func (req *request) shownPath() string {
	path := req.http.URL.Path
	if token := req.params["token"]; token != "" {
		path = strings.ReplaceAll(path, token, "…")
	}
	return path
}
