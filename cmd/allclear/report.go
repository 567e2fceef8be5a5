package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/commands"
)

func newReport(sys system) *cobra.Command {
	var s storeFlags
	var incident, as, out string
	var from feeds.Publisher
	cmd := &cobra.Command{
		Use: "report", Short: "Write the whole incident for a regulator or an insurer: to a folder, or one file to standard output",
		Long: "Write the whole incident: what happened when, who decided what on what evidence, which\nrisks are accepted, and what could not be seen. With --out, files in a folder, without\nit one of them to standard output:\n\n" + reportFileLines() + `
"csv" is the three tables, "vex" both documents about the products.`,
		Example: "  allclear report --as md > report.md\n  allclear report --out report/ --incident toolshell-1",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withOldStore(c.Context(), s, sys, true, func(o *opened) error {
				id, err := oneIncident(c.Context(), o, incident)
				if err != nil {
					return err
				}
				if out == "" {
					return commands.WriteReport(c.Context(), o, id, as, time.Now(), from, onlyOne(sys.Out))
				}
				if err := os.MkdirAll(out, 0o700); err != nil {
					return err
				}
				return commands.WriteReport(c.Context(), o, id, as, time.Now(), from, func(f commands.ReportFile) (io.WriteCloser, error) {
					fmt.Fprintf(sys.Out, "%s: %s, %s\n", filepath.Join(out, f.Name), f.What, f.TLP)
					return newBuffered(os.OpenFile(filepath.Join(out, f.Name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600))
				})
			})
		},
	}
	s.add(cmd)
	cmd.Flags().StringVar(&incident, "incident", "", "the incident, when there are several")
	cmd.Flags().StringVar(&as, "as", "", "which files, with commas between; without --out one, and md when it is left out")
	cmd.Flags().StringVar(&out, "out", "", "the folder to write to; files of the same name are written over")
	cmd.Flags().StringVar(&from.Name, "publisher", "", "who the VEX documents are from")
	cmd.Flags().StringVar(&from.Namespace, "namespace", "", "a URL of theirs")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if out == "" && as == "" {
			as = "md"
		}
		return nil
	}
	return cmd
}

func reportFileLines() string {
	var b strings.Builder
	for _, f := range commands.ReportFiles() {
		fmt.Fprintf(&b, "  %-9s %-17s %s\n", f.Format, f.Name, f.What)
	}
	return b.String()
}

// onlyOne gives standard output to one file of a report.
func onlyOne(out io.Writer) func(commands.ReportFile) (io.WriteCloser, error) {
	taken := false
	return func(commands.ReportFile) (io.WriteCloser, error) {
		if taken {
			return nil, usage{errors.New("standard output takes one file; name one with --as, or a folder with --out")}
		}
		taken = true
		return buffered{bufio.NewWriterSize(out, 1<<16), io.NopCloser(nil)}, nil
	}
}

// buffered is a file that is written in large pieces.
type buffered struct {
	*bufio.Writer
	file io.Closer
}

func newBuffered(f *os.File, err error) (io.WriteCloser, error) {
	if err != nil {
		return nil, err
	}
	return buffered{bufio.NewWriterSize(f, 1<<16), f}, nil
}

// Close writes what is left, and closes the file.
func (b buffered) Close() error { return errors.Join(b.Flush(), b.file.Close()) }
