package command

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/report"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// backtestFlags are the flags of backtest.
type backtestFlags struct {
	scenario string
	config   string
	policies []string
	seed     uint64
	mode     string
	format   string
	seeds    int
	sweeps   []string
	match    []float64
	settings []backtest.Setting // of the sweeps
}

func newBacktestCommand(app *kingpin.Application) command {
	cmd := app.Command("backtest", "Measure a configuration on a simulated fleet: service and cost against other policies, in virtual time.")
	f := &backtestFlags{}
	cmd.Flag("scenario", "Scenario file: the load, the fleet as it really is, events, expectations. See docs/backtest.md.").Required().StringVar(&f.scenario)
	cmd.Flag("config.file", "Configuration under test. It may lack prometheus.").StringVar(&f.config)
	all := append([]string{policy.Product}, policy.Names()...)
	cmd.Flag("policy", "Policy to run; repeatable: "+strings.Join(all, ", ")+". Default: "+policy.Product+".").EnumsVar(&f.policies, all...)
	cmd.Flag("seed", "Seed of everything that is random. Default: the scenario's.").Uint64Var(&f.seed)
	cmd.Flag("seeds", "Run that many seeds from --seed on, and show means and standard deviations.").Default("1").IntVar(&f.seeds)
	cmd.Flag("sweep", "Vary one thing, such as startup=30s,2m,10m; repeatable, one after the other: "+strings.Join(backtest.SweepNames(), ", ")+".").StringsVar(&f.sweeps)
	cmd.Flag("match", "Find the cheapest setting of each policy's own headroom that reaches this share of requests within the targets, such as 0.99; repeatable.").
		Float64ListVar(&f.match)
	cmd.Flag("mode", "How requests are served: requests (one by one), fluid, or auto, which takes fluid for very many.").
		Default(string(sim.Auto)).EnumVar(&f.mode, string(sim.Auto), string(sim.Requests), string(sim.Fluid))
	addFormatFlag(cmd, &f.format, []string{"table", "json", "csv", "html"})
	var rules checks
	rules.require("seeds", "be from 1 to 1000", func() bool { return f.seeds >= 1 && f.seeds <= 1000 })
	rules.require("match", "be above 0 and below 1", func() bool {
		return !slices.ContainsFunc(f.match, func(m float64) bool { return !(m > 0 && m < 1) })
	})
	rules.require("format", "not be html where several runs are compared", func() bool { return f.format != "html" || !f.compares() })
	rules.add(func() error {
		for _, text := range f.sweeps {
			settings, err := backtest.ParseSweep(text)
			if err != nil {
				return err
			}
			f.settings = append(f.settings, settings...)
		}
		return nil
	})
	cmd.Validate(rules.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

// compares reports whether there are several runs of a policy.
func (f *backtestFlags) compares() bool { return f.seeds > 1 || len(f.sweeps) > 0 || len(f.match) > 0 }

func (f *backtestFlags) run(ctx context.Context, std Streams) error {
	o := backtest.Options{Policies: f.policies, Seed: f.seed, Mode: sim.Mode(f.mode), Now: time.Now}
	if len(o.Policies) == 0 {
		o.Policies = []string{policy.Product}
	}
	var err error
	if o.Scenario, o.Config, err = f.load(std.Err); err != nil {
		return err
	}
	if o.Seed == 0 {
		o.Seed = uint64(o.Scenario.Seed)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	if f.compares() {
		return f.compare(ctx, std, &o)
	}
	if isTerminal(std.Err) {
		o.Progress = func(policy string, share float64) { drawProgress(std.Err, policy, share) }
	}
	r, err := backtest.Run(ctx, o)
	if err != nil {
		return err
	}
	if err := f.write(std.Out, r); err != nil {
		return err
	}
	return verdict(r.Expect)
}

func verdict(expect []report.Expectation) error {
	for _, e := range expect {
		if !e.Holds {
			return errReported // the output says which
		}
	}
	return nil
}

// load reads the files, and tells what is wrong with them.
func (f *backtestFlags) load(w io.Writer) (s *scenario.Scenario, c *config.Config, err error) {
	s, found, err := scenario.LoadFile(f.scenario)
	if err = complain(w, found, s == nil, err); err != nil || f.config == "" {
		return s, nil, err
	}
	c, found, err = product.LoadConfig(f.config)
	return s, c, complain(w, found, c == nil, err)
}

// compare runs several settings and seeds.
func (f *backtestFlags) compare(ctx context.Context, std Streams, o *backtest.Options) error {
	study := backtest.StudyOptions{
		Load:     func() (*scenario.Scenario, *config.Config, error) { return f.load(io.Discard) }, // told already
		Policies: o.Policies, Settings: f.settings, Match: f.match, Mode: o.Mode, Now: o.Now,
	}
	for i := range f.seeds {
		study.Seeds = append(study.Seeds, o.Seed+uint64(i))
	}
	if isTerminal(std.Err) {
		study.Progress = func(done, of int) {
			drawProgress(std.Err, fmt.Sprintf("%d of %d runs", done, of), float64(done)/float64(of))
		}
	}
	r, err := backtest.RunStudy(ctx, study)
	if err != nil {
		return err
	}
	switch f.format {
	case "json":
		err = writeJSON(std.Out, r)
	case "csv":
		err = report.WriteStudyCSV(std.Out, r)
	default:
		err = report.WriteStudy(std.Out, r)
	}
	if err != nil {
		return err
	}
	return verdict(r.Expect)
}

// gcPercent lets garbage grow to a few times what is in use, which is little, for the time that collecting it takes.
const gcPercent = 400

// complain tells what is wrong with a file.
func complain(w io.Writer, found config.Diagnostics, bad bool, err error) error {
	if err != nil {
		return err
	}
	for _, d := range found {
		fmt.Fprintln(w, d)
	}
	if bad {
		return errReported
	}
	return nil
}

func (f *backtestFlags) write(w io.Writer, r *report.Result) error {
	switch f.format {
	case "json":
		return writeJSON(w, r)
	case "csv":
		return report.WriteCSV(w, r)
	case "html":
		return report.WriteHTML(w, r)
	}
	return report.WriteTable(w, r)
}

// progressWidth is the length of the progress bar in characters.
const progressWidth = 40

// drawProgress draws over the last progress bar, and takes the finished one away.
func drawProgress(w io.Writer, policy string, share float64) {
	if share >= 1 {
		fmt.Fprint(w, "\r\x1b[K")
		return
	}
	done := int(share * progressWidth)
	fmt.Fprintf(w, "\r%-16s [%s%s] %3.0f %%", policy, strings.Repeat("=", done), strings.Repeat(" ", progressWidth-done), 100*share)
}
