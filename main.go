// Command variant_exporter evaluates PromQL inputs on each scrape, plans the cheapest replicas of every LLM variant that carry the
// load, and exposes them for autoscalers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // a bad configuration, or a failure at run time
	exitUsage   = 2 // a command line that makes no sense
)

const defaultConfigFile = "variant_exporter.yml"

// errReported is a failure of which everything has been said.
var errReported = errors.New("already reported")

// stdio are the streams of the process.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one of the things that the program does.
type command struct {
	name string
	run  func(context.Context, stdio) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second signal ends the process at once.
	os.Exit(run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// run does what the arguments say and returns the exit code.
func run(ctx context.Context, args []string, std stdio) int {
	done := false // with --help or --version: kingpin would end the process here
	app := kingpin.New("variant_exporter", "Plans the cheapest replicas of every LLM variant that carry the load, from PromQL.").
		UsageWriter(std.out).
		ErrorWriter(std.err).
		Terminate(func(int) { done = true })
	app.Version(version.Print("variant_exporter"))
	app.HelpFlag.Short('h')
	logs := addLogFlags(app)
	commands := []command{
		newServeCommand(app, logs), newCheckCommand(app), newSolveCommand(app), newSizeCommand(app), newCalibrateCommand(app),
		newExplainCommand(app), newReplayCommand(app), newDemoCommand(app, logs),
	}
	commands = append(commands, newPresetsCommands(app)...)
	commands = append(commands, newGenerateCommands(app)...)

	selected, err := app.Parse(args)
	if done {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(std.err, "variant_exporter: error: %v, try --help\n", err)
		return exitUsage
	}
	for _, c := range commands {
		if c.name == selected {
			return exitCode(c.run(ctx, std), std.err)
		}
	}
	return exitUsage
}

func exitCode(err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errReported):
		fmt.Fprintf(w, "variant_exporter: error: %v\n", err)
	}
	return exitFailure
}
