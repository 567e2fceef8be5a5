package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// maxHandedIn is how large a file may be that is handed in, in bytes.
const maxHandedIn = 8 << 20

const doHelp = `Run one command of the chat, as yourself, and print its answer. For scripts.
It works beside a running serve, too: what others must hear is said there.

A word that begins with @ hands the file in: allclear do server import @servers.csv
Flags of allclear itself stand before the line: allclear do --save . digest

Exit status:
  0  done, or answered; of many things that a word like "all" or a --farm chooses:
     something was done, and the answer says what was not
  1  not done, or not all that was named
  2  wrong usage: no such command, option or value`

func newDo(sys system) *cobra.Command {
	var s storeFlags
	cmd := &cobra.Command{
		Use: "do LINE…", Short: "Run one command of the chat and print its answer", Long: doHelp,
		Args: cobra.MinimumNArgs(1), Example: "  allclear do status\n  allclear do -- scan --group team-emea",
		RunE: func(c *cobra.Command, args []string) error {
			if words := withoutHelp(args); len(words) > 0 && len(words) == len(args)-1 && chatHelp(sys, words) == nil {
				return nil
			}
			line, files, err := handIn(wordsOf(args))
			if err != nil {
				return usage{err}
			}
			err = do(c.Context(), s, sys, line, files)
			if errors.Is(err, outcome{exitUsage}) {
				sayWhereFlagsStand(c, args)
			}
			return err
		},
	}
	s.add(cmd)
	s.saves(cmd)
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// wordsOf takes one argument with spaces in it for a whole line.
func wordsOf(args []string) []string {
	if len(args) != 1 || strings.HasPrefix(args[0], "{") {
		return args
	}
	words, err := chat.Words(args[0])
	if err != nil || len(words) < 2 {
		return args
	}
	return words
}

// sayWhereFlagsStand helps who put a flag of the program behind the line.
func sayWhereFlagsStand(c *cobra.Command, args []string) {
	for _, a := range args {
		name, isFlag := strings.CutPrefix(a, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && c.Flags().Lookup(name) != nil {
			fmt.Fprintf(c.ErrOrStderr(), "A flag of allclear itself stands before the line: allclear do --%s … %s\n", name, args[0])
			return
		}
	}
}

// handIn makes a line of words again, and reads the files that it names.
func handIn(args []string) (string, []chat.File, error) {
	var words []string
	var files []chat.File
	for _, a := range args {
		name, isFile := strings.CutPrefix(a, "@")
		if !isFile || name == "" {
			words = append(words, quoted(a))
			continue
		}
		f, err := readHandedIn(name)
		if err != nil {
			return "", nil, err
		}
		files = append(files, f)
	}
	return strings.Join(words, " "), files, nil
}

func readHandedIn(name string) (chat.File, error) {
	data, err := readAtMost(name, maxHandedIn)
	if err != nil {
		return chat.File{}, fmt.Errorf("hand in a file: %w (a word that begins with @ names one)", err)
	}
	return chat.File{Name: filepath.Base(name), Data: data}, nil
}

// readAtMost reads a file that may be endless.
func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s is larger than %d MiB", name, most>>20)
	}
	return data, err
}

// quoted keeps an argument one word of the line.
func quoted(a string) string {
	if a != "" && !strings.ContainsAny(a, " \t\n\"'\\“”„«»‘’‚") {
		return a
	}
	if strings.HasPrefix(a, "{") {
		return a // JSON is taken as it stands
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
}

// do runs one line on the store and prints the answer.
func do(ctx context.Context, s storeFlags, sys system, line string, files []chat.File) error {
	c, err := s.load(sys)
	if err != nil {
		return err
	}
	c = c.withSelf()
	if err := saveDir(c.Save); err != nil {
		return err
	}
	var level slog.LevelVar
	level.Set(max(c.Level, slog.LevelWarn))
	log := newLogAt(c, &level, sys)
	defer context.AfterFunc(ctx, func() { level.Set(slog.LevelError + 1) })() // that it was interrupted is said below
	return withStore(ctx, s, sys, true, func(o *opened) error {
		if p, known, err := o.People(ctx); err != nil || known {
			if err != nil {
				return err
			}
			c.People = p // who is who is for the process that serves the store to say
		}
		a, err := lineApp(o.Store, c, log)
		if err != nil {
			return err
		}
		if err := a.sweepOnce(ctx); err != nil {
			return err
		}
		width, _ := sys.Terminal(sys.Out)
		render := console.Options{Width: cmp.Or(width, usualWidth), Colour: sys.colour(sys.Out)}
		told := newProgress(sys)
		m, ok := a.router.Do(ctx, chat.Request{
			ID: "line-" + rand.Text(), Trigger: chat.TriggerLine, Actor: chat.Actor{Link: consoleLink()},
			Place: state.Place{Platform: console.Name, Channel: "terminal", Ceiling: state.TLPAmberStrict}, Text: line, Files: files, At: time.Now(),
		}, told.say)
		told.clear()
		if !ok && ctx.Err() != nil {
			m = interrupted()
		}
		if err := answer(sys, c, m, render); err != nil {
			return err
		}
		switch {
		case ok:
			return nil
		case misread(a.router.Specs(), line, files):
			return outcome{exitUsage}
		}
		return outcome{exitFailure}
	})
}

// interrupted is what is known of a line that somebody stopped.
func interrupted() chat.Message {
	return chat.Say(
		chat.P("Interrupted. What was done until then is kept; of a scan, what it saw is recorded, and the rest is as unknown as before."),
		chat.N("Look what is there before you repeat it."),
	).With(chat.ToneWarn)
}

// answer prints a message, and writes what it carries where that is wanted.
func answer(sys system, c config, m chat.Message, o console.Options) error {
	lines := []string{strings.TrimRight(console.Render(m, o), "\n")}
	switch {
	case c.Save != "":
		lines = append(lines, console.Save(c.Save, m)...)
	case console.Carries(m):
		lines = append(lines, unsaved)
	}
	_, err := fmt.Fprintln(sys.Out, strings.Join(lines, "\n"))
	return err
}

// misread reports whether a line names no command, or gives it what it does not take.
func misread(specs []chat.Spec, line string, files []chat.File) bool {
	spec, words, err := chat.Find(specs, line)
	if err == nil {
		_, err = chat.Parse(spec, words, files)
	}
	return err != nil
}

// chatCommand says how a command of the chat is run from here, "" when the words
// name none.
func chatCommand(args []string) string {
	if spec, _, err := chat.Find(commands.Specs(), strings.Join(args, " ")); err == nil {
		return "; did you mean allclear do " + spec.Path + "?"
	}
	return ""
}

// lineApp is the process for one line: nothing in it runs on its own.
func lineApp(store *redisstore.Store, c config, log *slog.Logger) (*app, error) {
	return newApp(appOptions{
		Store: store, People: c.People, Posters: map[string]chat.Poster{}, Log: log,
		Cadence: c.Cadence, Zone: c.Zone, Reminders: c.reminders(), Scan: checks.Options{Contact: c.Contact},
		Communities: c.Communities, Publisher: c.Publisher, Feeds: c.Feeds.feeds(nil),
	})
}
