package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/variant-exporter/variant-exporter/backtest/demo"
	"github.com/variant-exporter/variant-exporter/collector/past"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

const (
	// demoInterval is how often the demo's table is drawn, on a terminal and elsewhere.
	demoInterval, demoLines = time.Second, 5 * time.Second
	// demoTimeout bounds one evaluation of the past; that of the present is there already.
	demoTimeout = 20 * time.Second
)

// demoFlags are the flags of demo.
type demoFlags struct {
	logs   logging
	listen []string
	length time.Duration
	seed   uint64
	files  string
	keep   bool
	checks checks
}

func newDemoCommand(app *kingpin.Application, logs logging) command {
	cmd := app.Command("demo", "Show the exporter at work on a simulated day, next to other ways of scaling. Nothing else is needed.")
	f := &demoFlags{logs: logs}
	cmd.Flag("web.listen-address", "Address to listen on; repeatable.").Default(defaultListenAddress).StringsVar(&f.listen)
	cmd.Flag("for", "How long the day takes. 0s: as long as it takes to compute.").Default("60s").DurationVar(&f.length)
	f.checks.require("for", "not be negative", func() bool { return f.length >= 0 })
	cmd.Flag("keep", "Go on serving the page after the day, until interrupted.").BoolVar(&f.keep)
	cmd.Flag("seed", "Seed of the simulated load.").Default("1").Uint64Var(&f.seed)
	cmd.Flag("files", "Write the demo's scenario and configuration to this folder instead, for backtest.").PlaceHolder("DIR").StringVar(&f.files)
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

// run shows the day, and serves the exporter's page meanwhile.
func (f *demoFlags) run(ctx context.Context, std Streams) (err error) {
	if f.files != "" {
		return demo.WriteFiles(f.files)
	}
	o := demo.Options{Seed: f.seed, Length: f.length, Clock: time.Now, Out: std.Out, Interactive: isTerminal(std.Out), Every: demoLines, Keep: f.keep}
	if o.Interactive {
		o.Every = demoInterval
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	d, err := demo.New(ctx, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var demoErr error
	exporter := f.exporter(d)
	exporter.started = func(addr net.Addr) {
		running.Go(func() {
			demoErr = d.Run(ctx, "http://"+dialable(addr))
			if !f.keep || demoErr != nil {
				cancel() // the page ends with the day
			}
		})
	}
	err = exporter.run(ctx, std)
	cancel()
	running.Wait()
	return errors.Join(err, demoErr, d.Close())
}

// exporter is serve with the decisions, and at the time, of the demo.
func (f *demoFlags) exporter(d *demo.Demo) *serveFlags {
	none := ""
	systemd := false
	return &serveFlags{
		logs:   f.logs.quiet(),
		web:    &web.FlagConfig{WebListenAddresses: &f.listen, WebConfigFile: &none, WebSystemdSocket: &systemd},
		server: server.Options{TelemetryPath: "/metrics", MaxTimeout: demoTimeout, HistoryRange: "24h", Now: d.Now},
		load:   func(context.Context) (server.Loaded, error) { return load(d) },
	}
}

// load shows the decisions of the demo, and makes those of its past again.
func load(d *demo.Demo) (server.Loaded, error) {
	keeper, err := past.NewKeeper(d.Config(), d, past.Options{Concurrency: 1, Now: d.Now})
	if err != nil {
		return server.Loaded{}, err
	}
	return server.Loaded{Evaluator: d, Config: d.Config(), Past: keeper, Release: func() error { keeper.Close(); return nil }}, nil
}

// dialable is an address at which this machine reaches a listener of its own.
func dialable(addr net.Addr) string {
	at, err := netip.ParseAddrPort(addr.String())
	if err == nil && at.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d", at.Port())
	}
	return addr.String()
}

// isTerminal reports whether a writer is a terminal, on which a picture can be redrawn.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
