// Package demo shows the exporter at work on a simulated day: the simulator and the baselines are those of the backtest, and so are the
// decisions of the program itself, at the time of the fleet. The day passes in about a minute.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/variant-exporter/variant-exporter/backtest"
	"github.com/variant-exporter/variant-exporter/backtest/policy"
	"github.com/variant-exporter/variant-exporter/backtest/product"
	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/backtest/sim"
	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

//go:embed day.yml
var dayScenario string

//go:embed day.conf.yml
var dayConfig string

// The names of the files of a demo.
const (
	ScenarioFile = "day.yml"
	ConfigFile   = "day.conf.yml"
)

// longestWait is how long the fleets stand still at most: pages show them, too.
const longestWait = time.Second

// Policies are those that a demo compares, the program first.
func Policies() []string {
	return []string{policy.Product, "static", "rate-last", "keda-queue", "wva-tokens", "hpa-queue"}
}

// Options say how to show the day.
type Options struct {
	Seed        uint64
	Length      time.Duration // of the show; 0: as fast as it goes
	Clock       func() time.Time
	Out         io.Writer
	Interactive bool          // Out is a terminal: draw over the last picture
	Every       time.Duration // between pictures
	Keep        bool          // the pages outlast the day
}

// Demo is a fleet under several policies at once. All of them get the same requests.
type Demo struct {
	options  Options
	scenario *scenario.Scenario
	config   *config.Config
	runs     []*backtest.Running // that under the program first
	turn     *semaphore.Weighted // to change or to read the series of the fleet under the program
	closed   bool                // guarded by turn
	now      atomic.Int64        // nanoseconds since the start of the simulation
	last     atomic.Pointer[collector.Snapshot]
}

// New makes the fleets, as they are at midnight. The caller closes the demo.
func New(ctx context.Context, o Options) (*Demo, error) {
	if o.Out == nil || o.Clock == nil || o.Every <= 0 || o.Length < 0 {
		return nil, errors.New("demo: an output, a clock, an interval and a length are needed")
	}
	s, found := scenario.Load(ScenarioFile, dayScenario)
	if s == nil {
		return nil, found.Err()
	}
	c, remarks := product.ParseConfig(ConfigFile, dayConfig)
	if c == nil {
		return nil, remarks.Err()
	}
	runs, err := backtest.Prepare(ctx, backtest.Options{Scenario: s, Config: c, Policies: Policies(), Seed: o.Seed, Mode: sim.Auto})
	if err != nil {
		return nil, err
	}
	d := &Demo{options: o, scenario: s, config: c, runs: runs, turn: semaphore.NewWeighted(1)}
	runs[0].Product.Store.Keep(s.Length()) // The pages look back, also on latencies.
	runs[0].Product.Also("vllm:time_to_first_token_seconds_bucket", "vllm:inter_token_latency_seconds_bucket")
	// When it is warm, there is a plan to show.
	if err := d.until(ctx, time.Duration(max(s.Warmup, s.Evaluate))); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close frees what the fleets hold.
func (d *Demo) Close() error {
	err := d.still(context.Background(), func() error { d.closed = true; return nil })
	for _, r := range d.runs {
		err = errors.Join(err, r.Close())
	}
	return err
}

// WriteFiles writes the scenario and the configuration of the demo, for backtest.
func WriteFiles(dir string) error {
	for name, text := range map[string]string{ScenarioFile: dayScenario, ConfigFile: dayConfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the demo's files: %w", err)
		}
	}
	return nil
}

// Now is the time of the fleet.
func (d *Demo) Now() time.Time { return scenario.Start().Add(time.Duration(d.now.Load())) }

// Evaluate returns the last decision of the program: it decides when the time of the fleet has come, not when it is asked.
func (d *Demo) Evaluate(context.Context, time.Time) *collector.Snapshot { return d.last.Load() }

// Run lets the day pass, showing it meanwhile, and sums up: where it was interrupted, what there was of the day.
func (d *Demo) Run(ctx context.Context, url string) error {
	fmt.Fprint(d.options.Out, introduction(url, d.scenario, d.config))
	began := d.options.Clock()
	warmup, end := time.Duration(d.scenario.Warmup), d.scenario.Length()
	show := &screen{out: d.options.Out, interactive: d.options.Interactive}
	ticker := time.NewTicker(min(d.options.Every, longestWait))
	defer ticker.Stop()
	var drawn time.Time
	for at := time.Duration(0); at < end; {
		at = end
		if d.options.Length > 0 {
			shown := float64(d.options.Clock().Sub(began)) / float64(d.options.Length)
			at = min(end, warmup+time.Duration(shown*float64(end-warmup)))
		}
		if err := d.until(ctx, at); err != nil {
			break // interrupted
		}
		if now := d.options.Clock(); at == end || now.Sub(drawn) >= d.options.Every {
			show.show(d.picture())
			drawn = now
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	served := ""
	if d.options.Keep && ctx.Err() == nil {
		served = fmt.Sprintf("The pages of this day stay at %s: Ctrl+C ends them.\n", url)
	}
	fmt.Fprint(d.options.Out, summary(d.into(), d.status(), served))
	return nil
}

// into is how much of the day has passed.
func (d *Demo) into() time.Duration {
	return max(0, time.Duration(d.now.Load())-time.Duration(d.scenario.Warmup))
}

// until lets all fleets go on to a time.
func (d *Demo) until(ctx context.Context, at time.Duration) error {
	var running sync.WaitGroup
	errs := make([]error, len(d.runs))
	running.Go(func() { errs[0] = d.walk(ctx, at) })
	for i, r := range d.runs[1:] {
		running.Go(func() { errs[i+1] = r.Sim.Until(ctx, at) })
	}
	running.Wait()
	d.now.Store(int64(at))
	if s := d.runs[0].Product.Last(); s != nil {
		d.last.Store(s)
	}
	return errors.Join(errs...)
}

// standing is how a policy stands.
type standing struct {
	name string
	sim.Status
}

func (d *Demo) status() []standing {
	var all []standing
	for _, r := range d.runs {
		all = append(all, standing{r.Name, r.Sim.Status()})
	}
	return all
}
