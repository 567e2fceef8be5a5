package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// secret is a value that never shows itself, however it is printed.
type secret string

const redacted = "[redacted]"

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format covers every verb of fmt.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// config is what the process is told: defaults, then the file, then the
// environment, then flags.
type config struct {
	Data    string        // directory of the embedded store; "" with Redis
	Redis   secret        // URL; may carry a password
	RedisCA string        // file with the certificates that a Redis is trusted by; "": the system's
	Strict  bool          // a change counts when a replica of the Redis has it
	Contact string        // sent with every request of a scan
	Cadence time.Duration // between reminders
	Zone    string        // of new incidents; "" is UTC
	Theme   chart.Theme   // of pictures
	Pings   commands.Reminders
	People  state.People
	Save    string // directory for pictures and files of answers; "": they are not written
	Log     string // "text" or "json"
	Level   slog.Level
	HTTP    string // address; "": no HTTP unless a platform needs it
	// Communities are the places that belong to others; Publisher is who exported
	// advisories are from; Feeds are the sources that are looked at.
	Communities communities
	Publisher   feeds.Publisher
	Feeds       feedsConfig
	// Groups are whom a group of the inventory means in chats, by links.
	Groups  map[string][]string
	Slack   slackConfig
	Deadman deadmanConfig
	Discord discordConfig
}

// configFile is the YAML file, strict: an unknown key is an error.
type configFile struct {
	Data    string `yaml:"data"`
	Redis   string `yaml:"redis"`
	RedisCA string `yaml:"redis_ca"`
	Durable string `yaml:"durability"`
	Contact string `yaml:"contact"`
	Cadence string `yaml:"cadence"`
	Zone    string `yaml:"zone"`
	Theme   string `yaml:"theme"`
	Save    string `yaml:"save"`
	Log     string `yaml:"log"`
	Level   string `yaml:"level"`
	HTTP    string `yaml:"http"`

	Communities []communityFile `yaml:"communities"`
	Publisher   publisherFile   `yaml:"publisher"`
	Feeds       feedsFile       `yaml:"feeds"`

	Groups  map[string][]string `yaml:"groups"`
	Slack   slackFile           `yaml:"slack"`
	Deadman deadmanFile         `yaml:"deadman"`
	Discord discordFile         `yaml:"discord"`
	People  []configPerson      `yaml:"people"`
	Pings   pingsFile           `yaml:"pings"`

	path string // of the file that it was read from
	text []byte
}

type configPerson struct {
	ID    string   `yaml:"id"`
	Name  string   `yaml:"name"`
	Role  string   `yaml:"role"`
	Links []string `yaml:"links"`
	Owns  []string `yaml:"owns"`
	Zone  string   `yaml:"zone"`
	Quiet string   `yaml:"quiet"`
}

// maxConfig is how large a configuration file may be, in bytes.
const maxConfig = 1 << 20

// variables are the environment variables that there are, and what each sets.
// Any other that begins with ALLCLEAR_ is an error.
func variables() map[string]func(*configFile, string) {
	return map[string]func(*configFile, string){
		"ALLCLEAR_CONFIG":     func(*configFile, string) {},
		"ALLCLEAR_DATA":       func(c *configFile, v string) { c.Data = v },
		"ALLCLEAR_REDIS":      func(c *configFile, v string) { c.Redis = v },
		"ALLCLEAR_REDIS_CA":   func(c *configFile, v string) { c.RedisCA = v },
		"ALLCLEAR_DURABILITY": func(c *configFile, v string) { c.Durable = v },
		"ALLCLEAR_CONTACT":    func(c *configFile, v string) { c.Contact = v },
		"ALLCLEAR_CADENCE":    func(c *configFile, v string) { c.Cadence = v },
		"ALLCLEAR_ZONE":       func(c *configFile, v string) { c.Zone = v },
		"ALLCLEAR_THEME":      func(c *configFile, v string) { c.Theme = v },
		"ALLCLEAR_SAVE":       func(c *configFile, v string) { c.Save = v },
		"ALLCLEAR_LOG":        func(c *configFile, v string) { c.Log = v },
		"ALLCLEAR_LEVEL":      func(c *configFile, v string) { c.Level = v },
		"ALLCLEAR_HTTP":       func(c *configFile, v string) { c.HTTP = v },

		"ALLCLEAR_DEADMAN_WEBHOOK": func(c *configFile, v string) { c.Deadman.Webhook = v },

		"ALLCLEAR_SLACK_BOT_TOKEN":      func(c *configFile, v string) { c.Slack.BotToken = v },
		"ALLCLEAR_SLACK_APP_TOKEN":      func(c *configFile, v string) { c.Slack.AppToken = v },
		"ALLCLEAR_SLACK_SIGNING_SECRET": func(c *configFile, v string) { c.Slack.SigningSecret = v },
		"ALLCLEAR_SLACK_COMMAND":        func(c *configFile, v string) { c.Slack.Command = v },
		"ALLCLEAR_SLACK_API":            func(c *configFile, v string) { c.Slack.API = v },

		"ALLCLEAR_DISCORD_TOKEN":      func(c *configFile, v string) { c.Discord.Token = v },
		"ALLCLEAR_DISCORD_PUBLIC_KEY": func(c *configFile, v string) { c.Discord.PublicKey = v },
		"ALLCLEAR_DISCORD_COMMAND":    func(c *configFile, v string) { c.Discord.Command = v },
		"ALLCLEAR_DISCORD_TEAM":       func(c *configFile, v string) { c.Discord.teamOf(v) },
	}
}

// loadConfig reads file (or $ALLCLEAR_CONFIG) and the environment. It returns
// all problems at once.
func loadConfig(file string, sys system) (config, error) {
	if file == "" {
		file = sys.Getenv("ALLCLEAR_CONFIG")
	}
	var f configFile
	var problems []error
	if file != "" {
		if err := f.read(file); err != nil {
			problems = append(problems, err)
		}
	}
	known := variables()
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	for _, kv := range sys.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "ALLCLEAR_") {
			continue
		}
		set, ok := known[name]
		if !ok {
			problems = append(problems, fmt.Errorf("there is no variable %s%s", name, didYouMean(name, names)))
			continue
		}
		set(&f, value)
	}
	c, more := f.check()
	for _, p := range more {
		problems = append(problems, f.located(p, sys.Getenv))
	}
	return c, errors.Join(problems...)
}

func didYouMean(given string, names []string) string {
	slices.Sort(names)
	if near := chat.Nearest(given, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

func (f *configFile) read(path string) error {
	data, err := readAtMost(path, maxConfig)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	err = f.decode(data)
	f.path, f.text = path, data
	if err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	return nil
}

// check turns the text into values and collects what is wrong.
func (f configFile) check() (config, []error) {
	c := config{Data: f.Data, Redis: secret(f.Redis), RedisCA: f.RedisCA, Contact: f.Contact, Save: f.Save, Cadence: 2 * time.Hour, Log: "text"}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if f.Cadence != "" {
		d, err := chat.ParseDuration(f.Cadence)
		if err != nil || d < 5*time.Minute || d > 7*24*time.Hour {
			wrong("cadence %q: want a duration from 5m to 7d", f.Cadence)
		}
		c.Cadence = d
	}
	switch f.Log {
	case "", "text":
	case "json":
		c.Log = f.Log
	default:
		wrong("log %q: want text or json", f.Log)
	}
	switch f.Theme {
	case "", chart.Light.String():
	case chart.Dark.String():
		c.Theme = chart.Dark
	default:
		wrong("theme %q: want light or dark", f.Theme)
	}
	if f.Level != "" {
		if err := c.Level.UnmarshalText([]byte(f.Level)); err != nil {
			wrong("level %q: want debug, info, warn or error", f.Level)
		}
	}
	if f.Data != "" && f.Redis != "" {
		wrong("data and redis are both set: the store is either a directory or a Redis")
	}
	switch f.Durable {
	case "", "normal":
	case "strict":
		c.Strict = true
	default:
		wrong("durability %q: want normal or strict", f.Durable)
	}
	for i, p := range f.People {
		var role state.Role
		if p.Role != "" {
			if err := role.UnmarshalText([]byte(p.Role)); err != nil {
				wrong("people[%d] %s: role %q: want viewer, responder or lead", i, p.ID, p.Role)
			}
		}
		name := p.Name
		if name == "" {
			name = p.ID
		}
		c.People = append(c.People, state.Person{ID: state.PersonID(p.ID), Name: name, Role: role, Links: p.Links, Owns: p.Owns, Zone: p.Zone, Quiet: p.Quiet})
	}
	if err := c.People.Validate(); err != nil {
		wrong("people: %w", err)
	}
	f.checkTimes(wrong)
	c.Zone, c.Pings = f.Zone, f.Pings.check(c.People, wrong)
	c.HTTP, c.Groups = f.HTTP, f.Groups
	c.Slack, c.Discord, c.Deadman = f.Slack.check(wrong), f.Discord.check(wrong), f.Deadman.check(wrong)
	f.Publisher.check(wrong)
	c.Publisher = feeds.Publisher(f.Publisher)
	c.Communities, c.Feeds = communitiesOf(f.Communities, c.Discord.Guilds, wrong), f.Feeds.check(wrong)
	return c, problems
}

// withSelf makes sure that there is a lead: with nobody configured, whoever runs
// the process is the first one, alone. Two-person rules then need a second person
// in the configuration.
func (c config) withSelf() config {
	if slices.ContainsFunc(c.People, func(p state.Person) bool { return p.Role == state.RoleLead }) {
		return c
	}
	link := consoleLink()
	if _, taken := c.People.ByLink(link); taken {
		return c
	}
	id := state.PersonID("lead-1")
	if len(c.People) > 0 {
		// Nobody wrote that whoever runs this is another human than those who are
		// named: under the identity itself, the two never count as two.
		id = state.PersonOf(link)
	}
	c.People = append(slices.Clone(c.People), state.Person{ID: id, Name: string(id), Role: state.RoleLead, Links: []string{link}})
	return c
}

// consoleUser is who types at this terminal: the number that the operating system
// gave the process. A name would be taken from the environment on systems that do
// not list the user, and there anybody could be anybody.
func consoleUser() string {
	if uid := os.Getuid(); uid >= 0 {
		return "uid-" + strconv.Itoa(uid)
	}
	if u, err := user.Current(); err == nil && u.Uid != "" {
		return u.Uid // Windows: the security identifier
	}
	return "unknown"
}

// consoleLink is the identity of consoleUser, as the configuration links it.
func consoleLink() string { return console.Link(consoleUser()) }
