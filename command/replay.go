package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// replayMaxBody is larger than for serve because one answer holds many steps.
const replayMaxBody = 64 << 20

// replayFlags are the flags of replay.
type replayFlags struct {
	config       string
	period       period
	step         time.Duration
	format, html string
	propose      bool
	queries      queries
	checks       checks
}

func newReplayCommand(app *kingpin.Application) command {
	cmd := app.Command("replay", "Evaluate a configuration over the history in its Prometheus, at every step as it would have been decided then, "+
		"and compare cost, replicas and shortfalls with what really ran.")
	f := &replayFlags{}
	addConfigFileFlag(cmd, &f.config, "Configuration file.")
	f.period.addFlags(cmd, "7d")
	cmd.Flag("step", "Time between decisions, in whole seconds.").Default("1m").DurationVar(&f.step)
	f.checks.require("step", "be whole seconds", func() bool { return f.step >= time.Second && f.step%time.Second == 0 })
	addFormatFlag(cmd, &f.format, []string{"text", "json", "csv", "scenario"}, "JSON and CSV have every step; scenario is a scenario for backtest.")
	cmd.Flag("output.html", "Also draw what ran and what would have run, into this HTML file.").PlaceHolder("FILE").StringVar(&f.html)
	cmd.Flag("propose", "Also replay alternatives over the same history: windows, headroom, forecast. It prints a table of their cost, minutes short and changes, "+
		"and which it would choose and why. It takes as many times as long. With the formats text and json.").BoolVar(&f.propose)
	f.checks.add(func() error {
		if f.propose && f.format != "text" && f.format != "json" {
			return errors.New("--propose goes with --format=text and --format=json")
		}
		return nil
	})
	f.queries.addTimeoutFlag(cmd, &f.checks, "1m", "Longest single query. One asks for up to 1,000 steps.")
	f.queries.addConcurrencyFlag(cmd, &f.checks)
	f.queries.addMaxBodyFlag(cmd, &f.checks, replayMaxBody, "Largest answer to a query, decompressed. Larger ones are asked for in parts.")
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *replayFlags) run(ctx context.Context, std Streams) error {
	result, proposal, scenario, err := f.replay(ctx, std, time.Now())
	if err != nil {
		return err
	}
	if f.html != "" {
		if err := writeFile(f.html, func(w io.Writer) error { return replay.WriteHTML(w, result) }); err != nil {
			return err
		}
	}
	write := replay.WriteText
	switch f.format {
	case "json":
		result.Proposal = proposal
		write = replay.WriteJSON
	case "csv":
		write = replay.WriteCSV
	case "scenario":
		return scenario(std.Out)
	}
	if err := write(std.Out, result); err != nil || proposal == nil || f.format != "text" {
		return err
	}
	fmt.Fprintln(std.Out)
	return proposal.WriteText(std.Out, result.Total.Ran)
}

// replay asks the configured Prometheus. There is no proposal and no scenario unless it is asked for.
func (f *replayFlags) replay(ctx context.Context, std Streams, now time.Time) (*replay.Result, *replay.Proposal, func(io.Writer) error, error) {
	from, to, err := f.period.times(now)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg, client, err := f.queries.open(f.config)
	if err != nil {
		return nil, nil, nil, err
	}
	defer client.Close()
	progress, finish := progressOn(std.Err)
	defer finish()
	o := replay.Options{From: from, To: to, Step: f.step, Concurrency: f.queries.concurrency, Now: time.Now, Progress: progress}
	var result *replay.Result
	var proposal *replay.Proposal
	if f.propose {
		result, proposal, err = replay.Propose(ctx, func() (*config.Config, error) { return loadConfig(f.config) }, client, o)
	} else {
		result, err = replay.Run(ctx, cfg, client, o)
	}
	if ctx.Err() != nil {
		return nil, nil, nil, errors.New("interrupted")
	}
	if err == nil && !result.Known() {
		return nil, nil, nil, fmt.Errorf("nothing is known of what ran between %s and %s: is kube-state-metrics in this Prometheus, and does its history go back so far?",
			result.From.Format(time.RFC3339), result.To.Format(time.RFC3339))
	}
	if err != nil || f.format != "scenario" {
		return result, proposal, nil, err
	}
	arrivals, err := replay.AskArrivals(ctx, cfg, client, result)
	return result, proposal, func(w io.Writer) error { return replay.WriteScenario(w, result, cfg, arrivals) }, err
}

// progressOn shows progress on a terminal, and nowhere else.
func progressOn(w io.Writer) (progress func(done, of int), finish func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	progress = func(done, of int) {
		if bar == nil {
			bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription("replay"),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		}
		_ = bar.Set(done) // A bar that cannot be drawn must not end the replay.
	}
	finish = func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
	return progress, finish
}
