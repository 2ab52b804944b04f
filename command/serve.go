package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/variant-exporter/variant-exporter/collector"
	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/embedded"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/collector/server"
)

const (
	// defaultListenAddress is on loopback: serving a network takes a flag. The port is outside 9100 to 9999, which Prometheus'
	// list of default ports has assigned, and below the ports that systems pick for clients.
	defaultListenAddress = "127.0.0.1:18270"
	// stopTimeout bounds a graceful stop. It is longer than the longest evaluation by default, and Kubernetes kills after 30 seconds.
	stopTimeout = 25 * time.Second
)

// serveFlags are the flags of serve.
type serveFlags struct {
	logs   logging
	web    *web.FlagConfig
	server server.Options // what flags set directly
	loader server.LoaderOptions

	queries   queries
	retention model.Duration
	checks    checks
	load      func(context.Context) (server.Loaded, error) // if not nil, instead of a configuration file
	started   func(net.Addr)                               // if not nil, is called with the address once the server serves
}

func newServeCommand(app *kingpin.Application, logs logging) command {
	cmd := app.Command("serve", "Serve metrics: one evaluation for each scrape.").Default()
	f := &serveFlags{logs: logs}
	addConfigFileFlag(cmd, &f.loader.ConfigFile, "Configuration file.")
	f.addWebFlags(cmd)
	f.addEvaluationFlags(cmd)
	cmd.Validate(f.checks.run)
	return command{name: cmd.FullCommand(), run: f.run}
}

func (f *serveFlags) addWebFlags(cmd *kingpin.CmdClause) {
	f.web = kingpinflag.AddFlags(cmd, defaultListenAddress)
	cmd.GetFlag("web.listen-address").Help("Address to listen on; repeatable. The default is reached from this machine only: " +
		"in a pod, or to be scraped from elsewhere, say :18270.")
	cmd.Flag("web.health-listen-address", "Address that serves /-/healthy and /-/ready only, without the TLS and authentication of --web.config.file: for probes. Default: none.").
		PlaceHolder("ADDRESS").StringVar(&f.server.HealthAddress)
	cmd.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&f.server.TelemetryPath)
	cmd.Flag("web.external-url", "URL at which clients reach the exporter, such as through a proxy; or its path alone. All paths begin with its path, "+
		"unless --web.route-prefix says otherwise.").PlaceHolder("URL").StringVar(&f.server.ExternalURL)
	cmd.Flag("web.route-prefix", "What all paths begin with, also that of the metrics. / for a proxy that takes the path of --web.external-url away. "+
		"Default: that path.").PlaceHolder("PATH").StringVar(&f.server.RoutePrefix)
	cmd.Flag("web.max-requests", "Scrapes served at once; more get 503. Pages and the API have half as many places of their own. 0: no limit.").Default("40").Int64Var(&f.server.MaxRequests)
	f.checks.require("web.max-requests", "not be negative", func() bool { return f.server.MaxRequests >= 0 })
	cmd.Flag("web.enable-lifecycle", "Allow to reload the configuration with POST /-/reload.").BoolVar(&f.server.EnableLifecycle)
	cmd.Flag("web.enable-pprof", "Serve profiles of the process below /debug/pprof/.").BoolVar(&f.server.EnablePprof)
	cmd.Flag("web.disable-exporter-metrics", "Leave out the metrics go_*, process_* and promhttp_*.").
		BoolVar(&f.server.DisableExporterMetrics)
}

func (f *serveFlags) addEvaluationFlags(cmd *kingpin.CmdClause) {
	cmd.Flag("scrape.timeout-offset", "Part of a scrape's timeout kept for rendering and sending, but at most half of it.").
		Default("250ms").DurationVar(&f.server.TimeoutOffset)
	f.checks.require("scrape.timeout-offset", "not be negative", func() bool { return f.server.TimeoutOffset >= 0 })
	cmd.Flag("scrape.max-timeout", "Longest evaluation, and the one for a client that sends no scrape timeout.").
		Default("20s").DurationVar(&f.server.MaxTimeout)
	f.checks.require("scrape.max-timeout", "be above zero", func() bool { return f.server.MaxTimeout > 0 })
	f.queries.addTimeoutFlag(cmd, &f.checks, promapi.DefaultTimeout.String(), "Longest single query.")
	f.queries.addConcurrencyFlag(cmd, &f.checks)
	f.queries.addMaxBodyFlag(cmd, &f.checks, promapi.DefaultMaxBodyBytes, "Largest answer to a query, decompressed.")
	cmd.Flag("storage.tsdb.path", "Without prometheus.url: folder for the samples that the exporter scrapes itself. "+
		"Default: a temporary one, removed at the end.").PlaceHolder("DIR").StringVar(&f.loader.StoragePath)
	cmd.Flag("storage.tsdb.retention.time", "Without prometheus.url: how long samples are kept.").
		Default(model.Duration(embedded.DefaultRetention).String()).SetValue(&f.retention)
	f.checks.require("storage.tsdb.retention.time", "be above zero", func() bool { return f.retention > 0 })
}

// run serves until ctx ends, which is a success, or until something that serving needs fails.
func (f *serveFlags) run(ctx context.Context, std Streams) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collector.GarbagePercent)
	}
	logger, err := f.logs.logger(std.Err)
	if err != nil {
		return err
	}
	logger.Info("Starting variant_exporter.", "version", version.Info(), "build_context", version.BuildContext())
	hangup := make(chan os.Signal, 1) // One is enough: signals that come during a reload ask for one more.
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	failed := make(chan error, 1)
	srv, err := server.New(ctx, f.options(logger, failed))
	if err != nil {
		if _, invalid := errors.AsType[*config.InvalidError](err); invalid { // Each remark has been logged.
			err = fmt.Errorf("%s is not valid; `variant_exporter check %[1]s` shows where", f.loader.ConfigFile)
		}
		logger.Error("Could not start.", "err", err)
		return errReported
	}
	srv.Start()
	if f.started != nil {
		f.started(srv.Addr())
	}
	err = wait(ctx, srv, hangup, failed)
	if err != nil {
		logger.Error("Stopping after a failure.", "err", err)
	} else {
		logger.Info("Stopping.", "cause", context.Cause(ctx))
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if stopErr := srv.Stop(stopping); stopErr != nil {
		logger.Error("Did not stop in order.", "err", stopErr)
		err = errReported
	}
	if err != nil {
		return errReported
	}
	logger.Info("Stopped.")
	return nil
}

// options are the server's, from the flags and the process.
func (f *serveFlags) options(logger *slog.Logger, failed chan<- error) server.Options {
	loader := f.loader
	loader.Timeout = f.queries.timeout
	loader.Concurrency = f.queries.concurrency
	loader.MaxBodyBytes = int64(f.queries.maxBody)
	loader.Retention = time.Duration(f.retention)
	loader.UserAgent = userAgent()
	loader.Logger = logger
	loader.Now = time.Now
	loader.Failed = func(err error) {
		select {
		case failed <- err:
		default: // One failure is enough to stop.
		}
	}
	opts := f.server
	if opts.Load = f.load; opts.Load == nil {
		l := server.NewLoader(loader)
		opts.Load, opts.Collectors = l.Load, []prometheus.Collector{l}
	}
	opts.Web = f.web
	opts.Logger = logger
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return opts
}

// wait reloads on each hangup until ctx ends, or returns what has failed.
func wait(ctx context.Context, srv *server.Server, hangup <-chan os.Signal, failed <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-srv.Failed():
			return err
		case err := <-failed:
			return err
		case <-hangup:
			_ = srv.Reload(ctx) // The server logs how it went.
		}
	}
}
