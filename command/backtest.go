package command

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
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
}

func newBacktestCommand(app *kingpin.Application) command {
	cmd := app.Command("backtest", "Measure a configuration on a simulated fleet: service and cost against other policies, in virtual time.")
	f := &backtestFlags{}
	cmd.Flag("scenario", "Scenario file: the load, the fleet as it really is, events, expectations. See docs/backtest.md.").Required().StringVar(&f.scenario)
	cmd.Flag("config.file", "Configuration under test. It may lack prometheus.").StringVar(&f.config)
	all := append([]string{policy.Product}, policy.Names()...)
	cmd.Flag("policy", "Policy to run; repeatable: "+strings.Join(all, ", ")+". Default: "+policy.Product+".").EnumsVar(&f.policies, all...)
	cmd.Flag("seed", "Seed of everything that is random. Default: the scenario's.").Uint64Var(&f.seed)
	cmd.Flag("mode", "How requests are served: requests (one by one), fluid, or auto, which takes fluid for very many.").
		Default(string(sim.Auto)).EnumVar(&f.mode, string(sim.Auto), string(sim.Requests), string(sim.Fluid))
	addFormatFlag(cmd, &f.format, []string{"table", "json", "csv", "html"})
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *backtestFlags) run(ctx context.Context, std Streams) error {
	o := backtest.Options{Policies: f.policies, Seed: f.seed, Mode: sim.Mode(f.mode), Now: time.Now}
	if len(o.Policies) == 0 {
		o.Policies = []string{policy.Product}
	}
	s, found, err := scenario.LoadFile(f.scenario)
	if err = complain(std.Err, found, s == nil, err); err != nil {
		return err
	}
	o.Scenario = s
	if o.Seed == 0 {
		o.Seed = uint64(s.Seed)
	}
	if f.config != "" {
		c, found, err := product.LoadConfig(f.config)
		if err = complain(std.Err, found, c == nil, err); err != nil {
			return err
		}
		o.Config = c
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
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
	for _, e := range r.Expect {
		if !e.Holds {
			return errReported // the output says which
		}
	}
	return nil
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
