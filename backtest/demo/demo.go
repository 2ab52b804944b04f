package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/fleet"
)

// Options say what to run and where to show it.
type Options struct {
	Fleet       fleet.Config
	Seed        uint64
	Dir         string // for the configuration and the list of targets; the caller removes it
	Clock       func() time.Time
	Out         io.Writer
	Interactive bool          // Out is a terminal: draw over the last picture
	Every       time.Duration // between pictures
}

// Demo is a simulated fleet with an autoscaler that follows the exporter. Beside it runs its twin: the same models under the same
// load, each on its largest variant only, scaled for the same planned demand by the same autoscaler.
type Demo struct {
	options Options
	runner  *fleet.Runner
	twin    *fleet.Runner

	mu   sync.Mutex
	last gauges // as last read
	err  error  // of the last reading
}

// ConfigFile is the name of the exporter's configuration within Options.Dir.
const ConfigFile = "variant_exporter.yml"

const targetsFile = "targets.json"

// New prepares a fleet, and writes the configuration that the exporter is to be started with. Run closes what it opens.
func New(ctx context.Context, o Options) (*Demo, error) {
	if o.Clock == nil || o.Out == nil || o.Every <= 0 {
		return nil, errors.New("demo: a clock, an output and an interval are needed")
	}
	targets := filepath.Join(o.Dir, targetsFile)
	text, err := Config(o.Fleet, targets)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(o.Dir, ConfigFile), text, 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	f, err := newFleet(o, o.Fleet)
	if err != nil {
		return nil, err
	}
	twin, err := newFleet(o, o.Fleet.LargestOnly())
	if err != nil {
		return nil, err
	}
	listener, err := fleet.Listen(ctx)
	if err != nil {
		return nil, err
	}
	if err := fleet.WriteTargets(targets, f.Status().Targets(listener.Addr().String())); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &Demo{
		options: o,
		runner:  &fleet.Runner{Fleet: f, Clock: o.Clock, Listener: listener, TargetsFile: targets, SyncPeriod: scrapeInterval},
		twin:    &fleet.Runner{Fleet: twin, Clock: o.Clock, SyncPeriod: scrapeInterval},
	}, nil
}

func newFleet(o Options, c fleet.Config) (*fleet.Fleet, error) {
	f, err := fleet.New(c, o.Clock(), rand.New(rand.NewPCG(o.Seed, 0)))
	if err != nil {
		return nil, fmt.Errorf("make the demo's fleet: %w", err)
	}
	return f, nil
}

// Run lets the fleet follow the exporter at an address until the context is done, showing it meanwhile, and sums up at the end.
func (d *Demo) Run(ctx context.Context, metricsURL string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	d.runner.Autoscaler = &fleet.Autoscaler{Fleet: d.runner.Fleet, DownWindow: stopDelay, Desired: func(ctx context.Context) (map[string]float64, error) {
		read, err := scrape(ctx, client, metricsURL)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.last, d.err = read, err
		return read.desired, err
	}}
	d.twin.Autoscaler = &fleet.Autoscaler{Fleet: d.twin.Fleet, DownWindow: stopDelay, Desired: d.largestOnly}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	beside.Go(func() { d.watch(ctx, metricsURL) })
	var twinErr error
	beside.Go(func() { twinErr = d.twin.Run(ctx) })
	err := d.runner.Run(ctx)
	cancel()
	beside.Wait()
	writeSummary(d.options.Out, d.runner.Fleet.Status(), d.twin.Fleet.Status())
	return errors.Join(err, twinErr)
}

// largestOnly is what the twin should scale to: as many replicas of each model's largest variant as its planned demand takes.
func (d *Demo) largestOnly(context.Context) (map[string]float64, error) {
	d.mu.Lock()
	planned := d.last.planned
	d.mu.Unlock()
	desired := map[string]float64{}
	for _, v := range d.twin.Fleet.Status().Variants {
		if demand, ok := planned[v.Model]; ok {
			desired[v.Name] = math.Ceil(demand / float64(v.Capacity))
		}
	}
	return desired, nil
}

// watch draws a picture at every tick.
func (d *Demo) watch(ctx context.Context, metricsURL string) {
	s := &screen{out: d.options.Out, interactive: d.options.Interactive}
	ticker := time.NewTicker(d.options.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.show(d.picture(metricsURL))
		}
	}
}

func (d *Demo) picture(metricsURL string) string {
	d.mu.Lock()
	desired, failure := d.last.desired, d.err
	d.mu.Unlock()
	status, twin := d.runner.Fleet.Status(), d.twin.Fleet.Status()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s   %.0fs\n", metricsURL, status.Elapsed.Seconds())
	writeTable(&b, status, desired, twin.Cost)
	if failure != nil {
		fmt.Fprintln(&b, failure)
	}
	return b.String()
}

// Close ends a demo that was not run, and does nothing to one that was.
func (d *Demo) Close() error {
	if err := d.runner.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the demo's listener: %w", err)
	}
	return nil
}
