package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/optimizer"
)

// calibrateFlags are the flags of calibrate.
type calibrateFlags struct {
	csv, config    string
	from, to       string
	step, timeout  time.Duration
	replica        string
	expressions    calibrate.Expressions
	maxBatch       int
	ttft, itl      time.Duration
	quantile       float64
	plot, format   string
	configIsForced bool
}

func newCalibrateCommand(app *kingpin.Application) command {
	cmd := app.Command("calibrate", "Fit profiles of model servers to what a Prometheus has seen of them, or to the results of a benchmark; "+
		"print them with intervals, as YAML to paste. The exit code is 1 where a profile cannot be fitted.")
	f := &calibrateFlags{}
	cmd.Flag("csv", "Results of a benchmark: lines of concurrency,input_tokens,output_tokens,ttft,itl under that header, in seconds; - reads standard input. "+
		"Without it, Prometheus is asked.").StringVar(&f.csv)
	cmd.Flag("config.file", "Configuration whose variants are fitted from its Prometheus' history.").
		Default(defaultConfigFile).IsSetByUser(&f.configIsForced).StringVar(&f.config)
	cmd.Flag("from", "Start of the history: RFC 3339, Unix seconds, or how long ago.").Default("1d").StringVar(&f.from)
	cmd.Flag("to", "End of the history: RFC 3339, Unix seconds, or how long ago.").Default("0s").StringVar(&f.to)
	cmd.Flag("step", "Span of one observation: at least eight scrapes and many requests.").Default("5m").DurationVar(&f.step)
	cmd.Flag("query.timeout", "Limit on all queries together.").Default("2m").DurationVar(&f.timeout)
	cmd.Flag("replica-label", "Label that tells replicas apart.").Default("pod").StringVar(&f.replica)
	f.addExpressions(cmd)
	cmd.Flag("max-batch", "Most requests in service at once, where the configuration does not say.").Default("256").IntVar(&f.maxBatch)
	cmd.Flag("slo.ttft", "Target for the time to the first token, to find the capacity; for history, the configuration has it.").DurationVar(&f.ttft)
	cmd.Flag("slo.itl", "Target for the time between output tokens.").DurationVar(&f.itl)
	cmd.Flag("slo.quantile", "Share of requests and tokens that the targets hold for; 0 holds the means to them.").Default("0").Float64Var(&f.quantile)
	cmd.Flag("plot", "Also draw data and fit, into this SVG file.").StringVar(&f.plot)
	cmd.Flag("format", "Output format.").Default("yaml").EnumVar(&f.format, "yaml", "json")
	return command{name: cmd.FullCommand(), run: f.run}
}

// addExpressions adds the flags for servers other than vLLM.
func (f *calibrateFlags) addExpressions(cmd *kingpin.CmdClause) {
	f.expressions = calibrate.VLLM()
	for _, e := range []struct {
		name, what string
		expr       *string
	}{
		{"running", "mean requests in service", &f.expressions.Running},
		{"variance", "variance of the requests in service", &f.expressions.Variance},
		{"waiting", "most requests waiting for service", &f.expressions.Waiting},
		{"input-tokens", "mean prompt tokens of a request", &f.expressions.Input},
		{"output-tokens", "mean generated tokens of a request", &f.expressions.Output},
		{"itl", "mean time between output tokens", &f.expressions.ITL},
		{"ttft", "mean time to the first token, or nothing to fit to the other alone", &f.expressions.TTFT},
	} {
		cmd.Flag("expr."+e.name, "PromQL for the "+e.what+", per replica and step; docs/calibration.md has what it may hold. Default: vLLM's.").
			PlaceHolder("EXPR").StringVar(e.expr)
	}
}

func (f *calibrateFlags) run(ctx context.Context, std stdio) error {
	if err := f.validate(); err != nil {
		return err
	}
	subjects, err := f.subjects(ctx, std)
	if err != nil {
		return err
	}
	results := make([]calibrate.Result, len(subjects))
	for i := range subjects {
		results[i] = calibrate.Fit(subjects[i])
	}
	write := calibrate.WriteYAML
	if f.format == "json" {
		write = calibrate.WriteJSON
	}
	if err := write(std.out, results); err != nil {
		return err
	}
	if f.plot != "" {
		if err := writeFile(f.plot, func(w io.Writer) error { return calibrate.WriteSVG(w, results) }); err != nil {
			return err
		}
	}
	if calibrate.Failed(results) {
		return errReported
	}
	return nil
}

func (f *calibrateFlags) validate() error {
	switch {
	case f.plot != "" && !strings.HasSuffix(f.plot, ".svg"):
		return fmt.Errorf("--plot=%s: only SVG is drawn, name the file .svg", f.plot)
	case f.maxBatch < 1:
		return fmt.Errorf("--max-batch=%d: at least 1", f.maxBatch)
	case !(f.quantile >= 0 && f.quantile < 1):
		return fmt.Errorf("--slo.quantile=%v: between 0 and 1", f.quantile)
	case f.csv != "" && f.configIsForced:
		return errors.New("--csv and --config.file: give one of them")
	}
	return nil
}

// subjects are what is fitted.
func (f *calibrateFlags) subjects(ctx context.Context, std stdio) ([]calibrate.Subject, error) {
	if f.csv == "" {
		return f.history(ctx, time.Now())
	}
	observations, err := f.benchmark(std)
	if err != nil {
		return nil, err
	}
	return []calibrate.Subject{{
		Observations: observations, MaxBatch: f.maxBatch, MaxQueue: optimizer.DefaultMaxQueue(f.maxBatch), SLO: f.slo(),
	}}, nil
}

func (f *calibrateFlags) benchmark(std stdio) ([]optimizer.Observation, error) {
	file := f.csv
	if file == "-" {
		file = "" // as an argument would come
	}
	text, name, err := readInput(file, std.in)
	if err != nil {
		return nil, err
	}
	return calibrate.ReadCSV(name, bytes.NewReader(text))
}

// slo are the targets given by flags, or nil.
func (f *calibrateFlags) slo() *optimizer.SLO {
	if f.ttft == 0 && f.itl == 0 {
		return nil
	}
	return &optimizer.SLO{TTFT: f.ttft.Seconds(), ITL: f.itl.Seconds(), Quantile: f.quantile}
}

// history asks the configured Prometheus.
func (f *calibrateFlags) history(ctx context.Context, now time.Time) ([]calibrate.Subject, error) {
	cfg, found, err := config.LoadFile(f.config)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return nil, fmt.Errorf("%s cannot be used:\n%w", f.config, found.Err())
	}
	if cfg.Prometheus == nil {
		return nil, errors.New("calibrate needs prometheus.url: without it there is no history to ask for")
	}
	h := calibrate.History{Config: cfg, Expressions: f.expressions, ReplicaLabel: f.replica, Step: f.step, MaxBatch: f.maxBatch}
	if h.From, err = parseTime(f.from, now); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if h.To, err = parseTime(f.to, now); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	client, err := promapi.New(promapi.Config{
		URL: cfg.Prometheus.URL, HTTPConfig: cfg.Prometheus.HTTPConfig.HTTPClientConfig,
		Timeout: f.timeout, MaxBodyBytes: 256 << 20, UserAgent: "variant_exporter/" + version.Version,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	subjects, err := calibrate.Gather(ctx, client, h)
	if err != nil {
		return nil, err
	}
	if targets := f.slo(); targets != nil {
		for i := range subjects {
			subjects[i].SLO = targets
		}
	}
	return subjects, nil
}

// writeFile writes a file whole, or says why not.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
