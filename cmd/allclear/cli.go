package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
)

// Exit statuses. They are documented in the help of the commands that use them.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitAffected = 3 // vulnerable or compromised servers were found
	exitUnknown  = 4 // none was found, but some servers could not be judged
)

// system is what a process is given: a test hands in its own.
type system struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Environ  func() []string
	// Terminal reports whether a stream is a terminal, and how wide it is.
	Terminal func(stream any) (width int, ok bool)
	// Release gives signals back to the operating system: the next one ends the
	// process at once. nil: nobody listens to signals.
	Release func()
	// Now is the clock of serve; nil: the machine's.
	Now func() time.Time
	// Slots is the clock of the schedule; nil: Now.
	Slots func() time.Time
	// Lease is for how long a request stays with a replica that died, half of how long
	// its letters do, and ten times how often the schedule is looked at; 0: the defaults
	// of the router, the outbox and the schedule.
	Lease time.Duration
	// Unpaced leaves out the pauses between two messages to one place: for a platform
	// that is not real.
	Unpaced bool
}

func (s system) letGo() {
	if s.Release != nil {
		s.Release()
	}
}

func process() system {
	return system{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Environ: os.Environ,
		Terminal: func(stream any) (int, bool) {
			f, ok := stream.(*os.File)
			if !ok || !term.IsTerminal(int(f.Fd())) {
				return 0, false
			}
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				w = 100
			}
			return w, true
		},
	}
}

// colour reports whether a stream wants colour: it is a terminal, and nobody said no.
func (s system) colour(stream any) bool {
	_, ok := s.Terminal(stream)
	return ok && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}

// outcome is how a command ended when that is neither success nor failure: the
// answer was given already.
type outcome struct{ code int }

func (o outcome) Error() string { return fmt.Sprintf("exit status %d", o.code) }

// usage marks an error as wrong usage.
type usage struct{ err error }

func (u usage) Error() string { return u.err.Error() }
func (u usage) Unwrap() error { return u.err }

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string, sys system) int {
	root := newRoot(sys)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var o outcome
	var u usage
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &o):
		return o.code
	case errors.As(err, &u):
		fmt.Fprintln(sys.Err, "allclear:", lines(err))
		return exitUsage
	}
	fmt.Fprintln(sys.Err, "allclear:", lines(err))
	return exitFailure
}

// lines is an error in words for the person at the terminal, without anything that
// a terminal would act on.
func lines(err error) string {
	var out []string
	for l := range strings.Lines(said(err)) {
		out = append(out, console.Clean(strings.TrimSuffix(l, "\n")))
	}
	return strings.Join(out, "\n")
}

func said(err error) string {
	var p *chat.Problem
	var r *state.Refusal
	switch {
	case errors.As(err, &p):
		return p.Error()
	case errors.As(err, &r):
		return r.Error()
	case errors.Is(err, state.ErrUnavailable):
		return "not done: " + err.Error()
	}
	return err.Error()
}

func newRoot(sys system) *cobra.Command {
	root := &cobra.Command{
		Use:   "allclear",
		Short: "Run the response to a mass exploitation until every server is proved remediated",
		Long: `allclear runs the response to a mass exploitation of servers, and does not stop
asking until every server is proved remediated.

  allclear demo       watch a whole response on a make-believe fleet; needs nothing
  allclear scan       look at your servers; needs an inventory and nothing else
  allclear serve      run the bot

Exit status: 0 success, 1 failure, 2 wrong usage; others are in a command's help.`,
		Version:       stamped(),
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args:                       cobra.NoArgs,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(sys.In)
	root.SetOut(sys.Out)
	root.SetErr(sys.Err)
	root.SetVersionTemplate("allclear {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	root.AddCommand(subcommands(sys)...)
	helpOnChat(root, sys)
	checkUsage(root)
	return root
}

// checkUsage makes wrong arguments wrong usage, everywhere.
func checkUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage{fmt.Errorf("%s; see %s --help", misused(c, args, err), c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkUsage(sub)
	}
}

// misused says what is wrong with the words behind a command.
func misused(c *cobra.Command, args []string, err error) string {
	if c.HasSubCommands() {
		return err.Error() + suggestion(c, args)
	}
	how := strings.TrimSuffix(c.UseLine(), " [flags]")
	if len(args) == 0 {
		return "something is missing: " + how
	}
	return fmt.Sprintf("%q is one word too many, or not understood: %s", args[len(args)-1], how)
}

func suggestion(c *cobra.Command, args []string) string {
	if len(args) == 0 {
		return ""
	}
	if s := c.SuggestionsFor(args[0]); len(s) > 0 {
		return "; did you mean " + strings.Join(s, " or ") + "?"
	}
	if !c.HasParent() {
		return chatCommand(args)
	}
	return ""
}

// stamped is the version of the build.
func stamped() string {
	module := ""
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "(devel)" {
		module = b.Main.Version
	}
	return cmp.Or(version, module, "dev")
}

// subcommands is the list of all commands.
func subcommands(sys system) []*cobra.Command {
	return []*cobra.Command{
		newDemo(sys),
		newScan(sys),
		newHunt(sys),
		newServe(sys),
		newDo(sys),
		newEvidence(sys),
		newToken(sys),
		newProve(sys),
		newReport(sys),
		newAudit(sys),
		newExport(sys),
		newImport(sys),
		newPlaybook(sys),
		newDoctor(sys),
		newSlack(sys),
		newDiscord(sys),
		newHealth(sys),
		newVersion(sys),
	}
}

func newVersion(sys system) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(sys.Out, "allclear %s\n", stamped())
			return err
		},
	}
}
