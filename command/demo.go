package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/variant-exporter/variant-exporter/backtest/demo"
	"github.com/variant-exporter/variant-exporter/backtest/fleet"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

const (
	// demoInterval is how often the demo's table is drawn.
	demoInterval = 2 * time.Second
	// demoTimeout bounds one evaluation; everything it asks is in the same process.
	demoTimeout = 2 * time.Second
)

// demoFlags are the flags of demo.
type demoFlags struct {
	logs   logging
	listen []string
	runFor time.Duration
	seed   uint64
}

func newDemoCommand(app *kingpin.Application, logs logging) command {
	cmd := app.Command("demo", "Show the exporter at work on a simulated fleet of model servers. Nothing else is needed.")
	f := &demoFlags{logs: logs}
	cmd.Flag("web.listen-address", "Address to listen on; repeatable.").Default(defaultListenAddress).StringsVar(&f.listen)
	cmd.Flag("for", "How long to run. 0s: until interrupted.").Default("0s").DurationVar(&f.runFor)
	cmd.Flag("seed", "Seed of the simulated load.").Default("1").Uint64Var(&f.seed)
	return command{name: cmd.FullCommand(), run: f.run}
}

// run runs a simulated fleet, and the exporter with a configuration for it.
func (f *demoFlags) run(ctx context.Context, std Streams) (err error) {
	dir, err := os.MkdirTemp("", "variant_exporter-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := demo.New(ctx, demo.Options{
		Fleet: fleet.Demo(), Seed: f.seed, Dir: dir, Clock: time.Now,
		Out: std.Out, Interactive: isTerminal(std.Out), Every: demoInterval,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var demoErr error
	exporter := f.exporter(filepath.Join(dir, demo.ConfigFile))
	exporter.started = func(addr net.Addr) {
		url := "http://" + dialable(addr) + "/metrics"
		fmt.Fprintf(std.Out, "A simulated fleet, and the exporter that plans for it. Watch it think: http://%s/\n", dialable(addr))
		fmt.Fprintf(std.Out, "Its metrics: %s\n", url)
		fmt.Fprintf(std.Out, "The exporter's configuration, and the fleet's servers for a file_sd of yours: %s\n", dir)
		demoCtx := ctx
		if f.runFor > 0 {
			var stop context.CancelFunc
			demoCtx, stop = context.WithTimeout(ctx, f.runFor)
			context.AfterFunc(demoCtx, stop)
		}
		running.Go(func() {
			defer cancel() // the exporter ends with the demo
			demoErr = d.Run(demoCtx, url)
		})
	}
	err = exporter.run(ctx, std)
	cancel()
	running.Wait()
	return errors.Join(err, demoErr, d.Close())
}

// exporter is serve as the demo needs it.
func (f *demoFlags) exporter(configFile string) *serveFlags {
	none := ""
	systemd := false
	return &serveFlags{
		logs:      f.logs.quiet(),
		web:       &web.FlagConfig{WebListenAddresses: &f.listen, WebConfigFile: &none, WebSystemdSocket: &systemd},
		server:    server.Options{TelemetryPath: "/metrics", MaxTimeout: demoTimeout, HistoryRange: "15m"},
		loader:    server.LoaderOptions{ConfigFile: configFile},
		queries:   queries{timeout: demoTimeout, concurrency: 8, maxBody: promapi.DefaultMaxBodyBytes},
		retention: model.Duration(embedded.DefaultRetention),
	}
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
