package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/collector/calibrate"
	"github.com/variant-exporter/variant-exporter/optimizer/calibration"
	"github.com/variant-exporter/variant-exporter/optimizer/latency"
)

// calibrateMaxBody is larger than for serve because one answer holds the whole history.
const calibrateMaxBody = 256 << 20

// calibrateFlags are the flags of calibrate.
type calibrateFlags struct {
	csv, config    string
	benchmarks     []string
	period         period
	step           time.Duration
	replica        string
	change         func(calibrate.Expressions) calibrate.Expressions
	maxBatch       int
	maxBatchTokens int
	kvTokens       int
	ttft, itl      time.Duration
	quantile       float64
	plot, format   string
	configIsForced bool
	queries        queries
	checks         checks
}

func newCalibrateCommand(app *kingpin.Application) command {
	cmd := app.Command("calibrate", "Fit profiles of model servers to what a Prometheus has seen of them, or to the results of a benchmark; "+
		"print them with intervals, as YAML to paste. The exit code is 1 where neither a profile can be fitted nor a load was seen to keep the targets.")
	f := &calibrateFlags{queries: queries{maxBody: calibrateMaxBody}}
	cmd.Flag("csv", "Results of a benchmark: lines of concurrency,input_tokens,output_tokens,ttft,itl under that header, in seconds; - reads standard input. "+
		"Without it, Prometheus is asked.").StringVar(&f.csv)
	cmd.Flag("benchmark", "Results of a benchmark, as vLLM's or SGLang's serving benchmark, guidellm, genai-perf or aiperf write them in JSON, YAML or CSV, or as for --csv. "+
		"Give it several times to fit several files together.").StringsVar(&f.benchmarks)
	addConfigFileFlag(cmd, &f.config, "Configuration whose variants are fitted from its Prometheus' history.").IsSetByUser(&f.configIsForced)
	f.period.addFlags(cmd, "1d")
	cmd.Flag("step", "Span of one observation: at least eight scrapes and many requests.").Default("5m").DurationVar(&f.step)
	f.queries.addTimeoutFlag(cmd, &f.checks, "2m", "Limit on all queries together.")
	cmd.Flag("replica-label", "Label that tells replicas apart.").Default("pod").StringVar(&f.replica)
	f.addExpressions(cmd)
	cmd.Flag("max-batch", "Most requests in service at once, where the configuration does not say.").Default("256").IntVar(&f.maxBatch)
	cmd.Flag("max-batch-tokens", "Most tokens in an iteration (vLLM: max-num-batched-tokens), where the configuration does not say; 0 without a bound.").
		Default("0").IntVar(&f.maxBatchTokens)
	cmd.Flag("kv-tokens", "Size of the KV cache in tokens, where the configuration does not say; 0 without a bound.").Default("0").IntVar(&f.kvTokens)
	cmd.Flag("slo.ttft", "Target for the time to the first token, to find the capacity; for history, the configuration has it.").DurationVar(&f.ttft)
	cmd.Flag("slo.itl", "Target for the time between output tokens.").DurationVar(&f.itl)
	cmd.Flag("slo.quantile", "Share of requests and tokens that the targets hold for; 0 holds the means to them.").Default("0").Float64Var(&f.quantile)
	cmd.Flag("plot", "Also draw data and fit, into this SVG file.").StringVar(&f.plot)
	addFormatFlag(cmd, &f.format, []string{"yaml", "json"})
	f.checks.add(f.validate)
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

// addExpressions adds the flags that replace what the presets of a model ask for.
func (f *calibrateFlags) addExpressions(cmd *kingpin.CmdClause) {
	type expression struct {
		name, what string
		of         func(*calibrate.Expressions) *string
		given      string
		isGiven    bool
	}
	expressions := []expression{
		{name: "running", what: "mean requests in service", of: func(e *calibrate.Expressions) *string { return &e.Running }},
		{name: "variance", what: "variance of the requests in service", of: func(e *calibrate.Expressions) *string { return &e.Variance }},
		{name: "waiting", what: "most requests waiting for service", of: func(e *calibrate.Expressions) *string { return &e.Waiting }},
		{name: "queue", what: "mean time from arrival to service, or nothing to count the time to the first token only where few wait", of: func(e *calibrate.Expressions) *string { return &e.Queue }},
		{name: "input-tokens", what: "mean prompt tokens of a request", of: func(e *calibrate.Expressions) *string { return &e.Input }},
		{name: "output-tokens", what: "mean generated tokens of a request", of: func(e *calibrate.Expressions) *string { return &e.Output }},
		{name: "itl", what: "mean time between output tokens", of: func(e *calibrate.Expressions) *string { return &e.ITL }},
		{name: "ttft", what: "mean time to the first token, or nothing to fit to the other alone", of: func(e *calibrate.Expressions) *string { return &e.TTFT }},
	}
	for i := range expressions {
		e := &expressions[i]
		cmd.Flag("expr."+e.name, "PromQL for the "+e.what+", per replica and step; docs/calibration.md has what it may hold. Default: what the model's preset says, or that of vllm.").
			PlaceHolder("EXPR").IsSetByUser(&e.isGiven).StringVar(&e.given)
	}
	f.change = func(said calibrate.Expressions) calibrate.Expressions {
		for i := range expressions {
			if e := &expressions[i]; e.isGiven {
				*e.of(&said) = e.given
			}
		}
		return said
	}
}

func (f *calibrateFlags) run(ctx context.Context, std Streams) error {
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
	if err := write(std.Out, results); err != nil {
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

// validate refuses values out of range, and flags that do not go together.
func (f *calibrateFlags) validate() error {
	switch {
	case f.plot != "" && !strings.HasSuffix(f.plot, ".svg"):
		return fmt.Errorf("--plot=%s: only SVG is drawn, name the file .svg", f.plot)
	case f.maxBatch < 1:
		return fmt.Errorf("--max-batch=%d: at least 1", f.maxBatch)
	case f.maxBatchTokens != 0 && f.maxBatchTokens < f.maxBatch:
		return fmt.Errorf("--max-batch-tokens=%d: less than --max-batch=%d: not even one token of each request fits", f.maxBatchTokens, f.maxBatch)
	case f.kvTokens < 0:
		return fmt.Errorf("--kv-tokens=%d: 0 or more", f.kvTokens)
	case f.csv != "" && f.configIsForced:
		return errors.New("--csv and --config.file: give one of them")
	case len(f.benchmarks) > 0 && (f.csv != "" || f.configIsForced):
		return errors.New("--benchmark goes with neither --csv nor --config.file: give one of them")
	}
	for i, file := range f.benchmarks {
		if slices.Contains(f.benchmarks[:i], file) {
			return fmt.Errorf("--benchmark=%s: given twice, which would count as more evidence than there is", file)
		}
	}
	return f.validateSLO()
}

// validateSLO refuses targets that are none.
func (f *calibrateFlags) validateSLO() error {
	switch {
	case !(f.quantile >= 0 && f.quantile < 1):
		return fmt.Errorf("--slo.quantile=%v: between 0 and 1", f.quantile)
	case f.ttft < 0 || f.itl < 0:
		return fmt.Errorf("--slo.ttft=%s, --slo.itl=%s: a target is more than 0", f.ttft, f.itl)
	case f.quantile > 0 && f.slo() == nil:
		return fmt.Errorf("--slo.quantile=%v: of which target? Give --slo.ttft or --slo.itl too", f.quantile)
	}
	return nil
}

// subjects are what is fitted.
func (f *calibrateFlags) subjects(ctx context.Context, std Streams) ([]calibrate.Subject, error) {
	if f.csv == "" && len(f.benchmarks) == 0 {
		return f.history(ctx, time.Now())
	}
	observations, leftOut, err := f.benchmark(std)
	if err != nil {
		return nil, err
	}
	subject := calibrate.Subject{
		Observations: observations, LeftOut: leftOut,
		MaxBatch: f.maxBatch, MaxBatchTokens: f.maxBatchTokens, KVTokens: f.kvTokens, MaxQueue: latency.DefaultMaxQueue(f.maxBatch), SLO: f.slo(),
	}
	subject.LeaveOutQueues()
	return []calibrate.Subject{subject}, nil
}

// benchmark reads the files of a benchmark. A file without any run that can be used is left out, where another has one.
func (f *calibrateFlags) benchmark(std Streams) (observations []calibration.Observation, leftOut []string, err error) {
	if f.csv != "" {
		return readBenchmark(f.csv, std, func(name string, text []byte) ([]calibration.Observation, []string, error) {
			observations, err := calibrate.ReadCSV(name, bytes.NewReader(text))
			return observations, nil, err
		})
	}
	var none error
	for _, file := range f.benchmarks {
		some, not, err := readBenchmark(file, std, calibrate.ReadBenchmark)
		if _, ok := errors.AsType[*calibrate.NoRunError](err); ok {
			none = errors.Join(none, err)
		} else if err != nil {
			return nil, nil, err
		}
		observations, leftOut = append(observations, some...), append(leftOut, not...)
	}
	if len(observations) == 0 {
		return nil, nil, none
	}
	return observations, leftOut, nil
}

func readBenchmark(file string, std Streams, parse func(name string, text []byte) ([]calibration.Observation, []string, error)) ([]calibration.Observation, []string, error) {
	if file == "-" {
		file = "" // as an argument would come
	}
	text, name, err := readInput(file, std.In)
	if err != nil {
		return nil, nil, err
	}
	return parse(name, text)
}

// slo are the targets given by flags, or nil.
func (f *calibrateFlags) slo() *latency.SLO {
	if f.ttft == 0 && f.itl == 0 {
		return nil
	}
	return &latency.SLO{TTFT: f.ttft.Seconds(), ITL: f.itl.Seconds(), Quantile: f.quantile}
}

// history asks the configured Prometheus.
func (f *calibrateFlags) history(ctx context.Context, now time.Time) ([]calibrate.Subject, error) {
	from, to, err := f.period.times(now)
	if err != nil {
		return nil, err
	}
	cfg, client, err := f.queries.open(f.config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, f.queries.timeout)
	defer cancel()
	subjects, err := calibrate.Gather(ctx, client, calibrate.History{
		Config: cfg, Change: f.change, ReplicaLabel: f.replica, From: from, To: to, Step: f.step, MaxBatch: f.maxBatch,
		MaxBatchTokens: f.maxBatchTokens, KVTokens: f.kvTokens,
	})
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
