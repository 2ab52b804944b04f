package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

func newSizeCommand(app *kingpin.Application) command {
	cmd := app.Command("size", "Read a model server's profile, token lengths and a rate or an SLO as YAML or JSON; print the latencies, or the largest rate that keeps the SLO.")
	file := cmd.Arg("file", "File with the question; - reads standard input.").Required().String()
	return command{name: cmd.FullCommand(), run: func(_ context.Context, std Streams) error { return size(*file, std) }}
}

// size answers a question. The answer that an SLO cannot be kept is printed like any other, and is a failure.
func size(file string, std Streams) error {
	data, name, err := readInput(file, std.In)
	if err != nil {
		return err
	}
	q, err := readQuestion(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	result, err := sized(q.json)
	if err != nil {
		place := " "
		if field, ok := errors.AsType[*latency.FieldError](err); ok {
			place = q.at(field.Path)
		}
		return fmt.Errorf("%s:%s%w", name, place, err)
	}
	if err := writeJSON(std.Out, result); err != nil {
		return err
	}
	if result.Feasible != nil && !*result.Feasible {
		return errReported
	}
	return nil
}

func sized(text []byte) (latency.SizingResult, error) {
	question, err := latency.ParseSizing(text)
	if err != nil {
		return latency.SizingResult{}, err
	}
	return latency.Size(question)
}
