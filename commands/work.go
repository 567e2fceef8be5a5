package commands

import (
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
)

// workCommands are what people do about servers: claim, prove, vouch, accept,
// confirm and approve.
func workCommands(p Parts) []Command {
	return []Command{
		claim{p.Store, p.Now},
		snooze{p.Store, p.Now},
		evidenceAdd{store: p.Store, now: p.Now},
		tokenNew{p.Store, p.Now},
		tokenList{p.Store, p.Now},
		tokenRevoke{p.Store, p.Now},
		intakeReport{p.Store, p.Load, p.Now},
		huntLogs{p.Store, p.Load, p.Now},
		huntShow{p.Store, p.Now},
		huntClusters{p.Store, p.Now},
		attest{p.Store, p.People, p.Now},
		confirm{p.Store, p.People, p.Now},
		approve{p.Store, p.People, p.Now},
		proposals{p.Store, p.Now},
		except{p.Store, p.People, p.Now},
	}
}

// boardCommands are what people look at, and what goes out to others.
func boardCommands(p Parts) []Command {
	return []Command{
		status{p.Store, p.Now, p.Cadence},
		ping{p.Store, newPinger(p)},
		digest{p.Store, p.Draw, p.Now},
		queue{p.Store, p.Now},
		prove{p.Store, p.Now},
		reportCommand{p.Store, p.Publisher, p.Now},
		audit{p.Store, p.Now},
		auditVerify{p.Store},
		home{p.Store, p.People, p.Now, p.Cadence},
		menu{p.Store, p.Now},
	}
}

// typed is a command line of these words, with quotes where they need them.
func typed(words ...string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = chat.Quote(w)
	}
	return strings.Join(out, " ")
}

// handOver is the button with which somebody gives a server to another.
func handOver(incident, server string) chat.Button {
	b := press("Not mine", incident, "server assign", server)
	b.Ask = []string{"owner", "group?"}
	return b
}

// cannot is the button with which somebody asks that a risk be accepted for a while.
func cannot(incident, server string) chat.Button {
	b := press("Can't, because…", incident, "except", server)
	b.Ask = []string{"reason", "for", "second?", "step?"}
	return b
}

// press is a button for a command line. It names the incident: nothing is
// inferred from where it is pressed.
func press(label, incident, path string, words ...string) chat.Button {
	return chat.Button{Label: label, Line: path + " --incident " + typed(append([]string{incident}, words...)...)}
}
