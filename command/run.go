// Package command is the command line of variant_exporter: flags and files in, output and an exit code out. Each command has a file.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // a bad configuration, or a failure at run time
	exitUsage   = 2 // a command line that makes no sense
)

// errReported is a failure that the user has already been told about.
var errReported = errors.New("already reported")

// Streams are the standard streams of the process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// command is one command: its full name on the command line, and what it does.
type command struct {
	name string
	run  func(context.Context, Streams) error
}

// Run parses the arguments, which exclude the program's name, runs the command they select, and returns the exit code.
// It ends early, and in order, when ctx ends.
func Run(ctx context.Context, args []string, std Streams) int {
	done := false // with --help or --version: kingpin would end the process here
	app := kingpin.New("variant_exporter", "Plans the cheapest replicas of every LLM variant that carry the load, from PromQL.").
		UsageWriter(std.Out).
		ErrorWriter(std.Err).
		Terminate(func(int) { done = true })
	app.Version(version.Print("variant_exporter"))
	app.HelpFlag.Short('h')
	commands := newCommands(app)
	selected, err := app.Parse(args)
	if done {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(std.Err, "variant_exporter: error: %v, try --help\n", err)
		return exitUsage
	}
	for _, c := range commands {
		if c.name == selected {
			return exitCode(c.run(ctx, std), std.Err)
		}
	}
	return exitUsage
}

// newCommands adds all commands, in the order in which --help lists them.
func newCommands(app *kingpin.Application) []command {
	logs := addLogFlags(app)
	commands := []command{
		newServeCommand(app, logs), newInitCommand(app), newCheckCommand(app), newSolveCommand(app), newSizeCommand(app), newCalibrateCommand(app),
		newExplainCommand(app), newReplayCommand(app), newBacktestCommand(app), newDemoCommand(app, logs),
	}
	commands = append(commands, newPresetsCommands(app)...)
	return append(commands, newGenerateCommands(app)...)
}

func exitCode(err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errReported):
		fmt.Fprintf(w, "variant_exporter: error: %s\n", printable(err.Error()))
	}
	return exitFailure
}

// printable escapes what a terminal would not show as it is, but for the ends of lines: an error can repeat what a source told.
func printable(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j, cell := range cells {
			cells[j] = promapi.Printable(cell)
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}
