package command

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/optimizer"
)

func newSolveCommand(app *kingpin.Application) command {
	cmd := app.Command("solve", "Read a planning problem as JSON and print the plan: for what-if questions, and to check optimality.")
	file := cmd.Arg("file", "File with the problem, or with the answer of /api/v1/plan; - reads standard input.").Required().String()
	timeout := cmd.Flag("timeout", "Print the best plan found after this long. 0s: search until there is proof, or the planner's own limit of work is reached.").
		Default("0s").Duration()
	return command{name: cmd.FullCommand(), run: func(ctx context.Context, std Streams) error {
		if *timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, time.Now().Add(*timeout))
			defer cancel()
		}
		return solve(ctx, *file, std)
	}}
}

func solve(ctx context.Context, file string, std Streams) error {
	data, name, err := readInput(file, std.In)
	if err != nil {
		return err
	}
	problem, err := optimizer.ParseProblem(problemOf(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	plan, err := optimizer.Solve(problem, optimizer.Options{Interrupt: func() bool { return ctx.Err() != nil }})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return writeJSON(std.Out, plan)
}

// problemOf is the problem within what /api/v1/plan of the exporter answers, or else the text itself.
func problemOf(data []byte) []byte {
	var answer map[string]json.RawMessage
	if json.Unmarshal(data, &answer) != nil {
		return data // Its mistake is found and named by who reads it.
	}
	problem, found := answer["problem"]
	for key := range answer {
		found = found && (key == "problem" || key == "plan" || key == "time")
	}
	if !found {
		return data
	}
	return problem
}
