package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

func newSizeCommand(app *kingpin.Application) command {
	cmd := app.Command("size", "Read a model server's profile, token lengths and a rate or an SLO as JSON; print the latencies, or the largest rate that keeps the SLO.")
	file := cmd.Arg("file", "File with the question; - reads standard input.").Required().String()
	return command{name: cmd.FullCommand(), run: func(_ context.Context, std Streams) error { return size(*file, std) }}
}

// size answers a question. The answer that an SLO cannot be kept is printed like any other, and is a failure.
func size(file string, std Streams) error {
	data, name, err := readInput(file, std.In)
	if err != nil {
		return err
	}
	question, err := latency.ParseSizing(data)
	if _, other := errors.AsType[*json.SyntaxError](err); other {
		return fmt.Errorf("%s: %w: want JSON; calibrate --format=json prints a profile as it goes in there", name, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	result, err := latency.Size(question)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := writeJSON(std.Out, result); err != nil {
		return err
	}
	if result.Feasible != nil && !*result.Feasible {
		return errReported
	}
	return nil
}
