// Package slackfake is a Slack for tests: a workspace with people, channels and one
// installed app, behind real sockets, as strict as the real one.
//
// A test starts it, and points the app at it, so:
//
//	s := slackfake.New(t, slackfake.Options{})
//	api := slack.New(s.BotToken(), slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.AppToken()))
//	go run(socketmode.New(api))
//
//	sent := s.User("responder").Types("incident", "/allclear scan")
//	require.Equal(t, slackfake.OK, sent.Done().Outcome)
//	m := s.In("incident").Sees("3 newly verified")
//	s.User("lead-1").Presses(m, "Confirm")
//	s.User("lead-1").Sees("needs a second person")
//	require.Empty(t, m.Pings)
//
// Start is for processes that are no tests; Options.HTTP delivers by signed requests
// instead of Socket Mode; Clock().Advance makes retries and expiries due without
// waiting; NextCalls breaks calls; Allow names what a test breaks on purpose.
//
// # Promise
//
// What Slack refuses is refused with Slack's own words, and what Slack only punishes
// later, or swallows in silence, is a complaint that fails the test: an envelope that
// was not acknowledged, an edit of what cannot be edited, a call before Retry-After was
// over, blocks without fallback text, broken blocks, a misspelt argument, a token in an address, an
// acknowledgement that would be dropped. Messages are shown as people read them: blocks
// before text, markup interpreted, and whom they notified. Errors and recorded calls
// never hold a token. It shares no types with any client library, so that a library's mistakes are
// not mirrored. Everything may be called by several goroutines.
//
// # What is as Slack is
//
// Identifiers, scopes, membership, archives, threads, pins, metadata, ephemeral
// messages, response_url, trigger_id, view stacks and hashes, uploads, pagination, rate
// limits, retries of events, signatures, and the life of a socket connection. The limits
// are named constants next to the code, with their pages of docs.slack.dev:
//
//	blocks, elements, texts   reference/block-kit            blocks.go, elements.go, textrules.go, tables.go, richtext.go
//	views                     reference/views                viewrules.go, views.go
//	messages, files           reference/methods              chat.go, schedule.go, files.go, history.go
//	rate limits               apis/web-api/rate-limits       pace.go, and the tier of each method
//	events, Socket Mode       apis/events-api                event.go, socket.go
//	commands, response_url    interactivity                  slash.go, responseurl.go, trigger.go
//	signatures                authentication                 httpdelivery.go
//	markup                    messaging/formatting           mrkdwn.go, lex.go, inline.go
//
// # What is assumed, for Slack does not say
//
//   - client_msg_id: a repeated id gives the first message back. Slack documents only the
//     errors duplicate_message_not_found and duplicate_channel_not_found; see again.
//   - msg_blocks_too_long: 13,200 characters with 100 for a heading, as people measured
//     (slackapi/bolt-js#2509 and #2867); 20 for any other block is a guess on the safe
//     side. It is not applied to response_url, where the same reports did not meet it.
//   - chat.update refuses more than 4,000 bytes of text with msg_too_long, as measured;
//     chat.postMessage cuts at 40,000 characters.
//   - Metadata above 8,000 characters is metadata_too_large.
//   - Bursts of chat.postMessage: five, then one a second into each channel.
//   - Text in angle brackets is active inside code as well, and &lt; &gt; &amp; are
//     characters in plain text too. Rich text is shown as it is.
//   - A message is posted out of its thread when the first message is gone.
//   - People of other organisations do not have the app's commands; its buttons they have.
//   - A person waits for the app to be connected before doing something. Without a
//     connection Slack says dispatch_failed (TypesNow).
//
// # What is not imitated
//
// OAuth, several workspaces with one app, group direct messages, canvases, workflows,
// unfurling, search, administration; several apps whose commands have the same name;
// markdown blocks are shown as they were written, but notify; :emoji: stays as it is;
// channel names are refused where Slack still takes them.
package slackfake
