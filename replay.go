package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/common/version"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/variant-exporter/variant-exporter/backtest/replay"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// replayMaxBody is larger than for serve: one answer holds many steps. Larger answers are asked for in parts.
const replayMaxBody = 64 << 20

// replayFlags are the flags of replay.
type replayFlags struct {
	config       string
	from, to     string
	step         time.Duration
	timeout      time.Duration
	concurrency  int
	maxBody      units.Base2Bytes
	format, html string
}

func newReplayCommand(app *kingpin.Application) command {
	cmd := app.Command("replay", "Evaluate a configuration over the history in its Prometheus, at every step as it would have been decided then, "+
		"and compare cost, replicas and shortfalls with what really ran.")
	f := &replayFlags{maxBody: replayMaxBody}
	addConfigFileFlag(cmd, &f.config)
	cmd.Flag("from", "Start of the history: RFC 3339, Unix seconds, or how long ago.").Default("7d").StringVar(&f.from)
	cmd.Flag("to", "End of the history: RFC 3339, Unix seconds, or how long ago.").Default("now").StringVar(&f.to)
	cmd.Flag("step", "Time between decisions, in whole seconds.").Default("1m").DurationVar(&f.step)
	cmd.Flag("format", "Output format: text, json, csv. JSON and CSV have every step.").Default("text").EnumVar(&f.format, "text", "json", "csv")
	cmd.Flag("output.html", "Also draw what ran and what would have run, into this HTML file.").PlaceHolder("FILE").StringVar(&f.html)
	cmd.Flag("query.timeout", "Longest single query. One asks for up to 1,000 steps.").Default("1m").DurationVar(&f.timeout)
	cmd.Flag("query.max-concurrency", "Queries sent at once.").Default("8").IntVar(&f.concurrency)
	cmd.Flag("query.max-body-bytes", "Largest answer to a query, decompressed. Larger ones are asked for in parts.").
		Default(f.maxBody.String()).BytesVar(&f.maxBody)
	cmd.Validate(func(*kingpin.CmdClause) error { return f.validate() })
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *replayFlags) validate() error {
	switch {
	case f.step < time.Second || f.step%time.Second != 0:
		return errors.New("--step must be whole seconds")
	case f.timeout <= 0:
		return errors.New("--query.timeout must be above zero")
	case f.concurrency < 1:
		return errors.New("--query.max-concurrency must be at least 1")
	case f.maxBody < 1:
		return errors.New("--query.max-body-bytes must be at least 1")
	}
	return nil
}

func (f *replayFlags) run(ctx context.Context, std stdio) error {
	result, err := f.replay(ctx, std, time.Now())
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
		write = replay.WriteJSON
	case "csv":
		write = replay.WriteCSV
	}
	return write(std.out, result)
}

// replay asks the configured Prometheus.
func (f *replayFlags) replay(ctx context.Context, std stdio, now time.Time) (*replay.Result, error) {
	cfg, found, err := config.LoadFile(f.config)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return nil, fmt.Errorf("%s cannot be used:\n%w", f.config, found.Err())
	}
	if cfg.Prometheus == nil {
		return nil, errors.New("replay needs prometheus.url: without it there is no history to ask for")
	}
	options := replay.Options{Step: f.step, Concurrency: f.concurrency, Now: time.Now}
	if options.From, err = parseTime(f.from, now); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if options.To, err = parseTime(f.to, now); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	client, err := promapi.New(promapi.Config{
		URL: cfg.Prometheus.URL, HTTPConfig: cfg.Prometheus.HTTPConfig.HTTPClientConfig,
		Timeout: f.timeout, MaxBodyBytes: int64(f.maxBody), UserAgent: "variant_exporter/" + version.Version,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	progress, finish := progressOn(std.err)
	defer finish()
	options.Progress = progress
	result, err := replay.Run(ctx, cfg, client, options)
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	if err == nil && !result.Known() {
		return nil, fmt.Errorf("nothing is known of what ran between %s and %s: is kube-state-metrics in this Prometheus, and does its history go back so far?",
			result.From.Format(time.RFC3339), result.To.Format(time.RFC3339))
	}
	return result, err
}

// progressOn shows progress to people, and to nobody else.
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
