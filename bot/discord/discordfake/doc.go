// Package discordfake is a Discord over real sockets, as strict as Discord, for the
// tests of the platform and of whole processes.
//
// Its promise: what passes here is accepted by Discord. A limit, an order of calls or
// a type that Discord refuses is refused with Discord's code in Discord's words; what
// Discord does not refuse but punishes, or lets go wrong in silence, fails the test at
// its end (see Rule). It knows nothing of allclear, and no client: discordgo reaches it
// with its own endpoints, through an http.Client and a websocket.Dialer.
//
//	d := discordfake.New(t, discordfake.Options{}) // a small guild, see Small
//	s, err := discordgo.New("Bot " + d.Token())
//	s.Client, s.Dialer = d.Client(), d.Dialer()
//	// … run the bot with it …
//	d.Online(1)
//	x := d.User("lead-1").Runs("responders", "/allclear scan", discordfake.With("group", "emea"))
//	card := x.GetsPublicly("61 of 61 verified")
//	d.User("lead-2").Presses(card, "Confirm").GetsPrivately("confirmed")
//	d.In("advisories").SeesOnce("ALL CLEAR")
//	d.Advance(time.Hour) // windows close and limits open without waiting
//
// Without a testing.TB, in a helper process or a demo, Start gives a Fake whose methods
// return errors; Fake.For gives it to a test later. Another process reaches it with
// ClientTo and DialerTo, or unchanged, over TLS, with the variables of Fake.Environ.
//
// # As Discord
//
// All limits are constants or fields of Limits with their source. From the documentation
// (https://docs.discord.com/developers): messages, embeds, components of both kinds,
// modals, commands with their options, files, mentions, pins, threads, forums, webhooks;
// the windows of interactions (3 s, 15 min); the error codes; the gateway of versions 9
// and 10 with resume, close codes, intents and payload compression; the headers of rate
// limits, the global limit and the ban for invalid calls; signed interactions over HTTP,
// with the forged ones that Discord sends. From what clients observed, for Discord says
// that numbers must not be relied on: the rates of single routes, ten publishes an hour,
// three edits of a published message an hour (discord.js issue 4956), 4000 characters of
// text components.
//
// # Stricter than Discord
//
// Ids in requests are strings (Discord takes numbers too). A call without a User-Agent
// of the form that is asked for is blocked. An edit of a message older than an hour is
// refused at once (30046), for the number of edits that are let through is not known.
// A backslash before a mention does not keep it from notifying. A message without
// allowed_mentions is a breach of a rule even when it names nobody.
//
// # Not imitated
//
// Voice, presence, member chunks, polls, stickers, slow mode, private threads' members,
// audit log, OAuth2, transport compression and ETF, premium buttons, user and message
// commands (they are registered, but nobody runs them), localised names, link previews,
// pictures (that a PNG is one), and the order in which people see things. A client that
// sends no heartbeat is cut off without a close code. One fake has one application; two
// applications are two fakes.
//
// # Decision: time can be moved, but is never waited for
//
// Context: Discord's windows last from 3 seconds to a day. Decision: everything that
// expires asks one clock, which Advance moves; only what happens on a wire (heartbeats,
// slow answers, Retry-After) takes real time. A limit is over when either clock says so.
// Consequence: tests are quick, and no assertion sleeps: they wake when something changes.
package discordfake
