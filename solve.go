package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

func newSolveCommand(app *kingpin.Application) command {
	cmd := app.Command("solve", "Read a planning problem as JSON and print the plan: for what-if questions, and to check optimality.")
	file := cmd.Arg("file", "File with the problem; - reads standard input.").Required().String()
	return command{name: cmd.FullCommand(), run: func(ctx context.Context, std stdio) error { return solve(ctx, *file, std) }}
}

func solve(ctx context.Context, file string, std stdio) error {
	data, err := readInput(file, std.in)
	if err != nil {
		return err
	}
	problem, err := optimizer.ParseProblem(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{Interrupt: func() bool { return ctx.Err() != nil }})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	enc := json.NewEncoder(std.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(plan)
}

// readInput reads a file, or standard input where the argument was -, which kingpin hands on as an empty one.
func readInput(file string, stdin io.Reader) ([]byte, error) {
	if file == "" {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	return os.ReadFile(file)
}
